//! All widths against a reading byte by byte.

use super::*;

fn plainly(bytes: &[u8]) -> Run {
    string_tail(bytes, 0, true)
}

#[test]
fn every_width_agrees_at_every_length_and_position() {
    let interesting = [0, 1, 0x0a, 0x0d, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0x9f, 0xa2, 0xff];
    for length in 0..100 {
        for filler in [b'a', 0xc3, 0x20] {
            let mut bytes = vec![filler; length];
            assert_eq!(wide::string_run(&bytes), plainly(&bytes));
            assert_eq!(narrow::string_run(&bytes), plainly(&bytes));
            for position in 0..length {
                for byte in interesting {
                    bytes[position] = byte;
                    assert_eq!(wide::string_run(&bytes), plainly(&bytes), "{bytes:x?}");
                    assert_eq!(narrow::string_run(&bytes), plainly(&bytes), "{bytes:x?}");
                    assert_eq!(wide::escaped_run(&bytes), escaped_tail(&bytes, 0, true, false), "{bytes:x?}");
                    assert_eq!(narrow::escaped_run(&bytes), escaped_tail(&bytes, 0, true, false), "{bytes:x?}");
                    assert_eq!(wide::line_end(&bytes), line_tail(&bytes, 0), "{bytes:x?}");
                    assert_eq!(narrow::line_end(&bytes), line_tail(&bytes, 0), "{bytes:x?}");
                }
                bytes[position] = filler;
            }
        }
    }
}

#[test]
fn escapes_are_passed_alike_wherever_they_lie() {
    // Runs of backslashes of every length before every kind of byte, at every place in the blocks.
    for length in 0..40 {
        for backslashes in 0..8 {
            for end in [b'n', b'"', b'u', b'x', 0, 0xc3] {
                let mut bytes = vec![b'a'; length];
                bytes.extend(std::iter::repeat_n(b'\\', backslashes));
                bytes.push(end);
                for tail in 0..20 {
                    bytes.extend(std::iter::repeat_n(b'b', tail));
                    let plain = escaped_tail(&bytes, 0, true, false);
                    assert_eq!(wide::escaped_run(&bytes), plain, "{bytes:x?}");
                    assert_eq!(narrow::escaped_run(&bytes), plain, "{bytes:x?}");
                    bytes.truncate(length + backslashes + 1);
                }
            }
        }
    }
    assert_eq!(escaped_run(br#"a\\"b"#).len, 3);
    assert_eq!(escaped_run(br#"a\"b\u0041"#).len, 4);
    assert_eq!(escaped_run(br#"a\"b\"#).len, 4);
}

#[test]
fn neighbours_do_not_mislead_the_narrow_scan() {
    // Every pair of bytes side by side: a borrow from a hit must not move the hit.
    for first in 0..=255_u8 {
        for second in 0..=255_u8 {
            let mut bytes = [b'x'; 24];
            bytes[3] = first;
            bytes[4] = second;
            assert_eq!(narrow::string_run(&bytes), plainly(&bytes), "{first:x} {second:x}");
            assert_eq!(wide::string_run(&bytes), plainly(&bytes), "{first:x} {second:x}");
            assert_eq!(narrow::line_end(&bytes), line_tail(&bytes, 0), "{first:x} {second:x}");
        }
    }
}
