//! Any split of the same bytes into chunks gives the same output.

use proptest::prelude::*;

use super::*;

const LIST: &str =
    r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"get_a","é":"\u00e9"},{"name":"drop_b"}],"nextCursor":"c"}}"#;
const RESULT: &str =
    r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"r\"\\é🦀"}],"_meta":{"tidegate/x":1}}}"#;
const FORGED: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"content":[]}}"#;
const ASK: &str = r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#;

/// Decision ids are random, so they are cut out of what is compared.
fn without_ids(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("decision") {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        rest = tail.find([')', ',']).map_or("", |skip| tail.split_at(skip).1);
    }
    out + rest
}

fn outcome(method: &str, media: &str, hold: bool, chunks: &[&[u8]]) -> (String, bool) {
    let params = r#"{"name":"get_a"}"#;
    let mut driver = asked(method, if method == "tools/call" { params } else { "{}" }, &policy(""), hold);
    driver.respond(200, media, chunks.iter().copied());
    (without_ids(&driver.seen.downstream), driver.seen.cut)
}

fn corpus() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let (head, tail) = RESULT.split_at(17);
    let stream = format!(
        ": hi\r\nid: 1\r\nretry: 5\r\ndata:\r\n\r\nevent: message\nid: 2\ndata: {ASK}\n\ndata: {head}\ndata: {tail}\n\n"
    );
    let lists =
        format!("\u{feff}data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/odd\"}}\r\rid:9\rdata:{LIST}\r\r");
    vec![
        ("tools/list", "application/json", LIST.into()),
        ("tools/call", "application/json", RESULT.into()),
        ("tools/call", "application/json", FORGED.into()),
        ("tools/call", "application/json", LIST.into()),
        ("tools/call", "text/event-stream", stream.into()),
        ("tools/list", "text/event-stream", lists.into()),
    ]
}

#[test]
fn every_two_way_split_and_single_bytes() {
    for (method, media, body) in corpus() {
        for hold in [true, false] {
            let whole = outcome(method, media, hold, &[&body]);
            for at in 0..=body.len() {
                let (a, b) = body.split_at(at);
                assert_eq!(outcome(method, media, hold, &[a, b]), whole, "split at {at} of {method} {media}");
            }
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(outcome(method, media, hold, &bytes), whole, "byte by byte: {method} {media}");
        }
    }
}

proptest! {
    #[test]
    fn random_splits(case in 0usize..6, hold: bool, sizes in prop::collection::vec(0usize..40, 1..40)) {
        let (method, media, body) = corpus().swap_remove(case);
        let mut chunks: Vec<&[u8]> = Vec::new();
        let mut rest = body.as_slice();
        for size in sizes {
            let (head, tail) = rest.split_at(size.min(rest.len()));
            chunks.push(head);
            rest = tail;
        }
        chunks.push(rest);
        prop_assert_eq!(outcome(method, media, hold, &chunks), outcome(method, media, hold, &[&body]));
    }
}
