//! Our own placeholders, `[redacted:aws-access-key-id:7f3a]`.

use super::class;

const BEGINS: &[u8] = b"[redacted:";

/// The longest that a detector's name and a suffix may be.
const MOST: usize = 64;

/// No placeholder is longer, in bytes.
pub(crate) const LONGEST: usize = BEGINS.len() + 2 * MOST + 2;

/// The index after the placeholder that begins at `at`, if one does.
pub fn at(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?.strip_prefix(BEGINS)?;
    let name = class::run(rest, class::LOWER | class::DIGIT | class::DASH, MOST);
    let suffix = rest.get(name..)?.strip_prefix(b":")?;
    let digits = suffix.iter().take(MOST).take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
    (name > 0 && digits > 0 && suffix.get(digits) == Some(&b']')).then_some(at + BEGINS.len() + name + 1 + digits + 1)
}

/// The first placeholder in `text`: its bounds.
pub fn find(text: &[u8]) -> Option<(usize, usize)> {
    (0..text.len()).filter(|start| text.get(*start) == Some(&b'[')).find_map(|start| Some((start, at(text, start)?)))
}

/// Whether `text` is a placeholder and nothing else.
pub fn is_whole(text: &[u8]) -> bool {
    at(text, 0) == Some(text.len())
}

#[cfg(test)]
mod tests {
    use super::{find, is_whole};

    #[test]
    fn placeholders_are_told_from_what_resembles_them() {
        assert_eq!(find(b"a [redacted:jwt:7f3a] b"), Some((2, 21)));
        assert_eq!(find(b"[[redacted:[redacted:aws-access-key-id:0]"), Some((11, 41)));
        for text in [
            "[redacted:]",
            "[redacted:jwt]",
            "[redacted:JWT:7f3a]",
            "[redacted:jwt:]",
            "[redacted:jwt:7f3g]",
            "[redacted:jwt:7f3a",
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text}");
        }
        assert!(is_whole(b"[redacted:jwt:7f3a]") && !is_whole(b"[redacted:jwt:7f3a]x"));
    }
}
