use roxmltree::{Document, ParsingOptions};
use serde_json::json;
use tidegate_filter::policy::compile;
use time::OffsetDateTime;

use std::path::Path;

use super::*;
use crate::capture::{Exchange, Place, Request, Target};
use crate::envoy::audit::Event;
use crate::replay::{HeaderChanges, Replayed, Sent};
use crate::report::tally::{Change, Changed};

const HOSTILE: &str = "<script>alert('x')</script>\" onload=\"y\u{202e}\u{0}&lt;";

fn exchange(second: i64) -> Exchange {
    Exchange {
        place: Place::Line(1),
        at: Some(OffsetDateTime::from_unix_timestamp(1_795_000_000 + second).unwrap()),
        http2: false,
        request: Request {
            method: "POST".to_owned(),
            target: Target { scheme: "http".to_owned(), authority: "h".to_owned(), path: "/mcp".to_owned() },
            headers: Vec::new(),
            body: Vec::new(),
        },
        response: None,
    }
}

fn replayed(decision: &serde_json::Value, completion: Option<&serde_json::Value>) -> Replayed {
    let event = |members: &serde_json::Value, kind: &str| {
        let mut members = members.clone();
        members["schema"] = "tidegate.audit/v1".into();
        members["event"] = kind.into();
        Event::from_json(&members.to_string()).unwrap()
    };
    Replayed {
        decisions: vec![event(decision, "decision")],
        completions: completion.into_iter().map(|it| event(it, "completion")).collect(),
        hidden: vec![HOSTILE.to_owned()],
        redactions: Vec::new(),
        ungoverned: false,
        sent: Sent::Nothing,
        request_rewritten: false,
        request_headers: HeaderChanges::default(),
        response_rewritten: false,
        response_headers: HeaderChanges::default(),
        cut: false,
        hung: false,
        token: None,
        result: exchange(0),
    }
}

fn policy() -> Policy {
    let text = r#"{"version":"tidegate/v1","name":"p","identity":{"anonymous":"allow"},
        "servers":[{"name":"main","match":{"path":"/mcp"}}],
        "rules":[{"id":"used","deny":{"tools":["*"]}},{"id":"idle","allow":{"tools":["get_*"]}}]}"#;
    compile(text.as_bytes()).unwrap().configuration.policy
}

fn render(tally: &Tally, changes: Option<&Changes>) -> String {
    let policy = policy();
    let facts = vec![("Command", format!("tidegate {HOSTILE}"))];
    let made = OffsetDateTime::from_unix_timestamp(1_795_000_000).unwrap();
    Report { policy: &policy, facts, tally, changes, made }.render()
}

fn parse(page: &str) -> Document<'_> {
    Document::parse_with_options(page, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() }).unwrap()
}

/// The rows of the table in the section with this heading.
fn rows(document: &Document<'_>, section: &str) -> usize {
    let heading = document.descendants().find(|node| node.attribute("id") == Some(section)).unwrap();
    let bodies = heading.parent().unwrap().descendants().filter(|node| node.has_tag_name("tbody"));
    bodies.flat_map(|body| body.children().filter(|node| node.has_tag_name("tr")).collect::<Vec<_>>()).count()
}

fn text(document: &Document<'_>) -> String {
    document.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect()
}

#[test]
fn an_empty_replay_is_a_report_too() {
    let page = render(&Tally::new(&policy()), None);
    let document = parse(&page);
    let told = text(&document);
    for expected in ["Nothing was denied.", "No secret was found.", "gives no times", "No tool list was recorded."] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn however_much_there_is_tables_are_bounded_and_say_so() {
    let mut tally = Tally::new(&policy());
    let mut changes = Changes::new(HOSTILE);
    let message = |at: i64| format!("{at} {}", "long".repeat(10_000));
    for at in 0..1_000 {
        let tool = message(at);
        let decision = json!({"verdict": "deny", "reason": "denied_by_rule", "rule": "used", "server": "main",
            "method": "tools/call", "tool": tool, "principal": format!("caller {at}")});
        tally.add(Path::new("c.jsonl"), &exchange(at), &replayed(&decision, None));
        let changed = Changed {
            change: Change::NewlyDenied,
            message: at.to_string(),
            before: "allow".to_owned(),
            after: "deny".to_owned(),
            what: String::new(),
        };
        changes.add(changed, 1);
    }
    let page = render(&tally, Some(&changes));
    let document = parse(&page);
    assert_eq!(["denied", "callers", "refusals", "changes"].map(|it| rows(&document, it)), [25, 25, 200, 100]);
    let told = text(&document);
    assert!(told.contains("the first 200 of 1000"), "{told}");
    assert!(told.contains("975 more rows with 975 altogether are left out."), "{told}");
    assert!(page.len() < 400_000, "{}", page.len());
}

#[test]
fn nothing_from_the_traffic_is_markup() {
    let mut tally = Tally::new(&policy());
    let secret = json!([{"detector": HOSTILE, "path": HOSTILE, "count": 1}]);
    let decision = json!({"verdict": "deny", "reason": HOSTILE, "rule": HOSTILE, "server": HOSTILE, "team": HOSTILE,
        "method": HOSTILE, "tool": HOSTILE, "principal": HOSTILE, "outcome": HOSTILE, "redactions": secret,
        "reserved_micro_usd": 5});
    tally.add(Path::new(HOSTILE), &exchange(0), &replayed(&decision, None));
    let mut changes = Changes::new(HOSTILE);
    let hostile = || HOSTILE.to_owned();
    let changed =
        Changed { change: Change::Decided, message: hostile(), before: hostile(), after: hostile(), what: hostile() };
    changes.add(changed, 1);
    let page = render(&tally, Some(&changes));
    let document = parse(&page);
    assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
    let known = [
        "class",
        "id",
        "href",
        "lang",
        "charset",
        "content",
        "http-equiv",
        "name",
        "scope",
        "role",
        "tabindex",
        "d",
        "x",
        "y",
        "rx",
        "width",
        "height",
        "viewBox",
        "preserveAspectRatio",
        "aria-label",
        "aria-labelledby",
        "aria-hidden",
    ];
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        for attribute in node.attributes() {
            assert!(known.contains(&attribute.name()), "{attribute:?}");
        }
    }
    assert!(text(&document).matches("<script>alert('x')</script>").count() > 10);
}

#[test]
fn a_charge_is_counted_as_it_was_settled() {
    let mut tally = Tally::new(&policy());
    let decision = json!({"verdict": "allow", "decision": "d1", "team": "finance", "reserved_micro_usd": 100_000});
    let other = json!({"decision": "d0", "cost_micro_usd": 7});
    let settled = json!({"decision": "d1", "cost_micro_usd": 20_000});
    tally.add(Path::new("c"), &exchange(0), &replayed(&decision, Some(&settled)));
    tally.add(Path::new("c"), &exchange(0), &replayed(&decision, Some(&other)));
    let spent = tally.spent();
    assert_eq!((spent.calls, spent.micro_usd), (2, 120_000));
    assert_eq!(tally.json()["spend"]["teams"], json!([{"team": "finance", "calls": 2, "micro_usd": 120_000}]));
    assert!(text(&parse(&render(&tally, None))).contains("2 priced calls cost $0.12."));
}

#[test]
fn the_only_style_is_the_one_that_the_security_policy_names() {
    let page = render(&Tally::new(&policy()), None);
    let document = parse(&page);
    let styles: Vec<&str> =
        document.descendants().filter(|node| node.has_tag_name("style")).filter_map(|node| node.text()).collect();
    assert_eq!(styles.len(), 1);
    let hash = STANDARD.encode(Sha256::digest(styles[0].as_bytes()));
    let security = document.descendants().find(|node| node.attribute("http-equiv").is_some()).unwrap();
    assert!(security.attribute("content").unwrap().contains(&format!("style-src 'sha256-{hash}';")));
}
