//! Progress of long work: a spinner on a terminal, one plain line a stage everywhere else.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

/// Where long work reports how far it has come.
pub trait Progress: Send + Sync {
    /// A new stage has begun: `"building the filter"`.
    fn stage(&self, text: &str);
    /// What the stage is busy with: `"Compiling serde"`. May be dropped.
    fn detail(&self, text: &str);
    /// The work is over; the terminal is left clean.
    fn finish(&self);
}

/// Picks the reporter for standard error: a spinner on a terminal, plain lines otherwise.
pub fn for_stderr() -> Box<dyn Progress> {
    if std::io::stderr().is_terminal() { Box::new(Spinner::new()) } else { Box::new(Lines) }
}

/// One line a stage on standard error. Details are left out, so that logs of CI runs stay readable.
#[derive(Debug, Clone, Copy)]
pub struct Lines;

impl Progress for Lines {
    fn stage(&self, text: &str) {
        // Not by a macro: cargo's test harness shows what those print only if the test fails, and long work is seldom
        // so long as in the first test of a fresh checkout.
        let _ = std::io::stderr().write_all(format!("tidegate: {text}\n").as_bytes());
    }
    fn detail(&self, _text: &str) {}
    fn finish(&self) {}
}

/// Says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _text: &str) {}
    fn detail(&self, _text: &str) {}
    fn finish(&self) {}
}

/// A spinner with the current stage and, behind it, the current detail.
#[derive(Debug)]
pub struct Spinner {
    bar: indicatif::ProgressBar,
}

impl Spinner {
    fn new() -> Self {
        let bar = indicatif::ProgressBar::new_spinner();
        if let Ok(style) = indicatif::ProgressStyle::with_template("{spinner} {prefix} {wide_msg:.dim} {elapsed:.dim}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }
}

impl Progress for Spinner {
    fn stage(&self, text: &str) {
        self.bar.set_prefix(text.to_owned());
        self.bar.set_message("");
    }
    fn detail(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }
    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Below this many bytes a bar would only flicker.
const WORTH_A_BAR: u64 = 4 << 20;

/// How much of a known number of bytes has been worked through: a bar on a terminal, nothing everywhere else.
#[derive(Debug)]
pub struct Bytes {
    bar: indicatif::ProgressBar,
}

impl Bytes {
    /// A bar on standard error for `total` bytes; `None`, where nobody knows how many, and little work have no bar.
    pub fn for_stderr(total: Option<u64>) -> Self {
        let bar = match total.filter(|total| *total >= WORTH_A_BAR) {
            Some(total) if std::io::stderr().is_terminal() => indicatif::ProgressBar::new(total),
            _ => indicatif::ProgressBar::hidden(),
        };
        let template = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// So many bytes are done, of all that there are.
    pub fn reach(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Does what writes to the terminal, with the bar out of its way.
    pub fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
