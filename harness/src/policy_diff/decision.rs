//! What one policy says of one request: the core's verdict, as it takes effect.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_filter::decide::access::{self, Caller};
use tidegate_filter::decide::identity::{Principal, Source};
use tidegate_filter::mcp::method::{self, Kind};
use tidegate_filter::policy::{
    Anonymous, Effect, FailMode, Field, IdentitySource, Mode, Noun, Policy, Rule, Server, Who,
};

use super::targets::Target;

/// What becomes of a request, and of all others that are like it to the policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    /// The rule that decides, if one does.
    pub(super) rule: Option<String>,
    /// Whether shadow rules would turn it around.
    pub(super) would_turn: bool,
}

/// Whether the request goes on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// It does, under these conditions on its arguments.
    Allowed(Conditions),
    /// It does not.
    Refused {
        /// The word of the audit event.
        reason: String,
        /// The refusal looks like an unknown name.
        hide: bool,
        /// What the caller is told to do.
        advice: Option<String>,
    },
}

/// Conditions on the arguments of a call, each in canonical JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Conditions {
    /// One of these must hold; none is needed if there are none.
    pub(super) one_of: BTreeSet<String>,
    /// None of these may hold.
    pub(super) none_of: BTreeSet<String>,
}

impl Decision {
    fn allowed(rule: Option<&str>) -> Self {
        let outcome = Outcome::Allowed(Conditions::default());
        Self { outcome, rule: rule.map(str::to_owned), would_turn: false }
    }

    fn refused(reason: &str) -> Self {
        let outcome = Outcome::Refused { reason: reason.to_owned(), hide: false, advice: None };
        Self { outcome, rule: None, would_turn: false }
    }

    pub(super) fn is_allowed(&self) -> bool {
        matches!(self.outcome, Outcome::Allowed(_))
    }

    /// Whether the two are the same to whoever calls, and to whoever watches shadow rules. Which of several rules is
    /// named makes no difference.
    pub(super) fn same_effect(&self, other: &Self) -> bool {
        let told = match (&self.outcome, &other.outcome) {
            (Outcome::Allowed(a), Outcome::Allowed(b)) => a == b,
            (Outcome::Refused { hide, advice, .. }, Outcome::Refused { hide: hides, advice: advises, .. }) => {
                (hide, advice) == (hides, advises)
            }
            _ => false,
        };
        told && self.would_turn == other.would_turn
    }

    /// The decision in a few words.
    pub(super) fn describe(&self) -> String {
        let by = self.rule.as_ref().map(|rule| format!(" by {rule}")).unwrap_or_default();
        let mut text = match &self.outcome {
            Outcome::Allowed(conditions) => format!("allowed{by}{}", conditions.describe()),
            Outcome::Refused { reason, hide, advice } => {
                let mut text = format!("refused{by} ({reason})");
                if *hide {
                    text.push_str(", as if it did not exist");
                }
                if let Some(advice) = advice {
                    text.push_str(&format!(", told \"{advice}\""));
                }
                text
            }
        };
        if self.would_turn {
            text.push_str(if self.is_allowed() { "; shadow rules would refuse" } else { "; shadow rules would allow" });
        }
        text
    }
}

impl Conditions {
    fn describe(&self) -> String {
        let list = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(" or ");
        match (self.one_of.is_empty(), self.none_of.is_empty()) {
            (true, true) => String::new(),
            (false, true) => format!(" if {}", list(&self.one_of)),
            (true, false) => format!(" unless {}", list(&self.none_of)),
            (false, false) => format!(" if {} unless {}", list(&self.one_of), list(&self.none_of)),
        }
    }
}

/// The decision of a policy. `server` is where the request leads; `None` if no server of the policy matches it.
pub(super) fn decide(
    policy: &Policy,
    server: Option<&Server>,
    principal: &Principal,
    target: &Target,
    now: i64,
) -> Decision {
    let Some(server) = server else {
        return match policy.on.server_unknown {
            FailMode::Allow => Decision::allowed(None),
            FailMode::Deny => Decision::refused("server_unknown"),
        };
    };
    if !server.govern || server.mode == Mode::Shadow {
        return Decision::allowed(None);
    }
    if principal.source == Source::Anonymous && policy.identity.anonymous != Anonymous::Allow {
        return Decision::refused("principal_missing");
    }
    let caller = Caller { server, principal, now };
    if !access::has_right(policy, &caller) {
        return Decision::refused("method_not_allowed");
    }
    let Some(noun) = target.noun else { return Decision::allowed(None) };
    let name = target.witness.as_str();
    let carrier = match noun {
        Noun::Tool => "tools/call",
        Noun::Resource => "resources/read",
        Noun::Prompt => "prompts/get",
        Noun::Method => name,
    };
    let by_method = access::access(policy, &caller, Noun::Method, carrier, None);
    let denied = by_method.reason.is_some_and(|reason| reason.as_str() == "denied_by_rule");
    if noun == Noun::Method {
        let kind = method::kind(name);
        return match kind {
            Kind::Handshake | Kind::List(_) => Decision::allowed(None),
            Kind::Restricted => verdict(&by_method, Conditions::default()),
            Kind::Unknown if !denied && !by_method.allowed && policy.on.unknown_method == FailMode::Allow => {
                Decision::allowed(None)
            }
            Kind::Unknown => verdict(&by_method, Conditions::default()),
            _ if denied => verdict(&by_method, Conditions::default()),
            _ => Decision::allowed(None),
        };
    }
    if denied {
        return verdict(&by_method, Conditions::default());
    }
    let own = access::access(policy, &caller, noun, name, None);
    let needs_write = policy.read_only.enabled && own.class == access::Class::Write;
    verdict(&own, conditions(policy, &caller, noun, name, needs_write))
}

fn verdict(verdict: &access::Verdict<'_>, conditions: Conditions) -> Decision {
    let outcome = if verdict.allowed {
        Outcome::Allowed(conditions)
    } else {
        Outcome::Refused {
            reason: verdict.reason.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            hide: verdict.hide,
            advice: verdict.advice.map(str::to_owned),
        }
    };
    Decision { outcome, rule: verdict.rule.map(str::to_owned), would_turn: verdict.would.is_some() }
}

/// The conditions on arguments of every rule in force that is about this call.
fn conditions(policy: &Policy, caller: &Caller<'_>, noun: Noun, name: &str, needs_write: bool) -> Conditions {
    let applies = |rule: &&Rule| {
        rule.mode == Mode::Enforce
            && rule.in_time(caller.now)
            && (rule.effect == Effect::Deny || rule.write || !needs_write)
            && is_meant(rule.who.as_ref(), caller.principal)
            && is_about(rule, caller.server, noun, name)
    };
    let mut found = Conditions::default();
    for rule in policy.rules.iter().filter(|rule| rule.arguments.is_some()).filter(applies) {
        let set = if rule.effect == Effect::Allow { &mut found.one_of } else { &mut found.none_of };
        set.extend(rule.arguments.as_ref().map(|arguments| canonical(arguments.text())));
    }
    let is_free = |rule: &&Rule| rule.effect == Effect::Allow && rule.arguments.is_none();
    if !found.one_of.is_empty() && policy.rules.iter().filter(is_free).any(|rule| applies(&rule)) {
        found.one_of.clear();
    }
    found
}

/// Whether one of the rule's patterns matches the server and the name.
fn is_about(rule: &Rule, server: &Server, noun: Noun, name: &str) -> bool {
    rule.servers.as_ref().is_none_or(|names| names.contains(&server.name))
        && rule.targets.iter().any(|target| {
            target.noun == noun
                && target.server.as_ref().is_none_or(|on| on.matches(&server.name))
                && target.name.matches(name)
        })
}

/// Whether a principal meets every condition of a `who`.
pub(super) fn is_meant(who: Option<&Who>, principal: &Principal) -> bool {
    let has = |field: Field, wanted: &[String]| {
        let values: &[String] = match field {
            Field::Subject => std::slice::from_ref(&principal.subject),
            Field::Team => principal.team.as_slice(),
            Field::Groups => &principal.groups,
            Field::Agent => principal.agent.as_slice(),
            Field::Workload => principal.workload.as_slice(),
            Field::Scopes => &principal.scopes,
            Field::Issuer => principal.issuer.as_slice(),
        };
        values.iter().any(|value| wanted.contains(value))
    };
    who.is_none_or(|who| who.0.iter().all(|(field, wanted)| has(*field, wanted)))
}

/// The caller as a policy's sources can know it: facts that no source supplies are not there.
pub(super) fn as_known(policy: &Policy, principal: &Principal) -> Principal {
    let sources = &policy.identity.sources;
    if sources.is_empty() {
        return Principal::anonymous();
    }
    let supplied = |of_jwt: fn(&tidegate_filter::policy::JwtSource) -> bool,
                    of_header: fn(&tidegate_filter::policy::HeaderSource) -> bool| {
        sources.iter().any(|source| match source {
            IdentitySource::Jwt(jwt) => of_jwt(jwt),
            IdentitySource::Header(header) => of_header(header),
            IdentitySource::Spiffe => false,
        })
    };
    let mut known = principal.clone();
    if !supplied(|it| it.team.is_some(), |it| it.team.is_some()) {
        known.team = None;
    }
    if !supplied(|it| it.groups.is_some(), |it| it.groups.is_some()) {
        known.groups.clear();
    }
    if !supplied(|it| it.scopes.is_some(), |it| it.scopes.is_some()) {
        known.scopes.clear();
    }
    if !supplied(|it| it.agent.is_some(), |it| it.agent.is_some()) {
        known.agent = None;
    }
    known
}

/// A condition in one form, whatever the order of its members and of lists in which order means nothing.
pub(super) fn canonical(text: &[u8]) -> String {
    serde_json::from_slice::<Value>(text)
        .map_or_else(|_| String::from_utf8_lossy(text).into_owned(), |value| sorted(&value).to_string())
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<&String, Value> = members
                .iter()
                .map(|(key, value)| {
                    let mut value = sorted(value);
                    if let (true, Value::Array(list)) =
                        (["required", "enum", "type"].contains(&key.as_str()), &mut value)
                    {
                        list.sort_by_key(ToString::to_string);
                    }
                    (key, value)
                })
                .collect();
            Value::Object(members.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
