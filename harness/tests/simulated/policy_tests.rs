//! `tidegate test` as it is typed: the tests that ship with the starter policies, what a failing test is told, every
//! form of report, and input that cannot be used.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Output, Stdio};

use quick_junit::{Report, TestCaseStatus};
use serde_json::json;

use crate::typed::{self, POLICIES, Scratch, code, command, stderr, stdout, tidegate};

const POLICY: &str = r#"{"version": "tidegate/v1", "name": "p",
    "identity": {"sources": [{"jwt": {"issuer": "https://idp.example.com", "team": "team"}}]},
    "servers": [{"name": "crm", "match": {"path": "/mcp"}}],
    "rules": [{"id": "reads", "allow": {"tools": ["get_*"]}}, {"id": "no-drops", "deny": {"tools": ["drop_*"]}}]"#;

/// A policy `p.json` with `more` members, and its tests.
fn tested(more: &str, tests: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.file("p.json", &format!("{POLICY}{more}}}"));
    scratch.file("p.test.json", tests);
    scratch
}

/// `tidegate test` of all that is in there.
fn run(scratch: &Scratch, arguments: &[&str]) -> Output {
    tidegate(&[&["test"][..], arguments, &[scratch.directory()]].concat())
}

const TWO: &str = r#"{"defaults": {"principal": {"subject": "ada", "team": "crm"}}, "tests": [
    {"name": "reading is open", "tool": "get_customer", "expect": {"verdict": "allow", "rule": "reads"}},
    {"name": "dropping is open", "tool": "drop_customer", "expect": {"verdict": "allow"}}
]}"#;

#[test]
fn the_starter_policies_pass_their_tests_and_every_rule_is_covered() {
    let output = tidegate(&["test", "--coverage", "--min-coverage", "100", POLICIES]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}\n{}", stderr(&output));
    for policy in ["demo.json", "starter.json"] {
        let line = text.lines().find(|line| line.contains(policy) && line.contains("covered")).unwrap();
        assert!(line.ends_with("covered, 100 %"), "{text}");
    }
    assert!(text.trim_end().ends_with(" passed, 0 failed, 0 skipped"), "{text}");
}

#[test]
fn a_failing_test_is_told_what_differs_where_and_what_to_do() {
    let scratch = tested("", TWO);
    let output = run(&scratch, &[]);
    let text = stdout(&output);
    assert_eq!(code(&output), 1, "{text}{}", stderr(&output));
    assert!(text.contains(&format!("FAIL  dropping is open  {}:3:14\n", scratch.path("p.test.json"))), "{text}");
    assert!(text.contains("tools/call drop_customer to /mcp as subject=ada,team=crm (hold and no-hold)\n"), "{text}");
    assert!(text.contains("verdict: expected \"allow\", got \"deny\"\n"), "{text}");
    assert!(text.contains("decided: deny, denied_by_rule, rule no-drops; the server was sent nothing in hold, the headers in no-hold\n"), "{text}");
    assert!(text.contains("next: if the test is right, narrow deny rule `no-drops`; else change the expectation at "));
    assert!(text.ends_with("\n2 tests, 1 passed, 1 failed, 0 skipped\n"), "{text}");
    assert!(!text.contains("reading is open") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn quotas_count_up_inside_a_test_and_not_between_tests() {
    let more = r#", "quotas": [{"id": "few", "limit": 3, "window": "1m", "by": ["subject"], "burst": 3}]"#;
    let test = |name: &str| {
        format!(
            r#"{{"name": "{name}", "messages": [
                {{"tool": "get_a", "repeat": 3, "expect": {{"verdict": "allow"}}}},
                {{"tool": "get_a", "expect": {{"verdict": "deny", "reason": "quota_exceeded", "audit": {{"quota": "few"}}}}}}]}}"#
        )
    };
    let tests = format!(
        r#"{{"defaults": {{"principal": "subject=ada", "now": "2026-11-23T09:41:07Z"}}, "tests": [{}, {},
            {{"name": "too many", "tool": "get_a", "repeat": 9, "expect": {{"verdict": "allow"}}}}]}}"#,
        test("first"),
        test("second")
    );
    let output = run(&tested(more, &tests), &[]);
    let text = stdout(&output);
    assert_eq!(code(&output), 1, "{text}{}", stderr(&output));
    assert!(text.contains("as subject=ada, time 4 of 9 (hold and no-hold)\n"), "{text}");
    assert!(text.contains("raise `limit` of `few`"), "{text}");
    assert!(text.ends_with("\n3 tests, 2 passed, 1 failed, 0 skipped\n"), "{text}");
}

#[test]
fn tests_are_chosen_by_name_and_header_mode() {
    let scratch = tested("", TWO);
    let chosen = run(&scratch, &["--run", "^reading", "--host", "hold"]);
    assert_eq!((code(&chosen), stdout(&chosen).lines().last().unwrap()), (0, "1 test, 1 passed, 0 failed, 0 skipped"));
    let nothing = run(&scratch, &["--run", "zebra"]);
    assert_eq!(code(&nothing), 2);
    assert!(stderr(&nothing).contains("no test has a name that --run zebra finds"), "{}", stderr(&nothing));
    assert_eq!(code(&run(&scratch, &["--run", "("])), 2);

    scratch.file(
        "p.test.json",
        r#"{"tests": [{"name": "a", "host": "no-hold", "tool": "x", "expect": {"verdict": "deny"}},
                      {"name": "b", "skip": "not yet", "tool": "x", "expect": {"verdict": "allow"}}]}"#,
    );
    let skipped = run(&scratch, &["--host", "hold"]);
    assert!(stdout(&skipped).ends_with("2 tests, 0 passed, 0 failed, 2 skipped\n"), "{}", stdout(&skipped));
    assert!(stdout(&skipped).contains("skip  b: not yet"), "{}", stdout(&skipped));
}

#[test]
fn too_little_coverage_is_a_finding_that_names_the_rules() {
    let one = r#"{"defaults": {"principal": "subject=ada"},
        "tests": [{"name": "a", "tool": "get_a", "expect": {"verdict": "allow"}}]}"#;
    let scratch = tested("", one);
    let output = run(&scratch, &["--coverage", "--min-coverage", "51"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stdout(&output).contains("1 of 2 rules covered, 50 %"), "{}", stdout(&output));
    assert!(stderr(&output).contains("no test makes a verdict by no-drops"), "{}", stderr(&output));
    assert_eq!(code(&run(&scratch, &["--min-coverage", "50"])), 0);
    assert_eq!(code(&run(&scratch, &["--min-coverage", "101"])), 2);
}

#[test]
fn junit_is_read_by_what_reads_junit() {
    let scratch = tested("", TWO);
    let out = scratch.path("report.xml");
    let output = run(&scratch, &["--format", "junit", "--out", &out]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stdout(&output).ends_with("1 failed, 0 skipped\n"), "the text is for the person who waits");
    let report = Report::deserialize_from_str(&fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!((report.tests, report.failures), (2, 1));
    let [passed, failed] = report.test_suites[0].test_cases.as_slice() else { panic!("two cases") };
    assert_eq!((passed.name.as_str(), failed.name.as_str()), ("reading is open", "dropping is open"));
    assert!(matches!(passed.status, TestCaseStatus::Success { .. }));
    let TestCaseStatus::NonSuccess { message, description, .. } = &failed.status else { panic!("a failure") };
    assert!(message.as_ref().unwrap().contains("expected \"allow\", got \"deny\""), "{message:?}");
    assert!(description.as_ref().unwrap().contains("next: "), "{description:?}");
}

#[test]
fn sarif_stands_at_the_expectation_and_json_has_it_all() {
    let scratch = tested("", TWO);
    let log = typed::json(&run(&scratch, &["--format", "sarif"]));
    assert_eq!(log["version"], "2.1.0");
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("policy_test_verdict"), &json!("error")));
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region, &json!({"startLine": 3, "startColumn": 81}));

    let report = typed::json(&run(&scratch, &["--format", "json"]));
    assert_eq!((&report["tests"], &report["passed"], &report["failed"]), (&json!(2), &json!(1), &json!(1)));
    let failure = &report["files"][0]["tests"][1]["failures"][0];
    assert_eq!(failure["mismatches"][0]["got"], "deny");
    let rules = report["coverage"][0]["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["covered"] == true), "{rules:?}");
}

#[test]
fn what_cannot_be_run_is_told_before_anything_runs() {
    let scratch = tested("", TWO);
    let told = |tests: &str| {
        scratch.file("p.test.json", tests);
        let output = run(&scratch, &[]);
        assert_eq!((code(&output), stdout(&output).as_str()), (2, ""), "{tests}");
        stderr(&output)
    };
    let message = |members: &str| format!(r#"{{"tests": [{{"name": "a", "tool": "x", {members}}}]}}"#);
    assert!(told("{\"tests\": [").contains("at byte 11"), "broken JSON has a place");
    assert!(told(&message(r#""expect": {"rule": "raeds"}"#)).contains("did you mean `reads`?"));
    assert!(told(&message(r#""server": "cmr", "expect": {"rule": null}"#)).contains("did you mean `crm`?"));
    let unsupplied = told(&message(r#""principal": {"agent": "a"}, "expect": {"rule": null}"#));
    assert!(unsupplied.contains("it maps no claim to `agent`"), "{unsupplied}");
    assert!(
        told(r#"{"policy": "none.json", "tests": [{"name": "a", "tool": "x", "expect": {"rule": null}}]}"#)
            .contains("none.json, the policy of")
    );
    fs::remove_file(scratch.path("p.test.json")).unwrap();
    let none = run(&scratch, &[]);
    assert_eq!(code(&none), 2);
    assert!(stderr(&none).contains("there is no *.test.json in"), "{}", stderr(&none));
}

#[test]
fn a_watched_test_runs_again_when_its_policy_changes() {
    let scratch = tested("", TWO);
    let mut command = command(&["test", "--watch", scratch.directory()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut summary = || lines.find(|line| line.contains(" tests, ")).unwrap();
    assert_eq!(summary(), "2 tests, 1 passed, 1 failed, 0 skipped");
    scratch.file("p.json", &format!("{}}}", POLICY.replace("\"deny\"", "\"allow\"").replace("no-drops", "drops")));
    let after = summary();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(after, "2 tests, 2 passed, 0 failed, 0 skipped");
}
