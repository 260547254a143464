use serde_json::{Value, json};

use super::super::{Direction, HiddenText, Mode, Redaction, SWEEP_BYTES, Strategy, check, compile};
use super::{NOW, base, brief, compiled, errors, put, with};
use crate::secret::detector::{Group, detectors};

const README: &str = include_str!("../../../../README.md");

fn redaction(settings: Value) -> std::sync::Arc<Redaction> {
    compiled(&with("/redaction", settings)).configuration.policy.redaction.unwrap()
}

fn number(redaction: &Redaction, name: &str) -> usize {
    redaction.numbers(name).next().unwrap_or_else(|| panic!("{name}"))
}

fn both(redaction: &Redaction, name: &str) -> (Strategy, Strategy) {
    let number = number(redaction, name);
    (redaction.strategy(Direction::Request, number), redaction.strategy(Direction::Response, number))
}

#[test]
fn an_empty_object_switches_all_defaults_on() {
    let redaction = redaction(json!({}));
    for (number, detector) in detectors().enumerate() {
        assert_eq!(redaction.is_on(number), detector.group.is_default(), "{}", detector.name);
        assert_eq!(both(&redaction, detector.name), (Strategy::Block, Strategy::Replace), "{}", detector.name);
    }
    assert_eq!(both(&redaction, "placeholder"), (Strategy::Block, Strategy::Allow));
    assert!(
        !redaction.is_on(number(&redaction, "key-name")) && redaction.keys.is_empty() && redaction.allow.is_empty()
    );
    assert_eq!((redaction.mode, redaction.sweep_bytes), (Mode::Enforce, SWEEP_BYTES));
    assert_eq!((redaction.hidden_text(true), redaction.hidden_text(false)), (HiddenText::Strip, HiddenText::Count));
}

#[test]
fn detectors_are_switched_by_group_and_by_name_in_order() {
    let on = |value: Value| {
        let redaction = redaction(json!({ "detectors": value, "keys": ["pin_code"] }));
        let names = detectors().enumerate().filter(|(number, _)| redaction.is_on(*number)).map(|(_, it)| it.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(on(json!("none")), Vec::<&str>::new());
    assert_eq!(on(json!("all")).len(), detectors().count());
    assert_eq!(on(json!(["aws-access-key-id"])), ["aws-access-key-id"]);
    assert_eq!(on(json!(["cloud", "!aws-access-key-id", "jwt"])).len(), on(json!("cloud")).len());
    assert!(on(json!(["personal", "!email-address"])).iter().all(|name| *name != "email-address"));
    assert!(on(json!(["default", "!generic"])).iter().all(|name| !name.starts_with("generic-")));
}

#[test]
fn a_detectors_own_strategy_counts_before_its_groups() {
    for strategies in [
        json!({ "cloud": "mask", "aws-access-key-id": { "responses": "hash" }, "corp": "allow", "key-name": "replace" }),
        json!({ "aws-access-key-id": { "responses": "hash" }, "key-name": "replace", "corp": "allow", "cloud": "mask" }),
    ] {
        let redaction = redaction(json!({
            "requests": "allow", "strategies": strategies, "keys": ["pin_code"],
            "patterns": [{ "name": "corp", "pattern": "corp_[a-z0-9]{16}" }]
        }));
        assert_eq!(both(&redaction, "aws-access-key-id"), (Strategy::Mask, Strategy::Hash));
        let other = redaction.numbers("cloud").map(|number| redaction.name(number)).last().unwrap();
        assert_eq!(both(&redaction, other), (Strategy::Mask, Strategy::Mask));
        assert_eq!(both(&redaction, "corp"), (Strategy::Allow, Strategy::Allow));
        assert_eq!(both(&redaction, "key-name"), (Strategy::Replace, Strategy::Replace));
        assert_eq!(both(&redaction, "slack-bot-token"), (Strategy::Allow, Strategy::Replace));
    }
}

#[test]
fn an_allowance_holds_where_all_its_conditions_do() {
    let redaction = redaction(json!({ "allow": [
        { "tools": ["github/get_*"], "paths": ["*/sha", "/result/structuredContent/*"], "detectors": ["generic"] },
        { "paths": ["/params/arguments/template"] }
    ] }));
    let allowed = |server, tool, path, detector| redaction.is_allowed(server, tool, path, number(&redaction, detector));
    assert!(allowed("github", Some("get_x"), "/result/a/sha", "generic-secret"));
    assert!(allowed("github", Some("get_x"), "/result/structuredContent/a", "password"));
    assert!(!allowed("billing", Some("get_x"), "/result/a/sha", "generic-secret"));
    assert!(!allowed("github", None, "/result/a/sha", "generic-secret"));
    assert!(!allowed("github", Some("get_x"), "/result/a/shab", "generic-secret"));
    assert!(!allowed("github", Some("get_x"), "/result/a/sha", "aws-access-key-id"));
    assert!(allowed("billing", None, "/params/arguments/template", "aws-access-key-id"));
}

#[test]
fn each_fault_has_code_pointer_and_help() {
    let pattern = |name: &str, pattern: &str| json!([{ "name": name, "pattern": pattern }]);
    let long = format!("corp_{}", "a".repeat(5000));
    // (key, value, code, pointer below /redaction, part of the message, part of the help)
    let table: &[(&str, Value, &str, &str, &str, &str)] = &[
        ("detector", json!([]), "unknown_key", "/detector", "`detector`", "did you mean `detectors`?"),
        ("detectors", json!([]), "empty", "/detectors", "an empty list", ""),
        ("detectors", json!(7), "wrong_type", "/detectors", "expected a string", ""),
        ("detectors", json!("defualt"), "unknown_detector", "/detectors", "`defualt`", "did you mean `default`?"),
        (
            "detectors",
            json!(["aws-acess-key-id"]),
            "unknown_detector",
            "/detectors/0",
            "no group is named `aws-acess-key-id`",
            "did you mean `aws-access-key-id`?",
        ),
        ("detectors", json!(["default", "!emails"]), "unknown_detector", "/detectors/1", "`emails`", ""),
        (
            "detectors",
            json!(["qqqqqqqqqqqqqqq"]),
            "unknown_detector",
            "/detectors/0",
            "",
            "`tidegate check --detectors` lists them",
        ),
        ("detectors", json!(["clouds"]), "unknown_detector", "/detectors/0", "", "did you mean `cloud`?"),
        ("requests", json!("blok"), "invalid_value", "/requests", "`blok`", "did you mean `block`?"),
        (
            "responses",
            json!("strip"),
            "invalid_value",
            "/responses",
            "`strip` is not a value",
            "`replace`, `mask`, `hash`, `block`",
        ),
        ("strategies", json!(["cloud"]), "wrong_type", "/strategies", "expected an object from names", ""),
        ("strategies", json!({ "cloud": "hide" }), "invalid_value", "/strategies/cloud", "`hide`", ""),
        (
            "strategies",
            json!({ "cluod": "mask" }),
            "unknown_detector",
            "/strategies/cluod",
            "`cluod`",
            "did you mean `cloud`?",
        ),
        (
            "strategies",
            json!({ "jwt": { "request": "mask" } }),
            "unknown_key",
            "/strategies/jwt/request",
            "",
            "did you mean `requests`?",
        ),
        ("strategies", json!({ "jwt": { "requests": "no" } }), "invalid_value", "/strategies/jwt/requests", "`no`", ""),
        ("keys", json!(["ok"]), "invalid_value", "/keys/0", "at least three letters", "as in \"password\""),
        ("keys", json!(["pin", "db.password"]), "invalid_value", "/keys/1", "the last part of a path alone", ""),
        ("keys", json!(["k".repeat(65)]), "invalid_value", "/keys/0", "64 bytes at most", ""),
        ("keys", json!([1]), "wrong_type", "/keys/0", "expected a string", ""),
        ("allow", json!([{}]), "empty", "/allow/0", "without a condition", "`tools`, `paths` or `detectors`"),
        ("allow", json!([{ "tools": [] }]), "empty", "/allow/0/tools", "an empty list", ""),
        (
            "allow",
            json!([{ "tools": ["githb/get_x"] }]),
            "unknown_server",
            "/allow/0/tools/0",
            "githb",
            "did you mean `github`?",
        ),
        (
            "allow",
            json!([{ "paths": ["result/x"] }]),
            "bad_pattern",
            "/allow/0/paths/0",
            "can match no place",
            "write a JSON pointer",
        ),
        ("allow", json!([{ "paths": ["/a*b"] }]), "bad_pattern", "/allow/0/paths/0", "is not a pattern", "`prefix*`"),
        (
            "allow",
            json!([{ "detectors": ["pasword"] }]),
            "unknown_detector",
            "/allow/0/detectors/0",
            "`pasword`",
            "did you mean `password`?",
        ),
        ("mode", json!("dry-run"), "invalid_value", "/mode", "`dry-run`", ""),
        ("sweep_bytes", json!(1023), "invalid_value", "/sweep_bytes", "from 1024 to 16777216", ""),
        (
            "hidden_text",
            json!({ "definitions": "drop" }),
            "invalid_value",
            "/hidden_text/definitions",
            "`drop`",
            "`refuse`",
        ),
        (
            "hidden_text",
            json!({ "results": "refuse" }),
            "invalid_value",
            "/hidden_text/results",
            "`refuse` is not a value",
            "`strip`",
        ),
        ("patterns", json!([{ "name": "corp" }]), "missing_key", "/patterns/0", "needs the key `pattern`", ""),
        (
            "patterns",
            pattern("Corp", "corp_[a-z]{9}"),
            "bad_pattern",
            "/patterns/0/name",
            "not kebab-case",
            "as in `corp-token`",
        ),
        (
            "patterns",
            pattern("jwt", "corp_[a-z]{9}"),
            "duplicate_name",
            "/patterns/0/name",
            "`jwt` is a built-in",
            "another name",
        ),
        (
            "patterns",
            pattern("cloud", "corp_[a-z]{9}"),
            "duplicate_name",
            "/patterns/0/name",
            "`cloud` is a built-in",
            "",
        ),
        ("patterns", pattern("key-name", "corp_[a-z]{9}"), "duplicate_name", "/patterns/0/name", "`key-name`", ""),
        ("patterns", pattern("corp", "corp_(?=x)y"), "bad_pattern", "/patterns/0/pattern", "(near its byte 8)", ""),
        ("patterns", pattern("corp", "(?i)corp_[a"), "bad_pattern", "/patterns/0/pattern", "(near its byte ", ""),
        ("patterns", pattern("corp", "^corp_[a-z]{9}"), "bad_pattern", "/patterns/0/pattern", "(near its byte 0)", ""),
        ("patterns", pattern("corp", "[a-z]{20}"), "bad_pattern", "/patterns/0/pattern", "no literal of 3 bytes", ""),
        (
            "patterns",
            pattern("corp", "(?:corp_x)?"),
            "bad_pattern",
            "/patterns/0/pattern",
            "matches the empty text",
            "",
        ),
        (
            "patterns",
            pattern("corp", "corp_[^a]{900,1000}x"),
            "bad_pattern",
            "/patterns/0/pattern",
            "1024 states",
            "bound less",
        ),
        (
            "patterns",
            pattern("corp", &long),
            "bad_pattern",
            "/patterns/0/pattern",
            "more than 4096 bytes",
            "several patterns",
        ),
        (
            "patterns",
            json!([{ "name": "corp", "pattern": "corp_[a-z]{9}", "examples": ["corp_abcdefghi", "corp_short"] }]),
            "bad_pattern",
            "/patterns/0/examples",
            "example 2 does not match",
            "correct the pattern",
        ),
        (
            "patterns",
            json!([{ "name": "corp", "pattern": "corp_[a-z]{9}", "passes": ["see corp_abcdefghi"] }]),
            "bad_pattern",
            "/patterns/0/passes",
            "text 1 of those that must pass",
            "narrow the pattern",
        ),
        (
            "patterns",
            json!([{ "name": "corp", "pattern": "corp_[a-z]{9}" }, { "name": "corp", "pattern": "acme_[a-z]{9}" }]),
            "duplicate_name",
            "/patterns/1/name",
            "a second pattern named `corp`",
            "a name of its own",
        ),
    ];
    for (key, value, code, pointer, message, help) in table {
        let found = errors(&with(&format!("/redaction/{key}"), value.clone()));
        assert_eq!(brief(&found), [(*code, format!("/redaction{pointer}").as_str())], "{key} {value}: {found:?}");
        let error = &found[0];
        assert!(error.message.contains(message), "{key} {value}: {}", error.message);
        let told = error.help.clone().unwrap_or_default();
        assert!(told.contains(help) && told.len() < 400, "{key} {value}: {told}");
    }
}

#[test]
fn the_most_patterns_are_64() {
    let patterns = |count: usize| {
        let one = |nth: usize| json!({ "name": format!("corp-{nth}"), "pattern": format!("corp{nth}_[a-z]{{9}}") });
        (0..count).map(one).collect::<Vec<_>>()
    };
    let redaction = redaction(json!({ "patterns": patterns(64) }));
    assert_eq!(redaction.name(number(&redaction, "corp-63")), "corp-63");
    let found = errors(&with("/redaction/patterns", json!(patterns(65))));
    assert_eq!(brief(&found), [("too_many", "/redaction/patterns/64")]);
    assert!(found[0].message.contains("more than 64") && found[0].help.as_ref().unwrap().contains("(live|test)"));
}

#[test]
fn the_key_of_placeholders_is_named_and_never_written_down() {
    let host = |key: Value| json!({ "host": { "keys": { "redaction": key } }, "layers": [base()] });
    let read = compiled(&host(json!({ "env": "TIDEGATE_KEY_1" }))).configuration.host;
    assert_eq!(read.redaction_key_env.as_deref(), Some("TIDEGATE_KEY_1"));
    let secret = "hunter2-hunter2-hunter2";
    for (key, code, pointer) in [
        (json!({ "env": secret }), "invalid_value", "/host/keys/redaction/env"),
        (json!({ "env": "1KEY" }), "invalid_value", "/host/keys/redaction/env"),
        (json!({ "env": "" }), "empty", "/host/keys/redaction/env"),
        (json!({}), "missing_key", "/host/keys/redaction"),
        (json!({ "env": "A", "previous": { "env": "B" } }), "not_yet", "/host/keys/redaction/previous"),
        (json!({ "value": secret }), "unknown_key", "/host/keys/redaction/value"),
    ] {
        let found = errors(&host(key.clone()));
        assert!(brief(&found).contains(&(code, pointer)), "{key}: {found:?}");
        assert!(!found.iter().any(|error| error.to_string().contains(secret)), "{key}: {found:?}");
    }
}

#[test]
fn each_lint() {
    // (key, value, code, pointer below /redaction)
    let table: &[(&str, Value, &str, &str)] = &[
        ("mode", json!("shadow"), "shadow_redaction", "/mode"),
        ("detectors", json!("none"), "no_detectors", "/detectors"),
        ("requests", json!("allow"), "secrets_pass", "/requests"),
        ("responses", json!("allow"), "secrets_pass", "/responses"),
        ("requests", json!("replace"), "requests_rewritten", "/requests"),
        ("requests", json!("mask"), "requests_rewritten", "/requests"),
        ("detectors", json!(["default", "personal"]), "personal_data_blocked", "/detectors"),
        ("detectors", json!(["email-address"]), "personal_data_blocked", "/detectors"),
        ("strategies", json!({ "personal": "mask" }), "dead_strategy", "/strategies/personal"),
        ("strategies", json!({ "jwt": "mask" }), "dead_strategy", "/strategies/jwt"),
        ("strategies", json!({ "key-name": "mask" }), "dead_strategy", "/strategies/key-name"),
        ("strategies", json!({ "placeholder": "allow" }), "placeholders_pass", "/strategies"),
        ("allow", json!([{ "detectors": ["private-keys", "jwt"] }]), "dead_allowance", "/allow/0/detectors/1"),
        ("allow", json!([{ "tools": ["get_x"] }, { "tools": ["*"] }]), "broad_allowance", "/allow/1"),
        ("allow", json!([{ "paths": ["*"] }]), "broad_allowance", "/allow/0"),
    ];
    for (key, value, code, pointer) in table {
        let warnings = compiled(&with(&format!("/redaction/{key}"), value.clone())).warnings;
        assert_eq!(brief(&warnings), [(*code, format!("/redaction{pointer}").as_str())], "{key} {value}");
        assert!(warnings[0].help.is_some());
    }
    let mut small = with("/redaction/sweep_bytes", json!(1 << 20));
    put(&mut small, "/limits", json!({ "buffered_bytes_per_principal": 65536, "request_bytes": 65536 }));
    assert_eq!(brief(&compiled(&small).warnings), [("limits_conflict", "/redaction/sweep_bytes")]);
}

#[test]
fn settings_that_a_careful_author_makes_have_no_lint() {
    for settings in [
        json!({}),
        json!({ "detectors": "none", "keys": ["pin_code"] }),
        json!({ "requests": "allow", "strategies": { "private-keys": "block" } }),
        json!({ "detectors": ["default", "personal"], "strategies": { "personal": { "requests": "allow" } } }),
        json!({ "detectors": ["default", "card-number", "iban"] }),
        json!({ "allow": [{ "tools": ["*"], "detectors": ["generic"] }, { "paths": ["*/sha"] }, { "tools": ["github/*"] }] }),
        json!({ "strategies": { "generic": "hash", "jwt": { "responses": "block" } } }),
    ] {
        assert_eq!(compiled(&with("/redaction", settings.clone())).warnings, [], "{settings}");
    }
    let mut shadow = with("/redaction/mode", json!("shadow"));
    put(&mut shadow, "/mode", json!("shadow"));
    assert_eq!(brief(&compiled(&shadow).warnings), [("shadow_policy", "/mode")], "once is enough");
}

#[test]
fn only_check_says_that_redaction_is_off() {
    let mut policy = base();
    policy.as_object_mut().unwrap().remove("redaction");
    let warnings = compiled(&policy).warnings;
    assert_eq!(brief(&warnings), [("redaction_off", "")]);
    assert!(warnings[0].help.as_ref().unwrap().contains("\"redaction\": {}"));
    assert_eq!(compile(policy.to_string().as_bytes()).unwrap().warnings, []);
}

/// `redaction` as the design's own example has it.
#[test]
fn the_example_of_the_design_compiles() {
    let text = r#"{ "detectors": "default", "keys": ["password", "api_key"], "requests": "block", "responses": "replace",
                 "allow": [{ "tools": ["get_commit"], "detectors": ["generic-secret"] }] }"#;
    let policy = with("/redaction", serde_json::from_str(text).unwrap());
    let compiled = check(policy.to_string().as_bytes(), NOW).unwrap();
    assert_eq!(compiled.warnings, []);
    let redaction = compiled.configuration.policy.redaction.unwrap();
    assert_eq!(redaction.keys, ["password", "api_key"]);
    let generic = number(&redaction, "generic-secret");
    assert!(redaction.is_allowed("github", Some("get_commit"), "/result/content/0/text", generic));
}

#[test]
fn the_examples_of_the_readme_compile() {
    let blocks = || README.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let redaction = blocks().find(|text| text.contains("\"sweep_bytes\"")).unwrap();
    let policy = with("/redaction", serde_json::from_str(redaction).unwrap());
    assert_eq!(compiled(&policy).warnings, []);
    let whole = blocks().find(|text| text.contains("\"version\": \"tidegate/v1\"")).unwrap();
    check(whole.as_bytes(), NOW).unwrap_or_else(|errors| panic!("{}", errors.render(whole.as_bytes(), "README.md")));
}

#[test]
fn the_readme_counts_the_detectors_of_each_group() {
    let rows: Vec<(&str, usize)> = README
        .lines()
        .skip_while(|line| !line.starts_with("| group | detectors |"))
        .skip(2)
        .map_while(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            Some((cells.next()?.trim_end_matches('`'), cells.next()?.parse().ok()?))
        })
        .collect();
    let groups = Group::ALL
        .iter()
        .map(|group| (group.as_str(), detectors().filter(|detector| detector.group == *group).count()));
    assert_eq!(rows, groups.collect::<Vec<_>>(), "as `tidegate check --detectors` counts them");
}
