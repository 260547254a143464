//! Resource URIs: which are written in normal form (RFC 3986 section 6), and what a URI template can become (RFC 6570).
//!
//! A rule compares URIs as text, and a server may resolve them, so only a URI that no server needs to resolve is judged.

use crate::pattern::Pattern;

/// Longer URIs match no rule: browsers and servers give up at about this length.
const LONGEST: usize = 8 * 1024;

/// What keeps a URI from being in normal form, as the end of the sentence "it has …".
///
/// ```
/// use tidegate_filter::mcp::uri;
/// assert_eq!(uri::fault("file:///srv/notes/a%20b.txt"), None);
/// assert_eq!(uri::fault("file:///srv/notes/../../etc/passwd"), Some("a dot segment"));
/// ```
pub fn fault(uri: &str) -> Option<&'static str> {
    if uri.len() > LONGEST {
        return Some("more than 8 KiB");
    }
    let Some((scheme, rest)) = uri.split_once(':') else { return Some("no scheme") };
    let mut letters = scheme.bytes();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    if !letters.next().is_some_and(|first| first.is_ascii_lowercase()) || !letters.all(plain) {
        return Some("a scheme that is not in lower case");
    }
    if let Some(fault) = characters_fault(rest) {
        return Some(fault);
    }
    let rest = rest.split('?').next().unwrap_or_default();
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if authority.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return Some("an authority that is not in lower case");
            }
            path.strip_prefix('/').unwrap_or_default()
        }
    };
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        if matches!(segment, "." | "..") {
            return Some("a dot segment");
        }
        if segment.is_empty() && segments.peek().is_some() {
            return Some("an empty segment");
        }
    }
    None
}

fn characters_fault(text: &str) -> Option<&'static str> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let (Some(high), Some(low)) = (bytes.next().and_then(hex), bytes.next().and_then(hex)) else {
                    return Some("a percent sign that is not followed by two digits in upper case");
                };
                let decoded = high << 4 | low;
                if decoded.is_ascii_alphanumeric() || b"-._~".contains(&decoded) {
                    return Some("a character that is encoded without need");
                }
                if matches!(decoded, b'/' | b'\\' | 0) {
                    return Some("an encoded separator");
                }
            }
            b'#' => return Some("a fragment"),
            b'\\' => return Some("a backslash"),
            0x21..=0x7e if !b"\"<>^`{|}".contains(&byte) => {}
            _ => return Some("a character that a URI must encode"),
        }
    }
    None
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// What every expansion of a URI template begins and ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template<'a> {
    head: &'a str,
    tail: &'a str,
    fixed: bool,
}

impl<'a> Template<'a> {
    /// Reads a URI template, of which only the literal ends count.
    pub fn new(template: &'a str) -> Self {
        match (template.find('{'), template.rfind('}')) {
            (Some(open), Some(close)) if open < close => Self {
                head: template.get(..open).unwrap_or_default(),
                tail: template.get(close + 1..).unwrap_or_default(),
                fixed: false,
            },
            _ => Self { head: template, tail: "", fixed: true },
        }
    }

    /// Whether some expansion matches the pattern.
    pub fn can_match(&self, pattern: &Pattern) -> bool {
        if self.fixed {
            return pattern.matches(self.head);
        }
        match pattern {
            Pattern::Exact(uri) => {
                uri.len() >= self.head.len() + self.tail.len() && uri.starts_with(self.head) && uri.ends_with(self.tail)
            }
            Pattern::Prefix(text) => text.starts_with(self.head) || self.head.starts_with(&**text),
            Pattern::Suffix(text) => text.ends_with(self.tail) || self.tail.ends_with(&**text),
            Pattern::Middle(_) | Pattern::Any => true,
        }
    }

    /// Whether every expansion matches the pattern.
    pub fn must_match(&self, pattern: &Pattern) -> bool {
        if self.fixed {
            return pattern.matches(self.head);
        }
        match pattern {
            Pattern::Exact(_) => false,
            Pattern::Prefix(text) => self.head.starts_with(&**text),
            Pattern::Suffix(text) => self.tail.ends_with(&**text),
            Pattern::Middle(text) => self.head.contains(&**text) || self.tail.contains(&**text),
            Pattern::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uris_in_normal_form_are_without_fault() {
        for uri in [
            "file:///srv/a.txt",
            "file:///",
            "https://example.com:8443/a/b?x=A%26B&path=../x",
            "test://static-text",
            "test://template/7/data",
            "urn:isbn:0451450523",
            "note:a",
            "postgres://db/customers/schema",
            "x://h/a/",
        ] {
            assert_eq!(fault(uri), None, "{uri}");
        }
        for (uri, said) in [
            ("", "no scheme"),
            ("/etc/passwd", "no scheme"),
            ("File:///a", "scheme"),
            ("1x:a", "scheme"),
            ("https://Example.com/", "authority"),
            ("file:///a/../b", "dot segment"),
            ("file:///a/.", "dot segment"),
            ("file:////etc/passwd", "empty segment"),
            ("file:///a//b", "empty segment"),
            ("file:///a/%2e%2e/b", "percent sign"),
            ("file:///a/%2E%2E/b", "without need"),
            ("file:///a/..%2Fb", "separator"),
            ("file:///a/%5Cb", "separator"),
            ("file:///a%00", "separator"),
            ("file:///a\\b", "backslash"),
            ("file:///a b", "must encode"),
            ("file:///é", "must encode"),
            ("file:///a%4", "percent sign"),
            ("x://a#b", "fragment"),
        ] {
            assert!(fault(uri).is_some_and(|it| it.contains(said)), "{uri}: {:?}", fault(uri));
        }
        assert!(fault(&format!("x:{}", "a".repeat(LONGEST))).is_some());
    }

    #[test]
    fn templates_can_or_must_match() {
        let table = [
            ("db://{table}/schema", "db://users/schema", true, false),
            ("db://{table}/schema", "db://users/rows", false, false),
            ("db://{table}/schema", "db://*", true, true),
            ("db://{table}/schema", "db://users/*", true, false),
            ("db://{table}/schema", "file://*", false, false),
            ("db://{table}/schema", "*/schema", true, true),
            ("db://{table}/schema", "*/rows", false, false),
            ("db://{table}/schema", "*users*", true, false),
            ("db://{table}/schema", "*", true, true),
            ("db://fixed", "db://fixed", true, true),
            ("db://fixed", "db://f", false, false),
            ("{+any}", "file:///x", true, false),
        ];
        for (template, pattern, can, must) in table {
            let (template, parsed) = (Template::new(template), Pattern::parse(pattern).unwrap());
            assert_eq!(
                (template.can_match(&parsed), template.must_match(&parsed)),
                (can, must),
                "{template:?} {pattern}"
            );
        }
    }
}
