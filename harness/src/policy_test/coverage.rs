//! Which rules of a policy its tests have seen at work.

use std::path::PathBuf;

use tidegate_filter::policy::{Configuration, Effect};

use crate::envoy::audit::Event;
use crate::replay::Replayed;

/// The rules of one policy.
#[derive(Debug, Clone)]
pub struct Coverage {
    /// The policy.
    pub policy: PathBuf,
    /// Its rules in their order.
    pub rules: Vec<RuleCoverage>,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct RuleCoverage {
    /// Its id.
    pub id: String,
    /// What it does.
    pub effect: Effect,
    /// Names of tests in which it made a verdict, or as a shadow rule would have.
    pub decided: Vec<String>,
    /// Names of tests in which it came nearest to allowing what was refused. That alone does not cover it.
    pub near: Vec<String>,
}

impl Coverage {
    /// The rules of a policy, none of them covered.
    pub(super) fn new(policy: PathBuf, configuration: &Configuration) -> Self {
        let rules = configuration.policy.rules.iter();
        let rule = |rule: &tidegate_filter::policy::Rule| RuleCoverage {
            id: rule.id.clone(),
            effect: rule.effect,
            decided: Vec::new(),
            near: Vec::new(),
        };
        Self { policy, rules: rules.map(rule).collect() }
    }

    /// How many rules made a verdict in some test.
    pub fn covered(&self) -> usize {
        self.rules.iter().filter(|rule| !rule.decided.is_empty()).count()
    }

    /// Covered rules in percent of all; a policy without rules is covered.
    #[allow(clippy::cast_precision_loss, reason = "nobody writes 2^52 rules")]
    pub fn percent(&self) -> f64 {
        if self.rules.is_empty() { 100.0 } else { self.covered() as f64 * 100.0 / self.rules.len() as f64 }
    }

    /// Takes note of the rules that the decisions on an exchange name.
    pub(super) fn note(&mut self, test: &str, replayed: &Replayed) {
        for event in &replayed.decisions {
            self.note_event(test, event);
        }
    }

    fn note_event(&mut self, test: &str, event: &Event) {
        let by_shadow_rule = event.text("would_rule");
        if let Some(rule) = by_shadow_rule {
            self.put(test, rule, |_| true);
        }
        if let Some(rule) = event.text("rule") {
            // A policy in shadow mode passes what `rule` would refuse.
            let would = event.text("would_verdict").filter(|_| by_shadow_rule.is_none());
            let allowed = would.or_else(|| event.text("verdict")) == Some("allow");
            self.put(test, rule, |effect| (effect == Effect::Allow) == allowed);
        }
    }

    fn put(&mut self, test: &str, rule: &str, made_it: impl Fn(Effect) -> bool) {
        if let Some(rule) = self.rules.iter_mut().find(|it| it.id == rule) {
            let list = if made_it(rule.effect) { &mut rule.decided } else { &mut rule.near };
            // Both header modes and all messages of a test come one after the other.
            if list.last().is_none_or(|last| last != test) {
                list.push(test.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage() -> Coverage {
        let policy = br#"{"version": "tidegate/v1", "name": "p", "identity": {"sources": [{"spiffe": {}}]},
            "servers": [{"name": "crm", "match": {"path": "/mcp"}}],
            "rules": [{"id": "reads", "allow": {"tools": ["get_*"]}}, {"id": "no", "deny": {"tools": ["x*"]}},
                      {"id": "soon", "deny": {"tools": ["y*"]}, "mode": "shadow"}]}"#;
        Coverage::new(PathBuf::new(), &tidegate_filter::policy::compile(policy).unwrap().configuration)
    }

    #[test]
    fn a_rule_is_covered_by_what_it_decides_and_not_by_what_it_misses() {
        let mut coverage = coverage();
        let mut note = |test: &str, members: &str| {
            let event = Event::from_json(&format!(r#"{{"schema":"tidegate.audit/v1",{members}}}"#)).unwrap();
            coverage.note_event(test, &event);
        };
        note("near", r#""verdict":"deny","reason":"read_only","rule":"reads""#);
        note("shadowed", r#""verdict":"allow","would_verdict":"deny","rule":"no""#);
        note("shadowed", r#""verdict":"allow","would_verdict":"deny","rule":"no""#);
        note("soon", r#""verdict":"allow","rule":"gone","would_verdict":"deny","would_rule":"soon""#);
        let tests: Vec<(&[String], &[String])> =
            coverage.rules.iter().map(|rule| (rule.decided.as_slice(), rule.near.as_slice())).collect();
        assert_eq!(tests[0], (&[][..], &["near".to_owned()][..]));
        assert_eq!(tests[1], (&["shadowed".to_owned()][..], &[][..]));
        assert_eq!(tests[2], (&["soon".to_owned()][..], &[][..]));
        assert_eq!((coverage.covered(), coverage.percent().round()), (2, 67.0));
    }
}
