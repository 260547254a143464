//! Header maps with the semantics of Envoy's `HeaderMapImpl`, and the ABI's serialisation of pairs.

use std::fmt;

/// Headers that Envoy keeps once per map: adding a second value appends it to the first, joined by a comma.
/// Every other name may occur several times.
const SINGLE: &[&str] = &[
    ":authority",
    ":method",
    ":path",
    ":protocol",
    ":scheme",
    ":status",
    "accept",
    "accept-encoding",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "grpc-message",
    "grpc-status",
    "grpc-timeout",
    "host",
    "keep-alive",
    "location",
    "origin",
    "proxy-connection",
    "proxy-status",
    "referer",
    "server",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "x-envoy-upstream-service-time",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// The largest number of pairs a guest may hand to the host (Envoy's limit).
const MAX_PAIRS: usize = 1024;
/// The largest serialised size of pairs a guest may hand to the host (Envoy's limit).
const MAX_PAIRS_BYTES: usize = 1 << 20;

/// An ordered header map. Names are lower case; values are bytes, for HTTP allows bytes that are not UTF-8.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    entries: Vec<(String, Vec<u8>)>,
}

impl Headers {
    /// A map with these entries, each added as [`Headers::add`] does.
    pub fn new<N: AsRef<str>, V: AsRef<[u8]>>(entries: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut headers = Self::default();
        for (name, value) in entries {
            headers.add(name.as_ref(), value.as_ref());
        }
        headers
    }

    /// Adds a value as Envoy does: names are lower-cased, pseudo-headers go before the others, and a header that Envoy
    /// keeps once (`content-type`, `authorization`, …) gets the value appended after a comma.
    pub fn add(&mut self, name: &str, value: &[u8]) {
        let name = name.to_ascii_lowercase();
        if SINGLE.contains(&name.as_str())
            && let Some((_, existing)) = self.entries.iter_mut().find(|(other, _)| *other == name)
        {
            existing.extend_from_slice(if name == "cookie" { b"; " } else { b"," });
            existing.extend_from_slice(value);
            return;
        }
        if name.starts_with(':') {
            let at = self.entries.iter().take_while(|(other, _)| other.starts_with(':')).count();
            self.entries.insert(at, (name, value.to_vec()));
        } else {
            self.entries.push((name, value.to_vec()));
        }
    }

    /// Replaces every value of the name by this one, which then stands last.
    pub fn replace(&mut self, name: &str, value: &[u8]) {
        self.remove(name);
        self.add(name, value);
    }

    /// Removes every value of the name.
    pub fn remove(&mut self, name: &str) {
        self.entries.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    /// The first value of the name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.entries.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }

    /// The first value of the name as text, bytes that are not UTF-8 replaced.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// All values of the name joined by a comma, as Envoy's `request.headers[name]` attribute gives them.
    pub fn joined(&self, name: &str) -> Option<Vec<u8>> {
        let values: Vec<&[u8]> = self
            .entries
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
            .collect();
        (!values.is_empty()).then(|| values.join(&b","[..]))
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of all names and values.
    pub fn byte_size(&self) -> usize {
        self.entries.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// `content-length` as a number, if there is one that can be read.
    pub fn content_length(&self) -> Option<usize> {
        self.text("content-length")?.parse().ok()
    }

    /// Serialises for the guest.
    pub(crate) fn to_pairs(&self) -> Vec<u8> {
        encode_pairs(self.iter().map(|(name, value)| (name.as_bytes(), value)))
    }

    /// Reads what a guest serialised. Malformed pairs are no pairs, as in Envoy.
    pub(crate) fn from_pairs(bytes: &[u8]) -> Self {
        let mut headers = Self::default();
        for (name, value) in decode_pairs(bytes).unwrap_or_default() {
            headers.add(&String::from_utf8_lossy(&name), &value);
        }
        headers
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value)))).finish()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        Self::new(entries)
    }
}

/// The ABI's form of pairs: count, then the lengths of each name and value, then the bytes, each followed by a NUL.
pub(crate) fn encode_pairs<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let mut bytes = length(pairs.len()).to_vec();
    for (name, value) in &pairs {
        bytes.extend(length(name.len()));
        bytes.extend(length(value.len()));
    }
    for (name, value) in pairs {
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes
}

fn length(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes()
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The inverse of [`encode_pairs`]; `None` when malformed or over Envoy's limits.
pub(crate) fn decode_pairs(bytes: &[u8]) -> Option<Pairs> {
    if bytes.len() > MAX_PAIRS_BYTES {
        return None;
    }
    let word = |at: usize| -> Option<usize> {
        let word = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(word.try_into().ok()?) as usize)
    };
    let count = word(0)?;
    if count > MAX_PAIRS {
        return None;
    }
    let mut at = 4 + count * 8;
    let mut take = |len: usize| -> Option<Vec<u8>> {
        let end = at.checked_add(len)?;
        let taken = bytes.get(at..end)?.to_vec();
        (*bytes.get(end)? == 0).then_some(())?;
        at = end + 1;
        Some(taken)
    };
    (0..count).map(|i| Some((take(word(4 + i * 8)?)?, take(word(8 + i * 8)?)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_survive_the_round_trip() {
        let headers = Headers::new([("X-A", &b"1"[..]), (":path", b"/"), ("x-a", b"\xff")]);
        let bytes = headers.to_pairs();
        assert_eq!(Headers::from_pairs(&bytes), headers);
        assert_eq!(headers.iter().next(), Some((":path", &b"/"[..])), "pseudo-headers come first");
    }

    #[test]
    fn malformed_pairs_are_no_pairs() {
        let good = Headers::new([("a", "b")]).to_pairs();
        for cut in 0..good.len() {
            assert!(Headers::from_pairs(&good[..cut]).is_empty(), "cut at {cut}");
        }
        assert!(Headers::from_pairs(&[0xff; 64]).is_empty());
    }

    #[test]
    fn a_header_kept_once_gathers_its_values() {
        let headers = Headers::new([("accept", "a"), ("Accept", "b"), ("x", "1"), ("x", "2")]);
        assert_eq!(headers.get("accept"), Some(&b"a,b"[..]));
        assert_eq!(headers.get("x"), Some(&b"1"[..]));
        assert_eq!(headers.joined("x"), Some(b"1,2".to_vec()));
    }
}
