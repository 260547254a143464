//! `bench` as it is typed: what its report is made of. What it measures is no test's business.

use std::process::Output;

use serde_json::Value;

use crate::typed::{STARTER, capture, code, json, stderr, stdout, tidegate};

fn bench(arguments: &[&str]) -> Output {
    let seconds: &[&str] = if arguments.contains(&"--seconds") { &[] } else { &["--seconds", "0.05"] };
    tidegate(&[&["bench"][..], seconds, arguments].concat())
}

fn report(arguments: &[&str]) -> Value {
    let output = bench(&[arguments, &["--format", "json"]].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    json(&output)
}

#[test]
fn every_message_is_measured_in_wasmtime_natively_and_without_a_policy() {
    let report = report(&["--policy", STARTER, "--as", "team=finance"]);
    assert_eq!(report["build"], if cfg!(debug_assertions) { "debug" } else { "release" });
    let messages = report["messages"].as_array().unwrap();
    let names: Vec<&str> = messages.iter().map(|it| it["name"].as_str().unwrap()).collect();
    for expected in ["initialize", "100 tools", "small", "2 KB", "64 KB", "SSE"] {
        assert!(names.iter().any(|it| it.contains(expected)), "{expected}: {names:?}");
    }
    for message in messages {
        assert_eq!(message["verdict"], "passes", "{message}");
        assert_eq!(message["verdict_changed"], false, "{message}");
        assert!(message["ratio_to_no_policy"].as_f64().unwrap() > 0.0, "{message}");
        for place in ["wasm", "no_policy", "native"] {
            let number = |key: &str| message[place][key].as_f64().unwrap();
            assert!(number("samples") >= 12.0, "one a round at least: {message}");
            assert!(number("min_us") <= number("median_us") && number("median_us") <= number("p99_us"), "{message}");
            assert!(number("mb_per_s") > 0.0 && number("us_per_mb") > 0.0, "{message}");
        }
    }
}

#[test]
fn the_messages_of_a_capture_are_measured_instead() {
    let (policy, recorded) = (capture("policy.json"), capture("typescript-2-modern.jsonl"));
    let arguments = ["--policy", &policy, "--as", "team=finance", "--messages", &recorded];
    let output = bench(&arguments);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(text.contains("line 1 ") && text.contains("tools/call ") && text.contains("x no policy"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks");
    let exchanges = std::fs::read_to_string(&recorded).unwrap().lines().count();
    assert_eq!(report(&arguments)["messages"].as_array().unwrap().len(), exchanges);
}

#[test]
fn a_measurement_of_refusals_alone_says_so() {
    let output = bench(&["--policy", STARTER]);
    assert_eq!(code(&output), 0);
    assert!(
        stderr(&output).contains("every message is refused") && stderr(&output).contains("--as"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_cannot_be_measured_says_why() {
    let recorded = capture("typescript-2-modern.jsonl");
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/main.rs");
    for (arguments, expected) in [
        (&["--policy", "/nonexistent/policy.json"][..], "cannot read /nonexistent/policy.json"),
        (&["--policy", STARTER, "--messages", "/nonexistent.har"], "cannot read /nonexistent.har"),
        (&["--policy", STARTER, "--messages", here], "no capture format known here"),
        (&["--policy", STARTER, "--as", "colour=blue"], "colour=blue"),
        (&["--policy", STARTER, "--seconds", "0"], "0.01 to 86400"),
        (&["--policy", STARTER, "--messages", &recorded, "--tool", "x"], "cannot be used with"),
    ] {
        let output = bench(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
}
