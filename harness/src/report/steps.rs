//! A decision step by step: what `tidegate explain` shows.

mod rules;
mod trace;

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::style::{Paint, Style, one_line};

pub use rules::{condition, condition_json, rule_detail, told};
pub use trace::{about, steps, time};

/// Widest line of a detail, in characters.
const WIDTH: usize = 160;

/// How a step or a detail of it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing against the request, or for a rule that allows: it matched.
    Good,
    /// It refuses the request, or would.
    Bad,
    /// It is worth a look.
    Notable,
    /// It has no part in the decision.
    Faint,
}

impl Mark {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "passed",
            Self::Bad => "refused",
            Self::Notable => "noted",
            Self::Faint => "no_part",
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Good => "+",
            Self::Bad => "-",
            Self::Notable => "!",
            Self::Faint => "·",
        }
    }

    const fn paint(self) -> Paint {
        match self {
            Self::Good => Paint::Good,
            Self::Bad => Paint::Bad,
            Self::Notable => Paint::Notable,
            Self::Faint => Paint::Faint,
        }
    }
}

/// One step of a decision.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it is called: `server`, `identity`, `rules` …
    pub name: &'static str,
    /// How it ended.
    pub mark: Mark,
    /// What came of it, one line.
    pub said: String,
    /// What it looked at.
    pub details: Vec<Detail>,
}

/// One thing that a step looked at.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Its name.
    pub label: String,
    /// How it ended.
    pub mark: Mark,
    /// Why, one line.
    pub said: String,
    /// The same for tools: an object.
    pub json: Value,
}

impl Step {
    /// A step that looked at nothing in particular.
    pub fn new(name: &'static str, mark: Mark, said: impl Into<String>) -> Self {
        Self { name, mark, said: said.into(), details: Vec::new() }
    }

    /// The step with what it looked at.
    #[must_use]
    pub fn with(self, details: Vec<Detail>) -> Self {
        Self { details, ..self }
    }

    fn json(&self) -> Value {
        let details: Vec<&Value> = self.details.iter().map(|it| &it.json).collect();
        json!({"step": self.name, "outcome": self.mark.as_str(), "said": self.said, "details": details})
    }
}

/// The steps for people: numbered, each detail on a line of its own.
pub fn text(steps: &[Step], style: Style) -> String {
    let mut out = String::new();
    let width = steps.iter().map(|it| it.name.len()).max().unwrap_or(0);
    for (number, step) in (1..).zip(steps) {
        let sign = style.paint(step.mark.paint(), step.mark.sign());
        let name = style.paint(Paint::Strong, &format!("{:width$}", step.name));
        let _ = writeln!(out, "{number:2} {sign} {name}  {}", one_line(&step.said, WIDTH));
        let labels = step.details.iter().map(|it| it.label.chars().count()).max().unwrap_or(0).min(40);
        for detail in &step.details {
            let sign = style.paint(detail.mark.paint(), detail.mark.sign());
            let label = format!("{:labels$}", one_line(&detail.label, WIDTH));
            let line = format!("     {sign} {label}  {}", one_line(&detail.said, WIDTH));
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    out
}

/// The steps for tools.
pub fn json(steps: &[Step]) -> Vec<Value> {
    steps.iter().map(Step::json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_stays_on_its_line() {
        let detail = Detail {
            label: "a\nb\u{1b}[31m".to_owned(),
            mark: Mark::Faint,
            said: "no".to_owned(),
            json: json!({"tool": "a\nb"}),
        };
        let steps = [Step::new("list", Mark::Good, "one entry").with(vec![detail])];
        let shown = text(&steps, Style::PLAIN);
        assert_eq!(shown, " 1 + list  one entry\n     · a b\u{fffd}[31m  no\n");
        assert_eq!(json(&steps)[0]["details"][0]["tool"], "a\nb");
    }
}
