//! The samples of a run as tables and as data.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::budget::Budget;
use crate::client::Sample;
use crate::messages::Load;
use crate::statistics::Estimate;
use crate::variant::{self, Name};

/// Every sample of a run, by load, variant and round.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    by_place: BTreeMap<(&'static str, Name), Vec<Sample>>,
}

impl Samples {
    /// Takes the next round's sample.
    pub fn push(&mut self, load: &Load, variant: Name, sample: Sample) {
        self.by_place.entry((load.name, variant)).or_default().push(sample);
    }

    fn of(&self, load: &str, variant: Name) -> &[Sample] {
        // The key's lifetime is 'static, the load's need not be.
        let found = self.by_place.iter().find(|((name, of), _)| *name == load && *of == variant);
        found.map(|(_, samples)| samples.as_slice()).unwrap_or_default()
    }

    fn column(&self, load: &str, variant: Name, pick: fn(&Sample) -> f64) -> Option<Estimate> {
        let samples = self.of(load, variant);
        (!samples.is_empty()).then(|| Estimate::of(samples.iter().map(pick)))
    }

    /// CPU time per request, in microseconds.
    pub fn cpu(&self, load: &str, variant: Name) -> Option<Estimate> {
        self.column(load, variant, |it| it.cpu)
    }

    /// CPU time per request that `variant` adds to Envoy without a filter, compared round by round, in microseconds.
    pub fn added(&self, load: &str, variant: Name) -> Option<Estimate> {
        let (with, without) = (self.of(load, variant), self.of(load, variant::NONE));
        let pairs = with.iter().zip(without).map(|(with, without)| with.cpu - without.cpu);
        (!with.is_empty() && !without.is_empty()).then(|| Estimate::of(pairs))
    }

    /// What `variant` adds as a multiple of what `other` adds. `None` where `other` adds nothing that can be measured.
    pub fn ratio(&self, load: &str, variant: Name, other: Name) -> Option<Estimate> {
        let other =
            self.added(load, other).filter(|it| it.median > if it.error.is_finite() { it.error } else { 0.0 })?;
        Some(self.added(load, variant)?.over(other))
    }

    /// One load as a table.
    pub fn table(&self, load: &Load, variants: &[Name]) -> String {
        let heading = format!(
            "{:<20} {:>9} {:>13} {:>10} {:>10} {:>8} {:>8} {:>8}",
            "variant", "CPU µs", "added µs", "x mcp+rbac", "x buffer", "req/s", "p50 µs", "p99 µs"
        );
        let mut lines = vec![load.title.to_owned(), heading];
        for variant in variants.iter().copied() {
            let Some(cpu) = self.cpu(load.name, variant) else { continue };
            let added = self.added(load.name, variant).filter(|_| variant != variant::NONE);
            let added = added.map(|it| format!("{:.1} {}", it.median, it.margin(1))).unwrap_or_default();
            let ratio = |other: Name| {
                let ratio = self.ratio(load.name, variant, other).filter(|_| variant != variant::NONE);
                ratio.map(|it| format!("{:.2}", it.median)).unwrap_or_default()
            };
            let plain = |pick: fn(&Sample) -> f64| {
                self.column(load.name, variant, pick).map(|it| format!("{:.0}", it.median)).unwrap_or_default()
            };
            lines.push(format!(
                "{variant:<20} {:>9.1} {added:>13} {:>10} {:>10} {:>8} {:>8} {:>8}",
                cpu.median,
                ratio(variant::NATIVE),
                ratio(variant::BUFFER),
                plain(|it| it.rate),
                plain(|it| it.p50),
                plain(|it| it.p99),
            ));
        }
        lines.join("\n")
    }

    /// The budgets of the design that CPU per request decides, as far as what they need was measured.
    pub fn budgets(&self) -> Vec<Budget> {
        let mut budgets = Vec::new();
        for guard in [variant::HOLD, variant::NO_HOLD] {
            let what = format!("{guard}, 1 KB call and 2 KB result: added CPU, times that of {}", variant::NATIVE);
            budgets.extend(self.ratio("2k", guard, variant::NATIVE).map(|it| Budget::ratio(what, it, 0.65)));
        }
        for (load, size) in [("64k", "64 KB"), ("1m", "1 MB")] {
            for guard in [variant::HOLD, variant::NO_HOLD] {
                let what = format!("{guard}, {size} result: added CPU, times that of {}", variant::BUFFER);
                budgets.extend(self.ratio(load, guard, variant::BUFFER).map(|it| Budget::ratio(what, it, 1.1)));
            }
        }
        if let (Some(ungoverned), Some(no_op)) =
            (self.added("2k", variant::UNGOVERNED), self.added("2k", variant::NO_OP))
        {
            let what = format!("{}: CPU per request above that of {}", variant::UNGOVERNED, variant::NO_OP);
            budgets.push(Budget::figure(what, ungoverned.minus(no_op), 0.0, "µs"));
        }
        if let Some(list) = self.added("list", variant::HOLD) {
            let what = "everything that tidegate hold adds to a tools/list of 50 tools".to_owned();
            budgets.push(Budget::figure(what, list, 100.0, "µs"));
        }
        budgets
    }

    /// Every sample, as data.
    pub fn to_json(&self) -> Value {
        let rows = self.by_place.iter().map(|((load, variant), samples)| {
            let column = |pick: fn(&Sample) -> f64| samples.iter().map(pick).collect::<Vec<_>>();
            json!({
                "load": load,
                "variant": variant,
                "added_cpu_us": self.added(load, variant).map(|it| it.median),
                "requests": samples.iter().map(|it| it.requests).collect::<Vec<_>>(),
                "cpu_us": column(|it| it.cpu),
                "requests_per_second": column(|it| it.rate),
                "p50_us": column(|it| it.p50),
                "p99_us": column(|it| it.p99),
            })
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::loads;

    fn sample(cpu: f64) -> Sample {
        Sample { requests: 10, cpu, rate: 1.0, p50: 1.0, p99: 1.0 }
    }

    #[test]
    fn rounds_are_compared_with_themselves() {
        let loads = loads();
        let load = &loads[0];
        let mut samples = Samples::default();
        // The machine is twice as slow in the second round; what is added doubles, the ratio does not.
        for slow in [1.0, 2.0, 1.0] {
            samples.push(load, variant::NONE, sample(100.0 * slow));
            samples.push(load, variant::NATIVE, sample(160.0 * slow));
            samples.push(load, variant::HOLD, sample(130.0 * slow));
        }
        assert_eq!(samples.added("2k", variant::HOLD).unwrap().median, 30.0);
        assert_eq!(samples.ratio("2k", variant::HOLD, variant::NATIVE).unwrap().median, 0.5);
        let budgets = samples.budgets();
        assert_eq!(budgets.len(), 1, "only what was measured: {budgets:?}");
        let table = samples.table(load, &[variant::NONE, variant::NATIVE, variant::HOLD]);
        assert!(table.lines().any(|line| line.contains("tidegate hold") && line.contains("0.50")), "{table}");
    }
}
