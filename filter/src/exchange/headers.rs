//! The header section of a request or response, as raw bytes: values need not be UTF-8 (RFC 9110 section 5.5).

/// Names (lower case, as HTTP/2 has them and Envoy writes them, pseudo-headers included) and values, in order.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// [`tag`] of the name: most lookups end without comparing text.
    tag: usize,
    name: (usize, usize),
    value: (usize, usize),
}

/// Length, first and last byte of a name in one number.
fn tag(name: &[u8]) -> usize {
    let end = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or(0));
    name.len() << 16 | end(name.first()) << 8 | end(name.last())
}

/// The values of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// No line of that name.
    Absent,
    /// Exactly one line.
    One(&'a [u8]),
    /// Several lines.
    Many,
}

impl<'a> Lookup<'a> {
    /// The value if there is exactly one line and it is UTF-8.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::One(value) => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }
}

impl Headers {
    /// Headers whose names and values are ranges (start, end) of one buffer. Ranges outside it read as empty.
    pub fn from_ranges(bytes: Vec<u8>, ranges: impl IntoIterator<Item = ((usize, usize), (usize, usize))>) -> Self {
        let entry = |(name, value): ((usize, usize), _)| Entry {
            tag: tag(bytes.get(name.0..name.1).unwrap_or_default()),
            name,
            value,
        };
        let entries = ranges.into_iter().map(entry).collect();
        Self { bytes, entries }
    }

    /// Headers from pairs.
    pub fn from_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            let start = headers.bytes.len();
            headers.bytes.extend_from_slice(name.as_ref());
            let middle = headers.bytes.len();
            headers.bytes.extend_from_slice(value.as_ref());
            let tag = tag(name.as_ref());
            headers.entries.push(Entry { tag, name: (start, middle), value: (middle, headers.bytes.len()) });
        }
        headers
    }

    fn slice(&self, (start, end): (usize, usize)) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Every line as (name, value).
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|entry| (self.slice(entry.name), self.slice(entry.value)))
    }

    /// The lines called `name`, which is given in lower case.
    pub fn get(&self, name: &str) -> Lookup<'_> {
        let tag = tag(name.as_bytes());
        let mut found =
            self.entries.iter().filter(|entry| entry.tag == tag && self.slice(entry.name) == name.as_bytes());
        match (found.next(), found.next()) {
            (None, _) => Lookup::Absent,
            (Some(entry), None) => Lookup::One(self.slice(entry.value)),
            (Some(_), Some(_)) => Lookup::Many,
        }
    }

    /// The value of the only line called `name`, if it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).text()
    }

    /// Whether a line is called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.get(name) != Lookup::Absent
    }
}

/// A media type without its parameters, in lower case, and its charset parameter (RFC 9110 section 8.3.1).
/// None if the value is not UTF-8 or names more than one media type.
pub fn media_type(value: &[u8]) -> Option<(String, Option<String>)> {
    let text = std::str::from_utf8(value).ok()?;
    let mut parts = text.split(';');
    let essence = parts.next()?.trim().to_ascii_lowercase();
    if essence.contains(',') {
        return None;
    }
    let mut charset = None;
    for part in parts {
        // A comma here would start a second media type; a charset given twice can be read two ways.
        if part.contains(',') {
            return None;
        }
        let Some((name, value)) = part.split_once('=') else { continue };
        if name.trim().eq_ignore_ascii_case("charset")
            && charset.replace(value.trim().trim_matches('"').to_ascii_lowercase()).is_some()
        {
            return None;
        }
    }
    Some((essence, charset))
}

/// Whether a content-type's charset is one that the strict parser reads as the peers do.
pub fn is_utf8(charset: Option<&str>) -> bool {
    charset.is_none_or(|charset| charset == "utf-8" || charset == "utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookups_tell_one_line_from_several() {
        let headers = Headers::from_pairs([("a", "1"), ("b", "2"), ("a", "3")]);
        assert_eq!(headers.get("a"), Lookup::Many);
        assert_eq!(headers.get("b"), Lookup::One(b"2"));
        assert_eq!(headers.get("c"), Lookup::Absent);
    }

    #[test]
    fn media_types_are_read_one_way_or_not_at_all() {
        for (value, read) in [
            ("application/json", Some(("application/json", None))),
            ("Application/JSON; Charset=\"UTF-8\"", Some(("application/json", Some("utf-8")))),
            ("application/json; x=1;charset=utf-16le", Some(("application/json", Some("utf-16le")))),
            ("application/json, text/plain", None),
            ("application/json;charset=utf-8,text/plain", None),
            ("application/json;charset=utf-8;charset=utf-16", None),
            ("text/event-stream", Some(("text/event-stream", None))),
        ] {
            let got = media_type(value.as_bytes());
            assert_eq!(got.as_ref().map(|(e, c)| (e.as_str(), c.as_deref())), read, "{value}");
        }
    }
}
