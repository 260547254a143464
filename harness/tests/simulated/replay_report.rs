//! `tidegate replay` as a report: rules, the comparison of two policies, totals for machines, and HTML for people.

use std::fs;
use std::process::Output;

use roxmltree::{Document, ParsingOptions};
use serde_json::{Value, json};

use crate::typed::{self, DEMO, Scratch, Written, altered, capture, code, stderr, tidegate};

fn replay(arguments: &[&str]) -> Output {
    tidegate(&[&["replay"][..], arguments].concat())
}

/// Standard output of a run that was not refused.
fn stdout(output: &Output) -> String {
    assert_ne!(code(output), 2, "{}", stderr(output));
    typed::stdout(output)
}

fn lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The demo's policy after a change.
fn changed(change: impl FnOnce(&mut Value)) -> Written {
    altered(|text| {
        let mut policy: Value = serde_json::from_str(&text).unwrap();
        change(&mut policy);
        policy.to_string()
    })
}

fn rule<'a>(policy: &'a mut Value, id: &str) -> &'a mut Value {
    policy["rules"].as_array_mut().unwrap().iter_mut().find(|rule| rule["id"] == id).unwrap()
}

#[test]
fn every_rule_is_listed_with_what_it_decided() {
    let arguments = [
        "--policy",
        DEMO,
        "--trust-capture-tokens",
        "--rules",
        &capture("rmcp-modern.jsonl"),
        &capture("errors.jsonl"),
    ];
    let text = stdout(&replay(&arguments));
    let row = |id: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(id) && !line.contains("tools/call"));
        line.unwrap_or_else(|| panic!("{id}: {text}")).split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("finance-reads"), "allow 3 3 0 0");
    assert_eq!(row("no-deletes"), "deny 1 0 1 0");
    assert_eq!(row("analysts-read"), "allow never 0 0 0");
    assert_eq!(row("release-freeze"), "deny (shadow) never 0 0 0");

    let lines = lines(&replay(&[&arguments[..], &["--format", "json"]].concat()));
    let (summary, messages) = lines.split_last().unwrap();
    let summary = &summary["summary"];
    let count = |name: &str, value: &str| messages.iter().filter(|line| line[name] == value).count();
    assert_eq!(summary["messages"], messages.len());
    for verdict in ["allow", "deny", "would_deny", "ungoverned"] {
        assert_eq!(summary["verdicts"][verdict], count("verdict", verdict), "{verdict}");
    }
    assert_eq!(summary["undecidable"]["duplicate_key"], 1);
    assert_eq!(summary["hidden"][0], json!({"name": "billing/delete_customer", "count": 1}));
    let rules = summary["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 8);
    for rule in rules {
        let decided = count("rule", rule["id"].as_str().unwrap());
        assert_eq!(rule["decided"], decided, "{rule}");
    }
}

#[test]
fn what_a_rule_in_shadow_mode_would_do_is_counted_as_such() {
    let policy = changed(|policy| {
        let freeze = json!({"id": "freeze", "deny": {"tools": ["billing/get_customer"]}, "mode": "shadow"});
        policy["rules"].as_array_mut().unwrap().push(freeze);
    });
    let arguments = ["--policy", policy.path(), "--trust-capture-tokens", "--format", "json"];
    let lines = lines(&replay(&[&arguments[..], &[&capture("rmcp-modern.jsonl")]].concat()));
    let summary = &lines.last().unwrap()["summary"];
    let rules = summary["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["id"] == "freeze").unwrap();
    assert_eq!((&rule["mode"], &rule["shadow"], &rule["denied"]), (&json!("shadow"), &json!(1), &json!(0)));
    assert_eq!(summary["verdicts"]["would_deny"], 1);
}

#[test]
fn a_policy_against_itself_changes_nothing() {
    // Another name is in every refusal, and no change.
    let same = changed(|policy| policy["name"] = "other".into());
    let output = replay(&[
        "--policy",
        DEMO,
        "--against",
        same.path(),
        "--trust-capture-tokens",
        "--fail-on",
        "change",
        &capture("rmcp-modern.jsonl"),
        &capture("errors.jsonl"),
        &capture("secrets.jsonl"),
    ]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(stdout(&output).contains("against other: none of 26 messages changes"), "{}", stdout(&output));
}

#[test]
fn only_what_changes_between_two_policies_is_shown() {
    let next = changed(|policy| {
        rule(policy, "finance-reads")["allow"]["tools"] = json!(["billing/get_*"]);
        rule(policy, "no-deletes")["deny"]["tools"] = json!(["drop_*"]);
        rule(policy, "finance-writes")["id"] = "refunds".into();
        policy["rules"].as_array_mut().unwrap().push(
            json!({"id": "deleting", "allow": {"tools": ["billing/delete_customer"]}, "who": {"team": ["finance"]}, "write": true}),
        );
    });
    let arguments =
        ["--policy", next.path(), "--against", DEMO, "--trust-capture-tokens", &capture("rmcp-modern.jsonl")];
    let output = replay(&arguments);
    let text = stdout(&output);
    let changes: Vec<String> = text
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let hidden = "now hidden: list_customers, search_invoices; now shown: delete_customer";
    let expected = [
        format!("2 list tools/list billing ada (finance) {hidden}"),
        "4 rule or reason tools/call billing/issue_refund ada (finance) allow: rule finance-writes → allow: rule refunds"
            .to_owned(),
        "5 newly allowed tools/call billing/delete_customer ada (finance) deny: denied_by_rule, rule no-deletes → \
         allow: rule deleting"
            .to_owned(),
        "7 newly denied tools/call billing/search_invoices ada (finance) allow: rule finance-reads → deny: \
         tool_not_allowed"
            .to_owned(),
    ];
    assert_eq!(changes, expected, "{text}");
    let sentence = "4 of 11 messages change: 1 newly denied, 1 newly allowed, 1 listing other entries, 1 decided by \
                    another rule or reason";
    assert!(text.contains(&format!("against demo: {sentence}")), "{text}");

    for (wanted, expected) in [("change", 1), ("newly-denied", 1), ("newly-allowed", 1), ("would-deny", 0)] {
        let output = replay(&[&arguments[..], &["--fail-on", wanted, "--format", "json"]].concat());
        assert_eq!(code(&output), expected, "{wanted}");
        let lines = lines(&output);
        assert_eq!(lines.len(), 5, "four changes and the summary");
        let kinds: Vec<&Value> = lines[..4].iter().map(|line| &line["change"]).collect();
        assert_eq!(kinds, ["listed", "decided", "newly_allowed", "newly_denied"]);
        assert_eq!(lines[0]["now_shown"], json!(["delete_customer"]));
        assert_eq!(lines[3]["before"], json!({"verdict": "allow", "rule": "finance-reads"}));
        assert_eq!(lines[3]["after"], json!({"verdict": "deny", "reason": "tool_not_allowed"}));
        let changes = &lines[4]["summary"]["changes"];
        assert_eq!(
            (&changes["compared"], &changes["changed"], &changes["newly_denied"]),
            (&json!(11), &json!(4), &json!(1))
        );
    }
}

#[test]
fn bodies_and_secrets_that_come_out_differently_are_changes() {
    let next = changed(|policy| policy["redaction"]["responses"] = "allow".into());
    let arguments = ["--policy", next.path(), "--against", DEMO, "--trust-capture-tokens", "--format", "json"];
    let output = replay(&[&arguments[..], &["--fail-on", "newly-denied", &capture("secrets.jsonl")]].concat());
    assert_eq!(code(&output), 0, "nothing is newly denied");
    let lines = lines(&output);
    let redacted = lines.iter().find(|line| line["change"] == "redacted").unwrap_or_else(|| panic!("{lines:?}"));
    let gone = redacted["no_longer_redacted"].as_array().unwrap();
    assert!(gone.contains(&json!("aws-access-key-id at /result/content/0/text")), "{redacted}");
    assert_eq!(redacted["rewritten_differently"][0], "response");

    let advice = changed(|policy| rule(policy, "no-deletes")["advice"] = "Ask Bob.".into());
    let text = stdout(&replay(&[
        "--policy",
        advice.path(),
        "--against",
        DEMO,
        "--trust-capture-tokens",
        &capture("rmcp-modern.jsonl"),
    ]));
    assert!(text.contains("1 of 11 messages changes: 1 rewritten differently"), "{text}");
}

#[test]
fn the_changed_traffic_and_the_report_are_of_the_policy_and_not_of_the_other_one() {
    let next = changed(|policy| rule(policy, "no-deletes")["deny"]["tools"] = json!(["*"]));
    let scratch = Scratch::new();
    let [out, html] = ["out.har", "out.html"].map(|name| scratch.path(name));
    let arguments = ["--policy", next.path(), "--against", DEMO, "--trust-capture-tokens"];
    let files = ["--out", &out, "--html", &html, &capture("rmcp-modern.jsonl")];
    let text = stdout(&replay(&[&arguments[..], &files].concat()));
    assert!(text.contains("newly denied"), "{text}");
    let har: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    let calls = har["log"]["entries"].as_array().unwrap();
    let refused = calls.iter().filter(|it| it["_tidegate"]["decisions"][0]["rule"] == "no-deletes").count();
    let newly = text.lines().filter(|line| line.contains("newly denied  ")).count();
    assert!(refused > newly && newly > 1, "{refused} {newly}");
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.contains("Compared with policy demo: ") && page.contains("id=\"changes\""), "{page}");
}

#[test]
fn event_streams_of_unknown_pieces_come_byte_by_byte_and_are_not_written_so() {
    let scratch = Scratch::new();
    let out = scratch.path("out.har");
    let recorded = capture("python-2.3-modern.har");
    let table = |chunks: &str| {
        let arguments = ["--policy", DEMO, "--trust-capture-tokens", "--chunks", chunks, "--out", &out, &recorded];
        let text = stdout(&replay(&arguments));
        (text, fs::read_to_string(&out).unwrap())
    };
    let (auto, har) = table("auto");
    assert!(!har.contains("_chunks"), "no pieces were recorded, so none are written");
    assert_eq!(auto, table("recorded").0);
}

/// The big numbers at the top of a report, by class.
fn totals(document: &Document<'_>) -> Vec<(String, u64)> {
    let list = document.descendants().find(|node| node.attribute("class") == Some("totals")).unwrap();
    let number = |node: roxmltree::Node<'_, '_>| {
        let text = node.descendants().find(|it| it.has_tag_name("dd"))?.text()?.replace(',', "");
        Some((node.attribute("class")?.to_owned(), text.parse().ok()?))
    };
    list.children().filter_map(number).collect()
}

#[test]
fn the_html_report_says_what_the_summary_says_and_loads_nothing() {
    let scratch = Scratch::new();
    let html = scratch.path("report.html");
    let mut hostile: Value =
        serde_json::from_str(fs::read_to_string(capture("rmcp-modern.jsonl")).unwrap().lines().nth(4).unwrap())
            .unwrap();
    let body = hostile["request"]["body"].as_str().unwrap().replace("delete_customer", "<script>alert(1)</script>");
    hostile["request"]["body"] = body.into();
    let headers = hostile["request"]["headers"].as_array_mut().unwrap();
    headers.retain(|header| !["mcp-name", "content-length"].contains(&header["name"].as_str().unwrap()));
    headers.push(json!({"name": "mcp-name", "value": "<script>alert(1)</script>"}));
    let extra = scratch.file("hostile.jsonl", &hostile.to_string());
    let output = replay(&[
        "--policy",
        DEMO,
        "--trust-capture-tokens",
        "--format",
        "json",
        "--html",
        &html,
        &capture("rmcp-modern.jsonl"),
        &capture("errors.jsonl"),
        &capture("secrets.jsonl"),
        &extra,
    ]);
    let lines = lines(&output);
    let summary = &lines.last().unwrap()["summary"];
    let page = fs::read_to_string(&html).unwrap();
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&page, options).unwrap();

    let totals = totals(&document);
    let total = |class: &str| totals.iter().find(|(name, _)| name == class).map(|(_, number)| *number);
    assert_eq!(total("messages"), summary["messages"].as_u64());
    for verdict in ["allow", "deny", "ungoverned"] {
        assert_eq!(total(verdict), summary["verdicts"][verdict].as_u64(), "{verdict}");
    }
    let rewritten = &summary["rewritten"];
    let rewritten = rewritten["requests"].as_u64().unwrap() + rewritten["responses"].as_u64().unwrap();
    assert_eq!(total("rewritten"), Some(rewritten));
    let secrets = summary["secrets"].as_object().unwrap().values().flat_map(|it| it.as_object().unwrap().values());
    assert_eq!(total("secrets"), Some(secrets.map(|it| it.as_u64().unwrap()).sum()));

    assert!(!page.contains("<script"));
    let told: String = document.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
    assert!(told.contains("billing/<script>alert(1)</script>"), "{told}");
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("), "{page}");
    for node in document.descendants() {
        assert!(!["script", "link", "img", "iframe", "object"].contains(&node.tag_name().name()), "{node:?}");
        assert!(node.attribute("src").is_none() && node.attribute("href").is_none_or(|it| it.starts_with('#')));
        if node.has_tag_name("table") {
            assert!(node.children().any(|it| it.has_tag_name("caption")), "a table says what it is");
        }
        if node.has_tag_name("th") {
            assert!(node.attribute("scope").is_some(), "{node:?}");
        }
    }
    for secret in ["AKIAQ3EGRZ7PLM5VWXTD", "wJ8kq2Rz7LxT4vNc9PbYd1FhGm5SsAe3UoQiVtXn", "Kq7vT2mXw9Lz"] {
        assert!(!page.contains(secret), "{secret}");
    }
}
