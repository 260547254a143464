//! Figures, and every failure with the text around it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use tidegate_labelled::Sample;
use tidegate_labelled::score::Outcome;

/// Of how many, how many.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    good: usize,
    all: usize,
}

impl Share {
    fn add(&mut self, is_good: bool) {
        self.good += usize::from(is_good);
        self.all += 1;
    }

    fn value(self) -> f64 {
        if self.all == 0 { 1.0 } else { self.good as f64 / self.all as f64 }
    }
}

/// What became of many texts.
#[derive(Debug, Default)]
pub(crate) struct Report {
    secrets: Share,
    kinds: BTreeMap<&'static str, Share>,
    templates: BTreeMap<&'static str, Share>,
    /// Texts without a secret that came out as they were.
    clean: Share,
    /// Texts with secrets in which only these were replaced.
    exact: Share,
    missed: Vec<String>,
    strays: Vec<String>,
    /// Texts that came out changed in another way.
    pub(crate) broken: Vec<String>,
}

impl Report {
    pub(crate) fn add(&mut self, sample: &Sample, outcome: Result<Outcome, String>) {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return self.broken.push(format!("{}: {error}", sample.template)),
        };
        for (label, is_found) in sample.labels.iter().zip(&outcome.found) {
            self.secrets.add(*is_found);
            self.kinds.entry(label.kind).or_default().add(*is_found);
            self.templates.entry(sample.template).or_default().add(*is_found);
            if !is_found {
                self.missed.push(format!(
                    "{} in {}: {}",
                    label.kind,
                    sample.template,
                    around(&sample.text, &label.place)
                ));
            }
        }
        let share = if sample.labels.is_empty() { &mut self.clean } else { &mut self.exact };
        share.add(outcome.strays.is_empty());
        let kind = if sample.labels.is_empty() { "no secret" } else { "beside secrets" };
        let strays =
            outcome.strays.iter().map(|place| format!("{kind}, {}: {}", sample.template, around(&sample.text, place)));
        self.strays.extend(strays);
    }

    /// The share of the secrets that were found.
    pub(crate) fn recall(&self) -> f64 {
        self.secrets.value()
    }

    /// The share of the texts without a secret that were changed.
    pub(crate) fn changed(&self) -> f64 {
        1.0 - self.clean.value()
    }

    /// The share of the texts with secrets in which other text was replaced.
    pub(crate) fn spilled(&self) -> f64 {
        1.0 - self.exact.value()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, lines) in [("missed", &self.missed), ("replaced in vain", &self.strays), ("broken", &self.broken)] {
            writeln!(f, "{title}: {}", lines.len())?;
            let mut lines = lines.clone();
            lines.sort();
            lines.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        for (title, shares) in [("kind", &self.kinds), ("template", &self.templates)] {
            writeln!(f, "found, by {title}, where not all are:")?;
            for (name, share) in shares.iter().filter(|(_, share)| share.good < share.all) {
                writeln!(f, "  {name:<34} {:>3} of {}", share.good, share.all)?;
            }
        }
        writeln!(f, "recall {:.3} ({} of {} secrets)", self.recall(), self.secrets.good, self.secrets.all)?;
        writeln!(f, "texts without a secret that were changed {:.3} (of {})", self.changed(), self.clean.all)?;
        writeln!(f, "texts with secrets in which more was replaced {:.3} (of {})", self.spilled(), self.exact.all)
    }
}

/// The place in brackets, with some text on both sides.
fn around(text: &str, place: &Range<usize>) -> String {
    let before: String = text[..place.start].chars().rev().take(40).collect();
    let before: String = before.chars().rev().collect();
    let inside: String = text[place.clone()].chars().take(80).collect();
    let after: String = text[place.end..].chars().take(20).collect();
    format!("{before}⟦{inside}⟧{after}").replace('\n', "⏎")
}
