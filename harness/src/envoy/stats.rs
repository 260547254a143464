//! Envoy's statistics as its admin endpoint prints them.

use std::collections::BTreeMap;

/// Counters and gauges by full name, and the text of everything else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    values: BTreeMap<String, String>,
}

impl Stats {
    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once(": "));
        Self { values: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// A counter or gauge by its full name (`cluster.mcp.upstream_rq_total`); one that does not exist is 0, as in Envoy,
    /// which makes most of them on first use.
    pub fn number(&self, name: &str) -> u64 {
        self.values.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// Every number whose name starts with `prefix`, with the rest of its name.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
        self.values.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.parse().ok()?)))
    }

    /// A statistic as printed; histograms are text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_prefixes_and_histograms() {
        let stats = Stats::parse("a.b: 3\na.c: 4\nh: B0.5(0,0) B1(1,1)\nz: x\n");
        assert_eq!(stats.number("a.b"), 3);
        assert_eq!(stats.number("missing"), 0);
        assert_eq!(stats.with_prefix("a.").collect::<Vec<_>>(), [("b", 3), ("c", 4)]);
        assert_eq!(stats.text("h"), Some("B0.5(0,0) B1(1,1)"));
    }
}
