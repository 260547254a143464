//! The committed captures. To accept what has changed: `TIDEGATE_BLESS=1 cargo test -p tidegate-tests --test replay`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tidegate::capture::{self, Annotation, Exchange, HarWriter, Place, Truncated};
use tidegate::envoy::audit::Event;
use tidegate::replay::{Caller, Replayed, Sent, Settings, tokens};

use crate::stage::{STARTED, configuration, replayer, scratch, settings};

const POLICY: &str = include_str!("../../captures/policy.json");

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// The captures by name, in alphabetical order.
pub(crate) fn captures() -> Vec<(String, PathBuf)> {
    let files = fs::read_dir(directory()).unwrap().map(|it| it.unwrap().path());
    let captures: BTreeSet<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|it| it == "har" || it == "jsonl")).collect();
    assert!(captures.len() >= 6, "{captures:?}");
    captures.into_iter().map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path)).collect()
}

pub(crate) fn read(path: &Path) -> Vec<Exchange> {
    capture::open(path, Truncated::Refuse).unwrap().map(|it| it.unwrap()).collect()
}

fn of_ada(hold_headers: bool) -> Settings {
    let caller = tokens(&configuration(POLICY).policy.identity).unwrap();
    Settings { caller, ..settings(hold_headers) }
}

/// One line a decision: what it was, and what became of the bytes.
fn line(number: usize, exchange: &Exchange, event: Option<&Event>, replayed: &Replayed) -> String {
    let text = |name: &str| event.and_then(|event| event.text(name)).map(str::to_owned);
    let mut words = vec![format!("{number:>2}"), text("verdict").unwrap_or_else(|| "-".to_owned())];
    words.push(text("method").unwrap_or_else(|| exchange.request.method.clone()));
    words.extend(event.and_then(Event::target).map(str::to_owned));
    for name in ["direction", "reason", "rule", "would_verdict", "would_rule"] {
        words.extend(text(name).map(|value| format!("{name}={value}")));
    }
    words.push(format!("by={}", event.and_then(Event::subject).unwrap_or("-")));
    if replayed.sent != Sent::Whole {
        words.push(format!("sent={}", if replayed.sent == Sent::Nothing { "nothing" } else { "headers" }));
    }
    words.push(format!("status={}", replayed.status().map_or("-".to_owned(), |it| it.to_string())));
    if !replayed.hidden.is_empty() {
        words.push(format!("hidden={}", replayed.hidden.join(",")));
    }
    let request = event.map(Event::redactions).unwrap_or_default();
    words.extend(request.iter().map(|it| format!("found={}@{}*{}", it.detector, it.path, it.count)));
    words.extend(replayed.redactions.iter().map(|it| format!("redacted={}@{}*{}", it.detector, it.path, it.count)));
    let flags = [
        (replayed.ungoverned, "ungoverned"),
        (replayed.request_rewritten, "request-rewritten"),
        (replayed.response_rewritten, "response-rewritten"),
        (replayed.cut, "cut"),
        (replayed.hung, "hung"),
    ];
    words.extend(flags.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()));
    words.join(" ")
}

#[test]
fn every_capture_is_decided_as_expected_in_both_header_modes() {
    let mut found = String::new();
    for (mode, hold) in [("hold", true), ("no-hold", false)] {
        for (name, path) in captures() {
            found += &format!("{name} {mode}\n");
            let replayer = replayer(POLICY, of_ada(hold));
            for (at, exchange) in read(&path).iter().enumerate() {
                let replayed =
                    replayer.replay(exchange).unwrap_or_else(|error| panic!("{name}, {}: {error}", exchange.place));
                let events: Vec<Option<&Event>> = match replayed.decisions.as_slice() {
                    [] => vec![None],
                    events => events.iter().map(Some).collect(),
                };
                for event in events {
                    found += &format!("{}\n", line(at + 1, exchange, event, &replayed));
                }
            }
            found.push('\n');
        }
    }
    let path = directory().join("expected.txt");
    if std::env::var_os("TIDEGATE_BLESS").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (at, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "expected.txt, line {}", at + 1);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn the_captures_hold_what_they_are_for() {
    let all: Vec<Exchange> = captures().iter().flat_map(|(_, path)| read(path)).collect();
    let has = |what: &str, wanted: &dyn Fn(&Exchange) -> bool| assert!(all.iter().any(wanted), "no {what}");
    let is_sse = |exchange: &Exchange| {
        let headers = exchange.response.as_ref().map(|it| &it.headers);
        headers.and_then(|it| capture::header(it, "content-type")).is_some_and(|it| it.starts_with("text/event-stream"))
    };
    let asks = |exchange: &Exchange, what: &str| String::from_utf8_lossy(&exchange.request.body).contains(what);
    has("legacy list", &|it| asks(it, "tools/list") && is_sse(it));
    has("modern list", &|it| asks(it, "tools/list") && asks(it, "2026-07-28") && !is_sse(it));
    has("stream of a GET", &|it| it.request.method == "GET" && is_sse(it));
    has("answer in several events", &|it| {
        is_sse(it)
            && it
                .response
                .as_ref()
                .is_some_and(|it| it.chunks.len() > 2 && it.body().windows(8).any(|w| w == b"progress"))
    });
    has("secret in a result", &|it| it.response.as_ref().is_some_and(|it| it.body().windows(4).any(|w| w == b"AKIA")));
    has("secret in a call", &|it| asks(it, "\"value\":\"AKIA"));
    has("error", &|it| it.response.as_ref().is_some_and(|it| it.status == 404));
    for (name, path) in captures() {
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("127.0.0.1") && !text.contains("localhost"), "{name} names the machine it was made on");
        for token in text.split("Bearer ").skip(1) {
            let token = token.split('"').next().unwrap();
            assert!(token.ends_with(".c2NydWJiZWQ"), "{name} has a token with its signature");
        }
    }
}

/// Secrets do not survive, wherever they were and however they were cut.
#[test]
fn the_secrets_of_a_capture_are_gone() {
    let (_, path) = captures().into_iter().find(|(name, _)| name == "secrets.jsonl").unwrap();
    let secrets = ["AKIAQ3EGRZ7PLM5VWXTD", "wJ8kq2Rz7LxT4vNc9PbYd1FhGm5SsAe3UoQiVtXn", "Vx7mT2qLw9zR", "Kq7vT2mXw9Lz"];
    for hold in [true, false] {
        let replayer = replayer(POLICY, Settings { byte_by_byte: true, ..of_ada(hold) });
        let mut found = 0;
        for exchange in read(&path) {
            let replayed = replayer.replay(&exchange).unwrap();
            let body = replayed.result.response.as_ref().map(|it| it.body()).unwrap_or_default();
            let text = String::from_utf8_lossy(&body);
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "{}: {text}", exchange.place);
            found += replayed.redactions.len();
        }
        assert!(found >= 10, "{found}");
    }
}

/// The HAR that is written is what the two peers were sent, event by event.
#[test]
fn what_is_written_is_what_the_filter_sent() {
    for (name, path) in captures() {
        let target = scratch(&format!("{name}.out.har"));
        let replayer = replayer(POLICY, of_ada(true));
        let mut har = HarWriter::create(&target).unwrap();
        let mut results = Vec::new();
        for exchange in read(&path) {
            let replayed = replayer.replay(&exchange).unwrap();
            har.add(&replayed.result, STARTED, &Annotation::new()).unwrap();
            assert_is_as_told(&exchange, &replayed);
            results.push(replayed.result);
        }
        har.finish().unwrap();
        let written = read(&target);
        fs::remove_file(target).unwrap();
        assert_eq!(written.len(), results.len());
        for (at, (mut result, written)) in results.into_iter().zip(written).enumerate() {
            result.place = Place::Entry(at + 1);
            assert_eq!(written, result, "{name}");
        }
    }
}

/// What is told of the changes is what the bytes say.
fn assert_is_as_told(before: &Exchange, replayed: &Replayed) {
    let body = |exchange: &Exchange| exchange.response.as_ref().map(|it| it.body()).unwrap_or_default();
    let (was, is) = (body(before), body(&replayed.result));
    let text = String::from_utf8_lossy(&is);
    if replayed.sent != Sent::Whole {
        assert_eq!(replayed.result.request, before.request, "a request that was not sent is as it was");
        let denial = &replayed.decisions[0];
        if let (Some("tools/call"), Some(decision)) = (denial.text("method"), denial.text("decision")) {
            let hidden = text.contains("Unknown tool");
            assert!(hidden || text.contains(decision), "the answer tells of decision {decision}: {text}");
        }
    } else {
        assert_eq!(replayed.response_rewritten, was != is);
        assert!(replayed.redactions.is_empty() || was != is, "what is told as redacted was changed");
        assert_eq!(replayed.result.request.body, before.request.body);
    }
    for hidden in &replayed.hidden {
        let entry = format!("\"name\":\"{hidden}\"");
        assert!(String::from_utf8_lossy(&was).contains(&entry) && !text.contains(&entry), "{hidden} in {text}");
    }
}

#[test]
fn what_was_written_is_decided_the_same_again() {
    let (_, path) = captures().into_iter().find(|(name, _)| name == "rmcp-modern.jsonl").unwrap();
    let verdicts = |exchanges: &[Exchange]| {
        let replayer = replayer(POLICY, of_ada(true));
        let replayed: Vec<Replayed> = exchanges.iter().map(|it| replayer.replay(it).unwrap()).collect();
        let told = |it: &Replayed| it.decisions[0].json().get("verdict").cloned().unwrap_or_default();
        let verdicts: Vec<Value> = replayed.iter().map(told).collect();
        (verdicts, replayed)
    };
    let (first, replayed) = verdicts(&read(&path));
    let results: Vec<Exchange> = replayed.into_iter().map(|it| it.result).collect();
    let (second, again) = verdicts(&results);
    assert_eq!(first, second);
    assert!(again.iter().all(|it| !it.response_rewritten && it.hidden.is_empty()), "nothing is left to hide");
}

#[test]
fn without_a_caller_everything_is_refused() {
    for (name, path) in captures() {
        let replayer = replayer(POLICY, Settings { caller: Caller::Anonymous, ..settings(true) });
        for exchange in read(&path) {
            let replayed = replayer.replay(&exchange).unwrap();
            assert!(replayed.ungoverned || replayed.sent == Sent::Nothing, "{name}, {}: {replayed:?}", exchange.place);
        }
    }
}
