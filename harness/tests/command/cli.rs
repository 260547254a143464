//! The command as it is typed: what it prints and how it exits.

use std::net::TcpListener;
use std::process::Output;

use serde_json::Value;

use crate::typed::{DEMO, Written, altered, code, command, json, stderr, stdout, tidegate};

/// The demo's policy with `from` replaced where it first stands.
fn replaced(from: &str, to: &str) -> Written {
    altered(|text| text.replacen(from, to, 1))
}

#[test]
fn a_good_policy_is_fine() {
    let output = tidegate(&["check", DEMO]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).ends_with("demo.json: ok (1 allowed)\n"), "{}", stdout(&output));
}

#[test]
fn a_typo_is_a_finding_with_a_picture() {
    let policy = replaced("\"rules\"", "\"ruels\"");
    let output = tidegate(&["check", policy.path()]);
    let text = stdout(&output);
    assert_eq!(code(&output), 1);
    assert!(text.contains("\"ruels\": [") && text.contains("did you mean `rules`?"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks");
}

#[test]
fn findings_for_tools_are_json() {
    let policy = replaced("\"version\": \"tidegate/v1\"", "\"version\": \"tidegate/v9\"");
    let output = tidegate(&["check", "--format", "json", "--explain", policy.path(), DEMO]);
    assert_eq!(code(&output), 1);
    let report = json(&output);
    let finding = &report["files"][0]["findings"][0];
    assert_eq!((&finding["severity"], &finding["pointer"]), (&"error".into(), &"/version".into()));
    assert_eq!((finding["line"].as_u64(), finding["column"].as_u64()), (Some(2), Some(14)));
    assert_eq!(report["files"][1]["ok"], true);
    assert!(report["files"][1]["effective"]["on"].as_array().is_some_and(|it| !it.is_empty()));
}

#[test]
fn warnings_are_findings_only_if_asked_for() {
    let policy = replaced("\"who\": { \"groups\": [\"sre\"] }", "\"expires\": \"2020-01-01T00:00:00Z\"");
    assert_eq!(code(&tidegate(&["check", policy.path()])), 0);
    let output = tidegate(&["check", "--strict", policy.path()]);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
}

#[test]
fn explain_shows_every_fail_mode() {
    let text = stdout(&tidegate(&["check", "--explain", DEMO]));
    for expected in ["server_unknown", "host_error", "release-freeze", "4 MiB", "https://idp.example.com"] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
}

#[test]
fn explain_shows_what_redaction_does() {
    let text = stdout(&tidegate(&["check", "--explain", DEMO]));
    for expected in ["Redaction of secrets", "license_code", "off: personal", "256 KiB", "shared by the workers"] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    let report = json(&tidegate(&["check", "--explain", "--format", "json", DEMO]));
    let redaction = &report["files"][0]["effective"]["redaction"];
    assert_eq!((&redaction["requests"]["cloud"], &redaction["groups"]["personal"]["on"]), (&"block".into(), &0.into()));
}

#[test]
fn every_detector_can_be_listed() {
    let text = stdout(&tidegate(&["check", "--detectors"]));
    assert!(text.contains("aws-access-key-id") && text.contains("version-control ("), "{text}");
    let list = json(&tidegate(&["check", "--detectors", "--format", "json"]));
    let list = list["detectors"].as_array().unwrap();
    assert!(
        list.len() >= 100 && list.iter().any(|it| it["name"] == "iban" && it["default"] == false),
        "{}",
        list.len()
    );

    let policy = replaced("\"detectors\": \"default\"", "\"detectors\": [\"cloud\"]");
    let of_policy = tidegate(&["check", "--detectors", "--format", "json", policy.path()]);
    let report = json(&of_policy);
    let row = |name: &str| {
        let list = report["files"][0]["detectors"].as_array().unwrap();
        list.iter().find(|it| it["name"] == name).unwrap().clone()
    };
    assert_eq!(
        (&row("aws-access-key-id")["on"], &row("aws-access-key-id")["responses"]),
        (&true.into(), &"replace".into())
    );
    assert_eq!((&row("jwt")["on"], &row("jwt")["responses"]), (&false.into(), &Value::Null));
}

#[test]
fn the_key_of_placeholders_is_rendered_by_name() {
    let arguments =
        ["render", "envoy", "--policy", DEMO, "--upstream", "http://localhost:3000/mcp", "--format", "json"];
    let keyed = [&arguments[..], &["--redaction-key-env", "REDACTION_KEY"]].concat();
    let vm = |arguments: &[&str]| {
        let output = tidegate(arguments);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let text = stdout(&output);
        (text.contains("\"host_env_keys\""), text.contains("{\\\"redaction\\\":{\\\"env\\\":\\\"REDACTION_KEY\\\"}}"))
    };
    assert_eq!((vm(&arguments), vm(&keyed)), ((false, false), (true, true)));
    let wrong = [&arguments[..], &["--redaction-key-env", "not a name"]].concat();
    let output = tidegate(&wrong);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("not the name of an environment variable"), "{}", stderr(&output));

    let up = ["up", "--policy", DEMO, "--upstream", "http://localhost:1/mcp", "--redaction-key-env", "TIDEGATE_UNSET"];
    let output = tidegate(&up);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("TIDEGATE_UNSET, the key of placeholders, is not set"), "{}", stderr(&output));
}

#[test]
fn a_file_that_is_not_there_is_wrong_input() {
    let output = tidegate(&["check", "/nonexistent/policy.json"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("cannot read /nonexistent/policy.json"), "{}", stderr(&output));
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    assert_eq!(code(&tidegate(&["chekc"])), 2);
    assert_eq!(code(&tidegate(&[])), 2);
    assert_eq!(code(&tidegate(&["up", "--policy", DEMO])), 2, "no upstream");
    for command in [&["--help"][..], &["up", "--help"], &["render", "envoy", "--help"], &["check", "--help"]] {
        let output = tidegate(command);
        assert_eq!(code(&output), 0);
        assert!(stdout(&output).contains("tidegate"), "{}", stdout(&output));
    }
}

#[test]
fn up_refuses_a_bad_policy_before_anything_else() {
    let policy = replaced("\"rules\"", "\"ruels\"");
    let output = tidegate(&["up", "--policy", policy.path(), "--upstream", "http://localhost:1/mcp"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("did you mean `rules`?"), "{}", stderr(&output));
}

#[test]
fn up_refuses_an_upstream_that_is_no_server() {
    for (url, expected) in
        [("localhost:3000", "http or https"), ("ftp://h/", "http or https"), ("nonsense", "not a URL")]
    {
        let output = tidegate(&["up", "--policy", DEMO, "--upstream", url]);
        assert_eq!(code(&output), 2, "{url}");
        assert!(stderr(&output).contains(expected), "{url}: {}", stderr(&output));
    }
}

#[test]
fn up_names_the_address_that_is_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = tidegate(&["up", "--policy", DEMO, "--upstream", "http://localhost:1/mcp", "--listen", &address]);
    assert_eq!(code(&output), 2);
    let said = stderr(&output);
    assert!(said.contains(&format!("{address} is in use")) && said.contains("--listen"), "{said}");
}

#[test]
fn up_says_what_will_not_fit() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = tidegate(&["up", "--policy", DEMO, "--upstream", "http://localhost:1/other", "--listen", &address]);
    let said = stderr(&output);
    assert!(said.contains("matches the path /other"), "{said}");
    assert!(said.contains("--issuer https://idp.example.com"), "{said}");
}

#[test]
fn without_an_envoy_the_remedy_is_named() {
    for arguments in
        [&["demo"][..], &["up", "--policy", DEMO, "--upstream", "http://localhost:1/mcp", "--listen", "127.0.0.1:0"]]
    {
        // Any file will do for the module: Envoy is looked for before it is opened.
        let arguments = [arguments, &["--wasm", DEMO]].concat();
        let output = command(&arguments).env("ENVOY", "/nonexistent/envoy").output().unwrap();
        assert_eq!(code(&output), 2);
        let said = stderr(&output);
        assert!(said.contains("$ENVOY names /nonexistent/envoy") && said.contains("unset it"), "{said}");
    }
}

#[test]
fn a_key_set_that_is_none_is_refused() {
    let arguments = ["--issuer", "https://idp.example.com", "--jwks", DEMO];
    let output =
        tidegate(&[&["up", "--policy", DEMO, "--upstream", "http://localhost:1/mcp"][..], &arguments].concat());
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("it has no `keys`"), "{}", stderr(&output));
}

#[test]
fn render_prints_a_bootstrap_with_the_policy_inlined() {
    let arguments = ["render", "envoy", "--policy", DEMO, "--upstream", "http://localhost:3000/mcp/billing"];
    let yaml = stdout(&tidegate(&arguments));
    assert!(yaml.contains("allow_on_headers_stop_iteration: true"), "{yaml}");
    assert!(yaml.contains("\"hold_headers\":true"), "{yaml}");
    let bootstrap = json(&tidegate(&[&arguments[..], &["--no-hold", "--format", "json"]].concat()));
    let filters =
        bootstrap.pointer("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters").unwrap();
    let config = &filters[0]["typed_config"]["config"];
    assert!(config.get("allow_on_headers_stop_iteration").is_none());
    let configuration: Value = serde_json::from_str(config["configuration"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(configuration["host"]["hold_headers"], false);
    let policy: Value = serde_json::from_str(&std::fs::read_to_string(DEMO).unwrap()).unwrap();
    assert_eq!(configuration["layers"][0], policy);
}

/// What each of the commands that take a policy is given besides it.
const WITH_A_POLICY: [(&str, &[&str]); 7] = [
    ("up", &["--upstream", "http://localhost:1/mcp"]),
    ("render envoy", &["--upstream", "http://localhost:1/mcp"]),
    ("render istio", &["--selector", "a=b", "--module", "file:///t.wasm"]),
    ("render istio-wasmplugin", &["--selector", "a=b", "--module", "file:///t.wasm"]),
    ("render istio-trafficextension", &["--selector", "a=b", "--module", "file:///t.wasm"]),
    ("render envoy-gateway", &["--target", "HTTPRoute/mcp", "--module", "https://example.com/t.wasm"]),
    ("render limitador", &[]),
];

fn with_policy(command: &str, arguments: &[&str], policy: &str) -> Output {
    let words: Vec<&str> = command.split(' ').collect();
    tidegate(&[&words, arguments, &["--policy", policy]].concat())
}

#[test]
fn a_policy_that_cannot_be_used_is_refused_by_every_command() {
    let newer = replaced("\"tidegate/v1\"", "\"tidegate/v2\"");
    let cut = replaced("\"rules\"", "\u{0}");
    let directory = env!("CARGO_MANIFEST_DIR");
    for (command, arguments) in WITH_A_POLICY {
        for (policy, expected) in [
            ("/nonexistent/policy.json", "cannot read /nonexistent/policy.json"),
            (directory, "cannot read"),
            (newer.path(), "tidegate/v2"),
            (cut.path(), "is not a policy that can run: 1 error"),
        ] {
            let output = with_policy(command, arguments, policy);
            assert_eq!(code(&output), 2, "{command} {policy}");
            assert!(stderr(&output).contains(expected), "{command} {policy}: {}", stderr(&output));
            assert!(output.stdout.is_empty(), "{command}: nothing half is printed");
        }
    }
}

#[test]
fn a_server_that_no_proxy_reaches_is_refused_by_every_command() {
    for command in ["up", "render envoy"] {
        for (url, expected) in [("ws://h/mcp", "http or https"), ("stdio:server", "http or https"), ("", "not a URL")] {
            let output = with_policy(command, &["--upstream", url], DEMO);
            assert_eq!(code(&output), 2, "{command} {url}");
            assert!(stderr(&output).contains(expected), "{command} {url}: {}", stderr(&output));
        }
    }
}

#[test]
fn files_that_are_not_there_are_named_before_anything_is_built() {
    for (arguments, expected) in [
        (&["build", "--out", "/nonexistent/tidegate.wasm"][..], "cannot write /nonexistent/tidegate.wasm"),
        (&["build", "--out", "/"], "cannot write /"),
        (&["demo", "--wasm", "/nonexistent/tidegate.wasm"], "there is no module at /nonexistent/tidegate.wasm"),
        (
            &[
                "up",
                "-p",
                DEMO,
                "-u",
                "http://localhost:1/mcp",
                "--listen",
                "127.0.0.1:0",
                "--wasm",
                "/nonexistent.wasm",
            ],
            "there is no module at /nonexistent.wasm",
        ),
        (
            &[
                "up",
                "-p",
                DEMO,
                "-u",
                "http://h/",
                "--issuer",
                "https://idp.example.com",
                "--jwks",
                "/nonexistent.json",
            ],
            "cannot read /nonexistent.json",
        ),
    ] {
        let output = tidegate(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    for arguments in [&["--help"][..], &["render", "--help"], &["chekc"], &["up"], &["check", DEMO]] {
        let output = tidegate(arguments);
        let text = [output.stdout, output.stderr].concat();
        assert!(!text.contains(&0x1b), "{arguments:?}: {}", String::from_utf8_lossy(&text));
    }
}
