//! Budgets: figures that must not grow past a limit, and whether a run says that they did.

use std::fmt;

use serde_json::{Value, json};

use crate::statistics::Estimate;

/// What a run says about a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Met,
    /// The figure is nearer to the limit than it is exact.
    Unclear,
    /// It does not hold.
    Missed,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Met => "met",
            Self::Unclear => "unclear",
            Self::Missed => "MISSED",
        })
    }
}

/// A figure and its limit.
#[derive(Debug, Clone)]
pub struct Budget {
    /// What must hold, as a phrase.
    pub what: String,
    /// What was measured.
    pub value: Estimate,
    /// What it may be at most.
    pub limit: f64,
    /// What both are counted in; empty for a ratio.
    pub unit: &'static str,
}

impl Budget {
    /// A ratio that may be at most `limit`.
    pub fn ratio(what: impl Into<String>, value: Estimate, limit: f64) -> Self {
        Self { what: what.into(), value, limit, unit: "" }
    }

    /// A figure in `unit` that may be at most `limit`.
    pub fn figure(what: impl Into<String>, value: Estimate, limit: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, limit, unit }
    }

    /// Whether it holds.
    pub fn standing(&self) -> Standing {
        let over = self.value.median - self.limit;
        if over.abs() < self.value.error {
            Standing::Unclear
        } else if over <= 0.0 {
            Standing::Met
        } else {
            Standing::Missed
        }
    }

    /// As data.
    pub fn to_json(&self) -> Value {
        json!({
            "budget": self.what,
            "value": self.value.median,
            "error": self.value.error,
            "limit": self.limit,
            "unit": self.unit,
            "standing": self.standing().to_string().to_ascii_lowercase(),
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.limit < 10.0 { 2 } else { 0 };
        let value = format!("{:.digits$} {}", self.value.median, self.value.margin(digits));
        let limit = format!("{:.digits$} {}", self.limit, self.unit);
        write!(f, "{:<8} {value:>12} of at most {limit:<8}  {}", self.standing(), self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_within_its_error_of_the_limit_decides_nothing() {
        let standing = |median, error| Budget::ratio("x", Estimate { median, error }, 0.65).standing();
        assert_eq!(standing(0.60, 0.01), Standing::Met);
        assert_eq!(standing(0.64, 0.05), Standing::Unclear);
        assert_eq!(standing(0.70, 0.04), Standing::Missed);
        assert_eq!(standing(0.65, 0.0), Standing::Met);
    }
}
