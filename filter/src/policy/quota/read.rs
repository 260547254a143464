//! The reading of `quotas`.

use std::sync::Arc;

use super::window::{self, Window};
use super::{Counts, Dimension, Missing, Quota, Refunds, Scope};
use crate::mcp::method;
use crate::pattern::Pattern;
use crate::policy::document::{Fields, Kind, Report, Value};
use crate::policy::duration::{self, Bounds, DAY, SECOND};
use crate::policy::{
    FailMode, Mode, Noun, RateLimitProtocol, Reason, Registry, TargetPattern, keys, money, registry, rule, server,
};
use crate::quota::Limit;

/// The largest whole number that every JSON reader understands exactly (RFC 8259 section 6).
const MOST: u64 = (1 << 53) - 1;

/// What the prefix of the ids of `cost_controls` is.
pub(in crate::policy) const RESERVED: &str = "cost_controls.";

/// What quotas refer to.
pub(in crate::policy) struct Names<'a> {
    /// The servers that the document declares, with the registry that each has joined.
    pub(in crate::policy) servers: &'a [String],
    pub(in crate::policy) joined: &'a [(String, String)],
    /// The registries that the document declares, and those of them that have no fault.
    pub(in crate::policy) declared: &'a [String],
    pub(in crate::policy) registries: &'a [Registry],
    pub(in crate::policy) engine: Engine,
}

/// What the document says about the service that counts for a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Engine {
    /// Nothing.
    Absent,
    /// Something, which has a fault or not.
    Declared(Option<RateLimitProtocol>),
}

impl Engine {
    /// Whether it counts at once, and can hold nothing and take nothing back.
    fn counts_at_once(self) -> bool {
        self == Self::Declared(Some(RateLimitProtocol::ShouldRateLimit))
    }
}

/// Reads `quotas`.
pub(in crate::policy) fn read(value: &Value<'_>, names: &Names<'_>, report: &mut Report<'_>) -> Vec<Arc<Quota>> {
    let mut quotas: Vec<Arc<Quota>> = Vec::new();
    for value in value.list(report).unwrap_or_default() {
        let Some(quota) = read_quota(value, names, report) else { continue };
        if quotas.iter().any(|other| other.id == quota.id) {
            let message = format!("a second quota with the id `{}`", quota.id);
            let help = "give each quota an id of its own: refusals and metrics name it";
            report.error("duplicate_name", value.member("id").unwrap_or(value), message, help);
        }
        quotas.push(Arc::new(quota));
    }
    quotas
}

fn read_quota(value: &Value<'_>, names: &Names<'_>, report: &mut Report<'_>) -> Option<Quota> {
    let fields = Fields::open(value, &keys::QUOTA, report)?;
    let id = fields.required("id", report).and_then(|value| read_id(value, report));
    let (counts, amount) = read_amount(&fields, report);
    let limit = read_limit(&fields, counts, amount, report);
    let by = fields.get("by").map(|value| read_by(value, report)).unwrap_or_default();
    let targets = rule::read_nouns(&fields, names.servers, check_method, report);
    let servers = read_servers(&fields, names, report);
    let who = fields.get("who").and_then(|value| rule::read_who(value, report));
    let scope = read_scope(&fields, names.engine, report);
    check_budget(&fields, counts, scope, names.engine, report);
    if let (Scope::Global, Counts::Concurrent, Some(value)) = (scope, counts, fields.get("scope")) {
        let help = "take `scope` out: each Envoy limits what is open in itself";
        report.error("invalid_value", value, "no service counts what is open at a time", help);
    }
    let on_missing = fields.get("on_missing").and_then(|value| {
        if fields.get("by").is_none() {
            refuse(value, "without `by` there is nothing that a caller could lack", "take it out, or add `by`", report);
        }
        value.choice(&[("share", Missing::Share), ("deny", Missing::Deny)], report)
    });
    let mode = fields.get("mode").and_then(|value| server::read_mode(value, report)).unwrap_or(Mode::Enforce);
    Some(Quota {
        id: id?,
        counts,
        limit: limit?,
        by,
        targets,
        servers,
        who,
        scope,
        on_store_error: read_on_store_error(&fields, report),
        on_missing: on_missing.unwrap_or(Missing::Share),
        refund_on: read_refunds(&fields, counts, scope, names.engine, report),
        mode,
        advice: fields.get("advice").and_then(|value| value.text(report)).map(str::to_owned),
        exceeded: if counts == Counts::Cost { Reason::BudgetExceeded } else { Reason::QuotaExceeded },
    })
}

fn refuse(value: &Value<'_>, message: &str, help: &str, report: &mut Report<'_>) {
    report.error("invalid_value", value, message, help);
}

fn read_id(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) || text.len() > 128 {
        let help = "use letters, digits, `.`, `_` and `-`, at most 128: metrics and response headers carry it";
        report.error("invalid_value", value, format!("`{text}` is not an id of a quota"), help);
        return None;
    }
    if text.starts_with(RESERVED) {
        let help = "use an id that begins otherwise";
        report.error("invalid_value", value, format!("ids with `{RESERVED}` belong to `cost_controls`"), help);
        return None;
    }
    Some(text.to_owned())
}

/// Reads `limit` and `count`, which must agree: what is counted, and how much of it.
fn read_amount(fields: &Fields<'_, '_>, report: &mut Report<'_>) -> (Counts, Option<u64>) {
    let words = [Counts::Calls, Counts::RequestBytes, Counts::ResultBytes, Counts::Concurrent, Counts::Cost];
    let words = words.map(|counts| (counts.as_str(), counts));
    let stated = fields.get("count").map(|value| (value, value.choice(&words, report)));
    let Some(limit) = fields.required("limit", report) else {
        return (stated.and_then(|(_, counts)| counts).unwrap_or(Counts::Calls), None);
    };
    let is_money = matches!(&limit.kind, Kind::Text(text) if text.starts_with('$'));
    if is_money {
        if let Some((value, Some(counts))) = stated
            && counts != Counts::Cost
        {
            let message = format!("`limit` is an amount of money, which no `{}` are", counts.as_str());
            refuse(value, &message, "take `count` out, or write `limit` as a number", report);
        }
        return (Counts::Cost, read_money(limit, report));
    }
    let counts = stated.and_then(|(_, counts)| counts).unwrap_or(Counts::Calls);
    match &limit.kind {
        Kind::Number(number) if counts == Counts::Cost => {
            refuse(limit, "a budget is an amount of money", &format!("write \"${number}\""), report);
            (counts, None)
        }
        Kind::Text(text) if !text.is_empty() => {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let help = if is_number {
                format!("write {text} without quotation marks; money is written \"${text}\"")
            } else {
                "write a whole number, and its window into `window`; money is written as in \"$50\"".to_owned()
            };
            let message = "expected a whole number or an amount such as \"$50\", found another string";
            report.error("wrong_type", limit, message, &help);
            (counts, None)
        }
        _ => (counts, limit.whole(1..=MOST, report)),
    }
}

fn read_money(limit: &Value<'_>, report: &mut Report<'_>) -> Option<u64> {
    if let Kind::Text(text) = &limit.kind
        && let Some((amount, period)) = text.split_once('/')
    {
        let message = format!("`{text}` has its window in it");
        let help = format!("put it into `window`: \"limit\": \"{}\", \"window\": \"{}\"", amount.trim(), period.trim());
        report.error("bad_amount", limit, message, &help);
        return None;
    }
    money::read(limit, 1, report)
}

/// Reads `window`, `burst`, `lease` and `utc_offset`.
fn read_limit(fields: &Fields<'_, '_>, counts: Counts, amount: Option<u64>, report: &mut Report<'_>) -> Option<Limit> {
    let (burst, utc_offset) = (fields.get("burst"), fields.get("utc_offset"));
    if counts == Counts::Concurrent {
        for (key, value) in [("window", fields.get("window")), ("burst", burst), ("utc_offset", utc_offset)] {
            if let Some(value) = value {
                let message = format!("`{key}` has no meaning for what is open at a time");
                refuse(value, &message, "take it out; `lease` says when a call that never ends is forgotten", report);
            }
        }
        let bounds = Bounds { least: 10 * SECOND, most: DAY, units: duration::SECONDS };
        let lease = fields.get("lease").map_or(Some(15 * 60 * SECOND), |value| duration::read(value, &bounds, report));
        return Some(Limit::Concurrent { limit: amount?, lease: u32::try_from(lease? / SECOND).ok()? });
    }
    if let Some(value) = fields.get("lease") {
        refuse(
            value,
            "`lease` is about what is open at a time",
            "take it out, or say \"count\": \"concurrent\"",
            report,
        );
    }
    let Some(window) = fields.get("window") else {
        let help = if counts == Counts::Cost { "as in \"window\": \"month\"" } else { "as in \"window\": \"1m\"" };
        fields.missing("this object needs the key `window`", help, report);
        return None;
    };
    match window::read(window, counts == Counts::Cost, report)? {
        Window::Rate(window) => {
            if let Some(value) = utc_offset {
                let help = "take it out, or use the window \"day\", \"week\" or \"month\"";
                refuse(value, "`utc_offset` is about windows of the calendar", help, report);
            }
            let limit = amount?;
            let burst = match burst {
                Some(value) => value.whole(1..=limit, report)?,
                None if counts == Counts::Calls => (limit / 10).max(1),
                None => limit,
            };
            Some(Limit::Rate { limit, window, burst })
        }
        Window::Calendar(period) => {
            if let Some(value) = burst {
                let help = "take it out: all of the limit may be used at once";
                refuse(value, "`burst` is about rates, not about windows of the calendar", help, report);
            }
            let utc_offset = utc_offset.map_or(Some(0), |value| window::read_utc_offset(value, report));
            Some(Limit::Calendar { limit: amount?, period, utc_offset: utc_offset? })
        }
    }
}

/// In the order of [`Dimension::ALL`], so that the order in the document makes no difference.
fn read_by(value: &Value<'_>, report: &mut Report<'_>) -> Vec<Dimension> {
    let words = Dimension::ALL.map(|dimension| (dimension.as_str(), dimension));
    let mut named = Vec::new();
    for value in value.list(report).unwrap_or_default() {
        let Some(dimension) = value.choice(&words, report) else { continue };
        if named.contains(&dimension) {
            let message = format!("`{}` stands here twice", dimension.as_str());
            report.error("duplicate_name", value, message, "take one of them out");
        }
        named.push(dimension);
    }
    Dimension::ALL.into_iter().filter(|dimension| named.contains(dimension)).collect()
}

/// A quota on a method must be able to count something that may be refused.
fn check_method(target: &TargetPattern, value: &Value<'_>, report: &mut Report<'_>) -> bool {
    let (Noun::Method, Pattern::Exact(name)) = (target.noun, &target.name) else { return true };
    let name = &**name;
    let (message, help) = if method::kind(name) == method::Kind::Handshake {
        ("is never refused: clients would fall back or break", "limit the calls instead")
    } else if name.starts_with("notifications/") {
        ("is a notification: nothing answers it, so nothing could refuse it", "limit requests instead")
    } else if ["sampling/createMessage", "elicitation/create", "roots/list"].contains(&name) {
        ("is what a server asks of a client, and quotas count what clients ask", "deny it in `rules` instead")
    } else {
        return true;
    };
    report.error("invalid_value", value, format!("`{name}` {message}"), help);
    false
}

/// The servers that `servers` names and that are in one of `registries`, or below it.
fn read_servers(fields: &Fields<'_, '_>, names: &Names<'_>, report: &mut Report<'_>) -> Option<Vec<String>> {
    let before = report.errors.len();
    let servers = fields.get("servers").and_then(|value| rule::read_servers(value, names.servers, report));
    let Some(value) = fields.get("registries") else { return servers };
    let list = value.list(report).unwrap_or_default();
    let wanted: Vec<String> =
        list.iter().filter_map(|value| registry::read_known(value, names.declared, report)).collect();
    let is_in = |server: &str| {
        let joined = names.joined.iter().find(|(name, _)| name == server);
        joined.is_some_and(|(_, own)| wanted.iter().any(|it| registry::is_within(names.registries, own, it)))
    };
    let all = servers.unwrap_or_else(|| names.servers.to_vec());
    let left: Vec<String> = all.into_iter().filter(|server| is_in(server)).collect();
    if left.is_empty() && report.errors.len() == before {
        let (message, help) = if fields.get("servers").is_some() {
            ("none of `servers` is in these registries", "take one of the two keys out, or name other registries")
        } else {
            ("no server is in these registries", "add \"registry\" to the servers that are")
        };
        report.error("empty", value, message, help);
    }
    Some(left)
}

/// Reads `scope`, of a quota or of `cost_controls`.
pub(in crate::policy) fn read_scope(fields: &Fields<'_, '_>, engine: Engine, report: &mut Report<'_>) -> Scope {
    let Some(value) = fields.get("scope") else { return Scope::Local };
    let scope = value.choice(&[("local", Scope::Local), ("global", Scope::Global)], report);
    if scope == Some(Scope::Global) && engine == Engine::Absent {
        let message = "no service counts for the fleet: `host.stores.global` is not there";
        let help = "name Envoy's cluster of the rate limit service: \
                    { \"host\": { \"stores\": { \"global\": { \"cluster\": \"ratelimit\" } } }, \"layers\": [policy] }";
        report.error("missing_key", value, message, help);
    }
    scope.unwrap_or(Scope::Local)
}

/// A budget needs a store that can hold what a call may cost until it is known.
pub(in crate::policy) fn check_budget(
    fields: &Fields<'_, '_>,
    counts: Counts,
    scope: Scope,
    engine: Engine,
    report: &mut Report<'_>,
) {
    if let (Counts::Cost, Scope::Global, true, Some(value)) =
        (counts, scope, engine.counts_at_once(), fields.get("scope"))
    {
        let help = "use a service that speaks \"protocol\": \"reserve\", or take `scope` out";
        refuse(value, "with `should_rate_limit` money cannot be held, and budgets would be overspent", help, report);
    }
}

/// Reads `on_store_error`, of a quota or of `cost_controls`.
pub(in crate::policy) fn read_on_store_error(fields: &Fields<'_, '_>, report: &mut Report<'_>) -> FailMode {
    let words = [("deny", FailMode::Deny), ("allow", FailMode::Allow)];
    fields.get("on_store_error").and_then(|value| value.choice(&words, report)).unwrap_or(FailMode::Deny)
}

/// Reads `refund_on` of a quota. What a call costs is settled by its price, for all budgets alike.
fn read_refunds(
    fields: &Fields<'_, '_>,
    counts: Counts,
    scope: Scope,
    engine: Engine,
    report: &mut Report<'_>,
) -> Refunds {
    let Some(value) = fields.get("refund_on") else { return Refunds::default() };
    let refunds = read_refund_list(value, report);
    if counts == Counts::Cost {
        let help = "say `refund_on` at the price in `costs`: it holds for every budget that the call is charged to";
        refuse(value, "a budget gives back what its calls did not cost after all", help, report);
    } else if refunds == Refunds::default() {
        return refunds;
    } else if counts == Counts::Concurrent {
        refuse(value, "what is open at a time is always given back when it ends", "take it out", report);
    } else if scope == Scope::Global && engine.counts_at_once() {
        let help = "take it out, or use a service that speaks \"protocol\": \"reserve\"";
        refuse(value, "with `should_rate_limit` nothing that was counted can be given back", help, report);
    }
    refunds
}

/// Reads the causes in a `refund_on`. An empty list says that nothing is given back.
pub(in crate::policy) fn read_refund_list(value: &Value<'_>, report: &mut Report<'_>) -> Refunds {
    let mut refunds = Refunds::default();
    let list = match &value.kind {
        Kind::List(list) => list.as_slice(),
        _ => value.list(report).unwrap_or_default(),
    };
    for value in list {
        match value.choice(&[("upstream_failure", true), ("tool_error", false)], report) {
            Some(true) => refunds.upstream_failure = true,
            Some(false) => refunds.tool_error = true,
            None => {}
        }
    }
    refunds
}
