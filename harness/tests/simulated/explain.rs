//! `tidegate explain` as it is typed: the steps, the verdict of the module, what it would take, and how it exits.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use crate::typed::{self, DEMO, STARTER, Written, capture, stderr, stdout, tidegate};

fn explain(policy: &str, arguments: &[&str]) -> Output {
    tidegate(&[&["explain", "--policy", policy, "--now", "2026-11-24T12:00:00Z"][..], arguments].concat())
}

/// The report, which must come with this exit code.
fn report(policy: &str, arguments: &[&str], code: i32) -> Value {
    let output = explain(policy, &[&["--format", "json"], arguments].concat());
    assert_eq!(typed::code(&output), code, "{arguments:?}\n{}\n{}", stdout(&output), stderr(&output));
    typed::json(&output)
}

fn step<'r>(report: &'r Value, name: &str) -> &'r Value {
    let steps = report["steps"].as_array().unwrap();
    steps.iter().find(|it| it["step"] == name).unwrap_or_else(|| panic!("no step {name} in {report:#}"))
}

fn detail<'r>(step: &'r Value, key: &str, value: &str) -> &'r Value {
    let details = step["details"].as_array().unwrap();
    details.iter().find(|it| it[key] == value).unwrap_or_else(|| panic!("no {key} {value} in {step:#}"))
}

const REFUND: [&str; 4] = ["--server", "billing", "tools/call", "issue_refund"];

#[test]
fn a_refused_call_names_each_condition_and_the_smallest_changes() {
    let call = [&["--as", "subject=ada,team=sales", "--arguments", r#"{"amount": 5000}"#][..], &REFUND].concat();
    let report = report(DEMO, &call, 1);
    assert_eq!(report["verdict"], "deny");
    let rules = step(&report, "rules");
    let finance = detail(rules, "rule", "finance-writes");
    assert_eq!(finance["outcome"], "not_matched");
    assert_eq!(finance["failed"][0]["condition"], "who.team");
    assert_eq!(finance["failed"][0]["has"], json!(["sales"]));
    assert_eq!(finance["failed"][1]["pointer"], "/amount");
    assert_eq!(finance["failed"][1]["has"], "5000");
    assert_eq!(detail(rules, "rule", "sre")["failed"][0]["condition"], "server");
    let way = &report["remedies"]["ways"].as_array().unwrap().iter().find(|it| it["rule"] == "finance-writes").unwrap();
    assert_eq!(way["changes"], json!(["be in team finance", "send other arguments: /amount must be at most 500"]));
    assert_eq!(way["but"], Value::Null);
    assert_eq!(report["remedies"]["suggested_rule"], Value::Null);
}

#[test]
fn a_fleets_quota_is_decided_by_what_it_says_for_a_service_that_does_not_answer() {
    let policy: Value = serde_json::from_str(&fs::read_to_string(DEMO).unwrap()).unwrap();
    let with = |on_store_error: &str| {
        let mut policy = policy.clone();
        let quota =
            json!({"id": "shared", "limit": 5, "window": "1h", "scope": "global", "on_store_error": on_store_error});
        policy["quotas"] = json!([quota]);
        let global = json!({"cluster": "limits", "protocol": "reserve"});
        let document = json!({"host": {"stores": {"global": global}}, "layers": [policy]});
        Written::new("policy.json", &document.to_string())
    };
    let call = [&["--as", "team=finance", "--arguments", r#"{"amount": 20}"#][..], &REFUND].concat();
    let closed = report(with("deny").path(), &call, 1);
    assert_eq!(closed["reason"], "store_unavailable", "{closed}");
    assert_eq!(report(with("allow").path(), &call, 0)["verdict"], "allow");
}

#[test]
fn what_is_told_to_change_is_enough() {
    let call = |who: &'static str, amount: &'static str| [&["--as", who, "--arguments", amount][..], &REFUND].concat();
    let report_of = |who, amount, code| report(DEMO, &call(who, amount), code);
    let over = report_of("team=finance", r#"{"amount": 5000}"#, 1);
    assert_eq!((&over["reason"], &over["rule"]), (&json!("arguments_invalid"), &json!("finance-writes")));
    let within = report_of("team=finance", r#"{"amount": 200}"#, 0);
    assert_eq!((&within["verdict"], &within["rule"]), (&json!("allow"), &json!("finance-writes")));
    assert_eq!(within["remedies"]["ways"], json!([]));
}

#[test]
fn a_deny_goes_before_every_allow_and_a_read_only_policy_says_who_must_open_it() {
    let report = report(DEMO, &["--as", "groups=sre", "--server", "platform", "tools/call", "delete_volume"], 1);
    assert_eq!((&report["reason"], &report["rule"]), (&json!("denied_by_rule"), &json!("no-deletes")));
    let way = &report["remedies"]["ways"][0];
    assert!(way["changes"][0].as_str().unwrap().contains("must not deny delete_*"), "{way}");
    assert_eq!(way["but"], "then rule sre allows it");

    let text = stdout(&explain(DEMO, &["--as", "team=analytics", "--server", "billing", "tools/call", "issue_refund"]));
    for expected in
        ["verdict: deny, reason read_only, rule analysts-read", "\"write\": true added to rule analysts-read"]
    {
        assert!(text.contains(expected), "{expected} is missing:\n{text}");
    }
}

#[test]
fn where_no_rule_comes_near_the_suggested_rule_allows_the_call() {
    let call = ["--as", "subject=ada,team=finance", "tools/call", "send_report"];
    let refused = report(STARTER, &call, 1);
    let rule = refused["remedies"]["suggested_rule"].clone();
    assert_eq!(
        rule,
        json!({"id": "allow-send-report", "allow": {"tools": ["main/send_report"]}, "who": {"team": ["finance"]}, "write": true})
    );
    let mut policy: Value = serde_json::from_slice(&fs::read(STARTER).unwrap()).unwrap();
    policy["rules"].as_array_mut().unwrap().push(rule);
    let grown = Written::new("grown.json", &policy.to_string());
    assert_eq!(report(grown.path(), &call, 0)["rule"], "allow-send-report");
}

#[test]
fn identity_tells_which_claim_supplied_what() {
    let report = report(DEMO, &["--as", "subject=ada,team=finance", "--server", "billing", "ping"], 0);
    let source = detail(step(&report, "identity"), "source", "jwt");
    assert_eq!(source["outcome"], "supplied");
    let asked = source["asked"].as_array().unwrap();
    assert!(asked.contains(&json!({"asked": "claim `team`", "answer": "finance"})), "{source}");
    let nobody = explain(DEMO, &["--server", "billing", "tools/call", "get_invoice"]);
    let text = stdout(&nobody);
    assert_eq!(typed::code(&nobody), 1, "{text}");
    assert!(text.contains("principal_missing") && text.contains("say who calls with --as"), "{text}");
}

#[test]
fn a_list_tells_which_entries_are_hidden_and_what_is_narrowed() {
    let tools = r#"[{"name": "issue_refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}},
        {"name": "delete_customer"}, {"name": "get_invoice"}, {"name": "restart"}]"#;
    let tools = Written::new("tools.json", tools);
    let list = ["--as", "team=finance", "--server", "billing", "tools/list", "--tools", tools.path()];
    let report_of_list = report(DEMO, &list, 0);
    let entries = step(&report_of_list, "entries");
    assert_eq!(detail(entries, "entry", "get_invoice")["rule"], "finance-reads");
    let refund = detail(entries, "entry", "issue_refund");
    assert!(refund["changes"].to_string().contains("maximum"), "{refund}");
    assert_eq!(detail(entries, "entry", "delete_customer")["rule"], "no-deletes");
    let restart = detail(entries, "entry", "restart");
    assert_eq!((&restart["shown"], &restart["reason"]), (&json!(false), &json!("tool_not_allowed")));

    let captured = report(
        DEMO,
        &["--as", "team=finance", "--server", "billing", "tools/list", "--capture", &capture("rmcp-modern.jsonl")],
        0,
    );
    assert!(step(&captured, "entries")["details"].as_array().unwrap().len() > 3, "{captured:#}");
}

#[test]
fn messages_as_they_are_and_both_eras_and_header_modes_are_explained() {
    let doubled = Written::new("doubled.json", r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#);
    let refused = report(DEMO, &["--as", "team=finance", "--server", "billing", "--message", doubled.path()], 1);
    assert_eq!(refused["reason"], "duplicate_key");
    let call = [&["--as", "team=finance", "--arguments", r#"{"amount": 1}"#][..], &REFUND].concat();
    for more in [&["--era", "modern"][..], &["--host", "no-hold"], &["--era", "modern", "--host", "no-hold"]] {
        assert_eq!(report(DEMO, &[more, &call].concat(), 0)["verdict"], "allow", "{more:?}");
    }
    let other_name = [&["--era", "modern", "--header", "mcp-name: get_invoice"][..], &call].concat();
    let mismatch = report(DEMO, &other_name, 1);
    assert_eq!(
        (&mismatch["reason"], &step(&mismatch, "era")["outcome"]),
        (&json!("header_mismatch"), &json!("refused"))
    );
}

#[test]
fn what_cannot_be_used_is_told_with_its_place_and_exits_with_2() {
    let broken = Written::new("broken.json", r#"{"version": "tidegate/v1", "nmae": "x"}"#);
    let cases: [(&str, &[&str], &[&str]); 7] = [
        (
            DEMO,
            &["--server", "billing", "tools/call", "x", "--arguments", "{\"a\": 1,,}"],
            &["--arguments", "at byte 8"],
        ),
        (DEMO, &["--server", "billing", "tool/call"], &["tool/call", "did you mean `tools/call`"]),
        (DEMO, &["--server", "biling", "ping"], &["biling", "did you mean `billing`"]),
        (DEMO, &["ping"], &["2 servers", "--server", "platform"]),
        (DEMO, &["--server", "billing", "tools/call"], &["needs the tool's name"]),
        (DEMO, &["--server", "billing", "ping", "--tools", DEMO], &["this is no list"]),
        (broken.path(), &["ping"], &["did you mean `name`"]),
    ];
    for (policy, arguments, expected) in cases {
        let output = explain(policy, arguments);
        let text = stderr(&output);
        assert_eq!(typed::code(&output), 2, "{arguments:?}\n{text}");
        for expected in expected {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
        assert!(output.stdout.is_empty(), "{}", stdout(&output));
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[usize::try_from(self.roll(texts.len() as u64)).unwrap()]
    }

    fn rule(&mut self, number: usize) -> Value {
        let target = format!("{}{}", self.of(&["", "a/", "b/"]), self.of(&["x", "y", "x*", "*y", "*", "xy"]));
        let is_deny = self.roll(4) == 0;
        let effect = if is_deny { "deny" } else { "allow" };
        let mut rule = json!({"id": format!("r{number}"), effect: {"tools": [target]}});
        match self.roll(6) {
            0 => rule["who"] = json!({"team": [self.of(&["t1", "t2"])]}),
            1 => rule["who"] = json!({"groups": [self.of(&["g1", "g2"])], "team": ["t1"]}),
            2 => rule["arguments"] = json!({"properties": {"n": {"type": "number", "maximum": self.roll(4)}}}),
            3 => {
                let bound = self.of(&["expires", "not_before"]);
                rule[bound] = json!(self.of(&["2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z"]));
            }
            4 if !is_deny => rule["write"] = json!(true),
            _ => {}
        }
        if self.roll(6) == 0 {
            rule["mode"] = json!("shadow");
        }
        rule
    }
}

/// Whatever the policy and the call, the module says what the native steps say, and by the rule that they name.
#[test]
fn the_steps_and_the_module_agree() {
    use tidegate::build;
    use tidegate::capture::{Exchange, Place, Request, Target};
    use tidegate::host::Module;
    use tidegate::replay::{Claimed, Replayer, Settings, as_started, supply, trace};
    use tidegate::report::progress::Lines;

    let module = Module::from_file(&build::build(&build::Wasm::filter(), &Lines).unwrap().path).unwrap();
    let mut dice = Dice(7);
    let at = time::OffsetDateTime::from_unix_timestamp(1_795_521_600).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..30 {
        let count = usize::try_from(dice.roll(7)).unwrap() + 1;
        let rules: Vec<Value> = (0..count).map(|number| dice.rule(number)).collect();
        let policy = json!({
            "version": "tidegate/v1", "name": "p",
            "identity": {"sources": [{"jwt": {"issuer": "https://i.example.com", "team": "team", "groups": "groups"}}]},
            "servers": [{"name": "a", "match": {"path": "/a"}}, {"name": "b", "match": {"path": "/b"}}],
            "rules": rules,
            "read_only": {"enabled": dice.roll(2) == 0, "reads": ["x*", "b/y"]},
        });
        let text = policy.to_string();
        let native = std::sync::Arc::new(as_started(&text, true).unwrap_or_else(|it| panic!("{it}: {text}")));
        for who in ["subject=s,team=t1,groups=g1", "subject=s,team=t2"] {
            let caller = supply(&native.policy.identity, &Claimed::parse(&[who]).unwrap()).unwrap();
            let settings = Settings {
                hold_headers: true,
                caller,
                now: None,
                started: at,
                route: None,
                cluster: None,
                byte_by_byte: false,
            };
            let replayer = Replayer::start(&module, &text, &native, settings.clone()).unwrap();
            for _ in 0..6 {
                let (path, tool) = (dice.of(&["/a", "/b", "/c"]), dice.of(&["x", "y", "xy", "z"]));
                let arguments = dice.of(&["{}", r#"{"n":1}"#, r#"{"n":3}"#, r#"{"n":"x"}"#, r#"{"N":1}"#]);
                let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
                let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
                let exchange = Exchange {
                    place: Place::Line(1),
                    at: Some(at),
                    http2: false,
                    request: Request {
                        method: "POST".to_owned(),
                        target: Target::parse(&format!("http://h{path}")).unwrap(),
                        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                        body: body.into_bytes(),
                    },
                    response: None,
                };
                let decided = replayer.replay(&exchange).unwrap().decisions[0].json().clone();
                let explained = trace(&native, &settings, &exchange);
                let told: Value = serde_json::from_str(&explained.events[0]).unwrap();
                for member in ["verdict", "reason", "rule", "would_verdict", "would_rule", "server"] {
                    assert_eq!(
                        decided.get(member),
                        told.get(member),
                        "{member} of {tool} {arguments} at {path}: {text}"
                    );
                }
                // Where rules decide, the verdict of the steps is the decision.
                if let (Some(asking), Some(true)) = (explained.trace.questions.last(), explained.trace.has_right) {
                    let verdict = &asking.steps.verdict;
                    assert_eq!(decided["verdict"] == "allow", verdict.allowed, "{tool} {arguments}: {text}");
                    assert_eq!(decided.get("rule").and_then(Value::as_str), verdict.rule, "{tool} {arguments}: {text}");
                    let reason = verdict.reason.map(|it| it.as_str());
                    assert_eq!(decided.get("reason").and_then(Value::as_str), reason, "{tool} {arguments}: {text}");
                }
                seen.insert(decided.get("reason").and_then(Value::as_str).unwrap_or("allowed").to_owned());
            }
        }
    }
    for reason in
        ["allowed", "tool_not_allowed", "denied_by_rule", "arguments_invalid", "read_only", "method_not_allowed"]
    {
        assert!(seen.contains(reason), "no call came to {reason}: {seen:?}");
    }
}
