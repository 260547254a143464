//! Findings against labels.

use std::ops::Range;

use tidegate_labelled::encoding::base64;
use tidegate_labelled::score::{Outcome, judge};
use tidegate_labelled::{Label, Sample};

use crate::tools::Finding;

/// How a scanner did on the set.
#[derive(Debug, Default, Clone)]
pub(crate) struct Score {
    secrets: usize,
    flagged: usize,
    whole: usize,
    right: usize,
    wrong: usize,
    clean: usize,
    changed: usize,
}

impl Score {
    /// Of findings in files that are named by the sample's number, in which each text is a JSON string in a JSON string
    /// `depth` times.
    pub(crate) fn of_findings(samples: &[Sample], findings: &[Finding], depth: usize) -> Self {
        let mut places = vec![Vec::new(); samples.len()];
        for finding in findings {
            let number = finding.file.split('.').next().and_then(|it| it.parse::<usize>().ok());
            let Some((sample, places)) = number.and_then(|it| samples.get(it).zip(places.get_mut(it))) else {
                continue;
            };
            places.extend(locate(sample, &finding.value, depth));
        }
        let mut score = Self::default();
        for (sample, mut places) in samples.iter().zip(places) {
            places.sort_by_key(|place: &Range<usize>| (place.start, place.end));
            places.dedup();
            score.add(sample, &judge(sample, places, ""));
        }
        score
    }

    /// Counts what became of one text.
    pub(crate) fn add(&mut self, sample: &Sample, outcome: &Outcome) {
        let meets = |one: &Range<usize>, other: &Range<usize>| one.start < other.end && other.start < one.end;
        let is_flagged = |label: &&Label| outcome.replaced.iter().any(|it| meets(it, &label.place));
        self.secrets += sample.labels.len();
        self.flagged += sample.labels.iter().filter(is_flagged).count();
        self.whole += outcome.found.iter().filter(|it| **it).count();
        let right =
            outcome.replaced.iter().filter(|it| sample.labels.iter().any(|label| meets(it, &label.around))).count();
        self.right += right;
        self.wrong += outcome.replaced.len() - right;
        if sample.labels.is_empty() {
            self.clean += 1;
            self.changed += usize::from(!outcome.replaced.is_empty());
        }
    }

    /// The share of the findings that lie on a secret.
    pub(crate) fn precision(&self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    /// The share of the secrets on which a finding lies.
    pub(crate) fn recall(&self) -> f64 {
        ratio(self.flagged, self.secrets)
    }

    /// The share of the secrets of which findings leave at most four bytes.
    pub(crate) fn whole(&self) -> f64 {
        ratio(self.whole, self.secrets)
    }

    /// The share of the texts without a secret in which something was found.
    pub(crate) fn changed(&self) -> f64 {
        ratio(self.changed, self.clean)
    }
}

fn ratio(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// Where the value stands in the text; as what it decodes from, if the scanner decoded it. If it cannot be told where,
/// it counts as found beside every secret.
fn locate(sample: &Sample, value: &str, depth: usize) -> Vec<Range<usize>> {
    let mut value = value.to_owned();
    for _ in 0..depth {
        let whole = value.trim_end_matches('\\');
        value = serde_json::from_str(&format!("\"{whole}\"")).unwrap_or_else(|_| whole.to_owned());
    }
    let encoded = base64(value.as_bytes());
    for form in [value.as_str(), value.trim(), &encoded, encoded.trim_end_matches('=')] {
        let places: Vec<_> = sample.text.match_indices(form).map(|(at, it)| at..at + it.len()).collect();
        if !form.is_empty() && !places.is_empty() {
            return places;
        }
    }
    let end = sample.text.len();
    let taken = |at: &usize| sample.labels.iter().any(|label| label.around.contains(at));
    (0..end).find(|at| !taken(at)).map(|at| at..at + 1).into_iter().collect()
}
