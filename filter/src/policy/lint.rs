//! Warnings about a policy that may run: what a careful reviewer would ask about.

mod allowance;
mod catalogue;
#[cfg(not(target_family = "wasm"))]
mod coverage;
#[cfg(not(target_family = "wasm"))]
mod exposure;
mod quota;
mod redaction;
#[cfg(not(target_family = "wasm"))]
mod seen;

pub use allowance::AllowedLint;
#[cfg(not(target_family = "wasm"))]
pub(super) use allowance::report_unused;
pub(super) use allowance::{LintAllowance, apply, read as read_allowances};
#[cfg(not(target_family = "wasm"))]
pub use catalogue::{LINTS, LintEntry};
#[cfg(not(target_family = "wasm"))]
pub use seen::Seen;

use super::document::{Report, Value};
use super::{
    Anonymous, Effect, Field, IdentitySource, Mode, Noun, Policy, Rule, Server, ServerMatch, TargetPattern, Who,
    diagnostic,
};
use crate::order;
use crate::pattern::Pattern;

/// What [`super::check`] knows and Envoy, at load, does not.
#[derive(Clone, Copy)]
pub(super) struct Review<'s> {
    /// Seconds since the Unix epoch.
    pub(super) now: i64,
    /// The tools that servers were seen to have.
    #[cfg(not(target_family = "wasm"))]
    pub(super) seen: Option<&'s Seen>,
    #[cfg(target_family = "wasm")]
    pub(super) seen: std::marker::PhantomData<&'s ()>,
}

/// Adds warnings. `document` is the policy's object. Without a review, what needs a clock or a capture, or compares all
/// rules with each other, is left out.
pub(super) fn lint(policy: &Policy, document: &Value<'_>, review: Option<Review<'_>>, report: &mut Report<'_>) {
    let mut lint = Lint { policy, document, report };
    lint.modes();
    lint.identity();
    lint.servers();
    lint.read_only();
    lint.rules();
    lint.redaction(review.is_some());
    lint.quotas(review.is_some());
    lint.costs();
    lint.cost_controls(review.is_some());
    #[cfg(not(target_family = "wasm"))]
    if let Some(Review { now, seen }) = review {
        lint.exposure(now);
        lint.covered(now);
        lint.duplicates();
        if let Some(seen) = seen {
            lint.seen(seen);
        }
    }
}

struct Lint<'l, 'a, 'r> {
    policy: &'l Policy,
    document: &'l Value<'a>,
    report: &'l mut Report<'r>,
}

impl<'l, 'a> Lint<'l, 'a, '_> {
    /// The value at a pointer's last existing step below the policy.
    fn at(&self, path: &[Step]) -> &'l Value<'a> {
        let mut value = self.document;
        for step in path {
            let next = match step {
                Step::Key(key) => value.member(key),
                Step::Element(at) => value.element(*at),
            };
            let Some(next) = next else { break };
            value = next;
        }
        value
    }

    fn warn(&mut self, code: &'static str, path: &[Step], message: &str, help: &str) {
        let value = self.at(path);
        self.report.warn(code, value, message, help);
    }

    fn modes(&mut self) {
        if self.policy.mode == Mode::Shadow {
            let message = "the whole policy is in shadow: it refuses nothing";
            self.warn(
                "shadow_policy",
                &[Step::Key("mode")],
                message,
                "say \"enforce\" once the audit shows what you expect",
            );
            return;
        }
        for (at, server) in self.policy.servers.iter().enumerate() {
            if server.mode == Mode::Shadow {
                let message = format!("the server `{}` is in shadow: nothing is refused on it", server.name);
                let help = "say \"enforce\" once the audit shows what you expect";
                self.warn(
                    "shadow_server",
                    &[Step::Key("servers"), Step::Element(at), Step::Key("mode")],
                    &message,
                    help,
                );
            }
        }
    }

    fn identity(&mut self) {
        let identity = &self.policy.identity;
        let here = [Step::Key("identity"), Step::Key("anonymous")];
        if identity.anonymous == Anonymous::Allow {
            let help = "say \"deny\", or give every rule a `who` but for those that are meant for everyone";
            self.warn(
                "anonymous_allowed",
                &here,
                "callers whom nobody identified are judged by the rules without `who`",
                help,
            );
        } else if identity.sources.is_empty() {
            let message = "no source says who calls, and anonymous callers are refused: nobody can call anything";
            self.warn("no_identity", &[Step::Key("identity")], message, "add a source to `identity.sources`");
        }
        for (at, source) in identity.sources.iter().enumerate() {
            let path = [Step::Key("identity"), Step::Key("sources"), Step::Element(at)];
            if let IdentitySource::Header(_) = source {
                let message = "whoever can connect as one of these peers can speak for every caller";
                let help = "make sure that the peers remove these headers from what they receive";
                let peers = [path.as_slice(), &[Step::Key("header"), Step::Key("peers")]].concat();
                self.warn("trusted_header", &peers, message, help);
            }
            let earlier = identity.sources.iter().take(at);
            if earlier.into_iter().any(|earlier| preempts(earlier, source)) {
                let message = "an earlier source applies wherever this one does, so this one is never used";
                self.warn("unreachable_source", &path, message, "move it before the other, or take it out");
            }
        }
        self.ambiguous_issuers();
    }

    fn ambiguous_issuers(&mut self) {
        // The peers of one header source speak for the same users; what they set has one meaning.
        let mut issuers: Vec<&str> =
            self.policy.identity.sources.iter().filter_map(|source| vouchers(source).first().copied()).collect();
        order::distinct(&mut issuers);
        let asks = |who: &Who| {
            let named = [Field::Subject, Field::Team, Field::Groups, Field::Scopes, Field::Agent];
            named.iter().any(|field| who.asks(*field)) && !who.asks(Field::Issuer) && !who.asks(Field::Workload)
        };
        let vague = self.policy.rules.iter().filter(|rule| rule.who.as_ref().is_some_and(asks)).count();
        if issuers.len() > 1 && vague > 0 {
            let message =
                format!("several sources can name the same subject, team or group, and {vague} rules take any");
            let help = "add `issuer` to the `who` of rules that mean one of them only";
            self.warn("any_issuer", &[Step::Key("identity"), Step::Key("sources")], &message, help);
        }
    }

    fn servers(&mut self) {
        let servers = &self.policy.servers;
        for (at, server) in servers.iter().enumerate() {
            let path = [Step::Key("servers"), Step::Element(at), Step::Key("match")];
            if let Some(earlier) = servers.iter().take(at).find(|earlier| swallows(&earlier.matcher, &server.matcher)) {
                let message = format!("`{}` matches every request that `{}` would", earlier.name, server.name);
                self.warn(
                    "unreachable_server",
                    &path,
                    &message,
                    "the first match counts: put the narrower server first",
                );
            }
            if !server.govern {
                let message = format!("requests to `{}` pass unjudged and unaudited", server.name);
                let path = [Step::Key("servers"), Step::Element(at), Step::Key("govern")];
                self.warn("ungoverned_server", &path, &message, "take `govern` out once the server speaks MCP only");
            }
        }
    }

    fn read_only(&mut self) {
        let read_only = &self.policy.read_only;
        if read_only.enabled && read_only.reads.is_empty() {
            let message = "no tool counts as a read, so only rules with `\"write\": true` allow anything";
            self.warn("no_reads", &[Step::Key("read_only")], message, "name the tools that only read in `reads`");
        }
    }

    fn rules(&mut self) {
        let policy = self.policy;
        let grants = |rule: &&Rule| rule.effect == Effect::Allow && rule.mode == Mode::Enforce;
        if !policy.rules.iter().any(|rule| grants(&rule)) {
            let message = "no rule allows anything, so every call is refused";
            self.warn("nothing_allowed", &[Step::Key("rules")], message, "add an `allow` that is not in shadow");
        }
        for (at, rule) in policy.rules.iter().enumerate() {
            self.unfed_fields(at, rule);
            self.dead_patterns(at, rule);
            let any_tool =
                rule.targets.iter().any(|pattern| pattern.noun == Noun::Tool && pattern.name == Pattern::Any);
            if grants(&rule)
                && any_tool
                && rule.who.is_none()
                && rule.arguments.is_none()
                && (rule.write || !policy.read_only.enabled)
            {
                let message = format!("`{}` lets every caller use every tool, writes included", rule.id);
                let path = [Step::Key("rules"), Step::Element(at), Step::Key("allow")];
                self.warn("broad_allow", &path, &message, "name the tools, or say `who`");
            }
        }
    }

    /// Conditions on facts that no source supplies: such a rule matches nobody.
    fn unfed_fields(&mut self, at: usize, rule: &Rule) {
        let sources = &self.policy.identity.sources;
        for (field, values) in rule.who.iter().flat_map(|who| &who.0) {
            let path = [Step::Key("rules"), Step::Element(at), Step::Key("who"), Step::Key(field.as_str())];
            if !sources.iter().any(|source| supplies(source, *field)) && *field != Field::Workload {
                let message = format!("no identity source supplies `{}`, so this rule matches nobody", field.as_str());
                let help = format!("name the claim or header in `identity.sources`: \"{}\": …", field.as_str());
                self.warn("claim_without_source", &path, &message, &help);
            } else if *field == Field::Issuer {
                let known: Vec<&str> = sources.iter().flat_map(vouchers).collect();
                for value in values.iter().filter(|value| !known.contains(&value.as_str())) {
                    let message = format!("no identity source has the issuer `{value}`");
                    let near = diagnostic::suggestion(value, known.iter().copied());
                    let help = near.map_or_else(
                        || "name it in `identity.sources`".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    );
                    self.warn("claim_without_source", &path, &message, &help);
                }
            }
        }
    }

    /// Patterns that cannot take effect whoever calls.
    fn dead_patterns(&mut self, at: usize, rule: &Rule) {
        let policy = self.policy;
        let why = |pattern: &TargetPattern| {
            let governed = |server: &&Server| server.govern && rule.reaches(pattern, server);
            if !policy.servers.iter().any(|server| governed(&server)) {
                return Some(("it is about no governed server", "compare it with `servers`"));
            }
            if pattern.noun != Noun::Tool || rule.effect == Effect::Deny || rule.write || !policy.read_only.enabled {
                return None;
            }
            let reads = |server: &Server| {
                let mut on = policy.read_only.reads.iter();
                on.any(|read| {
                    read.server.as_ref().is_none_or(|on| on.matches(&server.name)) && read.name.meets(&pattern.name)
                })
            };
            let can_read = policy.servers.iter().filter(governed).any(reads);
            (!can_read).then_some((
                "read-only mode refuses it",
                "add `\"write\": true`, or name the tool in `read_only.reads`",
            ))
        };
        let dead: Vec<_> = rule.targets.iter().map(why).collect();
        let all_dead = dead.iter().all(Option::is_some);
        if let (true, Some(Some((why, help)))) = (all_dead, dead.first()) {
            let message = format!("`{}` never takes effect: {why}", rule.id);
            self.warn("dead_rule", &[Step::Key("rules"), Step::Element(at), Step::Key("id")], &message, help);
            return;
        }
        let target = Step::Key(if rule.effect == Effect::Allow { "allow" } else { "deny" });
        for (number, (pattern, why)) in rule.targets.iter().zip(dead).enumerate() {
            let Some((why, help)) = why else { continue };
            let number = rule.targets.iter().take(number).filter(|other| other.noun == pattern.noun).count();
            let noun = Step::Key(pattern.noun.key());
            let message = format!("this pattern never takes effect: {why}");
            let path = [Step::Key("rules"), Step::Element(at), target, noun, Step::Element(number)];
            self.warn("dead_pattern", &path, &message, help);
        }
    }
}

/// A step from a value to one inside it.
#[derive(Clone, Copy)]
enum Step {
    Key(&'static str),
    Element(usize),
}

/// Whether the earlier source applies wherever the later one does.
fn preempts(earlier: &IdentitySource, later: &IdentitySource) -> bool {
    match (earlier, later) {
        (IdentitySource::Spiffe, IdentitySource::Spiffe | IdentitySource::Header(_)) => true,
        (IdentitySource::Jwt(a), IdentitySource::Jwt(b)) => {
            a.issuer == b.issuer
                && a.metadata_key == b.metadata_key
                && (a.audience.is_none() || a.audience == b.audience)
        }
        (IdentitySource::Header(a), IdentitySource::Header(b)) => b.peers.iter().all(|peer| a.peers.contains(peer)),
        _ => false,
    }
}

fn supplies(source: &IdentitySource, field: Field) -> bool {
    match (source, field) {
        (_, Field::Subject) => true,
        (IdentitySource::Spiffe, _) => field == Field::Workload,
        (IdentitySource::Jwt(jwt), _) => match field {
            Field::Team => jwt.team.is_some(),
            Field::Groups => jwt.groups.is_some(),
            Field::Scopes => jwt.scopes.is_some(),
            Field::Agent => jwt.agent.is_some(),
            _ => true,
        },
        (IdentitySource::Header(header), _) => match field {
            Field::Team => header.team.is_some(),
            Field::Groups => header.groups.is_some(),
            Field::Scopes => header.scopes.is_some(),
            Field::Agent => header.agent.is_some(),
            _ => true,
        },
    }
}

/// The issuers that a source can give.
fn vouchers(source: &IdentitySource) -> Vec<&str> {
    match source {
        IdentitySource::Jwt(jwt) => vec![&jwt.issuer],
        IdentitySource::Spiffe => Vec::new(),
        IdentitySource::Header(header) => header.peers.iter().map(String::as_str).collect(),
    }
}

/// Whether every request that `later` matches is matched by `earlier`.
fn swallows(earlier: &ServerMatch, later: &ServerMatch) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| a.is_none() || a == b;
    let path = match (&earlier.path, &later.path) {
        (None, _) => true,
        (Some(wide), Some(path)) => super::path::is_below(path, wide),
        (Some(_), None) => false,
    };
    let authority = match (&earlier.authority, &later.authority) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => super::path::same_authority(narrow, wide),
        (Some(_), None) => false,
    };
    path && authority && same(&earlier.route, &later.route) && same(&earlier.cluster, &later.cluster)
}
