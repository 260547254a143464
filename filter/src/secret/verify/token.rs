//! A literal, then runs of byte classes.

use super::{Found, Text, class};
use crate::secret::detector::{Detector, Segment};

pub(super) fn verify(detector: &Detector, segments: &[Segment], text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let before = at.checked_sub(1).and_then(|before| text.bytes.get(before));
    if before.is_some_and(|byte| class::is(*byte, class::ALNUM)) {
        return nothing;
    }
    let mut here = end;
    let mut last = 0;
    for segment in segments {
        let rest = text.bytes.get(here..).unwrap_or_default();
        match *segment {
            Segment::Run(classes, least, most) => {
                let run = rest.iter().take(usize::from(most)).take_while(|byte| class::is(**byte, classes)).count();
                if run == rest.len() && run < usize::from(most) && !text.is_complete {
                    return Found::More;
                }
                if run < usize::from(least) {
                    return nothing;
                }
                here += run;
                last = classes;
            }
            Segment::Text(wanted) => {
                let wanted = wanted.as_bytes();
                if !text.is_complete && rest.len() < wanted.len() && wanted.starts_with(rest) {
                    return Found::More;
                }
                if !rest.starts_with(wanted) {
                    return nothing;
                }
                here += wanted.len();
            }
        }
    }
    match text.bytes.get(here) {
        None if !text.is_complete => Found::More,
        Some(byte) if class::is(*byte, last & class::ALNUM) => nothing,
        _ if text.bytes.get(at..here).is_some_and(|it| detector.passes.iter().any(|pass| pass.as_bytes() == it)) => {
            nothing
        }
        _ => Found::Secret { start: at, end: here },
    }
}
