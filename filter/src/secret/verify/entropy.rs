//! Shannon entropy in integers.

/// Bytes of a value that are counted: more say nothing new.
const MOST: usize = 256;

/// Fraction bits of [`LOG2`].
const SHIFT: u32 = 10;

/// log2 of each number up to [`MOST`], times 2^[`SHIFT`].
static LOG2: [u16; MOST + 1] = logs();

#[allow(clippy::indexing_slicing, reason = "evaluated when compiling, within bounds")]
const fn logs() -> [u16; MOST + 1] {
    let mut table = [0_u16; MOST + 1];
    let mut number = 1_usize;
    while number <= MOST {
        table[number] = log2(number as u64);
        number += 1;
    }
    table
}

/// Bit by bit: squaring the mantissa doubles its logarithm.
#[allow(clippy::cast_possible_truncation, reason = "at most 8 << 10")]
const fn log2(number: u64) -> u16 {
    let whole = number.ilog2();
    let mut mantissa = (number << 31) >> whole;
    let mut log = whole;
    let mut bit = 0;
    while bit < SHIFT {
        mantissa = (mantissa * mantissa) >> 31;
        log <<= 1;
        if mantissa >= 1 << 32 {
            log |= 1;
            mantissa >>= 1;
        }
        bit += 1;
    }
    log as u16
}

/// Shannon entropy of the first 256 bytes of `value`, in hundredths of a bit a byte, rounded down.
pub(crate) fn hundredths(value: &[u8]) -> u32 {
    let value = value.get(..MOST).unwrap_or(value);
    let mut counts = [0_u16; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = u32::try_from(value.len()).unwrap_or(0);
    if length == 0 {
        return 0;
    }
    let log = |number: usize| u32::from(LOG2.get(number).copied().unwrap_or(0));
    let within: u32 =
        counts.iter().filter(|count| **count > 1).map(|count| u32::from(*count) * log(usize::from(*count))).sum();
    ((log(value.len()) * length).saturating_sub(within) * 100 / length) >> SHIFT
}

#[cfg(test)]
mod tests {
    use super::hundredths;

    #[test]
    fn entropy_is_that_of_shannon() {
        assert_eq!(hundredths(b""), 0);
        assert_eq!(hundredths(b"aaaaaaaa"), 0);
        assert_eq!(hundredths(b"abababab"), 100);
        assert_eq!(hundredths(b"0123456789abcdef"), 400);
        assert_eq!(hundredths(&(0..=255).collect::<Vec<u8>>()), 800);
        for text in ["hunter2Summer!", "Tr0ub4dor&3", "the quick brown fox", "aab", "a"] {
            let mut counts = [0_f64; 256];
            text.bytes().for_each(|byte| counts[usize::from(byte)] += 1.0);
            let length = f64::from(u32::try_from(text.len()).unwrap());
            let exact: f64 = counts.iter().filter(|n| **n > 0.0).map(|n| -(n / length) * (n / length).log2()).sum();
            assert!((f64::from(hundredths(text.as_bytes())) - exact * 100.0).abs() < 2.0, "{text}");
        }
    }
}
