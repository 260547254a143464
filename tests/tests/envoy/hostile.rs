//! Requests that some real server reads differently than a filter would (`facts/mcp.md` section 5.1). Each is first sent
//! to the forgiving server alone, where the forbidden tool must run: a trick that does nothing proves nothing.

use tidegate_tests::case::Case;
use tidegate_tests::rig::run;
use tidegate_tests::site::{Mode, Site};

use super::call;

const JSON: &str = "content-type: application/json\r\n";
const MODERN: &str = "io.modelcontextprotocol/protocolVersion";

/// What a trick is made of: `{good}` and `{bad}` stand for a tool that is allowed and one that is forbidden.
struct Trick {
    name: &'static str,
    fields: String,
    body: Vec<u8>,
    status: u16,
    reason: &'static str,
}

fn trick(name: &'static str, body: impl Into<Vec<u8>>, status: u16, reason: &'static str) -> Trick {
    Trick { name, fields: JSON.to_owned(), body: body.into(), status, reason }
}

impl Trick {
    fn fields(self, fields: &str) -> Self {
        Self { fields: fields.to_owned(), ..self }
    }

    fn and(self, more: &str) -> Self {
        Self { fields: format!("{JSON}{more}"), ..self }
    }

    fn request(&self, case: &Case) -> Vec<u8> {
        let fill = |text: &str| text.replace("{good}", &case.tool("get")).replace("{bad}", &case.tool("delete"));
        // Bodies that are not UTF-8 have their names in UTF-8 all the same, but for those transcoded below.
        let body = match self.name.strip_prefix("transcoded ") {
            Some(charset) => transcode(charset, &fill(&String::from_utf8_lossy(&self.body))),
            None => replace(&replace(&self.body, b"{good}", &case.tool("get")), b"{bad}", &case.tool("delete")),
        };
        case.post_with(&fill(&self.fields), body)
    }
}

fn replace(bytes: &[u8], what: &[u8], with: &str) -> Vec<u8> {
    match bytes.windows(what.len()).position(|it| it == what) {
        None => bytes.to_vec(),
        Some(at) => [&bytes[..at], with.as_bytes(), &replace(&bytes[at + what.len()..], what, with)].concat(),
    }
}

fn transcode(charset: &str, text: &str) -> Vec<u8> {
    let utf16 = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let stored = |head: &[u8]| {
        let length = u16::try_from(text.len()).unwrap();
        [head, &[1], &length.to_le_bytes(), &(!length).to_le_bytes(), text.as_bytes()].concat()
    };
    match charset {
        "utf-16le" => utf16(u16::to_le_bytes),
        "utf-16be" => utf16(u16::to_be_bytes),
        "utf-16 with a mark" => [vec![0xff, 0xfe], utf16(u16::to_le_bytes)].concat(),
        "utf-32le" => text.chars().flat_map(|it| u32::from(it).to_le_bytes()).collect(),
        "utf-32be" => text.chars().flat_map(|it| u32::from(it).to_be_bytes()).collect(),
        "gzip" => stored(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        "deflate" => stored(&[0x78, 1]),
        other => panic!("{other}"),
    }
}

fn bodies() -> Vec<Trick> {
    let bad = || call("1", "{bad}");
    let params = |text: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{text}}}"#);
    let envelope = |text: &str| format!(r#"{{"jsonrpc":"2.0","id":1,{text},"params":{{"name":"{{bad}}"}}}}"#);
    let id = |id: &str| call(id, "{bad}");
    let deep = |depth: usize| {
        params(&format!(r#"{{"name":"{{bad}}","arguments":{{"a":{}{}}}}}"#, "[".repeat(depth), "]".repeat(depth)))
    };
    let mut broken = bad().into_bytes();
    broken.truncate(broken.len() - 3);
    let raw = |bytes: &[u8]| [broken.as_slice(), b",\"x\":\"", bytes, b"\"}}}"].concat();
    vec![
        trick("duplicate method", envelope(r#""method":"ping","method":"tools/call""#), 400, "duplicate_key"),
        trick(
            "duplicate method, first counts",
            envelope(r#""method":"tools/call","method":"ping""#),
            400,
            "duplicate_key",
        ),
        trick(
            "duplicate params",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"{good}"},"params":{"name":"{bad}"}}"#,
            400,
            "duplicate_key",
        ),
        trick("duplicate name", params(r#"{"name":"{good}","name":"{bad}"}"#), 400, "duplicate_key"),
        trick("duplicate name, escaped", params(r#"{"name":"{good}","n\u0061me":"{bad}"}"#), 400, "duplicate_key"),
        trick(
            "duplicate key inside arguments",
            params(r#"{"name":"{bad}","arguments":{"a":1,"\u0061":2}}"#),
            400,
            "duplicate_key",
        ),
        trick("NAME", params(r#"{"name":"{good}","NAME":"{bad}"}"#), 400, "malformed"),
        trick("METHOD", envelope(r#""method":"ping","METHOD":"tools/call""#), 400, "malformed"),
        trick(
            "Params",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"{good}"},"Params":{"name":"{bad}"}}"#,
            400,
            "malformed",
        ),
        trick(
            "params with a long s",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"{good}"},"paramſ":{"name":"{bad}"}}"#,
            400,
            "malformed",
        ),
        trick(
            "params with an escaped long s",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"{good}"},"param\u017f":{"name":"{bad}"}}"#,
            400,
            "malformed",
        ),
        trick(
            "ID",
            r#"{"jsonrpc":"2.0","id":1,"ID":2,"method":"tools/call","params":{"name":"{bad}"}}"#,
            400,
            "malformed",
        ),
        trick("Arguments", params(r#"{"name":"{bad}","arguments":{},"Arguments":{"a":1}}"#), 400, "malformed"),
        trick("key with a NUL behind it", params(r#"{"name":"{good}","name\u0000":"{bad}"}"#), 400, "malformed"),
        trick("escaped method", envelope(r#""method":"tools\u002fcall""#), 200, "denied_by_rule"),
        trick("escaped slash", envelope(r#""method":"tools\/call""#), 200, "denied_by_rule"),
        trick(
            "escaped keys",
            r#"{"jsonrpc":"2.0","\u0069d":1,"m\u0065thod":"tools/call","p\u0061rams":{"n\u0061me":"{bad}"}}"#,
            200,
            "denied_by_rule",
        ),
        trick("byte order mark", ["\u{feff}", &bad()].concat(), 400, "malformed"),
        trick("transcoded utf-16le", bad(), 400, "malformed"),
        trick("transcoded utf-16be", bad(), 400, "malformed"),
        trick("transcoded utf-16 with a mark", bad(), 400, "malformed"),
        trick("transcoded utf-32le", bad(), 400, "malformed"),
        trick("transcoded utf-32be", bad(), 400, "malformed"),
        trick("trailing object", [call("1", "{good}"), bad()].concat(), 400, "malformed"),
        trick("trailing garbage", bad() + "x", 400, "malformed"),
        trick("trailing NUL", bad() + "\0", 400, "malformed"),
        trick("not UTF-8", raw(b"\xff"), 400, "malformed"),
        trick("a raw surrogate", raw(b"\xed\xa0\x80"), 400, "malformed"),
        trick("an overlong slash", raw(b"\xc0\xaf"), 400, "malformed"),
        trick("a lone surrogate escape", raw(br"\ud800"), 400, "malformed"),
        trick("an escaped NUL", raw(br"\u0000"), 400, "malformed"),
        trick("NaN", params(r#"{"name":"{bad}","arguments":{"a":NaN}}"#), 400, "malformed"),
        trick("Infinity", params(r#"{"name":"{bad}","arguments":{"a":-Infinity}}"#), 400, "malformed"),
        trick("nested 500 deep", deep(500), 400, "malformed"),
        trick("batch", format!("[{}]", bad()), 400, "batch_refused"),
        trick("batch behind a good call", format!("[{},{}]", call("2", "{good}"), bad()), 400, "batch_refused"),
        trick("batch in a batch", format!("[[{}]]", bad()), 400, "batch_refused"),
        trick("id null", id("null"), 400, "malformed"),
        trick("id true", id("true"), 400, "malformed"),
        trick("id object", id("{}"), 400, "malformed"),
        trick("id array", id("[1]"), 400, "malformed"),
        trick("id 1.0", id("1.0"), 400, "malformed"),
        trick("id 1e3", id("1e3"), 400, "malformed"),
        trick("id 1.5", id("1.5"), 400, "malformed"),
        trick("id 2^53", id("9007199254740992"), 400, "malformed"),
        trick("id -2^53", id("-9007199254740992"), 400, "malformed"),
        trick("id of 64 bits", id("9223372036854775807"), 400, "malformed"),
        trick("method and result", envelope(r#""method":"tools/call","result":{}"#), 400, "malformed"),
        trick(
            "method and error",
            envelope(r#""method":"tools/call","error":{"code":1,"message":""}"#),
            400,
            "malformed",
        ),
        trick("unknown member", envelope(r#""method":"tools/call","extra":1"#), 400, "malformed"),
        trick("no jsonrpc", r#"{"id":1,"method":"tools/call","params":{"name":"{bad}"}}"#, 400, "malformed"),
        trick("jsonrpc 2.00", bad().replace("\"2.0\"", "\"2.00\""), 400, "malformed"),
        trick("arguments null", params(r#"{"name":"{bad}","arguments":null}"#), 200, "denied_by_rule"),
        trick("arguments missing", params(r#"{"name":"{bad}"}"#), 200, "denied_by_rule"),
        trick("arguments a string", params(r#"{"name":"{bad}","arguments":"{}"}"#), 400, "malformed"),
        trick("arguments an array", params(r#"{"name":"{bad}","arguments":[]}"#), 400, "malformed"),
    ]
}

fn fields() -> Vec<Trick> {
    let bad = || call("1", "{bad}");
    let modern = || bad().replace(r#""name""#, &format!(r#""_meta":{{"{MODERN}":"2026-07-28"}},"name""#));
    let both = "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n";
    let mut rows = vec![
        trick("transcoded gzip", bad(), 415, "encoding_refused").and("content-encoding: gzip\r\n"),
        trick("transcoded deflate", bad(), 415, "encoding_refused").and("content-encoding: deflate\r\n"),
        trick("no content type", bad(), 415, "malformed").fields(""),
        trick("text/plain", bad(), 415, "malformed").fields("content-type: text/plain\r\n"),
        trick("+json", bad(), 415, "malformed").fields("content-type: application/mcp+json\r\n"),
        trick("two media types", bad(), 415, "malformed").fields("content-type: application/json, text/plain\r\n"),
        trick("two content types", bad(), 415, "malformed")
            .fields("content-type: application/json\r\ncontent-type: text/plain\r\n"),
        trick("legacy with a safe Mcp-Name", bad(), 200, "denied_by_rule")
            .and("mcp-method: ping\r\nmcp-name: get_x\r\n"),
        trick("legacy with a safe Mcp-Param", bad(), 200, "denied_by_rule")
            .and("mcp-protocol-version: 2025-11-25\r\nmcp-param-n: 7\r\n"),
        trick("modern body, no version header", modern(), 400, "header_mismatch"),
        trick("modern body, legacy header", modern(), 400, "header_mismatch")
            .and("mcp-protocol-version: 2025-11-25\r\n"),
        trick("modern body, no Mcp-Method", modern(), 400, "header_mismatch")
            .and("mcp-protocol-version: 2026-07-28\r\nmcp-name: {bad}\r\n"),
        trick("modern body, no Mcp-Name", modern(), 400, "header_mismatch").and(both),
        trick("modern, other Mcp-Name", modern(), 400, "header_mismatch").and(&format!("{both}mcp-name: {{good}}\r\n")),
        trick("modern, other Mcp-Method", modern(), 400, "header_mismatch")
            .and("mcp-protocol-version: 2026-07-28\r\nmcp-method: ping\r\nmcp-name: {bad}\r\n"),
        trick("modern, two Mcp-Name, bad first", modern(), 400, "malformed")
            .and(&format!("{both}mcp-name: {{bad}}\r\nmcp-name: {{good}}\r\n")),
        trick("modern, two Mcp-Name, good first", modern(), 400, "malformed")
            .and(&format!("{both}mcp-name: {{good}}\r\nmcp-name: {{bad}}\r\n")),
        trick("modern, agreeing", modern(), 200, "denied_by_rule").and(&format!("{both}mcp-name: {{bad}}\r\n")),
        trick("two version headers", bad(), 400, "malformed")
            .and("mcp-protocol-version: 2025-11-25\r\nmcp-protocol-version: 2026-07-28\r\n"),
        trick("a version that is no date", bad(), 400, "header_mismatch").and("mcp-protocol-version: latest\r\n"),
        trick("two sessions", bad(), 400, "malformed").and("mcp-session-id: a\r\nmcp-session-id: b\r\n"),
        trick("a method override", bad(), 200, "denied_by_rule").and("x-http-method-override: GET\r\n"),
        trick("a foreign origin", bad(), 200, "denied_by_rule").and("origin: https://evil.example\r\n"),
    ];
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] {
        let row = trick("batch of a revision", format!("[{}]", bad()), 400, "batch_refused");
        rows.push(row.and(&format!("mcp-protocol-version: {version}\r\n")));
    }
    for charset in ["utf-16le", "utf-7", "latin1", "bogus", "utf-8; charset=utf-7"] {
        let row = trick("charset", bad(), 415, "malformed");
        rows.push(row.fields(&format!("content-type: application/json; charset={charset}\r\n")));
    }
    for encoding in ["br", "gzip", "x-foo", "identity, gzip", "identity\r\ncontent-encoding: gzip"] {
        let row = trick("encoding of a plain body", bad(), 415, "encoding_refused");
        rows.push(row.and(&format!("content-encoding: {encoding}\r\n")));
    }
    // ASCII that says something else in UTF-7: the quotes and the forbidden name are base64 of UTF-16.
    let seven =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"{good}+ACIALAAi-name+ACIAOgAi-{bad}"}}"#;
    rows.push(trick("utf-7", seven, 415, "malformed").fields("content-type: application/json; charset=utf-7\r\n"));
    rows
}

async fn assert_runs_nothing(rig: &'static tidegate_tests::rig::Rig, trick: &Trick, mode: Mode) {
    let name = trick.name;
    let control = Case::executed(rig, Site::Main, mode);
    control.send_past_envoy(trick.request(&control)).await;
    let ran = control.ledger().tools().await;
    assert!(ran.contains(&control.tool("delete")), "{name} does not work on the forgiving server: {ran:?}");

    let case = Case::executed(rig, Site::Main, mode);
    let response = case.send(trick.request(&case)).await;
    assert_eq!(
        (response.status, response.reason().as_deref()),
        (trick.status, Some(trick.reason)),
        "{name}: {response}"
    );
    assert!(response.complete, "{name}: {response}");
    case.refusal(trick.reason).await;
    assert_eq!(case.ledger().tools().await, Vec::<String>::new(), "{name}");
    case.assert_refused_before_server().await;
}

fn assert_none_runs(tricks: &[Trick]) {
    run(async |rig| {
        for trick in tricks {
            for mode in Mode::ALL {
                assert_runs_nothing(rig, trick, mode).await;
            }
        }
        rig.assert_no_trap().await;
    });
}

#[test]
fn tricks_with_the_body_run_no_forbidden_tool() {
    assert_none_runs(&bodies());
}

#[test]
fn tricks_with_header_fields_run_no_forbidden_tool() {
    assert_none_runs(&fields());
}
