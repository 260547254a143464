//! `tidegate replay` as it is typed: what it prints, what it writes and how it exits.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::names;
use crate::typed::{DEMO, Scratch, altered, capture, code, command, stderr, stdout, tidegate};

/// `tidegate replay --policy` with the demo's policy and these arguments.
fn replay(arguments: &[&str]) -> Output {
    tidegate(&[&["replay", "--policy", DEMO][..], arguments].concat())
}

#[test]
fn the_table_tells_verdict_rule_reason_and_change() {
    let output = replay(&["--as", "subject=ada,team=finance", "--host", "both", &capture("rmcp-modern.jsonl")]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let line =
        |wanted: &str| text.lines().find(|line| line.contains(wanted)).unwrap_or_else(|| panic!("{wanted}: {text}"));
    assert!(line("tools/list billing").ends_with("hidden: delete_customer, get_payment_credentials"), "{text}");
    let refusal = line("billing/delete_customer").split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(refusal, "5 deny tools/call billing/delete_customer ada (finance) denied_by_rule, rule no-deletes");
    assert!(line("billing/get_customer").ends_with("rule finance-reads"), "{text}");
    // Without holding headers, a caller without rights is refused before its message is read.
    assert!(line("server/discover platform").ends_with("method_not_allowed; (hold)"), "{text}");
    assert!(
        text.contains("messages: 6 allow, 5 deny; 1 body rewritten; 3 exchanges are not alike in both header modes"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks");
}

#[test]
fn secrets_are_counted_by_kind_and_never_shown() {
    let arguments = ["--trust-capture-tokens", "--host", "both", &capture("secrets.jsonl")];
    let output = replay(&arguments);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[1].contains("; response rewritten; redacted: aws-access-key-id "), "{text}");
    let refusals: Vec<&&str> = rows.iter().filter(|line| line.contains("secret_blocked")).collect();
    assert!(refusals[0].ends_with("secret_blocked, aws-access-key-id at /params/arguments/value"), "{text}");
    assert!(refusals[1].ends_with("secret_blocked, placeholder at /params/arguments/value"), "{text}");
    assert!(
        text.contains("\nredacted: aws-access-key-id ")
            && text.contains("\nrefused for: aws-access-key-id 1, placeholder 1\n"),
        "{text}"
    );
    assert!(text.contains("; the same in both header modes"), "{text}");

    let output = replay(&["--trust-capture-tokens", "--format", "json", &capture("secrets.jsonl")]);
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let first = &lines[0]["response"]["redactions"][0];
    assert_eq!((&first["detector"], &first["path"]), (&"aws-access-key-id".into(), &"/result/content/0/text".into()));
    assert_eq!(
        lines[3]["redactions"],
        serde_json::json!([{"detector": "aws-access-key-id", "path": "/params/arguments/value", "count": 1}])
    );
    assert!(lines[5].get("response").is_none_or(|it| it.get("redactions").is_none()), "{}", lines[5]);
    let everything = text + &stdout(&output);
    for secret in ["AKIAQ3EGRZ7PLM5VWXTD", "wJ8kq2Rz7LxT4vNc9PbYd1FhGm5SsAe3UoQiVtXn", "Kq7vT2mXw9Lz"] {
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[test]
fn json_is_one_object_a_message_and_says_where_it_comes_from() {
    let path = capture("python-2.3-modern.har");
    let output = replay(&["--trust-capture-tokens", "--format", "json", "--chunks", "adversarial", &path]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 10, "nine messages and the summary");
    let denial = &lines[4];
    for (name, value) in [
        ("capture", path.as_str()),
        ("place", "entry 5"),
        ("host", "hold"),
        ("direction", "request"),
        ("verdict", "deny"),
        ("reason", "denied_by_rule"),
        ("rule", "no-deletes"),
        ("method", "tools/call"),
        ("tool", "delete_customer"),
        ("principal", "ada"),
        ("sent", "nothing"),
    ] {
        assert_eq!(denial[name], value, "{name} of {denial}");
    }
    assert_eq!(lines[1]["hidden"], serde_json::json!(["delete_customer", "get_payment_credentials"]));
    assert_eq!(lines[1]["response"]["body"], "rewritten");
    assert_eq!(lines[9]["summary"]["messages"], 9);
    assert!(stderr(&output).contains("nobody has verified these tokens"));
}

#[test]
fn a_denial_is_a_finding_only_if_asked_for() {
    let path = capture("rmcp-modern.jsonl");
    let arguments = ["--as", "subject=ada,team=finance", "--fail-on"];
    assert_eq!(code(&replay(&[&arguments[..], &["deny", &path]].concat())), 1);
    assert_eq!(code(&replay(&[&arguments[..], &["would-deny", &path]].concat())), 0);
}

#[test]
fn the_changed_traffic_is_written_as_har() {
    let scratch = Scratch::new();
    let out = scratch.path("governed.har");
    let output = replay(&[
        "--as",
        "subject=ada,team=finance",
        "--out",
        &out,
        &capture("errors.jsonl"),
        &capture("rmcp-modern.jsonl"),
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(names(&scratch), ["governed.har"]);
    let har: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let refused = entries.iter().find(|it| it["_tidegate"]["decisions"][0]["rule"] == "no-deletes").unwrap();
    assert_eq!(refused["_tidegate"]["sent"], "nothing");
    assert!(refused["response"]["content"]["text"].as_str().unwrap().contains("tidegate/denial"));
    let again = replay(&["--as", "subject=ada,team=finance", "--out", &out, &out]);
    assert_eq!(code(&again), 2);
    assert!(stderr(&again).contains("would overwrite a capture"), "{}", stderr(&again));
    let again = replay(&["--as", "subject=ada,team=finance", &out]);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    assert!(stdout(&again).contains(&format!("{} exchanges", entries.len())), "{}", stdout(&again));
}

#[test]
fn nothing_is_left_of_a_har_whose_capture_breaks_off() {
    let scratch = Scratch::new();
    let good = fs::read_to_string(capture("rmcp-modern.jsonl")).unwrap();
    let broken = scratch.file("broken.jsonl", &format!("{}\n{{\"request\":", good.lines().next().unwrap()));
    let out = scratch.file("out.har", "what was there before");
    let output = replay(&["--as", "team=finance", "--out", &out, &broken]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("is broken at line 2, column 11"), "{}", stderr(&output));
    assert!(stderr(&output).contains("the capture was cut off"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&out).unwrap(), "what was there before");
    assert_eq!(names(&scratch), ["broken.jsonl", "out.har"]);
}

#[test]
fn nothing_is_left_of_a_har_whose_replay_is_interrupted() {
    let scratch = Scratch::new();
    let pipe = scratch.path("pipe.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let out = scratch.path("out.har");
    let mut command = command(&["replay", "--policy", DEMO, "--as", "team=finance", "--out", &out, &pipe]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // One exchange, and the pipe stays open: the replay waits for the next.
    let mut capture_file = fs::File::options().write(true).open(&pipe).unwrap();
    let recorded = fs::read_to_string(capture("rmcp-modern.jsonl")).unwrap();
    writeln!(capture_file, "{}", recorded.lines().next().unwrap()).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("server/discover billing")));
    assert_eq!(names(&scratch).len(), 2, "{:?}", names(&scratch));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(names(&scratch), ["pipe.jsonl"]);
}

#[test]
fn what_the_server_sent_in_vain_is_told_below_its_request() {
    let scratch = Scratch::new();
    let policy = r#"{"version": "tidegate/v1", "name": "p", "identity": {"anonymous": "allow"},
        "servers": [{"name": "main", "match": {"path": "/mcp"}}], "rules": [{"id": "r", "allow": {"tools": ["get_*"]}}]}"#;
    let policy = scratch.file("policy.json", policy);
    let headers = |kind: &str| serde_json::json!([{"name": "content-type", "value": kind}]);
    let line = |kind: &str, body: &str| {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_x"}}"#;
        let request = serde_json::json!({"method": "POST", "url": "http://h/mcp", "headers": headers("application/json"), "body": call});
        let response = serde_json::json!({"status": 200, "headers": headers(kind), "body": body});
        serde_json::json!({"request": request, "response": response}).to_string()
    };
    let sampling = r#"data: {"jsonrpc":"2.0","id":5,"method":"sampling/createMessage","params":{}}"#;
    let lines = [
        line("application/json", r#"{"jsonrpc":"2.0","id":1,"id":2,"result":{}}"#),
        line("text/event-stream", &format!("{sampling}\n\n")),
    ];
    let path = scratch.file("c.jsonl", &lines.join("\n"));
    let output = tidegate(&["replay", "--policy", &policy, "--chunks", "adversarial", &path]);
    let text = stdout(&output);
    let rows: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "1 allow tools/call main/get_x anonymous rule r; response rewritten",
        "deny its response unreadable_response; a duplicate key at byte 24",
        "2 allow tools/call main/get_x anonymous rule r; response rewritten",
        "deny server sends: sampling/createMessage method_not_allowed; server request refused",
    ];
    assert_eq!(rows[1..5], expected, "{text}");
    assert!(
        text.contains("2 exchanges, 4 messages: 2 allow, 2 deny; 2 bodies rewritten; byte by byte the same"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_replayed_is_wrong_input_and_says_what_to_do() {
    let scratch = Scratch::new();
    let truncated = r#"{"request":{"method":"POST","url":"http://h/mcp","headers":[{"name":"content-length","value":"99"}],"body":"{\"jsonrpc\":\"2.0\"}"}}"#;
    let truncated = scratch.file("truncated.jsonl", truncated);
    for (path, expected, help) in [
        ("/nonexistent/x.har".to_owned(), "cannot read /nonexistent/x.har", ""),
        (scratch.directory().to_owned(), "cannot read", ""),
        (scratch.file("a.pcap", "\u{1}\u{2}"), "no capture format known here", "understood are HAR"),
        (
            scratch.file("tap.json", r#"{"http_buffered_trace":{}}"#),
            "trace 1: no `:method` header",
            "envoy.filters.http.tap",
        ),
        (scratch.file("empty.har", ""), "holds no exchange", "record at least one"),
        (scratch.file("no.har", r#"{"log":{}}"#), "a HAR has a member `entries`", ""),
        (
            scratch.file("web.har", r#"{"log":{"entries":[{"request":{"method":"GET","url":"http://h/logo.png"}}]}}"#),
            "none of 1 exchanges is MCP",
            "record the traffic of an MCP client",
        ),
        (truncated.clone(), "line 1: 17 of 99 bytes of the request's body were recorded", "--allow-truncated"),
    ] {
        let output = replay(&["--as", "team=finance", &path]);
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{path}: {said}");
        assert!(said.contains(expected) && said.contains(help), "{path}: {said}");
    }
    let output = replay(&["--as", "team=finance", "--allow-truncated", &truncated]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn usage_that_cannot_be_meant_is_refused_before_anything_is_built() {
    let path = capture("errors.jsonl");
    for (arguments, expected) in [
        (&["--as", "sub=ada"][..], "`sub=ada` is not KEY=VALUE with one of the keys subject, team"),
        (&["--as", "agent=bot"], "jwt of https://idp.example.com: it maps no claim to `agent`"),
        (&["--as", "team=a", "--trust-capture-tokens"], "cannot be used with"),
        (&["--now", "noon"], "--now `noon` is not a time"),
        (&["--host", "both", "--out", "/nonexistent/x.har"], "--out can only be written for one header mode"),
        (&["--out", "/nonexistent/x.har"], "cannot write /nonexistent/x.har"),
        (&["--host", "sideways"], "invalid value 'sideways'"),
        (&["--html", "/nonexistent/x.html"], "cannot write /nonexistent/x.html"),
        (&["--html", "/nonexistent/x", "--out", "/nonexistent/x"], "--out and --html are the same file"),
        (&["--html", DEMO], "would overwrite a policy"),
        (&["--fail-on", "newly-denied"], "there is no other policy to compare with"),
        (&["--against", "/nonexistent/p.json"], "cannot read /nonexistent/p.json"),
        (&["--against", DEMO, "--host", "both"], "--against compares in one header mode"),
        (&["--wasm", DEMO], "not a module that can be loaded"),
    ] {
        let output = replay(&[arguments, &[&path]].concat());
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
    assert_eq!(code(&replay(&[])), 2, "no capture");
    assert!(!Path::new("/nonexistent").exists());
}

#[test]
fn a_run_in_which_nobody_is_known_says_how_to_say_who_calls() {
    let output = replay(&[&capture("rmcp-modern.jsonl")]);
    assert_eq!(code(&output), 0);
    assert!(stderr(&output).contains("say who calls with --as or --trust-capture-tokens"), "{}", stderr(&output));
    assert!(stdout(&output).contains("principal_missing"), "{}", stdout(&output));
}

#[test]
fn traffic_for_other_servers_is_noticed() {
    let policy = altered(|text| text.replace("/mcp/", "/elsewhere/"));
    let recorded = capture("rmcp-modern.jsonl");
    let output = tidegate(&["replay", "--policy", policy.path(), "--trust-capture-tokens", &recorded]);
    assert!(stderr(&output).contains("has the paths /elsewhere/billing, /elsewhere/platform"), "{}", stderr(&output));
}
