//! A flood of equal refusals is a few lines in the audit log, and none of them is lost.

use serde_json::json;
use tidegate::envoy::audit::Event;
use tidegate_tests::case::Case;
use tidegate_tests::client::once;
use tidegate_tests::rig::Rig;
use tidegate_tests::site::Site;
use tidegate_tests::within;

use super::{call, executed, scripted};

/// The audit events about `tool`, until they stand for `refusals` of them.
async fn refusals_of(rig: &Rig, tool: &str, refusals: u64) -> Vec<Event> {
    let mut lines = rig.envoy.follow_log();
    let mut events: Vec<Event> = Vec::new();
    let stands_for = |event: &Event| event.json().get("repeat").map_or(1, |it| it.as_u64().unwrap());
    within("all refusals in the audit log", async {
        while events.iter().map(stands_for).sum::<u64>() < refusals {
            let line = lines.next().await.expect("Envoy's log has ended");
            events.extend(Event::from_log_line(&line).filter(|event| event.text("tool") == Some(tool)));
        }
    })
    .await;
    assert_eq!(events.iter().map(stands_for).sum::<u64>(), refusals, "{events:#?}");
    events
}

/// Sends calls all at once, each on a connection of its own, and reads the answers.
async fn flood(case: &Case, tools: &[&str]) {
    let send = |(at, tool): (usize, &&str)| tokio::spawn(once(case.address, case.post(call(&at.to_string(), tool))));
    let clients: Vec<_> = tools.iter().enumerate().map(send).collect();
    for (at, client) in clients.into_iter().enumerate() {
        let answer = client.await.unwrap();
        assert_eq!((answer.status, answer.reason().as_deref()), (200, Some("denied_by_rule")), "{answer}");
        assert_eq!(answer.json()["id"], json!(at), "{answer}");
    }
}

#[test]
fn equal_refusals_are_counted_in_one_line() {
    executed(Site::Main, async |case, rig| {
        let (one, other) = (case.tool("delete_one"), case.tool("delete_other"));
        // Both at once: each is counted on its own.
        let tools: Vec<&str> = (0..240).map(|at| if at % 4 == 3 { &*other } else { &*one }).collect();
        flood(&case, &tools).await;
        for (tool, refusals) in [(&one, 180), (&other, 60)] {
            let events = refusals_of(rig, tool, refusals).await;
            assert!((events.len() as u64) < refusals, "{} lines for {refusals} refusals", events.len());
            let counted = events.iter().find(|event| event.json().get("repeat").is_some()).unwrap();
            assert_eq!((counted.kind(), counted.text("verdict")), ("decision", Some("deny")));
            assert_eq!((counted.text("reason"), counted.text("rule")), (Some("denied_by_rule"), Some("no-deletes")));
            assert_eq!((counted.text("server"), counted.text("method")), (Some("main"), Some("tools/call")));
            let path = case.path();
            assert_eq!(counted.text("path"), Some(path.as_str()));
        }
        case.assert_refused_before_server().await;
    });
}

#[test]
fn a_refusal_of_another_kind_is_written_in_the_middle_of_a_flood() {
    executed(Site::Main, async |case, rig| {
        let tool = case.tool("delete");
        flood(&case, &vec![&*tool; 60]).await;
        let strange = case.tool("unheard_of");
        let answer = case.send(case.post(call("1", &strange))).await;
        assert_eq!(answer.reason().as_deref(), Some("tool_not_allowed"), "{answer}");
        let events = refusals_of(rig, &strange, 1).await;
        assert!(events[0].json().get("repeat").is_none(), "{events:?}");
        refusals_of(rig, &tool, 60).await;
    });
}

/// A hostile server may not fill the audit log either: one small event, one line.
#[test]
fn equal_refusals_of_what_a_server_sends_are_counted_in_one_line() {
    scripted(Site::Main, async |mut case, rig| {
        for event in [
            "data: x\n\n",
            "event: foo\ndata: x\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/other\"}\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"roots/list\"}\n\n",
        ] {
            let client = tokio::spawn(once(case.address, case.get()));
            case.arrival().await.answer(200, "text/event-stream", event.repeat(500)).await;
            client.await.unwrap();
        }
        let mut lines = rig.envoy.follow_log();
        let (mut written, mut refusals) = (0, 0);
        within("all refusals in the audit log", async {
            while refusals < 2000 {
                let line = lines.next().await.expect("Envoy's log has ended");
                let event = Event::from_log_line(&line).filter(|event| event.text("path") == Some(&case.path()));
                if let Some(event) = event.filter(|event| event.text("verdict") == Some("deny")) {
                    written += 1;
                    refusals += event.json().get("repeat").map_or(1, |it| it.as_u64().unwrap());
                }
            }
        })
        .await;
        assert!(refusals == 2000 && written < 200, "{written} lines for {refusals} refusals");
    });
}
