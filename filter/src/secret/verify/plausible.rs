//! Tells values that are secrets from those that only stand where one could.

/// Whether a token was masked or made up for documentation.
pub(super) fn is_masked(value: &[u8]) -> bool {
    contains(value, b"example")
        || contains(value, b"xxxxx")
        || contains(value, b"redacted")
        || contains(value, b"your_")
        || contains(value, b"your-")
        || contains(value, b"placeholder")
}

/// Whether `value` contains `word`, which is in lower case, in any mix of cases.
pub(super) fn contains(value: &[u8], word: &[u8]) -> bool {
    value.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}
