//! Medians, and how far they can be trusted.

/// A median with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// How far off it may well be: the median's standard error, by the spread of the middle half. Infinite where there are
    /// too few values to say.
    pub error: f64,
}

impl Estimate {
    /// Of measurements that are alike; zero for none at all.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let spread = quantile(&values, 0.75) - quantile(&values, 0.25);
        // For a normal distribution the middle half spans 1.349 deviations, and a median errs 1.253 times as far as a
        // mean would.
        let error = match values.len() {
            0..3 => f64::INFINITY,
            count => spread / 1.349 * 1.253 / (count as f64).sqrt(),
        };
        Self { median: quantile(&values, 0.5), error }
    }

    /// The error as a report shows it.
    pub fn margin(self, digits: usize) -> String {
        if self.error.is_finite() { format!("±{:.digits$}", self.error) } else { "±?".to_owned() }
    }

    /// A figure that is known exactly.
    pub fn exact(value: f64) -> Self {
        Self { median: value, error: 0.0 }
    }

    /// The ratio to another; the errors add up as independent ones do.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        let median = self.median / other.median;
        let error = median.abs() * (self.error / self.median).hypot(other.error / other.median);
        Self { median, error }
    }

    /// The difference to another.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { median: self.median - other.median, error: self.error.hypot(other.error) }
    }
}

/// The value below which `part` of the sorted `values` lie; zero if there are none.
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let position = part * values.len().saturating_sub(1) as f64;
    let at = |position: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index within `values`")]
        let index = position as usize;
        values.get(index).copied().unwrap_or(0.0)
    };
    let (low, high) = (at(position.floor()), at(position.ceil()));
    low + (high - low) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [1.0, 2.0, 3.0, 10.0];
        assert_eq!(quantile(&values, 0.5), 2.5);
        assert_eq!(quantile(&values, 1.0), 10.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn one_outlier_moves_nothing() {
        let estimate = Estimate::of([5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 500.0]);
        assert_eq!(estimate, Estimate { median: 5.0, error: 0.0 });
        assert!(Estimate::of([1.0, 5.0, 9.0]).error > Estimate::of([4.0, 5.0, 6.0]).error);
        assert_eq!(Estimate::of([1.0, 9.0]).margin(1), "±?", "two values have no spread to speak of");
    }

    #[test]
    fn ratios_carry_both_errors() {
        let ratio = Estimate { median: 30.0, error: 3.0 }.over(Estimate { median: 60.0, error: 6.0 });
        assert!((ratio.median - 0.5).abs() < 1e-9 && (ratio.error - 0.0707).abs() < 1e-3, "{ratio:?}");
    }
}
