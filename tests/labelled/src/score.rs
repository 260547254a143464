//! What a filter's answer did to a text.

use std::ops::Range;

use crate::Sample;

/// The most bytes of a secret that may stay in one piece.
const REMAINDER: usize = 4;

/// The most bytes beside what may go with a secret that may go with it all the same.
const SLACK: usize = 8;

/// What became of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For each label, whether its secret is gone.
    pub found: Vec<bool>,
    /// Places that were replaced and lie in no label, or reach too far out of one.
    pub strays: Vec<Range<usize>>,
    /// All places that were replaced.
    pub replaced: Vec<Range<usize>>,
}

/// Compares a text with what came out in its place, where a replacement is `[redacted:` up to the next `]`.
///
/// Fails with what differs if more changed than replacements can explain.
pub fn compare(sample: &Sample, output: &str) -> Result<Outcome, String> {
    let replaced = align(sample, output)?;
    Ok(judge(sample, replaced, output))
}

/// What the places mean that were replaced, or that a scanner named.
pub fn judge(sample: &Sample, replaced: Vec<Range<usize>>, output: &str) -> Outcome {
    let found = sample.labels.iter().map(|label| {
        let value = &sample.text[label.place.clone()];
        longest_left(&label.place, &replaced) <= REMAINDER && !output.contains(value)
    });
    let is_stray = |place: &&Range<usize>| {
        let allowed =
            sample.labels.iter().filter(|label| label.around.start < place.end && place.start < label.around.end);
        let allowed: Vec<_> = allowed.map(|it| it.around.start.saturating_sub(SLACK)..it.around.end + SLACK).collect();
        longest_left(place, &allowed) > 0
    };
    Outcome { found: found.collect(), strays: replaced.iter().filter(is_stray).cloned().collect(), replaced }
}

/// The length of the longest piece of `place` that none of `taken` covers.
fn longest_left(place: &Range<usize>, taken: &[Range<usize>]) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for at in place.clone() {
        run = if taken.iter().any(|it| it.contains(&at)) { 0 } else { run + 1 };
        longest = longest.max(run);
    }
    longest
}

/// The places of the text that replacements stand for.
fn align(sample: &Sample, output: &str) -> Result<Vec<Range<usize>>, String> {
    let text = &sample.text;
    let (kept, placeholders) = split(output);
    let (Some((first, middle)), Some(last)) = (kept.split_first(), kept.last()) else {
        return Err("nothing came out".into());
    };
    if placeholders.is_empty() {
        return if output == text { Ok(Vec::new()) } else { Err(difference(text, output)) };
    }
    if !text.starts_with(first) {
        return Err(difference(text, first));
    }
    let mut replaced: Vec<Range<usize>> = Vec::new();
    let mut at = first.len();
    for (index, fragment) in middle.iter().enumerate() {
        let is_last = index + 1 == middle.len();
        let start = if is_last {
            text.strip_suffix(last).map(str::len).filter(|start| *start >= at)
        } else if fragment.is_empty() {
            Some(at)
        } else {
            find(sample, fragment, at)
        };
        let Some(start) = start else {
            return Err(format!("after byte {at}: {:?} is not in the text", clip(fragment)));
        };
        // Text that was redacted before it came here.
        if start > at && text[at..start] != *placeholders[index] {
            replaced.push(at..start);
        }
        at = start + fragment.len();
    }
    Ok(replaced)
}

/// Where the fragment goes on after a replacement that began at `from`.
fn find(sample: &Sample, fragment: &str, from: usize) -> Option<usize> {
    let next = (from + 1..=sample.text.len()).find(|at| sample.text.is_char_boundary(*at))?;
    let first = next + sample.text[next..].find(fragment)?;
    // A short fragment may occur in the secret itself.
    let inside = sample.labels.iter().find(|label| label.around.start <= first && first < label.around.end);
    let ends = inside.into_iter().flat_map(|label| [label.place.end, label.around.end]);
    let end = ends.into_iter().find(|end| *end > first && sample.text[*end..].starts_with(fragment));
    Some(end.unwrap_or(first))
}

/// The pieces between placeholders, and the placeholders.
fn split(output: &str) -> (Vec<&str>, Vec<&str>) {
    const START: &str = "[redacted:";
    let is_inside = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-' || it == ':';
    let (mut kept, mut placeholders) = (Vec::new(), Vec::new());
    let (mut from, mut at) = (0, 0);
    while let Some(found) = output[at..].find(START).map(|it| at + it) {
        let inside = found + START.len();
        let end = output[inside..].find(|it| !is_inside(it)).map(|it| inside + it);
        at = inside;
        if let Some(end) = end.filter(|end| output[*end..].starts_with(']')) {
            kept.push(&output[from..found]);
            placeholders.push(&output[found..=end]);
            (from, at) = (end + 1, end + 1);
        }
    }
    kept.push(&output[from..]);
    (kept, placeholders)
}

fn difference(text: &str, output: &str) -> String {
    let at = text.bytes().zip(output.bytes()).take_while(|(one, other)| one == other).count();
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at) && output.is_char_boundary(*at)).unwrap_or(0);
    format!("at byte {at}: {:?} became {:?}", clip(&text[at..]), clip(&output[at..]))
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Label;

    fn sample(text: &str, secrets: &[&str]) -> Sample {
        let label = |secret: &&str| {
            let start = text.find(secret).unwrap();
            let place = start..start + secret.len();
            Label { kind: "test", around: place.clone(), place }
        };
        Sample { template: "test", text: text.to_owned(), labels: secrets.iter().map(label).collect() }
    }

    #[test]
    fn a_replaced_secret_is_found() {
        let sample = sample("a=hunter22 b=12345678\n", &["hunter22", "12345678"]);
        let outcome = compare(&sample, "a=[redacted:x:0a1b] b=[redacted:y:ffff]\n").unwrap();
        assert_eq!(outcome.found, [true, true]);
        assert_eq!(outcome.strays, []);
        let outcome = compare(&sample, "a=hunter22 b=[redacted:y:ffff]\n").unwrap();
        assert_eq!(outcome.found, [false, true]);
    }

    #[test]
    fn half_of_it_is_not_enough() {
        let sample = sample("a=hunter22hunter33;", &["hunter22hunter33"]);
        assert_eq!(compare(&sample, "a=[redacted:x:0a1b]hunter33;").unwrap().found, [false]);
        assert_eq!(compare(&sample, "a=hunt[redacted:x:0a1b];").unwrap().found, [true]);
    }

    #[test]
    fn what_goes_beside_it_is_stray() {
        let sample = sample("user = maria, a=hunter22, limit = 44", &["hunter22"]);
        assert_eq!(compare(&sample, "user = maria, [redacted:x:0a1b], limit = 44").unwrap().strays, []);
        let outcome = compare(&sample, "user = [redacted:x:0a1b] limit = 44").unwrap();
        assert_eq!(outcome.strays.first(), Some(&(7..25)), "more than the secret");
        let outcome = compare(&sample, "user = [redacted:x:0a1b], a=[redacted:x:0a1b], limit = 44").unwrap();
        assert_eq!((outcome.strays.first(), outcome.found.first()), (Some(&(7..12)), Some(&true)));
    }

    #[test]
    fn lost_or_changed_text_is_an_error() {
        let sample = sample("one two hunter22 three", &["hunter22"]);
        assert!(compare(&sample, "one two hunter22").is_err());
        assert!(compare(&sample, "one two [redacted:x:0a1b] thre").is_err());
        assert!(compare(&sample, "one 2 [redacted:x:0a1b] three").is_err());
        assert!(compare(&sample, "one two [redacted:x:0a1b] three ").is_err());
    }

    #[test]
    fn a_fragment_that_occurs_in_the_secret() {
        let sample = sample("a=x-y-z-1-2-3-q;-;b", &["x-y-z-1-2-3-q"]);
        let outcome = compare(&sample, "a=[redacted:x:0a1b];[redacted:x:0a1b];b").unwrap();
        assert_eq!(outcome.replaced, [2..15, 16..17]);
    }

    #[test]
    fn placeholders_that_came_in_stay() {
        let sample = sample("a=[redacted:jwt:19ab] b=hunter22", &["hunter22"]);
        let outcome = compare(&sample, "a=[redacted:jwt:19ab] b=[redacted:x:0a1b]").unwrap();
        assert_eq!((outcome.found, outcome.strays, outcome.replaced.len()), (vec![true], vec![], 1));
    }
}
