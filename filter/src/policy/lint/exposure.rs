//! Choices that leave something open, or that were meant for a while only.

use super::{Lint, Step};
use crate::pattern::Pattern;
use crate::policy::{ArgumentsAudit, Effect, Mode, Noun, Rule};

impl Lint<'_, '_, '_> {
    /// `check` alone says these; Envoy does not, at each load.
    pub(super) fn exposure(&mut self, now: i64) {
        let policy = self.policy;
        for (at, rule) in policy.rules.iter().enumerate() {
            let here = |key| [Step::Key("rules"), Step::Element(at), Step::Key(key)];
            if rule.expires.is_some_and(|end| end <= now) {
                let message = format!("`{}` has expired", rule.id);
                self.warn("expired_rule", &here("expires"), &message, "take the rule out, or give it a new time");
            }
            if rule.mode == Mode::Shadow && policy.mode == Mode::Enforce {
                let message = format!("`{}` is in shadow: what it would change is reported, and not done", rule.id);
                let help = "say \"enforce\" once the audit shows what you expect";
                self.warn("shadow_rule", &here("mode"), &message, help);
            }
            if policy.read_only.enabled && is_open_write(rule) {
                let message = format!("`{}` lets every caller write, whatever the arguments", rule.id);
                let help = "say `who` may write, or constrain the `arguments`";
                self.warn("write_for_everyone", &here("write"), &message, help);
            }
        }
        if policy.audit.arguments == ArgumentsAudit::Redacted {
            let message = "audit events carry the values of arguments; only what a detector knows is taken out";
            let help = "say \"keys\", or make sure that whoever reads the audit may read what callers send";
            self.warn("arguments_audited", &[Step::Key("audit"), Step::Key("arguments")], message, help);
        }
    }
}

/// Whether a rule opens writes of tools to everyone; of every tool is `broad_allow`.
fn is_open_write(rule: &Rule) -> bool {
    let mut tools = rule.targets.iter().filter(|pattern| pattern.noun == Noun::Tool).peekable();
    rule.effect == Effect::Allow
        && rule.mode == Mode::Enforce
        && rule.write
        && rule.who.is_none()
        && rule.arguments.is_none()
        && tools.peek().is_some()
        && tools.all(|pattern| pattern.name != Pattern::Any)
}
