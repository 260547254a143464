//! What was measured, as a table and as JSON.

use serde_json::{Value, json};

use crate::measure::rounds::Times;
use crate::report::style::{Paint, Style};
use crate::report::table::{Cell, Table};

/// One kind of message.
pub(super) struct Row {
    pub(super) name: String,
    /// Of both bodies.
    pub(super) bytes: usize,
    pub(super) verdict: &'static str,
    /// After all rounds the filter treats it otherwise than before.
    pub(super) changed: bool,
    /// The filter with the policy, in wasmtime.
    pub(super) wasm: Times,
    /// The filter with a policy that leaves everything alone.
    pub(super) bare: Times,
    /// The core of this program.
    pub(super) native: Option<Times>,
}

/// A whole measurement.
pub(super) struct Report {
    pub(super) policy: String,
    pub(super) seconds: f64,
    pub(super) rounds: u32,
    pub(super) hold: bool,
    pub(super) rows: Vec<Row>,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.wasm.median / self.bare.median
    }

    #[allow(clippy::cast_precision_loss, reason = "bytes of a message")]
    fn megabytes(&self) -> f64 {
        self.bytes as f64 / 1e6
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "bytes": self.bytes,
            "verdict": self.verdict,
            "verdict_changed": self.changed,
            "wasm": self.times(&self.wasm),
            "no_policy": self.times(&self.bare),
            "ratio_to_no_policy": rounded(self.ratio()),
            "native": self.native.as_ref().map(|it| self.times(it)),
        })
    }

    fn times(&self, times: &Times) -> Value {
        let [min, median, p99] = [times.min, times.median, times.p99].map(|it| rounded(it / 1e3));
        json!({
            "min_us": min,
            "median_us": median,
            "p99_us": p99,
            "samples": times.samples,
            "mb_per_s": rounded(self.megabytes() / (times.median / 1e9)),
            "us_per_mb": (self.bytes > 0).then(|| rounded(times.median / 1e3 / self.megabytes())),
        })
    }
}

impl Report {
    /// The table, under a line that says what was measured.
    pub(super) fn text(&self, style: Style) -> String {
        let heading = [
            "message",
            "bytes",
            "verdict",
            "wasm: min",
            "median",
            "p99 µs",
            "MB/s",
            "x no policy",
            "native: median",
            "p99 µs",
            "MB/s",
        ];
        let mut table = Table::new(&heading);
        for row in &self.rows {
            let us = |nanoseconds: f64| Cell::from(format!("{:.1}", nanoseconds / 1e3));
            let speed = |times: &Times| Cell::from(format!("{:.0}", row.megabytes() / (times.median / 1e9)));
            let none = || Cell::from("-");
            let verdict = match row.verdict {
                "passes" => Cell::from(row.verdict),
                other => Cell::painted(other, Paint::Notable),
            };
            table.row([
                row.name.as_str().into(),
                row.bytes.to_string().into(),
                verdict,
                us(row.wasm.min),
                us(row.wasm.median),
                us(row.wasm.p99),
                speed(&row.wasm),
                format!("{:.2}", row.ratio()).into(),
                row.native.map_or_else(none, |it| us(it.median)),
                row.native.map_or_else(none, |it| us(it.p99)),
                row.native.as_ref().map_or_else(none, speed),
            ]);
        }
        let mode = if self.hold { "hold" } else { "no-hold" };
        format!(
            "Policy {}, {mode} mode, {} s in {} rounds; a message is a request with its response.\n\n{}",
            self.policy,
            self.seconds,
            self.rounds,
            table.render(style)
        )
    }

    /// Everything, for machines.
    pub(super) fn json(&self) -> Value {
        json!({
            "policy": self.policy,
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
            "mode": if self.hold { "hold" } else { "no-hold" },
            "seconds": self.seconds,
            "rounds": self.rounds,
            "messages": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
        })
    }

    /// What a reader of the figures should know.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let names = |wanted: &dyn Fn(&Row) -> bool| {
            let names: Vec<&str> = self.rows.iter().filter(|row| wanted(row)).map(|row| row.name.as_str()).collect();
            (!names.is_empty()).then(|| names.join("; "))
        };
        if self.rows.iter().all(|row| row.verdict == "refused") {
            notes.push("every message is refused, which costs less than a call that passes: say who calls with --as, what with --tool".to_owned());
        }
        if let Some(names) = names(&|row| row.changed) {
            notes.push(format!(
                "at the end the filter judges otherwise than at the start, as when a quota is used up: {names}"
            ));
        }
        if let Some(names) = names(&|row| row.verdict == "waits") {
            notes.push(format!("waits for the rate limit service, which is not asked here: {names}"));
        }
        notes
    }
}

/// To three places: more is noise.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}
