//! Name patterns: exact text, `prefix*`, `*suffix`, `*middle*` and `*`, byte for byte.
//!
//! ```
//! use tidegate_filter::pattern::Pattern;
//! let reads = Pattern::parse("get_*")?;
//! assert!(reads.matches("get_invoice") && !reads.matches("Get_invoice"));
//! assert!(Pattern::parse("get_*_by_id").is_err());
//! # Ok::<(), tidegate_filter::pattern::PatternFault>(())
//! ```

mod index;

pub use index::NameIndex;
pub(crate) use index::Texts;

use std::fmt;

/// A compiled name pattern. Matching compares bytes: no case folding, no Unicode normalisation, because MCP servers do
/// neither and a looser match than the server's own is a bypass.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// The name itself.
    Exact(Box<str>),
    /// `text*`: names that begin with `text`.
    Prefix(Box<str>),
    /// `*text`: names that end with `text`.
    Suffix(Box<str>),
    /// `*text*`: names that contain `text`.
    Middle(Box<str>),
    /// `*`: every name.
    Any,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternFault {
    /// The text is empty; it would match nothing.
    Empty,
    /// A `*` stands somewhere other than at the ends, or there is nothing between two of them.
    Wildcard,
}

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty pattern matches nothing",
            Self::Wildcard => "`*` may stand only at the beginning, at the end, or alone",
        })
    }
}

impl std::error::Error for PatternFault {}

impl Pattern {
    /// Reads a pattern as a policy writes it.
    ///
    /// # Errors
    /// [`PatternFault`] for an empty text and for any `*` that is not the first or the last byte.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        if text.is_empty() {
            return Err(PatternFault::Empty);
        }
        if text == "*" {
            return Ok(Self::Any);
        }
        let (open_start, rest) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
        let (open_end, core) = rest.strip_suffix('*').map_or((false, rest), |rest| (true, rest));
        if core.is_empty() || core.contains('*') {
            return Err(PatternFault::Wildcard);
        }
        let core = core.into();
        Ok(match (open_start, open_end) {
            (false, false) => Self::Exact(core),
            (false, true) => Self::Prefix(core),
            (true, false) => Self::Suffix(core),
            (true, true) => Self::Middle(core),
        })
    }

    /// Whether `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(text) => **text == *name,
            Self::Prefix(text) => name.starts_with(&**text),
            Self::Suffix(text) => name.ends_with(&**text),
            Self::Middle(text) => name.contains(&**text),
            Self::Any => true,
        }
    }

    /// Whether every name that `other` matches is matched by this pattern as well.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Any) => false,
            (_, Self::Exact(name)) => self.matches(name),
            (Self::Prefix(wide), Self::Prefix(text)) => text.starts_with(&**wide),
            (Self::Suffix(wide), Self::Suffix(text)) => text.ends_with(&**wide),
            (Self::Middle(wide), Self::Prefix(text) | Self::Suffix(text) | Self::Middle(text)) => {
                text.contains(&**wide)
            }
            _ => false,
        }
    }

    /// Whether some name can match both patterns.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(name), pattern) | (pattern, Self::Exact(name)) => pattern.matches(name),
            (Self::Prefix(a), Self::Prefix(b)) => a.starts_with(&**b) || b.starts_with(&**a),
            (Self::Suffix(a), Self::Suffix(b)) => a.ends_with(&**b) || b.ends_with(&**a),
            _ => true,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => f.write_str(text),
            Self::Prefix(text) => write!(f, "{text}*"),
            Self::Suffix(text) => write!(f, "*{text}"),
            Self::Middle(text) => write!(f, "*{text}*"),
            Self::Any => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_byte_for_byte() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("refund", &["refund"], &["Refund", "refund ", "refunds", "a/refund", ""]),
            ("get_*", &["get_", "get_x", "get_x*"], &["get", "Get_x", "xget_"]),
            ("*_admin", &["_admin", "x_admin"], &["x_admins", "x_Admin", "admin"]),
            ("*secret*", &["secret", "my_secret_x"], &["secre", "SECRET"]),
            ("*", &["", "anything/at all"], &[]),
            ("é*", &["éa"], &["e\u{301}a"]),
        ];
        for (text, yes, no) in table {
            let pattern = Pattern::parse(text).unwrap();
            assert_eq!(pattern.to_string(), *text);
            for name in *yes {
                assert!(pattern.matches(name), "{text} must match {name:?}");
            }
            for name in *no {
                assert!(!pattern.matches(name), "{text} must not match {name:?}");
            }
        }
    }

    #[test]
    fn other_uses_of_the_star_are_refused() {
        assert_eq!(Pattern::parse(""), Err(PatternFault::Empty));
        for text in ["**", "***", "a*b", "*a*b", "a*b*", "**a", "a**", "*a*b*"] {
            assert_eq!(Pattern::parse(text), Err(PatternFault::Wildcard), "{text}");
        }
    }

    #[test]
    fn a_pattern_that_covers_another_matches_all_its_names() {
        let texts = ["a", "ab", "ba", "a*", "ab*", "*a", "*ba", "*a*", "*ab*", "*", "b*"];
        let names = ["", "a", "b", "ab", "ba", "aba", "bab", "abab", "baba", "xabx", "xbax", "axxa"];
        for wide in texts {
            for narrow in texts {
                let (p, q) = (Pattern::parse(wide).unwrap(), Pattern::parse(narrow).unwrap());
                assert_eq!(p.meets(&q), q.meets(&p));
                if !p.meets(&q) {
                    assert!(!names.iter().any(|name| p.matches(name) && q.matches(name)), "{wide} meets {narrow}");
                }
                if p.covers(&q) {
                    assert!(p.meets(&q));
                    for name in names {
                        assert!(!q.matches(name) || p.matches(name), "{wide} covers {narrow} but not {name}");
                    }
                }
            }
        }
        assert!(Pattern::parse("*a*").unwrap().covers(&Pattern::parse("ba*").unwrap()));
        assert!(!Pattern::parse("a*").unwrap().covers(&Pattern::parse("*a").unwrap()));
    }
}
