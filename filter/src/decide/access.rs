//! Whether a caller may use a tool, a resource, a prompt or a method. First that holds decides:
//!
//! 1. an enforcing deny that matches: `denied_by_rule`;
//! 2. an enforcing allow that matches, and that opens writes if the tool is a write and the policy read-only: allowed;
//! 3. an enforcing allow whose conditions on the arguments alone are not met: `arguments_invalid`;
//! 4. an enforcing allow that opens no writes and lacks only that: `read_only`;
//! 5. an enforcing allow that lacks only its time: `outside_time`;
//! 6. nothing: `tool_not_allowed`, or as fits what was asked for.
//!
//! Within a step the first rule in document order is the one that the verdict names. A rule matches when one of its
//! patterns matches the server and what was asked for, `servers` names the server, every field of `who` has one of its values, and
//! the time is within its bounds. Conditions on the arguments are asked last: an allow needs them met, a deny matches
//! unless they are known not to be. Shadow rules take part only in [`Would`].

use super::identity::Principal;
use crate::mcp::uri::Template;
use crate::policy::{
    Anonymous, Candidates, DenyStyle, Effect, Mode, Noun, Policy, Reason, Rule, RuleIndex, Server, Who,
};
use crate::schema::{self, MissKind, Schema};

/// Longer names match no rule and so are refused: looking for `*middle*` in them would cost too much. MCP asks for names
/// of at most 128 characters.
const LONGEST_NAME: usize = 1024;
/// The same for URIs, of which [`uri::fault`](crate::mcp::uri::fault) refuses longer ones anyway.
const LONGEST_URI: usize = 8 * 1024;

/// Who calls which server when.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// A server of the policy that decides.
    pub server: &'a Server,
    /// Who calls.
    pub principal: &'a Principal,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

/// Whether a tool reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The tool is among `read_only.reads`.
    Read,
    /// Any other tool.
    Write,
}

/// What the rules say. The modes of policy and server are not applied here: whoever carries out a verdict asks
/// [`Server::mode`] whether to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'p> {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Why not; `None` when allowed.
    pub reason: Option<Reason>,
    /// The rule that decided, or the allow that came nearest; `None` when none did.
    pub rule: Option<&'p str>,
    /// What the arguments lack, of the allow that came nearest: `/amount must be at most 500`.
    pub lacks: Option<String>,
    /// That rule's advice, whatever the verdict.
    pub advice: Option<&'p str>,
    /// Whether that rule wants a refusal to look as if what was asked for did not exist.
    pub hide: bool,
    /// Whether it reads or writes; all but tools read.
    pub class: Class,
    /// What shadow rules would have changed.
    pub would: Option<Would<'p>>,
}

/// The verdict if shadow rules were enforced, where it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Would<'p> {
    /// Whether the call would go on.
    pub allowed: bool,
    /// The shadow rule that makes the difference.
    pub rule: &'p str,
    /// Why not; `None` when it would be allowed.
    pub reason: Option<Reason>,
}

/// The verdict on the thing of kind `noun` that is called `name`, used with these arguments: a JSON value that strict
/// reading has accepted. Without, the verdict is that on its entry in a list: whether the caller could use it with some
/// arguments.
pub fn access<'p>(
    policy: &'p Policy,
    caller: &Caller<'_>,
    noun: Noun,
    name: &str,
    arguments: Option<&[u8]>,
) -> Verdict<'p> {
    let indexes = || std::iter::once(&policy.global).chain(policy.by_server.get(caller.server.ordinal));
    let fits = name.len() <= longest(noun);
    let reads = || fits && indexes().any(|index| index.reads.any_match(name, |()| true));
    let class = if noun != Noun::Tool || reads() { Class::Read } else { Class::Write };
    let needs_write = policy.read_only.enabled && class == Class::Write;
    let mut matches = Matches { needs_write, arguments, ..Matches::default() };
    for names in indexes().filter_map(|index| index.names(noun)).filter(|_| fits) {
        names.any_match(name, |candidates| {
            each_candidate(candidates, policy, caller, |number, rule| matches.consider(number, rule, caller));
            false
        });
    }
    matches.verdict(policy, noun, class)
}

/// The verdict on a resource template: allowed if an allow can match some URI that it stands for, unless a deny matches
/// all of them.
pub fn template<'p>(policy: &'p Policy, caller: &Caller<'_>, template: &str) -> Verdict<'p> {
    let template = Template::new(template);
    let mut matches = Matches::default();
    for (number, rule) in (0..).zip(&policy.rules) {
        let meets = rule.targets.iter().any(|target| {
            let fits = match rule.effect {
                Effect::Allow => template.can_match(&target.name),
                Effect::Deny => template.must_match(&target.name),
            };
            target.noun == Noun::Resource && fits && rule.reaches(target, caller.server)
        });
        if meets {
            matches.consider(number, rule, caller);
        }
    }
    matches.verdict(policy, Noun::Resource, Class::Read)
}

pub(super) fn longest(noun: Noun) -> usize {
    if noun == Noun::Resource { LONGEST_URI } else { LONGEST_NAME }
}

impl Matches<'_> {
    pub(super) fn verdict<'p>(self, policy: &'p Policy, noun: Noun, class: Class) -> Verdict<'p> {
        let enforced = self.enforced.settle(policy, noun);
        let would = Some(self.all.settle(policy, noun))
            .filter(|all| all.allowed != enforced.allowed)
            .and_then(|all| Some(Would { allowed: all.allowed, rule: &all.rule?.id, reason: all.reason }));
        let Settled { allowed, reason, rule } = enforced;
        Verdict {
            allowed,
            reason,
            rule: rule.map(|rule| rule.id.as_str()),
            lacks: self.lacks.filter(|_| reason == Some(Reason::ArgumentsInvalid)).map(|(_, lacks)| lacks),
            advice: rule.and_then(|rule| rule.advice.as_deref()),
            hide: !allowed && rule.is_some_and(|rule| rule.deny_style == DenyStyle::Hide),
            class,
            would,
        }
    }
}

/// Whether any enforcing allow can apply to this principal on this server now, whatever the tool. Nobody without one
/// gets past the request's headers.
pub fn has_right(policy: &Policy, caller: &Caller<'_>) -> bool {
    let own = policy.by_server.get(caller.server.ordinal);
    std::iter::once(&policy.global).chain(own).any(|index| {
        let mut found = false;
        each_candidate(&index.rights, policy, caller, |_, rule| {
            found = found || (rule.in_time(caller.now) && is_about(rule, caller.principal));
        });
        found
    })
}

/// Whether what a list shows depends on who asks, so that no cache may share it (`cacheScope: private`). It does as
/// soon as a rule for the server asks who calls, and where an anonymous caller would be shown nothing at all.
pub fn depends_on_principal(policy: &Policy, server: &Server) -> bool {
    let asks = |index: &RuleIndex| index.asks_who;
    policy.identity.anonymous != Anonymous::Allow
        || asks(&policy.global)
        || policy.by_server.get(server.ordinal).is_none_or(asks)
}

/// The next moment after `now`, in seconds since the Unix epoch, at which a rule begins or ceases to apply: no list may
/// be cached beyond it.
pub fn next_time_bound(policy: &Policy, now: i64) -> Option<i64> {
    let at = policy.time_bounds.partition_point(|bound| *bound <= now);
    policy.time_bounds.get(at).copied()
}

/// Calls `visit` with every candidate that could be about the caller; with some of them more than once.
fn each_candidate<'p>(
    candidates: &Candidates,
    policy: &'p Policy,
    caller: &Caller<'_>,
    mut visit: impl FnMut(u32, &'p Rule),
) {
    let mut visit_all = |numbers: &[u32]| {
        for number in numbers {
            if let Some(rule) = usize::try_from(*number).ok().and_then(|at| policy.rules.get(at)) {
                visit(*number, rule);
            }
        }
    };
    visit_all(&candidates.anyone);
    for (field, by_value) in &candidates.by_field {
        for value in caller.principal.values(*field) {
            if let Some(numbers) = by_value.exact(value) {
                visit_all(numbers);
            }
        }
    }
}

/// Whether the principal meets every condition of the rule's `who`.
fn is_about(rule: &Rule, principal: &Principal) -> bool {
    is_meant(rule.who.as_ref(), principal)
}

/// Whether the principal meets every condition of a `who`; everybody does where there is none.
pub(super) fn is_meant(who: Option<&Who>, principal: &Principal) -> bool {
    who.is_none_or(|who| {
        who.0.iter().all(|(field, wanted)| principal.values(*field).iter().any(|value| wanted.contains(value)))
    })
}

/// The first matching rule of each step, by number.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) deny: Option<u32>,
    pub(super) allow: Option<u32>,
    pub(super) lacking: Option<u32>,
    pub(super) not_writing: Option<u32>,
    pub(super) untimely: Option<u32>,
}

#[derive(Default)]
pub(super) struct Matches<'a> {
    pub(super) needs_write: bool,
    /// The arguments; none where any will do.
    pub(super) arguments: Option<&'a [u8]>,
    pub(super) enforced: Steps,
    /// As if shadow rules were enforced.
    pub(super) all: Steps,
    /// What the arguments lack of the first enforcing allow in `lacking`.
    pub(super) lacks: Option<(u32, String)>,
}

impl Matches<'_> {
    pub(super) fn consider(&mut self, number: u32, rule: &Rule, caller: &Caller<'_>) {
        let in_time = rule.in_time(caller.now);
        let writes = rule.write || !self.needs_write;
        let step: fn(&mut Steps) -> &mut Option<u32> = match (rule.effect, in_time, writes) {
            (Effect::Deny, true, _) => |steps| &mut steps.deny,
            (Effect::Allow, true, true) => |steps| &mut steps.allow,
            (Effect::Allow, true, false) => |steps| &mut steps.not_writing,
            (Effect::Allow, false, true) => |steps| &mut steps.untimely,
            (Effect::Deny, false, _) | (Effect::Allow, false, false) => return,
        };
        let first = |found: &Option<u32>| found.is_some_and(|found| found <= number);
        let enforcing = rule.mode == Mode::Enforce;
        // Whether a rule that changes nothing matches need not be known.
        if first(step(&mut self.all)) && (!enforcing || first(step(&mut self.enforced))) {
            return;
        }
        if !is_about(rule, caller.principal) {
            return;
        }
        let mut step = step;
        match (rule.effect, self.miss(rule, caller)) {
            (Effect::Allow, Some(miss)) if in_time && writes => {
                step = |steps| &mut steps.lacking;
                if enforcing && self.lacks.as_ref().is_none_or(|(first, _)| number < *first) {
                    self.lacks = Some((number, miss.said));
                }
            }
            (Effect::Deny, Some(miss)) if miss.is_certain => return,
            _ => {}
        }
        let note = |steps: &mut Steps| {
            let found = step(steps);
            *found = Some(found.map_or(number, |found| found.min(number)));
        };
        note(&mut self.all);
        if enforcing {
            note(&mut self.enforced);
        }
    }
}

/// Conditions on the arguments that are not met.
struct Miss {
    said: String,
    /// They were evaluated; otherwise something that they need was absent or of the wrong type, or cannot be told.
    is_certain: bool,
}

impl Matches<'_> {
    /// What the arguments lack of the rule's conditions.
    fn miss(&self, rule: &Rule, caller: &Caller<'_>) -> Option<Miss> {
        let condition = rule.arguments.as_ref()?;
        let Some(arguments) = self.arguments else {
            // A list shows what could be used: an allow with some arguments opens it, a deny of some does not close it.
            return (rule.effect == Effect::Deny).then(|| Miss { said: String::new(), is_certain: true });
        };
        match condition.schema().judge(arguments, caller.principal) {
            schema::Verdict::Valid => None,
            schema::Verdict::Invalid(miss) => {
                let unevaluated = miss.kind != MissKind::Unmet || matches!(miss.keyword, "type" | "required");
                Some(Miss { said: miss.to_string(), is_certain: !unevaluated })
            }
            schema::Verdict::Undecidable(why) => {
                Some(Miss { said: format!("the arguments cannot be judged: {why}"), is_certain: false })
            }
        }
    }
}

/// The only condition on the arguments under which the caller may use the tool, if there is exactly one. None as well
/// where a deny has conditions, for no schema says what is left.
pub fn only_condition<'p>(policy: &'p Policy, caller: &Caller<'_>, tool: &str) -> Option<&'p Schema> {
    let indexes = std::iter::once(&policy.global).chain(policy.by_server.get(caller.server.ordinal));
    let mut found: Option<(u32, &Schema)> = None;
    let mut several = false;
    for names in indexes.filter_map(|index| index.names(Noun::Tool)) {
        names.any_match(tool, |candidates| {
            each_candidate(candidates, policy, caller, |number, rule| {
                let applies =
                    rule.mode == Mode::Enforce && rule.in_time(caller.now) && is_about(rule, caller.principal);
                match &rule.arguments {
                    _ if !applies => {}
                    Some(condition) if rule.effect == Effect::Allow => {
                        several |= found.is_some_and(|(first, _)| first != number);
                        found = Some((number, condition.schema()));
                    }
                    _ => several = true,
                }
            });
            several
        });
    }
    found.filter(|_| !several).map(|(_, schema)| schema)
}

struct Settled<'p> {
    allowed: bool,
    reason: Option<Reason>,
    rule: Option<&'p Rule>,
}

impl Steps {
    fn settle<'p>(&self, policy: &'p Policy, noun: Noun) -> Settled<'p> {
        let (reason, number) = match self {
            Self { deny: Some(number), .. } => (Some(Reason::DeniedByRule), Some(*number)),
            Self { allow: Some(number), .. } => (None, Some(*number)),
            Self { lacking: Some(number), .. } => (Some(Reason::ArgumentsInvalid), Some(*number)),
            Self { not_writing: Some(number), .. } => (Some(Reason::ReadOnly), Some(*number)),
            Self { untimely: Some(number), .. } => (Some(Reason::OutsideTime), Some(*number)),
            _ => (Some(not_allowed(noun)), None),
        };
        let rule = number.and_then(|number| usize::try_from(number).ok()).and_then(|at| policy.rules.get(at));
        Settled { allowed: reason.is_none(), reason, rule }
    }
}

/// The reason where no rule says anything.
fn not_allowed(noun: Noun) -> Reason {
    match noun {
        Noun::Tool => Reason::ToolNotAllowed,
        Noun::Resource => Reason::ResourceNotAllowed,
        Noun::Prompt => Reason::PromptNotAllowed,
        Noun::Method => Reason::MethodNotAllowed,
    }
}

/// How many rules a verdict looks at: what its cost depends on.
#[cfg(test)]
pub(super) fn candidates(policy: &Policy, caller: &Caller<'_>, tool: &str) -> usize {
    let mut count = 0;
    for index in std::iter::once(&policy.global).chain(policy.by_server.get(caller.server.ordinal)) {
        let Some(tools) = index.names(Noun::Tool) else { continue };
        tools.any_match(tool, |candidates| {
            each_candidate(candidates, policy, caller, |_, _| count += 1);
            false
        });
    }
    count
}
