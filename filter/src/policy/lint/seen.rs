//! A policy beside the tools that servers were seen to have.

use std::collections::{BTreeMap, BTreeSet};

use super::{Lint, Step};
use crate::pattern::Pattern;
use crate::policy::{Effect, Noun, Policy, Rule, Server, TargetPattern, diagnostic};

/// The lint that needs a capture.
pub(super) const UNMATCHED: &str = "unmatched_pattern";

/// How many names a message lists.
const LISTED: usize = 5;

/// The tools that servers were seen to have, by the servers' names in the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen(pub BTreeMap<String, BTreeSet<String>>);

impl Seen {
    /// Tools that no rule of the policy names, neither to allow nor to deny, by server.
    pub fn unmentioned<'s>(&'s self, policy: &'s Policy) -> Vec<(&'s str, &'s str)> {
        let mentions = |server: &Server, tool: &str| {
            policy.rules.iter().any(|rule| {
                let mut tools = rule.targets.iter().filter(|pattern| pattern.noun == Noun::Tool);
                tools.any(|pattern| pattern.name.matches(tool) && rule.reaches(pattern, server))
            })
        };
        let servers = policy.servers.iter().filter(|server| server.govern);
        let known = servers.filter_map(|server| Some((server, self.0.get(&server.name)?)));
        let all = known.flat_map(|(server, tools)| tools.iter().map(move |tool| (server, tool.as_str())));
        all.filter(|(server, tool)| !mentions(server, tool))
            .map(|(server, tool)| (server.name.as_str(), tool))
            .collect()
    }

    /// The tools of all servers that a pattern is about; `None` unless something is known of each of them.
    fn reached(&self, policy: &Policy, rule: &Rule, pattern: &TargetPattern) -> Option<BTreeSet<&str>> {
        let mut tools = BTreeSet::new();
        for server in policy.servers.iter().filter(|server| server.govern && rule.reaches(pattern, server)) {
            let of_server = self.0.get(&server.name).filter(|tools| !tools.is_empty())?;
            tools.extend(of_server.iter().map(String::as_str));
        }
        (!tools.is_empty()).then_some(tools)
    }
}

impl Lint<'_, '_, '_> {
    /// Patterns that match none of the tools. Silent about servers of which nothing was seen, and about denies with a
    /// `*`, which are there for tools that may come.
    pub(super) fn seen(&mut self, seen: &Seen) {
        let policy = self.policy;
        for (at, rule) in policy.rules.iter().enumerate() {
            let tools = rule.targets.iter().filter(|pattern| pattern.noun == Noun::Tool);
            for (number, pattern) in tools.enumerate() {
                if rule.effect == Effect::Deny && !matches!(pattern.name, Pattern::Exact(_)) {
                    continue;
                }
                let Some(known) = seen.reached(policy, rule, pattern) else { continue };
                if known.iter().any(|tool| pattern.name.matches(tool)) {
                    continue;
                }
                let target = Step::Key(if rule.effect == Effect::Allow { "allow" } else { "deny" });
                let path = [Step::Key("rules"), Step::Element(at), target, Step::Key("tools"), Step::Element(number)];
                let message = match known.len() {
                    1 => format!("`{}` does not match the only tool that was seen", pattern.name),
                    many => format!("`{}` matches none of the {many} tools that were seen", pattern.name),
                };
                let core = pattern.name.to_string();
                let near = diagnostic::suggestion(core.trim_matches('*'), known.iter().copied());
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        let listed: Vec<&str> = known.iter().take(LISTED).copied().collect();
                        let more = if known.len() > LISTED { ", …" } else { "" };
                        format!("compare it with what was seen: {}{more}", listed.join(", "))
                    }
                };
                self.warn(UNMATCHED, &path, &message, &help);
            }
        }
    }
}
