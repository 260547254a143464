//! Quotas and budgets of an exchange, on the counters of this proxy and on those of a rate limit service.

use super::*;
use serde_json::{Value, json};

/// Exchanges that share a worker, its counters and a clock.
pub(super) struct Place {
    pub(super) worker: Arc<Worker>,
    pub(super) policy: String,
    pub(super) host: String,
    pub(super) memory: Memory,
    pub(super) later: u64,
    pub(super) service: bool,
}

pub(super) const SECOND: u64 = 1_000_000_000;

impl Place {
    /// Two tools, `get_a` and `get_b`, for everybody; `extra` are further members of the policy.
    pub(super) fn new(extra: &str) -> Self {
        Self {
            worker: Arc::new(Worker::with_key(1 << 28, 1 << 25, b"the same in every run")),
            policy: format!(
                r#"{{"version":"tidegate/v1","name":"test",
                "identity":{{"sources":[{{"jwt":{{"issuer":"i","subject":"sub","team":"team","groups":"groups"}}}}],"anonymous":"allow"}},
                "servers":[{{"name":"main","match":{{"path":"/mcp"}}}}],
                "rules":[{{"id":"reading","allow":{{"tools":["get_*"],"resources":["*"]}}}}],{extra}}}"#
            ),
            host: String::new(),
            memory: Memory::default(),
            later: 0,
            service: false,
        }
    }

    /// The same with a rate limit service.
    pub(super) fn fleet(protocol: &str, extra: &str) -> Self {
        let host = format!(r#","stores":{{"global":{{"cluster":"limits","protocol":"{protocol}"}}}}"#);
        Self { host, service: true, ..Self::new(extra) }
    }

    /// Sends a call; whatever became of it.
    pub(super) fn call_as(&mut self, claims: Option<Value>, tool: &str) -> Driver {
        self.send(
            claims,
            &format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
            ),
        )
    }

    pub(super) fn send(&mut self, claims: Option<Value>, body: &str) -> Driver {
        let text = format!(r#"{{"host":{{"hold_headers":true{}}},"layers":[{}]}}"#, self.host, self.policy);
        let compiled =
            policy::compile(text.as_bytes()).unwrap_or_else(|d| panic!("{}", d.render(text.as_bytes(), "p")));
        let exchange = Exchange::new(Arc::new(compiled.configuration), Arc::clone(&self.worker), NOW + self.later);
        let world = World {
            claims: claims.map(|claims| {
                let mut all = json!({"iss": "i", "sub": "alice"});
                all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
                all
            }),
            later: self.later,
            service: self.service,
            memory: std::mem::take(&mut self.memory),
            ..World::default()
        };
        let mut driver = Driver { exchange, world, seen: Seen::default() };
        driver.request("POST", "/mcp", &[], Some(body.as_bytes()));
        self.memory = std::mem::take(&mut driver.world.memory);
        driver
    }

    /// Does something with an exchange that has begun.
    pub(super) fn with<T>(&mut self, driver: &mut Driver, then: impl FnOnce(&mut Driver) -> T) -> T {
        driver.world.memory = std::mem::take(&mut self.memory);
        driver.world.later = self.later;
        let value = then(driver);
        self.memory = std::mem::take(&mut driver.world.memory);
        value
    }

    pub(super) fn finish(&mut self, driver: &mut Driver, status: u16, body: &str) {
        self.with(driver, |driver| {
            driver.respond(status, "application/json", [body.as_bytes()]);
            driver.end();
        });
    }

    /// Sends a call and lets it be answered if it passes; whether it passed.
    pub(super) fn passes(&mut self, claims: Option<Value>, tool: &str) -> bool {
        let mut driver = self.call_as(claims, tool);
        let passed = driver.seen.upstream.is_some();
        if passed {
            self.finish(&mut driver, 200, OK);
        }
        passed
    }

    pub(super) fn admitted(&mut self, calls: usize, tool: &str) -> usize {
        (0..calls).filter(|_| self.passes(None, tool)).count()
    }
}

pub(super) const OK: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#;

pub(super) fn header<'a>(driver: &'a Driver, name: &str) -> Option<&'a str> {
    driver.seen.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

pub(super) fn denial(driver: &Driver) -> Value {
    driver.seen.json()["result"]["_meta"]["tidegate/denial"].clone()
}

#[test]
fn a_used_up_quota_says_when_to_come_again() {
    let mut place = Place::new(r#""quotas":[{"id":"per-agent","limit":60,"window":"1m","burst":2}]"#);
    assert_eq!(place.admitted(2, "get_a"), 2);
    let driver = place.call_as(None, "get_a");
    assert_eq!(driver.seen.status, 200);
    assert_eq!(denial(&driver)["reason"], "quota_exceeded");
    assert_eq!(denial(&driver)["retry_after"], 1);
    let text = driver.seen.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(
        text.contains("per-agent") && text.contains("60 calls per minute") && text.contains("Wait 1 second,"),
        "{text}"
    );
    assert_eq!(header(&driver, "retry-after"), Some("1"));
    assert_eq!(header(&driver, "ratelimit-policy"), Some("\"per-agent\";q=60;w=60"));
    assert_eq!(header(&driver, "ratelimit"), Some("\"per-agent\";r=0;t=1"));
    let event = driver.audited("quota_exceeded");
    assert_eq!(
        (&event["quota"], &event["retry_after"], &event["tool"]),
        (&json!("per-agent"), &json!(1), &json!("get_a"))
    );
    assert!(driver.world.counted.contains(&"tidegate.quotas.outcome.denied.quota.per-agent".to_owned()));
    place.later = SECOND;
    assert_eq!(place.admitted(2, "get_a"), 1, "one a second");
}

#[test]
fn what_is_refused_uses_nothing_up() {
    let mut place = Place::new(
        r#""quotas":[{"id":"wide","limit":2,"window":"day"},{"id":"narrow","limit":1,"window":"day","tools":["get_b"]}]"#,
    );
    assert_eq!(place.admitted(5, "set_a"), 0, "refused by the rules");
    assert_eq!(place.admitted(5, "get_b"), 1, "refused by the narrow quota");
    assert_eq!(place.admitted(5, "get_a"), 1, "what the wide one had given was given back");
}

#[test]
fn counters_are_kept_apart_by_what_the_quota_names() {
    let claims = |sub: &str, team: &str| Some(json!({"sub": sub, "team": team}));
    let mut place = Place::new(r#""quotas":[{"id":"q","limit":1,"window":"day","by":["team","tool"]}]"#);
    assert!(place.passes(claims("alice", "red"), "get_a"));
    assert!(!place.passes(claims("bob", "red"), "get_a"), "of the same team");
    assert!(place.passes(claims("bob", "red"), "get_b"));
    assert!(place.passes(claims("bob", "blue"), "get_a"));
    assert!(place.passes(claims("bob", "red\u{0}get_a"), "get_a"), "nothing separates values but their lengths");
    assert!(place.passes(None, "get_a"), "those without a team share one");
    assert!(!place.passes(Some(json!({"sub": "carol"})), "get_a"));
}

#[test]
fn every_group_is_charged_and_each_may_refuse() {
    let groups = |groups: &[&str]| Some(json!({"groups": groups}));
    let mut place = Place::new(r#""quotas":[{"id":"q","limit":2,"window":"day","by":["groups"]}]"#);
    assert!(place.passes(groups(&["a", "b", "a"]), "get_a"));
    assert!(place.passes(groups(&["b"]), "get_a"));
    assert!(!place.passes(groups(&["a", "b"]), "get_a"), "b is used up");
    assert!(place.passes(groups(&["a"]), "get_a"), "and a got back what it had given");
    assert!(!place.passes(groups(&["a"]), "get_a"));
    let many: Vec<String> = (0..40).map(|n| format!("g{n}")).collect();
    let driver = place.call_as(Some(json!({"groups": many})), "get_a");
    assert_eq!(denial(&driver)["reason"], "store_unavailable");
}

#[test]
fn who_lacks_what_is_counted_by_can_be_refused() {
    let mut place = Place::new(r#""quotas":[{"id":"q","limit":9,"window":"day","by":["team"],"on_missing":"deny"}]"#);
    let driver = place.call_as(Some(json!({})), "get_a");
    assert_eq!(denial(&driver)["reason"], "principal_missing");
    assert!(place.passes(Some(json!({"team": "red"})), "get_a"));
}

#[test]
fn what_runs_at_a_time_is_bounded_and_given_back_however_it_ends() {
    let mut place = Place::new(r#""quotas":[{"id":"q","limit":2,"count":"concurrent"}]"#);
    let mut first = place.call_as(None, "get_a");
    let mut second = place.call_as(None, "get_a");
    let third = place.call_as(None, "get_a");
    assert_eq!(denial(&third)["reason"], "quota_exceeded");
    assert!(third.seen.json()["result"]["content"][0]["text"].as_str().unwrap().contains("2 at a time"));
    place.finish(&mut first, 200, OK);
    let mut fourth = place.call_as(None, "get_a");
    assert!(fourth.seen.upstream.is_some());
    place.with(&mut second, |driver| driver.end());
    place.with(&mut fourth, |driver| driver.end());
    assert_eq!(place.admitted(9, "get_a"), 9);
}

#[test]
fn bytes_are_counted_where_they_are_known() {
    let mut place = Place::new(r#""quotas":[{"id":"in","limit":250,"window":"day","count":"request_bytes"}]"#);
    assert_eq!(place.admitted(5, "get_a"), 2, "of 84 bytes each");
    let mut place = Place::new(r#""quotas":[{"id":"out","limit":100,"window":"day","count":"result_bytes"}]"#);
    let mut first = place.call_as(None, "get_a");
    let mut second = place.call_as(None, "get_a");
    let long = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"content":[],"x":"{}"}}}}"#, "y".repeat(200));
    place.finish(&mut first, 200, &long);
    assert!(second.seen.upstream.is_some(), "it came while nothing was used");
    place.finish(&mut second, 200, OK);
    let third = place.call_as(None, "get_a");
    assert_eq!(denial(&third)["reason"], "quota_exceeded");
}

#[test]
fn other_methods_can_be_limited() {
    let mut place = Place::new(
        r#""quotas":[{"id":"reads","limit":1,"window":"day","resources":["file:///*"]},
                     {"id":"prompts","limit":1,"window":"day","methods":["prompts/list"]}]"#,
    );
    let read =
        |uri: &str| format!(r#"{{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{{"uri":"{uri}"}}}}"#);
    assert!(place.send(None, &read("file:///a")).seen.upstream.is_some());
    let refused = place.send(None, &read("file:///b"));
    assert_eq!(refused.seen.json()["error"]["code"], -31429);
    assert_eq!(refused.seen.json()["error"]["data"]["reason"], "quota_exceeded");
    assert!(place.send(None, &read("db://a")).seen.upstream.is_some());
    let list = r#"{"jsonrpc":"2.0","id":7,"method":"prompts/list"}"#;
    assert!(place.send(None, list).seen.upstream.is_some());
    assert!(place.send(None, list).seen.upstream.is_none());
    assert_eq!(place.admitted(3, "get_a"), 3);
}

#[test]
fn handshakes_are_never_counted() {
    let mut place = Place::new(r#""quotas":[{"id":"all","limit":1,"window":"day","methods":["*"]}]"#);
    for _ in 0..3 {
        for method in ["initialize", "ping", "server/discover"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{}}}}"#);
            assert!(place.send(None, &body).seen.upstream.is_some(), "{method}");
        }
    }
    assert_eq!(place.admitted(3, "get_a"), 1);
}

#[test]
fn a_shadow_quota_counts_and_refuses_nothing() {
    let mut place = Place::new(r#""quotas":[{"id":"q","limit":1,"window":"day","mode":"shadow"}]"#);
    assert!(place.passes(None, "get_a"));
    let driver = place.call_as(None, "get_a");
    assert!(driver.seen.upstream.is_some());
    let event = &driver.world.audit[0];
    assert_eq!(
        (&event["verdict"], &event["would_verdict"], &event["would_quota"]),
        (&json!("allow"), &json!("deny"), &json!(["q"]))
    );
    assert!(driver.world.counted.contains(&"tidegate.quotas.outcome.would_deny.quota.q".to_owned()));
    let mut place = Place::new(r#""mode":"shadow","quotas":[{"id":"q","limit":1,"window":"day"}]"#);
    assert!(place.passes(None, "get_a"));
    let driver = place.call_as(None, "get_a");
    assert!(driver.seen.upstream.is_some());
    assert_eq!(driver.audited("quota_exceeded")["would_verdict"], "deny");
}

#[test]
fn a_store_that_fails_is_decided_by_the_quota() {
    for (mode, passes) in [("deny", false), ("allow", true)] {
        let quota = format!(r#""quotas":[{{"id":"q","limit":9,"window":"day","on_store_error":"{mode}"}}]"#);
        let mut place = Place::new(&quota);
        place.memory.refuse();
        let driver = place.call_as(None, "get_a");
        assert_eq!(driver.seen.upstream.is_some(), passes, "{mode}");
        assert!(driver.world.counted.contains(&"tidegate.quotas.outcome.store_error.quota.q".to_owned()));
        if passes {
            assert_eq!(driver.world.audit[0]["uncounted"], json!(["q"]));
        } else {
            assert_eq!(driver.audited("store_unavailable")["quota"], "q");
        }
    }
}
