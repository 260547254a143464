use serde_json::{Value, json};

use super::super::*;
use super::{base, brief, compiled, errors, put, with};

#[test]
fn servers_join_registries() {
    let mut policy =
        with("/registries", json!([{ "name": "production-data", "parent": "production" }, { "name": "production" }]));
    put(&mut policy, "/servers/1/registry", json!("production-data"));
    let policy = compiled(&policy).configuration.policy;
    let registry =
        |name: &str, parent: Option<&str>| Registry { name: name.to_owned(), parent: parent.map(str::to_owned) };
    assert_eq!(policy.registries, [registry("production-data", Some("production")), registry("production", None)]);
    let joined: Vec<Option<&str>> = policy.servers.iter().map(|server| server.registry.as_deref()).collect();
    assert_eq!(joined, [None, Some("production-data")]);
    for (name, ancestor, within) in [
        ("production-data", "production", true),
        ("production", "production", true),
        ("production", "production-data", false),
        ("none", "production", false),
    ] {
        assert_eq!(is_within(&policy.registries, name, ancestor), within, "{name} {ancestor}");
    }
}

#[test]
fn each_fault_has_code_pointer_and_help() {
    #[rustfmt::skip]
    let table: &[(Value, &str, &str, &str, &str)] = &[
        (json!([]), "empty", "", "", ""),
        (json!({}), "wrong_type", "", "", ""),
        (json!(["production"]), "wrong_type", "/0", "expected an object", ""),
        (json!([{}]), "missing_key", "/0", "needs the key `name`", ""),
        (json!([{ "name": "a/b" }]), "invalid_value", "/0/name", "`a/b` is not a registry name", "letters"),
        (json!([{ "name": "a" }, { "name": "a" }]), "duplicate_name", "/1/name", "a second registry named `a`", ""),
        (json!([{ "name": "a", "parnet": "b" }]), "unknown_key", "/0/parnet", "", "did you mean `parent`?"),
        (json!([{ "name": "production" }, { "name": "b", "parent": "prodution" }]), "unknown_registry", "/1/parent", "`prodution`", "did you mean `production`?"),
        (json!([{ "name": "a", "parent": "a" }]), "circular_parent", "/0/parent", "`a` is its own ancestor: a -> a", "outermost"),
        (json!([{ "name": "x", "parent": "a" }, { "name": "a", "parent": "b" }, { "name": "b", "parent": "c" }, { "name": "c", "parent": "a" }]),
            "circular_parent", "/1/parent", "a -> b -> c -> a", "take `parent` out"),
        (json!([{ "name": "a", "auto_upgrade": false }]), "not_yet", "/0/auto_upgrade", "not supported", ""),
        (json!([{ "name": "a", "approval_required": true }]), "not_yet", "/0/approval_required", "", ""),
        (json!([{ "name": "a", "multiple_approvers": true }]), "not_yet", "/0/multiple_approvers", "", ""),
        (json!([{ "name": "a", "owners": ["x"] }]), "not_yet", "/0/owners", "", ""),
        (json!([{ "name": "a", "approval_floor": "x" }]), "not_yet", "/0/approval_floor", "", ""),
    ];
    for (written, code, pointer, message, help) in table {
        let found = errors(&with("/registries", written.clone()));
        assert_eq!(brief(&found), [(*code, format!("/registries{pointer}").as_str())], "{written}: {found:#?}");
        assert!(found[0].message.contains(message), "{written}: {:?}", found[0].message);
        assert!(found[0].help.as_deref().unwrap_or_default().contains(help), "{written}: {:?}", found[0].help);
    }
    let found = errors(&with("/servers/0/registry", json!("production")));
    assert_eq!(brief(&found), [("unknown_registry", "/servers/0/registry")]);
    assert!(found[0].help.as_ref().unwrap().contains("\"registries\": [{ \"name\": \"production\" }]"));
}

#[test]
fn stores_have_bounds_and_defaults() {
    let stores = |stores: Value| {
        compiled(&json!({ "host": { "stores": stores }, "layers": [base()] })).configuration.host.stores
    };
    assert_eq!(stores(json!({})), Stores { counters: 32_768, global: None });
    for (written, counters) in
        [(8, 8), (9, 16), (1000, 1000), (1001, 1008), (1_048_575, 1_048_576), (1_048_576, 1_048_576)]
    {
        assert_eq!(stores(json!({ "counters": written })).counters, counters);
    }
    let service = |protocol, timeout, hold, domain: &str| RateLimitService {
        cluster: "r".to_owned(),
        domain: domain.to_owned(),
        protocol,
        timeout,
        hold,
    };
    let read = stores(json!({ "global": { "cluster": "r" } })).global;
    assert_eq!(read, Some(service(RateLimitProtocol::Reserve, 100, 60, "tidegate")));
    let read = stores(json!({ "global": {
        "cluster": "r", "domain": "mcp", "protocol": "should_rate_limit", "timeout": "2s", "hold": "5m"
    } }));
    assert_eq!(read.global, Some(service(RateLimitProtocol::ShouldRateLimit, 2000, 300, "mcp")));

    let global = |key: &str, value: Value| {
        let mut global = json!({ "cluster": "r" });
        global[key] = value;
        json!({ "global": global })
    };
    #[rustfmt::skip]
    let table: &[(Value, &str, &str, &str)] = &[
        (json!({ "counters": 7 }), "invalid_value", "/counters", "from 8 to 1048576"),
        (json!({ "counters": 1_048_577 }), "invalid_value", "/counters", "from 8 to 1048576"),
        (json!({ "counter": 8 }), "unknown_key", "/counter", "`counter`"),
        (json!({ "global": "r" }), "wrong_type", "/global", "expected an object"),
        (json!({ "global": {} }), "missing_key", "/global", "`cluster`"),
        (global("cluster", json!("")), "empty", "/global/cluster", ""),
        (global("domain", json!(1)), "wrong_type", "/global/domain", ""),
        (global("protocol", json!("grpc")), "invalid_value", "/global/protocol", "`grpc`"),
        (global("timeout", json!("0ms")), "bad_duration", "/global/timeout", "from `1ms` to `10s`"),
        (global("timeout", json!("10001ms")), "bad_duration", "/global/timeout", "from `1ms` to `10s`"),
        (global("timeout", json!("1m")), "bad_duration", "/global/timeout", "not a duration"),
        (global("timeout", json!(100)), "wrong_type", "/global/timeout", "expected a string"),
        (global("hold", json!("500ms")), "bad_duration", "/global/hold", "not a duration"),
        (global("hold", json!("25h")), "bad_duration", "/global/hold", "from `1s` to `24h`"),
        (global("hlod", json!("1s")), "unknown_key", "/global/hlod", ""),
    ];
    for (written, code, pointer, message) in table {
        let found = errors(&json!({ "host": { "stores": written }, "layers": [base()] }));
        assert_eq!(brief(&found), [(*code, format!("/host/stores{pointer}").as_str())], "{written}: {found:#?}");
        assert!(found[0].message.contains(message), "{written}: {:?}", found[0].message);
    }
}
