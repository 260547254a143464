//! Lints about `quotas`, `costs` and `cost_controls`: limits that count less, or last shorter, than their author may
//! think.

use super::{Lint, Step, supplies};
use crate::pattern::Pattern;
use crate::policy::document::Kind;
use crate::policy::{
    Counts, Dimension, Effect, FailMode, Field, Missing, Mode, Noun, Quota, Rule, Scope, TargetPattern,
};
use crate::quota::{Limit, Period};

const CONTROLS: Step = Step::Key("cost_controls");
const THRESHOLDS: Step = Step::Key("approval_thresholds");

impl<'l> Lint<'l, '_, '_> {
    /// The quotas of `quotas`, without those of `cost_controls`.
    fn declared(&self) -> &'l [std::sync::Arc<Quota>] {
        let Some(Kind::List(list)) = self.document.member("quotas").map(|value| &value.kind) else { return &[] };
        self.policy.quotas.get(..list.len()).unwrap_or_default()
    }

    /// `check` compares targets with all rules.
    pub(super) fn quotas(&mut self, is_check: bool) {
        for (at, quota) in self.declared().iter().enumerate() {
            let here = |key| [Step::Key("quotas"), Step::Element(at), Step::Key(key)];
            if is_kept_in_memory(quota) {
                self.budget_in_memory(&here("window"), &format!("`{}`", quota.id));
            }
            if quota.counts == Counts::Cost && !self.is_priced(quota) {
                let message = format!("no entry of `costs` prices what `{}` is about: it counts nothing", quota.id);
                let help = "add the tools with their prices to `costs`";
                self.warn("budget_without_costs", &here("limit"), &message, help);
            }
            if quota.on_store_error == FailMode::Allow {
                let message = format!("calls pass without being counted while the store of `{}` fails", quota.id);
                let help = "say \"deny\", or watch the counter of this cause";
                self.warn("fail_open", &here("on_store_error"), &message, help);
            }
            if let Limit::Rate { limit, burst, .. } = quota.limit {
                let is_stated = self.at(&[Step::Key("quotas"), Step::Element(at)]).member("burst").is_some();
                if is_stated && burst == limit && limit > 1 && quota.scope == Scope::Local {
                    let message = "a burst of the whole limit admits up to twice the limit within one window";
                    let help = "make it smaller: a tenth of the limit is the default for calls";
                    self.warn("quota_burst", &here("burst"), message, help);
                }
                if quota.scope == Scope::Global {
                    let message = format!(
                        "the service counts `{}` in fixed windows of its own, and `burst` does not apply",
                        quota.id
                    );
                    let help = "expect up to twice the limit around the turn of a window, or use \"scope\": \"local\"";
                    self.warn("engine_window", &here("scope"), &message, help);
                }
            }
            self.unfed(at, quota);
            if is_check {
                if quota.mode == Mode::Shadow && self.policy.mode == Mode::Enforce {
                    self.shadow_quota(&here("mode"), &format!("`{}`", quota.id));
                }
                self.unreachable(at, quota);
            }
        }
    }

    fn budget_in_memory(&mut self, path: &[Step], what: &str) {
        let message =
            format!("{what} is kept in memory: it starts at $0 when Envoy restarts, and each Envoy counts for itself");
        let help = "say \"scope\": \"global\", with a rate limit service in `host.stores.global`";
        self.warn("budget_in_memory", path, &message, help);
    }

    fn shadow_quota(&mut self, path: &[Step], what: &str) {
        let message = format!("{what} is in shadow: it is counted, and refuses nothing");
        self.warn("shadow_quota", path, &message, "say \"enforce\" once the audit shows what you expect");
    }

    /// Facts about the caller that no source supplies.
    fn unfed(&mut self, at: usize, quota: &Quota) {
        let here = [Step::Key("quotas"), Step::Element(at)];
        let sources = &self.policy.identity.sources;
        let is_supplied = |field| sources.iter().any(|source| supplies(source, field));
        for (dimension, field) in [(Dimension::Team, Field::Team), (Dimension::Groups, Field::Groups)] {
            if quota.by.contains(&dimension) && !is_supplied(field) {
                let what = match quota.on_missing {
                    Missing::Share => "all callers share one counter",
                    Missing::Deny => "every call is refused",
                };
                let message = format!("no identity source supplies `{}`, so {what}", field.as_str());
                let help = format!("name the claim or header in `identity.sources`: \"{}\": …", field.as_str());
                let path = [here.as_slice(), &[Step::Key("by")]].concat();
                self.warn("claim_without_source", &path, &message, &help);
            }
        }
        for (field, _) in quota.who.iter().flat_map(|who| &who.0) {
            if *field != Field::Workload && !is_supplied(*field) {
                let message = format!("no identity source supplies `{}`, so this quota counts nobody", field.as_str());
                let help = format!("name the claim or header in `identity.sources`: \"{}\": …", field.as_str());
                let path = [here.as_slice(), &[Step::Key("who"), Step::Key(field.as_str())]].concat();
                self.warn("claim_without_source", &path, &message, &help);
            }
        }
    }

    /// Targets that no rule allows, so that nothing is ever counted for them.
    fn unreachable(&mut self, at: usize, quota: &Quota) {
        let any_tool = TargetPattern { noun: Noun::Tool, server: None, name: Pattern::Any };
        if quota.targets.is_empty() {
            if !self.is_allowed(quota, &any_tool) {
                let message = format!("no rule allows a call that `{}` would count", quota.id);
                let help = "compare `servers` and `registries` with the rules, or take the quota out";
                self.warn(
                    "quota_unreachable",
                    &[Step::Key("quotas"), Step::Element(at), Step::Key("id")],
                    &message,
                    help,
                );
            }
            return;
        }
        for (number, pattern) in quota.targets.iter().enumerate() {
            if pattern.noun == Noun::Method || self.is_allowed(quota, pattern) {
                continue;
            }
            let number = quota.targets.iter().take(number).filter(|other| other.noun == pattern.noun).count();
            let noun = Step::Key(pattern.noun.key());
            let path = [Step::Key("quotas"), Step::Element(at), noun, Step::Element(number)];
            let message = format!("no rule allows a {} that this pattern matches", pattern.noun.as_str());
            let help = "compare it with the rules, or take it out";
            self.warn("quota_unreachable", &path, &message, help);
        }
    }

    /// Whether an allow in force may open something that the quota counts.
    fn is_allowed(&self, quota: &Quota, pattern: &TargetPattern) -> bool {
        let counts = |name: &str| {
            pattern.server.as_ref().is_none_or(|on| on.matches(name))
                && quota.servers.as_ref().is_none_or(|names| names.iter().any(|it| it == name))
        };
        let opens = |rule: &Rule, other: &TargetPattern| {
            other.noun == pattern.noun
                && other.name.meets(&pattern.name)
                && self.policy.servers.iter().any(|server| rule.reaches(other, server) && counts(&server.name))
        };
        let mut allows = self.policy.rules.iter().filter(|it| it.effect == Effect::Allow && it.mode == Mode::Enforce);
        allows.any(|rule| rule.targets.iter().any(|other| opens(rule, other)))
    }

    /// Whether a call that the quota counts may have a price.
    fn is_priced(&self, quota: &Quota) -> bool {
        let mut priced = self.policy.costs.list.iter().flat_map(|cost| &cost.tools);
        let any_tool = TargetPattern { noun: Noun::Tool, server: None, name: Pattern::Any };
        priced.any(|priced| {
            let meets = |target: &TargetPattern| match target.noun {
                Noun::Tool => {
                    let on = |name: &str| {
                        let matches = |server: &Option<Pattern>| server.as_ref().is_none_or(|on| on.matches(name));
                        matches(&priced.server)
                            && matches(&target.server)
                            && quota.servers.as_ref().is_none_or(|names| names.iter().any(|it| it == name))
                    };
                    priced.name.meets(&target.name) && self.policy.servers.iter().any(|server| on(&server.name))
                }
                Noun::Method => target.name.matches("tools/call"),
                Noun::Resource | Noun::Prompt => false,
            };
            if quota.targets.is_empty() { meets(&any_tool) } else { quota.targets.iter().any(meets) }
        })
    }

    /// Prices that an earlier entry takes away.
    pub(super) fn costs(&mut self) {
        let list = &self.policy.costs.list;
        for (at, cost) in list.iter().enumerate() {
            let is_taken = |pattern: &TargetPattern| {
                let mut earlier = list.iter().take(at).flat_map(|cost| &cost.tools);
                earlier.any(|other| {
                    other.name.covers(&pattern.name) && (other.server.is_none() || other.server == pattern.server)
                })
            };
            if cost.tools.iter().all(is_taken) {
                let message = "an earlier entry prices all of these tools, so these prices never apply";
                let help = "the first match counts: put the narrower entry first";
                self.warn("shadowed_cost", &[Step::Key("costs"), Step::Element(at), Step::Key("tools")], message, help);
            }
        }
    }

    pub(super) fn cost_controls(&mut self, is_check: bool) {
        let Some(controls) = self.document.member("cost_controls") else { return };
        let quotas = self.policy.quotas.get(self.declared().len()..).unwrap_or_default();
        if quotas.iter().any(|quota| is_kept_in_memory(quota)) {
            self.budget_in_memory(&[CONTROLS, Step::Key("scope")], "what is spent");
        }
        let in_shadow = quotas.iter().any(|quota| quota.mode == Mode::Shadow);
        if is_check && in_shadow && self.policy.mode == Mode::Enforce {
            self.shadow_quota(&[CONTROLS, Step::Key("mode")], "what is spent");
        }
        let limits_spending = !quotas.is_empty() || self.policy.costs.single_request.is_some();
        if limits_spending && self.policy.costs.list.is_empty() {
            let message = "no tool has a price, so nothing is ever spent";
            self.warn("budget_without_costs", &[CONTROLS], message, "add the tools with their prices to `costs`");
        }
        if quotas.iter().any(|quota| quota.on_store_error == FailMode::Allow) {
            let message = "calls pass without being counted while the store fails";
            let help = "say \"deny\", or watch the counter of this cause";
            self.warn("fail_open", &[CONTROLS, Step::Key("on_store_error")], message, help);
        }
        let has_teams = self.policy.identity.sources.iter().any(|source| supplies(source, Field::Team));
        if quotas.iter().any(|quota| quota.who.is_some()) && !has_teams {
            let message = "no identity source supplies `team`, so no team's budget is ever charged";
            let help = "name the claim or header in `identity.sources`: \"team\": …";
            self.warn("claim_without_source", &[CONTROLS, Step::Key("team_budgets")], message, help);
        }
        let spend = |period| {
            let mut limits = quotas.iter().filter(|quota| quota.who.is_none()).map(|quota| &quota.limit);
            limits.find_map(|it| match it {
                Limit::Calendar { limit, period: own, .. } if *own == period => Some(*limit),
                _ => None,
            })
        };
        if let (Some(hourly), Some(daily)) = (spend(Period::Hour), spend(Period::Day))
            && daily < hourly
        {
            let message = "`hourly_spend` can never be reached: `daily_spend` is less";
            let path = [CONTROLS, THRESHOLDS, Step::Key("daily_spend")];
            self.warn("threshold_order", &path, message, "make the threshold of the day the larger one");
        }
        if controls.member("optimization").is_some() {
            let message = "`optimization` is read, and not active yet: nothing is cached, and no model is chosen";
            let help = "leave it for a later version, or take it out";
            self.warn("not_active", &[CONTROLS, Step::Key("optimization")], message, help);
        }
    }
}

/// A budget that outlasts what a worker's memory does.
fn is_kept_in_memory(quota: &Quota) -> bool {
    let is_long = matches!(quota.limit, Limit::Calendar { period: Period::Day | Period::Week | Period::Month, .. });
    quota.counts == Counts::Cost && quota.scope == Scope::Local && is_long
}
