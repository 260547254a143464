//! What values consist of.

/// What a value consists of.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) digits: usize,
    pub(super) upper: usize,
    pub(super) lower: usize,
    pub(super) blanks: usize,
    /// `_ - . / : , +` and `=`, which names and encodings hold.
    pub(super) joints: usize,
    /// Other punctuation.
    pub(super) marks: usize,
    /// Bytes beyond ASCII.
    pub(super) foreign: usize,
}

/// For each byte, the number of the part it belongs to, in the order of [`Parts`].
static PART: [u8; 256] = parts();

#[allow(clippy::indexing_slicing, reason = "evaluated when compiling, within bounds")]
const fn parts() -> [u8; 256] {
    let mut table = [6; 256];
    let mut byte = 0;
    while byte < 128 {
        #[allow(clippy::cast_possible_truncation, reason = "less than 128")]
        let part = match byte as u8 {
            b'0'..=b'9' => 0,
            b'A'..=b'Z' => 1,
            b'a'..=b'z' => 2,
            0..=b' ' | 0x7F => 3,
            b'_' | b'-' | b'.' | b'/' | b':' | b',' | b'+' | b'=' => 4,
            _ => 5,
        };
        table[byte] = part;
        byte += 1;
    }
    table
}

impl Parts {
    pub(super) fn of(value: &[u8]) -> Self {
        let mut counts = [0; 8];
        for byte in value {
            let part = PART.get(usize::from(*byte)).copied().unwrap_or(0);
            if let Some(count) = counts.get_mut(usize::from(part & 7)) {
                *count += 1;
            }
        }
        let [digits, upper, lower, blanks, joints, marks, foreign, _] = counts;
        Self { digits, upper, lower, blanks, joints, marks, foreign }
    }

    /// How many letters there are.
    pub(super) fn letters(&self) -> usize {
        self.upper + self.lower
    }
}
