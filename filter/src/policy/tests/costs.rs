use serde_json::{Value, json};

use super::super::*;
use super::{brief, compiled, errors, put, with};
use crate::quota::{Limit, Period};

fn cost(cost: &Value) -> Cost {
    let policy = with("/costs", json!([cost]));
    (*compiled(&policy).configuration.policy.costs.list[0]).clone()
}

#[test]
fn prices_are_read() {
    let read = cost(&json!({ "tools": ["search_*"], "per_call": "$0.02" }));
    assert_eq!((read.per_call, read.per_request_kb, read.per_result_kb), (20_000, 0, 0));
    assert_eq!((read.argument, read.result, read.max), (None, None, None));
    let read = cost(&json!({
        "tools": ["github/ask", { "tool": "a/b" }], "per_call": "$0", "per_request_kb": "$0.000001",
        "per_result_kb": "$1",
        "argument": { "pointer": "/max_tokens", "price": "$0.50", "per": 1_000_000, "default": 4096 },
        "result": { "pointer": "/usage/cost_usd", "price": "$1", "per": 1 }, "max": "$1"
    }));
    assert_eq!((read.tools.len(), read.per_call, read.per_request_kb, read.per_result_kb), (2, 0, 1, 1_000_000));
    let argument = PricedArgument { pointer: "/max_tokens".to_owned(), price: 500_000, per: 1_000_000, default: 4096 };
    assert_eq!(read.argument, Some(argument));
    let result = ReportedCost { pointer: "/usage/cost_usd".to_owned(), price: 1_000_000, per: 1 };
    assert_eq!((read.result, read.max), (Some(result), Some(1_000_000)));
    let read = cost(&json!({ "tools": ["*"], "argument": { "pointer": "/a~1b~0c/0", "price": "$2" } }));
    let argument = PricedArgument { pointer: "/a~1b~0c/0".to_owned(), price: 2_000_000, per: 1, default: 0 };
    assert_eq!(read.argument, Some(argument));
}

#[test]
fn each_fault_of_costs_has_code_pointer_and_help() {
    let argument = |pointer: &str| json!({ "tools": ["x"], "argument": { "pointer": pointer, "price": "$1" } });
    #[rustfmt::skip]
    let table: &[(Value, &str, &str, &str, &str)] = &[
        (json!({ "tools": ["x"], "per_call": "$1", "price": "$1" }), "unknown_key", "/price", "`price`", ""),
        (json!({ "per_call": "$1" }), "missing_key", "", "needs the key `tools`", ""),
        (json!({ "tools": [], "per_call": "$1" }), "empty", "/tools", "", ""),
        (json!({ "tools": ["crm/x"], "per_call": "$1" }), "unknown_server", "/tools/0", "`crm`", ""),
        (json!({ "tools": ["x"] }), "missing_key", "", "no price in it", "`per_call`"),
        (json!({ "tools": ["x"], "max": "$1" }), "missing_key", "", "no price in it", ""),
        (json!({ "tools": ["x"], "per_call": 0.02 }), "wrong_type", "/per_call", "found a number", "write \"$0.02\""),
        (json!({ "tools": ["x"], "per_call": "0.02" }), "bad_amount", "/per_call", "no `$`", "write \"$0.02\""),
        (json!({ "tools": ["x"], "per_call": "$0.02/call" }), "bad_amount", "/per_call", "`call` has no meaning", "write \"$0.02\""),
        (json!({ "tools": ["x"], "per_call": "" }), "empty", "/per_call", "", ""),
        (json!({ "tools": ["x"], "per_call": true }), "wrong_type", "/per_call", "", ""),
        (json!({ "tools": ["x"], "per_request_kb": "$1,5" }), "bad_amount", "/per_request_kb", "commas", ""),
        (json!({ "tools": ["x"], "per_result_kb": "$1" }), "missing_key", "", "`per_result_kb` needs `max`", "it is reserved"),
        (json!({ "tools": ["x"], "per_result_kb": "$0.0000001", "max": "$1" }), "bad_amount", "/per_result_kb", "six decimals", ""),
        (json!({ "tools": ["x"], "result": { "pointer": "/c", "price": "$1" } }), "missing_key", "", "`result` needs `max`", "at most"),
        (json!({ "tools": ["x"], "per_call": "$1", "max": "$0" }), "bad_amount", "/max", "leaves nothing", ""),
        (json!({ "tools": ["x"], "argument": "/a" }), "wrong_type", "/argument", "", ""),
        (json!({ "tools": ["x"], "argument": { "price": "$1" } }), "missing_key", "/argument", "`pointer`", ""),
        (json!({ "tools": ["x"], "argument": { "pointer": "/a" } }), "missing_key", "/argument", "`price`", ""),
        (json!({ "tools": ["x"], "argument": { "pointer": "/a", "price": "$1", "per": 0 } }), "invalid_value", "/argument/per", "from 1 to", ""),
        (json!({ "tools": ["x"], "argument": { "pointer": "/a", "price": "$1", "default": -1 } }), "invalid_value", "/argument/default", "from 0 to", ""),
        (json!({ "tools": ["x"], "argument": { "pointer": "/a", "price": "$1", "max": "$1" } }), "unknown_key", "/argument/max", "", "`max` is a key of `cost`"),
        (json!({ "tools": ["x"], "result": { "pointer": "/a", "price": "$1", "default": 1 }, "max": "$1" }), "unknown_key", "/result/default", "", ""),
        (argument("max_tokens"), "bad_pointer", "/argument/pointer", "`max_tokens` is not a JSON pointer", "\"/max_tokens\""),
        (argument("usage.tokens"), "bad_pointer", "/argument/pointer", "", "\"/usage/tokens\""),
        (argument("$.usage.tokens"), "bad_pointer", "/argument/pointer", "", "\"/usage/tokens\""),
        (argument("#/a"), "bad_pointer", "/argument/pointer", "", "\"/a\""),
        (argument("/a~b"), "bad_pointer", "/argument/pointer", "", "`~0`"),
        (argument("/a~"), "bad_pointer", "/argument/pointer", "", "`~0`"),
        (argument(""), "empty", "/argument/pointer", "", ""),
    ];
    for (written, code, pointer, message, help) in table {
        let found = errors(&with("/costs", json!([written])));
        assert_eq!(brief(&found), [(*code, format!("/costs/0{pointer}").as_str())], "{written}: {found:#?}");
        assert!(found[0].message.contains(message), "{written}: {:?}", found[0].message);
        assert!(found[0].help.as_deref().unwrap_or_default().contains(help), "{written}: {:?}", found[0].help);
    }
    assert_eq!(brief(&errors(&with("/costs", json!([])))), [("empty", "/costs")]);
}

#[test]
fn prices_that_never_apply() {
    let shadowed = |costs: Value| {
        let warnings = compiled(&with("/costs", costs)).warnings;
        brief(&warnings).into_iter().map(|(code, pointer)| format!("{code} {pointer}")).collect::<Vec<_>>()
    };
    let price = |tools: Value| json!({ "tools": tools, "per_call": "$1" });
    assert_eq!(shadowed(json!([price(json!(["*"])), price(json!(["github/x"]))])), ["shadowed_cost /costs/1/tools"]);
    assert_eq!(
        shadowed(json!([price(json!(["github/x*"])), price(json!(["github/xy"]))])),
        ["shadowed_cost /costs/1/tools"]
    );
    for narrow_first in [
        json!([price(json!(["github/x"])), price(json!(["*"]))]),
        json!([price(json!(["github/x*"])), price(json!(["xy"]))]),
        json!([price(json!(["x"])), price(json!(["x", "y"]))]),
    ] {
        assert_eq!(shadowed(narrow_first.clone()), Vec::<String>::new(), "{narrow_first}");
    }
}

/// `cost_controls` as the guide has it.
const SEED: &str = r#"{
    "team_budgets": { "platform": "$5000/month", "data": "$3000/month", "product": "$2000/month" },
    "approval_thresholds": { "single_request": "$10", "hourly_spend": "$100", "daily_spend": "$500" },
    "optimization": { "cache_ttl": "3600s", "model_routing": "cost_optimized" } }"#;

fn controls(value: Value) -> Policy {
    compiled(&with("/cost_controls", value)).configuration.policy
}

#[test]
fn the_seed_form_is_taken_verbatim() {
    let mut text = with("/costs", json!([{ "tools": ["*"], "per_call": "$0.02" }])).to_string();
    text.insert_str(1, &format!("\"cost_controls\": {SEED}, "));
    let Compiled { configuration, warnings, .. } = check(text.as_bytes(), super::NOW).unwrap();
    assert_eq!(
        brief(&warnings),
        [("budget_in_memory", "/cost_controls"), ("not_active", "/cost_controls/optimization")]
    );
    let policy = configuration.policy;
    assert_eq!((policy.costs.single_request, policy.costs.single_request_mode), (Some(10_000_000), Mode::Enforce));
    let team = |team: &str| Some(Who(vec![(Field::Team, vec![team.to_owned()])]));
    let expected = [
        ("team_budgets.platform", 5000, Period::Month, vec![], team("platform"), Reason::BudgetExceeded),
        ("team_budgets.data", 3000, Period::Month, vec![], team("data"), Reason::BudgetExceeded),
        ("team_budgets.product", 2000, Period::Month, vec![], team("product"), Reason::BudgetExceeded),
        ("approval_thresholds.hourly_spend", 100, Period::Hour, vec![Dimension::Team], None, Reason::ApprovalRequired),
        ("approval_thresholds.daily_spend", 500, Period::Day, vec![Dimension::Team], None, Reason::ApprovalRequired),
    ];
    assert_eq!(policy.quotas.len(), expected.len());
    for (quota, (id, dollars, period, by, who, exceeded)) in policy.quotas.iter().zip(expected) {
        let expected = Quota {
            id: format!("cost_controls.{id}"),
            counts: Counts::Cost,
            limit: Limit::Calendar { limit: dollars * 1_000_000, period, utc_offset: 0 },
            by,
            targets: vec![],
            servers: None,
            who,
            scope: Scope::Local,
            on_store_error: FailMode::Deny,
            on_missing: Missing::Share,
            refund_on: Refunds::default(),
            mode: Mode::Enforce,
            advice: None,
            exceeded,
        };
        assert_eq!(**quota, expected);
    }
}

#[test]
fn every_part_is_optional() {
    assert!(controls(json!({})).quotas.is_empty());
    let policy = controls(json!({ "approval_thresholds": { "daily_spend": "$5" } }));
    assert_eq!((policy.quotas.len(), policy.costs.single_request), (1, None));
    let policy = controls(json!({ "approval_thresholds": { "single_request": "$0.50" }, "mode": "shadow" }));
    assert_eq!((policy.quotas.len(), policy.costs.single_request), (0, Some(500_000)));
    assert_eq!(policy.costs.single_request_mode, Mode::Shadow);
    assert!(controls(json!({ "optimization": { "cache_ttl": "720h" } })).quotas.is_empty());
}

#[test]
fn our_own_keys_are_for_all_of_it() {
    let policy = with(
        "/cost_controls",
        json!({
            "team_budgets": { "platform": "$1/hour", "data": "$1/day", "ops": "$1/week" },
            "approval_thresholds": { "daily_spend": "$5" },
            "utc_offset": "+01:00", "scope": "global", "on_store_error": "allow", "mode": "shadow"
        }),
    );
    let host = |protocol: &str| json!({ "stores": { "global": { "cluster": "r", "protocol": protocol } } });
    let quotas = compiled(&json!({ "host": host("reserve"), "layers": [policy] })).configuration.policy.quotas;
    assert_eq!(quotas.len(), 4);
    for quota in quotas {
        assert!(matches!(quota.limit, Limit::Calendar { utc_offset: 3600, .. }));
        assert_eq!((quota.scope, quota.on_store_error, quota.mode), (Scope::Global, FailMode::Allow, Mode::Shadow));
    }
    let at_once = errors(&json!({ "host": host("should_rate_limit"), "layers": [policy] }));
    assert_eq!(brief(&at_once), [("invalid_value", "/layers/0/cost_controls/scope")]);
    assert_eq!(brief(&errors(&policy)), [("missing_key", "/cost_controls/scope")]);
}

#[test]
fn any_team_has_an_id_of_its_own() {
    let teams = ["a b", "a%20b", "ärzte", "a/b", "A.b_c-1"];
    let budgets: serde_json::Map<String, Value> =
        teams.iter().map(|team| ((*team).to_owned(), json!("$1/month"))).collect();
    let policy = controls(json!({ "team_budgets": budgets }));
    let id = |team: &str| {
        let of_team =
            |quota: &&std::sync::Arc<Quota>| quota.who == Some(Who(vec![(Field::Team, vec![team.to_owned()])]));
        policy.quotas.iter().find(of_team).unwrap().id.strip_prefix("cost_controls.team_budgets.").unwrap().to_owned()
    };
    let ids = ["a%20b", "a%2520b", "%C3%A4rzte", "a%2Fb", "A.b_c-1"];
    assert_eq!(teams.map(id), ids);
}

#[test]
fn each_fault_of_cost_controls_has_code_pointer_and_help() {
    let budget = |budget: Value| json!({ "team_budgets": { "data": budget } });
    let threshold = |key: &str, value: Value| json!({ "approval_thresholds": { key: value } });
    #[rustfmt::skip]
    let table: &[(Value, &str, &str, &str, &str)] = &[
        (json!([]), "wrong_type", "", "expected an object", ""),
        (json!({ "team_budget": {} }), "unknown_key", "/team_budget", "", "did you mean `team_budgets`?"),
        (json!({ "team_budgets": ["data"] }), "wrong_type", "/team_budgets", "from teams to budgets", ""),
        (json!({ "team_budgets": { "": "$1/day" } }), "invalid_value", "/team_budgets/", "not the name of a team", ""),
        (json!({ "team_budgets": { "d*": "$1/day" } }), "invalid_value", "/team_budgets/d*", "not the name of a team", ""),
        (budget(json!(5000)), "wrong_type", "/team_budgets/data", "found a number", "write \"$5000/month\""),
        (budget(json!("$5000")), "bad_window", "/team_budgets/data", "has no window", "\"$5000/month\""),
        (budget(json!("$5,000/month")), "bad_amount", "/team_budgets/data", "commas", "write \"$5000\""),
        (budget(json!("5000/month")), "bad_amount", "/team_budgets/data", "no `$`", "write \"$5000\""),
        (budget(json!("$0/month")), "bad_amount", "/team_budgets/data", "nothing to spend", "deny"),
        (budget(json!("$5000/year")), "bad_window", "/team_budgets/data", "`year`", "\"/month\""),
        (budget(json!("$5000/mo")), "bad_window", "/team_budgets/data", "`mo`", "write \"$5000/month\""),
        (budget(json!("$5000/months")), "bad_window", "/team_budgets/data", "`months`", "write \"$5000/month\""),
        (budget(json!("$5000/1h")), "bad_window", "/team_budgets/data", "`1h`", ""),
        (budget(json!("$5000/")), "bad_window", "/team_budgets/data", "``", ""),
        (threshold("single", json!("$1")), "unknown_key", "/approval_thresholds/single", "", ""),
        (threshold("single_request", json!(10)), "wrong_type", "/approval_thresholds/single_request", "", "write \"$10\""),
        (threshold("single_request", json!("$0")), "bad_amount", "/approval_thresholds/single_request", "", ""),
        (threshold("hourly_spend", json!("$100/hour")), "bad_amount", "/approval_thresholds/hourly_spend", "`hour` has no meaning here", "write \"$100\""),
        (threshold("daily_spend", json!("$1e3")), "bad_amount", "/approval_thresholds/daily_spend", "not an amount", ""),
        (json!({ "optimization": { "cache": "1s" } }), "unknown_key", "/optimization/cache", "", ""),
        (json!({ "optimization": { "cache_ttl": "1 hour" } }), "bad_duration", "/optimization/cache_ttl", "not a duration", "\"1m\""),
        (json!({ "optimization": { "cache_ttl": 3600 } }), "wrong_type", "/optimization/cache_ttl", "", ""),
        (json!({ "optimization": { "cache_ttl": "0s" } }), "bad_duration", "/optimization/cache_ttl", "from `1s` to `720h`", ""),
        (json!({ "optimization": { "model_routing": "cheapest" } }), "invalid_value", "/optimization/model_routing", "`cheapest`", "use one of `cost_optimized`"),
        (json!({ "utc_offset": "CET" }), "bad_time", "/utc_offset", "", ""),
        (json!({ "scope": "world" }), "invalid_value", "/scope", "", ""),
        (json!({ "scope": "global" }), "missing_key", "/scope", "`host.stores.global`", ""),
        (json!({ "on_store_error": 1 }), "wrong_type", "/on_store_error", "", ""),
        (json!({ "mode": "dry" }), "invalid_value", "/mode", "", ""),
    ];
    for (written, code, pointer, message, help) in table {
        let found = errors(&with("/cost_controls", written.clone()));
        assert_eq!(brief(&found), [(*code, format!("/cost_controls{pointer}").as_str())], "{written}: {found:#?}");
        assert!(found[0].message.contains(message), "{written}: {:?}", found[0].message);
        assert!(found[0].help.as_deref().unwrap_or_default().contains(help), "{written}: {:?}", found[0].help);
    }
}

#[test]
fn each_lint_of_cost_controls() {
    let warned = |controls: Value, costs: bool| {
        let mut policy = with("/cost_controls", controls);
        if costs {
            put(&mut policy, "/costs", json!([{ "tools": ["*"], "per_call": "$1" }]));
        }
        let warnings = compiled(&policy).warnings;
        assert!(warnings.iter().all(|warning| warning.help.is_some()));
        brief(&warnings).into_iter().map(|(code, pointer)| format!("{code} {pointer}")).collect::<Vec<_>>()
    };
    let thresholds = |thresholds: Value| json!({ "approval_thresholds": thresholds });
    let none = Vec::<String>::new();
    assert_eq!(warned(json!({}), false), none);
    assert_eq!(warned(thresholds(json!({ "hourly_spend": "$5" })), true), none);
    assert_eq!(warned(json!({ "team_budgets": { "a": "$5/hour" } }), true), none);
    assert_eq!(warned(json!({ "team_budgets": { "a": "$5/week" } }), true), ["budget_in_memory /cost_controls"]);
    let stated = json!({ "scope": "local", "team_budgets": { "a": "$5/day", "b": "$5/day" } });
    assert_eq!(warned(stated, true), ["budget_in_memory /cost_controls/scope"], "once for all");
    assert_eq!(warned(thresholds(json!({ "single_request": "$5" })), false), ["budget_without_costs /cost_controls"]);
    assert_eq!(
        warned(thresholds(json!({ "hourly_spend": "$5", "daily_spend": "$4.99" })), true),
        ["budget_in_memory /cost_controls", "threshold_order /cost_controls/approval_thresholds/daily_spend"]
    );
    let open = json!({ "on_store_error": "allow", "team_budgets": { "a": "$5/hour" } });
    assert_eq!(warned(open, true), ["fail_open /cost_controls/on_store_error"]);
    let routing = json!({ "optimization": { "model_routing": "cost_optimized" } });
    assert_eq!(warned(routing, false), ["not_active /cost_controls/optimization"]);
    let mut policy = with("/cost_controls", json!({ "team_budgets": { "a": "$5/hour" } }));
    put(&mut policy, "/costs", json!([{ "tools": ["*"], "per_call": "$1" }]));
    put(&mut policy, "/identity/sources", json!([{ "spiffe": {} }]));
    assert_eq!(brief(&compiled(&policy).warnings), [("claim_without_source", "/cost_controls/team_budgets")]);
}
