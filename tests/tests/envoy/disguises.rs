//! A hostile server writes a list so that a client reads what the filter does not see: each trick of `facts/mcp.md`
//! section 5.2, in JSON and in events, where the client waits for the answer and where it does not.

mod rows;

use serde_json::{Value, json};
use tidegate_tests::case::Case;
use tidegate_tests::client::Response;
use tidegate_tests::rig::{Rig, run};
use tidegate_tests::site::{Mode, Site};
use tidegate_tests::wire::Head;

use self::rows::{Content, Fate, Framing};
use super::{call, reader};

const ASK: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_ok"},{"name":"delete_x"}]}}"#;
const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"fine"}],"isError":false}}"#;

/// What a client asked for, in a POST, or on a stream that is not about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    List,
    Call,
    Stream,
}

/// Lets the server answer with exactly these bytes; what the client gets.
async fn answered(rig: &'static Rig, mode: Mode, asked: Asked, bytes: &[u8]) -> Response {
    let mut case = Case::scripted(rig, Site::Main, mode);
    let request = match asked {
        Asked::List => case.post(ASK),
        Asked::Call => case.post(call("1", &case.tool("get"))),
        Asked::Stream => case.get(),
    };
    case.answered(request, bytes).await
}

fn seen(response: &Response) -> Vec<Value> {
    reader::messages(&response.head, &response.body)
}

/// The messages that a client would get from these bytes if nothing stood between.
fn unfiltered(bytes: &[u8]) -> Vec<Value> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    reader::messages(&Head::parse(&bytes[..end]), &bytes[end..])
}

fn assert_refused(response: &Response, asked: Asked, reason: &str, what: &str) {
    let messages = seen(response);
    assert!(response.complete, "{what}: {response}");
    if asked == Asked::Stream {
        let said = messages.iter().all(|message| message["error"]["data"]["reason"] == reason);
        assert!(said && messages.len() <= 1, "{what}: {response}");
        return;
    }
    // Where the headers had left before, their status stays.
    assert!([200, 300, 400].contains(&response.status) && messages.len() == 1, "{what}: {response}");
    assert_eq!(messages[0]["id"], 1, "{what}: {response}");
    let denial = match asked {
        Asked::List => &messages[0]["error"]["data"],
        _ => &messages[0]["result"]["_meta"]["tidegate/denial"],
    };
    assert_eq!(denial["reason"], reason, "{what}: {response}");
}

fn assert_no_forbidden_tool(response: &Response, fate: Fate, what: &str) {
    let names = reader::tools(&seen(response));
    assert!(names.iter().all(|name| name == "get_ok"), "{what}: {names:?} in {response}");
    // Lines that no client reads may say what they like; elsewhere the name stands nowhere, however it is written.
    if fate != Fate::Nothing {
        let text = reader::revealed(&response.body);
        assert!(!text.contains("delete"), "{what}: {response}");
    }
}

async fn assert_framing(rig: &'static Rig, mode: Mode, row: &Framing) {
    let what = format!("{} {} {:?} {mode:?}", row.name, row.status, row.fields);
    assert_eq!(!reader::tools(&unfiltered(&row.response(LIST))).is_empty(), row.accepted, "{what}");
    for asked in [Asked::List, Asked::Call, Asked::Stream] {
        let (sent, what) = (if asked == Asked::Call { RESULT } else { LIST }, format!("{what} {asked:?}"));
        let response = answered(rig, mode, asked, &row.response(sent)).await;
        assert_no_forbidden_tool(&response, row.fate, &what);
        let messages = seen(&response);
        match row.fate {
            Fate::Shown => {
                let mut wanted: Value = serde_json::from_str(sent).unwrap();
                if asked != Asked::Call {
                    wanted["result"]["tools"] = json!([{"name": "get_ok"}]);
                }
                assert_eq!((response.status, response.complete), (row.status, true), "{what}: {response}");
                assert_eq!(messages, [wanted], "{what}: {response}");
            }
            Fate::Withheld(reason) => assert_refused(&response, asked, reason, &what),
            Fate::Nothing => assert_eq!(messages, [] as [Value; 0], "{what}: {response}"),
        }
    }
}

async fn assert_content(rig: &'static Rig, mode: Mode, row: &Content) {
    let json = |text: &str| tidegate_tests::upstream::response(200, "application/json", text);
    let event = |text: &str| tidegate_tests::upstream::response(200, "text/event-stream", format!("data: {text}\n\n"));
    let forbidden = |name: &String| name.starts_with("delete");
    let control = unfiltered(&json(&row.text));
    assert_eq!(reader::tools(&control).iter().any(forbidden), row.accepted, "{}", row.name);
    let channels = [(Asked::List, json(&row.text)), (Asked::List, event(&row.text)), (Asked::Stream, event(&row.text))];
    for (asked, bytes) in channels {
        let what = format!("{} {asked:?} {mode:?} {}", row.name, String::from_utf8_lossy(&bytes));
        let fate = if asked == Asked::Stream { row.unasked } else { row.awaited };
        let response = answered(rig, mode, asked, &bytes).await;
        assert_no_forbidden_tool(&response, fate, &what);
        match fate {
            Fate::Shown => {
                assert_eq!(reader::tools(&seen(&response)), ["get_ok"], "{what}: {response}");
                assert!(response.complete && response.status == 200, "{what}: {response}");
            }
            Fate::Withheld(reason) => assert_refused(&response, asked, reason, &what),
            Fate::Nothing => panic!("{what}"),
        }
    }
}

fn each<R>(rows: &[R], check: &impl AsyncFn(&'static Rig, Mode, &R)) {
    run(async |rig| {
        for row in rows {
            for mode in Mode::ALL {
                check(rig, mode, row).await;
            }
        }
        rig.assert_no_trap().await;
    });
}

#[test]
fn ways_of_writing_events_hide_nothing() {
    each(&rows::events(), &assert_framing);
}

#[test]
fn ways_of_sending_json_hide_nothing() {
    each(&rows::bodies(), &assert_framing);
}

#[test]
fn ways_of_writing_lists_hide_nothing() {
    each(&rows::contents(), &assert_content);
}
