//! Limits, prices and budgets as they are in force: `tidegate check --explain`.

use serde_json::{Value, json};
use tidegate_filter::policy::{
    Configuration, Cost, Counts, Dollars, FailMode, Missing, Noun, Quota, Reason, Refunds, Scope, TargetPattern,
};
use tidegate_filter::quota::Limit;

use super::explanation::{ADVICE_WIDTH, tool, who_of};
use super::style::{Paint, one_line};
use super::table::{Cell, Table};

/// One row for each quota, those of `cost_controls` included.
pub(super) fn quotas(configuration: &Configuration) -> Table {
    let mut table = Table::new(&["quota", "limit", "of", "counter", "while the store fails", "more"]);
    for quota in &configuration.policy.quotas {
        let counter = match quota.scope {
            Scope::Local => format!("{}, in this Envoy", by(quota)),
            Scope::Global => format!("{}, of the fleet", by(quota)),
        };
        let fails = match quota.on_store_error {
            FailMode::Deny => Cell::from("deny"),
            FailMode::Allow => Cell::painted("allow", Paint::Notable),
        };
        let row = [quota.id.clone().into(), limit(quota).into(), what(quota).into(), counter.into(), fails];
        table.row(row.into_iter().chain([details(quota).into()]));
    }
    if configuration.policy.quotas.is_empty() {
        table.row(["(none)".into(), "nothing is limited".into()]);
    }
    table
}

/// One row for each entry of `costs`, and one for what none of them matches.
pub(super) fn costs(configuration: &Configuration) -> Table {
    let costs = &configuration.policy.costs;
    let mut table = Table::new(&["tools", "price", "at most"]);
    for cost in &costs.list {
        let max = cost.max.map_or_else(|| "-".to_owned(), |max| Dollars(max).to_string());
        table.row([patterns(&cost.tools).into(), price(cost).into(), max.into()]);
    }
    table.row([if costs.list.is_empty() { "every tool" } else { "every other tool" }.into(), "nothing".into()]);
    if let Some(threshold) = costs.single_request {
        let what = format!("over {}: needs an approval ({})", Dollars(threshold), costs.single_request_mode.as_str());
        table.row(["a single call".into(), what.into()]);
    }
    table
}

/// Where counts are kept.
pub(super) fn stores(configuration: &Configuration) -> Vec<(&'static str, String)> {
    let stores = &configuration.host.stores;
    let global = stores.global.as_ref().map_or_else(
        || "-".to_owned(),
        |it| {
            let protocol = it.protocol.as_str();
            format!(
                "cluster {}, domain {}, {protocol}, {} ms, hold {}",
                it.cluster,
                it.domain,
                it.timeout,
                seconds(it.hold.into())
            )
        },
    );
    vec![("stores.counters", stores.counters.to_string()), ("stores.global", global)]
}

/// All of it for tools.
pub(super) fn json(configuration: &Configuration) -> Value {
    let policy = &configuration.policy;
    let quotas: Vec<Value> = policy
        .quotas
        .iter()
        .map(|quota| {
            json!({
                "id": quota.id,
                "count": quota.counts.as_str(),
                "limit": limit_json(quota),
                "by": quota.by.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
                "of": what(quota),
                "who": quota.who.as_ref().map(|who| who_of(Some(who))),
                "servers": quota.servers,
                "scope": match quota.scope { Scope::Local => "local", Scope::Global => "global" },
                "on_store_error": quota.on_store_error.as_str(),
                "on_missing": match quota.on_missing { Missing::Share => "share", Missing::Deny => "deny" },
                "refund_on": refunds(quota.refund_on),
                "mode": quota.mode.as_str(),
                "advice": quota.advice,
                "reason": quota.exceeded.as_str(),
            })
        })
        .collect();
    let costs: Vec<Value> = policy
        .costs
        .list
        .iter()
        .map(|cost| {
            json!({
                "tools": cost.tools.iter().map(tool).collect::<Vec<_>>(),
                "price": price(cost),
                "refund_on": refunds(cost.refund_on),
                "max": cost.max.map(|max| Dollars(max).to_string()),
            })
        })
        .collect();
    json!({
        "quotas": quotas,
        "costs": costs,
        "single_request": policy.costs.single_request.map(|it| Dollars(it).to_string()),
        "stores": {
            "counters": configuration.host.stores.counters,
            "global": configuration.host.stores.global.as_ref().map(|it| json!({
                "cluster": it.cluster,
                "domain": it.domain,
                "protocol": it.protocol.as_str(),
                "timeout_ms": it.timeout,
                "hold": seconds(it.hold.into()),
            })),
        },
    })
}

fn amount(quota: &Quota, limit: u64) -> String {
    match quota.counts {
        Counts::Calls => format!("{limit} calls"),
        Counts::RequestBytes | Counts::ResultBytes => {
            usize::try_from(limit).map_or_else(|_| limit.to_string(), super::explanation::bytes)
        }
        Counts::Concurrent => format!("{limit} at a time"),
        Counts::Cost => Dollars(limit).to_string(),
    }
}

fn limit(quota: &Quota) -> String {
    match quota.limit {
        Limit::Rate { limit, window, burst } => {
            let window = seconds(window / 1_000_000_000);
            format!("{} in {window}, {} at once", amount(quota, limit), amount(quota, burst))
        }
        Limit::Calendar { limit, period, utc_offset } => {
            let zone = if utc_offset == 0 { String::new() } else { format!(" (UTC{})", offset(utc_offset)) };
            format!("{} each {}{zone}", amount(quota, limit), period.as_str())
        }
        Limit::Concurrent { limit, lease } => {
            format!("{}, forgotten after {}", amount(quota, limit), seconds(lease.into()))
        }
    }
}

fn limit_json(quota: &Quota) -> Value {
    let shown =
        |limit: u64| if quota.counts == Counts::Cost { json!(Dollars(limit).to_string()) } else { json!(limit) };
    match quota.limit {
        Limit::Rate { limit, window, burst } => {
            json!({"limit": shown(limit), "window": seconds(window / 1_000_000_000), "burst": burst})
        }
        Limit::Calendar { limit, period, utc_offset } => {
            json!({"limit": shown(limit), "window": period.as_str(), "utc_offset": offset(utc_offset)})
        }
        Limit::Concurrent { limit, lease } => json!({"limit": limit, "lease": seconds(lease.into())}),
    }
}

/// In the largest unit that leaves a whole number.
fn seconds(seconds: u64) -> String {
    match seconds {
        0 => "0s".to_owned(),
        it if it % 3600 == 0 => format!("{}h", it / 3600),
        it if it % 60 == 0 => format!("{}m", it / 60),
        it => format!("{it}s"),
    }
}

fn offset(seconds: i32) -> String {
    let minutes = seconds.unsigned_abs() / 60;
    format!("{}{:02}:{:02}", if seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

fn by(quota: &Quota) -> String {
    let names: Vec<&str> = quota.by.iter().map(|it| it.as_str()).collect();
    if names.is_empty() { "one".to_owned() } else { format!("by {}", names.join(" and ")) }
}

fn patterns(patterns: &[TargetPattern]) -> String {
    patterns.iter().map(tool).collect::<Vec<_>>().join(", ")
}

fn what(quota: &Quota) -> String {
    let parts = Noun::ALL.into_iter().filter_map(|noun| {
        let named: Vec<String> = quota.targets.iter().filter(|it| it.noun == noun).map(tool).collect();
        (!named.is_empty()).then(|| format!("{} {}", noun.key(), named.join(", ")))
    });
    let parts: Vec<String> = parts.collect();
    let unit = match quota.counts {
        Counts::RequestBytes => "request bytes of ",
        Counts::ResultBytes => "result bytes of ",
        _ => "",
    };
    format!("{unit}{}", if parts.is_empty() { "every tool".to_owned() } else { parts.join("; ") })
}

fn refunds(on: Refunds) -> Vec<&'static str> {
    let words = [("upstream_failure", on.upstream_failure), ("tool_error", on.tool_error)];
    words.into_iter().filter(|(_, is_on)| *is_on).map(|(word, _)| word).collect()
}

fn details(quota: &Quota) -> String {
    let mut details = Vec::new();
    if quota.who.is_some() {
        details.push(who_of(quota.who.as_ref()));
    }
    if let Some(servers) = &quota.servers {
        details.push(format!("on {}", servers.join(", ")));
    }
    if quota.on_missing == Missing::Deny {
        details.push("callers without these are refused".to_owned());
    }
    let refunds = refunds(quota.refund_on);
    if !refunds.is_empty() {
        details.push(format!("given back on {}", refunds.join(", ")));
    }
    if quota.exceeded == Reason::ApprovalRequired {
        details.push("then needs an approval".to_owned());
    }
    if quota.mode.as_str() == "shadow" {
        details.push("shadow: counted, not enforced".to_owned());
    }
    if let Some(advice) = &quota.advice {
        details.push(format!("advice \"{}\"", one_line(advice, ADVICE_WIDTH)));
    }
    details.join("; ")
}

fn price(cost: &Cost) -> String {
    let flat = [
        (cost.per_call, "a call"),
        (cost.per_request_kb, "each 1024 bytes of the request"),
        (cost.per_result_kb, "each 1024 bytes of the result"),
    ];
    let mut parts: Vec<String> = flat
        .into_iter()
        .filter(|(price, _)| *price > 0)
        .map(|(price, of)| format!("{} {of}", Dollars(price)))
        .collect();
    let units = |per: u64| if per == 1 { "each unit".to_owned() } else { format!("each {per}") };
    if let Some(it) = &cost.argument {
        let default = it.default;
        parts.push(format!("{} {} of argument {} ({default} if absent)", Dollars(it.price), units(it.per), it.pointer));
    }
    if let Some(it) = &cost.result {
        parts.push(format!("{} {} of the result's _meta {}", Dollars(it.price), units(it.per), it.pointer));
    }
    let sum = if parts.is_empty() { "$0".to_owned() } else { parts.join(" + ") };
    match refunds(cost.refund_on) {
        causes if causes.is_empty() => sum,
        causes => format!("{sum}; nothing on {}", causes.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::explanation;
    use super::super::style::Style;

    const DOCUMENT: &[u8] = br#"{
      "host": {"stores": {"counters": 1000, "global": {"cluster": "ratelimit", "timeout": "2s"}}},
      "layers": [{"version": "tidegate/v1", "name": "p",
        "identity": {"sources": [{"jwt": {"issuer": "https://idp.example.com", "team": "team"}}]},
        "registries": [{"name": "production"}, {"name": "production-data", "parent": "production"}],
        "servers": [{"name": "crm", "match": {"path": "/mcp"}, "registry": "production-data"}],
        "rules": [{"id": "reads", "allow": {"tools": ["crm/get_*"]}}],
        "quotas": [
          {"id": "per-agent", "limit": 60, "window": "90s", "by": ["subject", "tool"], "on_missing": "deny"},
          {"id": "bytes", "limit": 1048576, "count": "result_bytes", "window": "1h", "tools": ["get_*"], "burst": 1024},
          {"id": "open", "limit": 8, "count": "concurrent", "who": {"team": ["a"]}, "mode": "shadow"},
          {"id": "month", "limit": "$12.50", "window": "month", "utc_offset": "-05:30", "scope": "global",
           "on_store_error": "allow", "registries": ["production"]}
        ],
        "costs": [{"tools": ["crm/get_*"], "per_call": "$0.02", "per_result_kb": "$0.001", "max": "$1",
          "argument": {"pointer": "/max_tokens", "price": "$0.50", "per": 1000000, "default": 4096}}],
        "cost_controls": {"team_budgets": {"platform": "$5000/month"},
          "approval_thresholds": {"single_request": "$10", "hourly_spend": "$100"}}}]}"#;

    #[test]
    fn each_quota_price_and_budget_is_shown_as_it_is_in_force() {
        let text = explanation::text(&tidegate_filter::policy::compile(DOCUMENT).unwrap(), Style::PLAIN);
        for (id, expected) in [
            ("per-agent", &["60 calls in 90s, 6 calls at once", "by subject and tool, in this Envoy", "deny"][..]),
            ("per-agent", &["callers without these are refused", "every tool"]),
            ("bytes", &["1 MiB in 1h, 1 KiB at once", "result bytes of tools get_*", "one, in this Envoy"]),
            ("open", &["8 at a time, forgotten after 15m", "team a", "shadow: counted, not enforced"]),
            ("month", &["$12.50 each month (UTC-05:30)", "one, of the fleet", "allow", "on crm"]),
            ("cost_controls.team_budgets.platform", &["$5000 each month", "team platform"]),
            (
                "cost_controls.approval_thresholds.hourly_spend",
                &["$100 each hour", "by team", "then needs an approval"],
            ),
            (
                "crm/get_*",
                &[
                    "$0.02 a call + $0.001 each 1024 bytes of the result + $0.50 each 1000000 of argument \
                             /max_tokens (4096 if absent); nothing on upstream_failure",
                    "$1",
                ],
            ),
            ("every other tool", &["nothing"]),
            ("a single call", &["over $10: needs an approval (enforce)"]),
            ("stores.counters", &["1000"]),
            ("stores.global", &["cluster ratelimit, domain tidegate, reserve, 2000 ms, hold 1m"]),
            ("crm ", &["production-data, in production"]),
        ] {
            let mut rows = text.lines().filter(|line| line.trim_start().starts_with(id));
            assert!(rows.any(|row| expected.iter().all(|it| row.contains(it))), "{id} {expected:?} in\n{text}");
        }
    }

    #[test]
    fn the_form_for_tools_has_all_of_it() {
        let value = explanation::json(&tidegate_filter::policy::compile(DOCUMENT).unwrap());
        let spending = &value["spending"];
        assert_eq!(spending["quotas"].as_array().unwrap().len(), 6);
        assert_eq!(spending["quotas"][0]["limit"], serde_json::json!({"limit": 60, "window": "90s", "burst": 6}));
        assert_eq!(spending["quotas"][3]["limit"]["limit"], "$12.50");
        assert_eq!(spending["quotas"][3]["on_store_error"], "allow");
        assert_eq!(spending["quotas"][5]["reason"], "approval_required");
        assert_eq!((&spending["costs"][0]["max"], &spending["single_request"]), (&"$1".into(), &"$10".into()));
        assert_eq!(spending["stores"]["global"]["timeout_ms"], 2000);
        assert_eq!(value["servers"][0]["registry"], "production-data");
    }

    #[test]
    fn a_policy_without_quotas_says_so() {
        let text = br#"{"version": "tidegate/v1", "name": "p", "servers": [{"name": "s", "match": {"path": "/"}}],
          "rules": []}"#;
        let text = explanation::text(&tidegate_filter::policy::compile(text).unwrap(), Style::PLAIN);
        assert!(text.contains("nothing is limited") && text.contains("every tool"), "{text}");
        assert!(text.contains("stores.counters  32768"), "{text}");
    }
}
