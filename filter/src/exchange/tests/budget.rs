//! Money: reserved before a call, settled after it, and accounted for once.

use super::quota::{OK, Place, denial};
use super::*;
use serde_json::json;

/// What was counted as charged and as given back.
fn money(driver: &Driver) -> (u64, u64) {
    let sum = |kind: &str| {
        let name = format!("tidegate.cost_micro_usd.kind.{kind}.");
        let amounts = driver.world.counted.iter().filter(|it| it.starts_with(&name));
        amounts.map(|it| it.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    (sum("charged"), sum("refunded"))
}

fn completion(driver: &Driver) -> &serde_json::Value {
    let found = driver.world.audit.iter().find(|event| event["event"] == "completion");
    found.unwrap_or_else(|| panic!("no completion among {:#?}", driver.world.audit))
}

#[test]
fn a_budget_is_spent_and_never_overspent() {
    let mut place = Place::new(
        r#""costs":[{"tools":["get_a"],"per_call":"$0.30"}],"quotas":[{"id":"pot","limit":"$1","window":"month"}]"#,
    );
    assert_eq!(place.admitted(9, "get_a"), 3);
    let driver = place.call_as(None, "get_a");
    assert_eq!(denial(&driver)["reason"], "budget_exceeded");
    let text = driver.seen.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("may cost $0.30, and $0.10 is left of $1 per month"), "{text}");
    assert_eq!(place.admitted(9, "get_b"), 9, "what has no price costs nothing");
}

#[test]
fn what_was_reserved_and_not_spent_comes_back() {
    let mut place = Place::new(
        r#""costs":[{"tools":["get_*"],"per_call":"$0.01","result":{"pointer":"/cost","price":"$1"},"max":"$0.50"}],
           "quotas":[{"id":"pot","limit":"$1","window":"day"}]"#,
    );
    let mut first = place.call_as(None, "get_a");
    let mut second = place.call_as(None, "get_a");
    assert_eq!(denial(&place.call_as(None, "get_a"))["reason"], "budget_exceeded", "both may cost $0.50");
    place.finish(&mut first, 200, r#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"_meta":{"cost":0.0512345}}}"#);
    assert_eq!(completion(&first)["cost_micro_usd"], 61_235, "rounded up");
    assert_eq!(first.world.audit[0]["reserved_micro_usd"], 500_000);
    assert_eq!(first.world.audit[0]["decision"], completion(&first)["decision"]);
    assert_eq!(money(&first), (500_000, 500_000 - 61_235));
    // Nothing is reported: the most is charged.
    place.finish(&mut second, 200, OK);
    assert_eq!((completion(&second)["cost_micro_usd"].as_u64(), money(&second)), (Some(500_000), (500_000, 0)));
    // $0.438765 is left.
    assert_eq!(denial(&place.call_as(None, "get_a"))["reason"], "budget_exceeded");
}

#[test]
fn the_reported_cost_is_found_in_streams_and_long_results_however_they_are_cut() {
    let policy = r#""costs":[{"tools":["get_*"],"result":{"pointer":"/usage/usd","price":"$1"},"max":"$9"}]"#;
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":7,"result":{{"content":[{{"type":"text","text":"{}"}}],"_meta":{{"x":[{{}}],"usage":{{"usd":0.25}}}},"isError":false}}}}"#,
        "y".repeat(crate::policy::SWEEP_BYTES + 10)
    );
    let short = r#"{"jsonrpc":"2.0","id":7,"result":{"_meta":{"usage":{"usd":"0.25"}},"content":[]}}"#;
    for message in [long.as_str(), short] {
        for size in [1, 7, 4096, usize::MAX] {
            for events in [false, true] {
                let mut place = Place::new(policy);
                let mut driver = place.call_as(None, "get_a");
                let (media, body) = if events {
                    let note = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1,"_meta":{"usage":{"usd":7}}}}"#;
                    ("text/event-stream", format!("data: {note}\n\ndata: {message}\n\n"))
                } else {
                    ("application/json", message.to_owned())
                };
                if size == 1 && message.len() > 1000 {
                    continue;
                }
                place.with(&mut driver, |driver| {
                    driver.respond(200, media, body.as_bytes().chunks(size));
                    driver.end();
                });
                let cost = completion(&driver)["cost_micro_usd"].as_u64();
                assert_eq!(cost, Some(250_000), "{size} {events} {}", message.len());
            }
        }
    }
}

#[test]
fn a_charge_is_recorded_once_however_the_call_ends() {
    let priced = |refund: &str| {
        format!(
            r#""costs":[{{"tools":["get_*"],"per_call":"$0.40"{refund}}}],"quotas":[{{"id":"pot","limit":"$1","window":"week"}}]"#
        )
    };
    let error = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"isError":true}}"#;
    let refund_all = r#","refund_on":["upstream_failure","tool_error"]"#;
    for (refund, status, body, cost) in [
        ("", 200, OK, 400_000),
        ("", 200, error, 400_000),
        ("", 503, "upstream connect error", 0),
        (r#","refund_on":[]"#, 503, "upstream connect error", 400_000),
        (refund_all, 200, error, 0),
        (refund_all, 200, r#"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"no"}}"#, 0),
    ] {
        let mut place = Place::new(&priced(refund));
        let mut driver = place.call_as(None, "get_a");
        let media = if status == 503 { "text/plain" } else { "application/json" };
        place.with(&mut driver, |driver| {
            driver.respond(status, media, [body.as_bytes()]);
            driver.end();
            driver.end();
        });
        assert_eq!(completion(&driver)["cost_micro_usd"], cost, "{refund} {status} {body}");
        assert_eq!(money(&driver), (400_000, 400_000 - cost));
        assert_eq!(place.admitted(9, "get_b"), if cost == 0 { 2 } else { 1 });
    }
    // The client goes away: the server may have done the work.
    let mut place = Place::new(&priced(""));
    let mut driver = place.call_as(None, "get_a");
    place.with(&mut driver, |driver| driver.end());
    assert_eq!((completion(&driver)["cost_micro_usd"].as_u64(), money(&driver)), (Some(400_000), (400_000, 0)));
}

#[test]
fn the_seed_form_of_cost_controls_works_as_it_is_written() {
    let mut place = Place::new(
        r#""costs":[{"tools":["get_a"],"per_call":"$9"},{"tools":["get_b"],"per_call":"$11"}],
           "cost_controls":{
             "team_budgets":{"platform":"$50/month","data":"$3000/month"},
             "approval_thresholds":{"single_request":"$10","hourly_spend":"$30","daily_spend":"$40"},
             "optimization":{"cache_ttl":"3600s","model_routing":"cost_optimized"}}"#,
    );
    let team = |team: &str| Some(json!({"team": team}));
    let single = place.call_as(team("data"), "get_b");
    assert_eq!(denial(&single)["reason"], "approval_required");
    let text = single.seen.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("$11") && text.contains("$10"), "{text}");
    assert_eq!(single.world.audit[0]["estimated_micro_usd"], 11_000_000);
    for _ in 0..3 {
        assert!(place.passes(team("data"), "get_a"));
    }
    let hourly = place.call_as(team("data"), "get_a");
    assert_eq!(denial(&hourly)["reason"], "approval_required");
    let text = hourly.seen.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("$9") && text.contains("$30 per hour") && text.contains("$27 is spent"), "{text}");
    assert_eq!(hourly.world.audit[0]["estimated_micro_usd"], 9_000_000);
    assert!(place.passes(team("platform"), "get_a"), "each team has its own");
    place.later = 3_600_000_000_000;
    assert!(place.passes(team("data"), "get_a"));
    assert_eq!(denial(&place.call_as(team("data"), "get_a"))["reason"], "approval_required", "over $40 a day");
    for day in 1..5 {
        place.later = day * 86_400_000_000_000;
        assert!(place.passes(team("platform"), "get_a"));
    }
    place.later = 5 * 86_400_000_000_000;
    assert_eq!(denial(&place.call_as(team("platform"), "get_a"))["reason"], "budget_exceeded", "over $50 a month");
}

#[test]
fn metrics_name_nothing_that_callers_choose() {
    let mut place = Place::new(
        r#""costs":[{"tools":["get_*"],"per_call":"$1"}],
           "quotas":[{"id":"pot","limit":"$9","window":"day","who":{"team":["red.team"],"subject":["alice"]}}]"#,
    );
    let mut spent = |sub: &str, team: &str| {
        let driver = place.call_as(Some(json!({"sub": sub, "team": team})), "get_a");
        driver.world.counted.iter().find(|name| name.contains("cost_micro_usd")).unwrap().clone()
    };
    assert_eq!(
        spent("alice", "red.team"),
        "tidegate.cost_micro_usd.kind.charged.tool.get_*.team.red%2Eteam.subject.alice.server.main 1000000"
    );
    assert!(spent("mallory", "blue").contains(".team.other.subject.other."));
}
