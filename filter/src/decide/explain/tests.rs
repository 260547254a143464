//! The steps against the decisions that they explain.

// `json!(…)` literals read best when they are handed over.
#![allow(clippy::needless_pass_by_value)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Alone, Asked, Failed, Question, ServerOutcome, SourceOutcome, Uncounted};
use crate::decide::access::{self, Caller, Class};
use crate::decide::identity::{Claim, Evidence, HeaderValue, Identified, Principal};
use crate::decide::quota::Ask;
use crate::decide::route::{self, RouteFacts};
use crate::policy::{Effect, Field, Noun, Policy, Reason, compile};

const NOW: i64 = 1_796_083_200;

fn policy(more: Value) -> Policy {
    let mut document = json!({
        "version": "tidegate/v1", "name": "test",
        "identity": {"sources": [
            {"jwt": {"issuer": "https://a.example.com", "team": "team"}},
            {"jwt": {"issuer": "https://b.example.com", "team": "org.team", "groups": "groups"}},
            {"spiffe": {}},
        ]},
        "servers": [{"name": "a", "match": {"path": "/a"}}, {"name": "b", "match": {"path": "/b", "authority": "b.example.com"}}],
        "rules": []
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let text = document.to_string();
    compile(text.as_bytes()).unwrap_or_else(|it| panic!("{}", it.render(text.as_bytes(), "p"))).configuration.policy
}

fn finance() -> Principal {
    Principal { subject: "ada".to_owned(), team: Some("sales".to_owned()), ..Principal::anonymous() }
}

#[test]
fn each_rule_tells_every_condition_that_it_lacks_in_order() {
    let policy = policy(json!({
        "rules": [
            {"id": "elsewhere", "allow": {"tools": ["b/refund"]}},
            {"id": "on-b", "allow": {"tools": ["refund"]}, "servers": ["b"]},
            {"id": "other", "allow": {"tools": ["get_*", "a/list_*"]}},
            {"id": "not-a-tool", "allow": {"prompts": ["refund"]}},
            {"id": "much", "allow": {"tools": ["a/refund"]}, "who": {"team": ["finance", "audit"], "groups": ["x"]},
             "expires": "2026-12-01T00:00:00Z",
             "arguments": {"properties": {"amount": {"maximum": 1000}}, "required": ["amount"]}},
            {"id": "soon", "allow": {"tools": ["refund"]}, "write": true, "not_before": "2027-01-01T00:00:00Z"},
            {"id": "small", "allow": {"tools": ["refund"]}, "write": true,
             "arguments": {"properties": {"amount": {"maximum": 1000}}}},
            {"id": "no-cash", "deny": {"tools": ["refund"]}, "arguments": {"properties": {"how": {"const": "cash"}}, "required": ["how"]}},
        ],
        "read_only": {"enabled": true, "reads": ["get_*"]},
    }));
    let principal = finance();
    let caller = Caller { server: &policy.servers[0], principal: &principal, now: NOW };
    let arguments = br#"{"amount": 5000, "how": "card"}"#;
    let steps = super::rules(
        &policy,
        &caller,
        Question::Use { noun: Noun::Tool, name: "refund", arguments: Some(&arguments[..]) },
    );
    let over = |found: &str| Failed::Arguments {
        said: "/amount must be at most 1000".to_owned(),
        pointer: Some("/amount".to_owned()),
        keyword: "maximum",
        found: Some(found.to_owned()),
        is_certain: true,
    };
    let text = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let found: Vec<(&str, Alone, Vec<Failed>)> =
        steps.rules.into_iter().map(|it| (it.rule.id.as_str(), it.alone, it.failed)).collect();
    let expected = vec![
        ("elsewhere", Alone::Nothing, vec![Failed::Server(text(&["b/refund"]))]),
        ("on-b", Alone::Nothing, vec![Failed::Server(text(&["b"]))]),
        ("other", Alone::Nothing, vec![Failed::Name(text(&["get_*", "a/list_*"]))]),
        ("not-a-tool", Alone::Nothing, vec![Failed::Name(vec![])]),
        (
            "much",
            Alone::Nothing,
            vec![
                Failed::Who { field: Field::Team, has: text(&["sales"]), wants: text(&["finance", "audit"]) },
                Failed::Who { field: Field::Groups, has: vec![], wants: text(&["x"]) },
                Failed::Expired(NOW),
                Failed::Write,
                over("5000"),
            ],
        ),
        ("soon", Alone::OutsideTime, vec![Failed::NotBefore(1_798_761_600)]),
        ("small", Alone::LacksArguments, vec![over("5000")]),
        (
            "no-cash",
            Alone::Nothing,
            vec![Failed::Arguments {
                said: "/how must be \"cash\"".to_owned(),
                pointer: Some("/how".to_owned()),
                keyword: "const",
                found: Some("\"card\"".to_owned()),
                is_certain: true,
            }],
        ),
    ];
    assert_eq!(found, expected);
    assert_eq!((steps.class, steps.needs_write, steps.read_by), (Class::Write, true, None));
    assert_eq!((steps.verdict.reason, steps.verdict.rule), (Some(Reason::ArgumentsInvalid), Some("small")));
}

#[test]
fn a_name_that_is_too_long_matches_no_rule() {
    let policy = policy(json!({"rules": [{"id": "all", "allow": {"tools": ["*"]}}]}));
    let principal = finance();
    let caller = Caller { server: &policy.servers[0], principal: &principal, now: NOW };
    let name = "x".repeat(1025);
    let question = Question::Use { noun: Noun::Tool, name: &name, arguments: Some(b"{}") };
    let steps = super::rules(&policy, &caller, question);
    assert_eq!(steps.rules[0].failed, [Failed::TooLong(1025)]);
    assert_eq!(steps.verdict, access::access(&policy, &caller, Noun::Tool, &name, Some(b"{}")));
}

#[test]
fn servers_tell_what_differs_until_one_matches() {
    let policy = policy(json!({}));
    let outcomes = |authority, path| -> Vec<ServerOutcome> {
        let facts = RouteFacts { authority, path, ..RouteFacts::default() };
        let steps = super::servers(&policy, &facts);
        let chosen = steps.iter().find(|it| it.outcome == ServerOutcome::Chosen).map(|it| &it.server.name);
        assert_eq!(chosen, route::server(&policy, &facts).map(|it| &it.name));
        steps.into_iter().map(|it| it.outcome).collect()
    };
    assert_eq!(outcomes("x", "/a/y"), [ServerOutcome::Chosen, ServerOutcome::NotReached]);
    assert_eq!(outcomes("b.example.com:443", "/b")[1], ServerOutcome::Chosen);
    let both = outcomes("x", "/ab");
    let keys: Vec<Vec<&str>> = both
        .iter()
        .map(|it| match it {
            ServerOutcome::Differs(keys) => keys.iter().map(|it| it.key).collect(),
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(keys, [vec!["path"], vec!["path", "authority"]]);
}

struct Token(Value);

impl Evidence for Token {
    fn jwt_claim(&mut self, _: &str, path: &[String]) -> Claim {
        match path.iter().try_fold(&self.0, |value, key| value.get(key)) {
            None => Claim::Absent,
            Some(Value::String(text)) => Claim::Text(text.clone()),
            Some(Value::Array(list)) => {
                Claim::List(list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect())
            }
            Some(_) => Claim::Other,
        }
    }
    fn peer_spiffe(&mut self) -> Option<String> {
        None
    }
    fn header(&self, _: &str) -> HeaderValue {
        HeaderValue::Absent
    }
}

#[test]
fn sources_tell_what_they_asked_and_are_as_the_decision_is() {
    let policy = policy(json!({}));
    for claims in [
        json!({"iss": "https://b.example.com", "sub": "ada", "org": {"team": "sales"}, "groups": ["x", "y"]}),
        json!({"iss": "https://a.example.com", "sub": 7}),
        json!({"iss": "https://c.example.com", "sub": "ada"}),
        json!({}),
    ] {
        let steps = super::identity(&policy.identity, &mut Token(claims.clone()));
        let decided = crate::decide::identity::identify(&policy.identity, &mut Token(claims));
        assert_eq!(steps.identified, decided);
        match decided {
            Identified::Principal(_) => {
                assert_eq!(steps.sources[0].outcome, SourceOutcome::DoesNotApply);
                assert_eq!(steps.sources[1].outcome, SourceOutcome::Supplied);
                assert_eq!(steps.sources[2].outcome, SourceOutcome::NotReached);
                let team = Asked { what: "claim `org.team`".to_owned(), answer: Some("sales".to_owned()) };
                assert!(steps.sources[1].asked.contains(&team), "{steps:?}");
            }
            Identified::Invalid(why) => assert_eq!(steps.sources[0].outcome, SourceOutcome::Unusable(why)),
            Identified::Anonymous => {
                assert!(steps.sources.iter().all(|it| it.outcome == SourceOutcome::DoesNotApply), "{steps:?}");
            }
        }
    }
}

#[test]
fn quotas_tell_why_they_do_not_count() {
    let policy = policy(json!({
        "rules": [{"id": "all", "allow": {"tools": ["*"]}}],
        "quotas": [
            {"id": "calls", "limit": 5, "window": "1m", "by": ["team"]},
            {"id": "searches", "limit": 5, "window": "1m", "tools": ["search_*"]},
            {"id": "of-b", "limit": 5, "window": "1m", "servers": ["b"]},
            {"id": "of-finance", "limit": 5, "window": "1m", "who": {"team": ["finance"]}},
            {"id": "money", "count": "cost", "limit": "$5", "window": "1h"},
        ],
        "costs": [{"tools": ["render"], "per_call": "$2"}],
    }));
    let principal = finance();
    let caller = Caller { server: &policy.servers[0], principal: &principal, now: NOW };
    let ask = Ask { caller, method: "tools/call", noun: Some(Noun::Tool), name: "pay" };
    let steps = super::charges(&policy, &ask, 10, Some(b"{}"));
    let counted: Vec<_> = steps.quotas.into_iter().map(|it| it.counted).collect();
    assert_eq!(
        counted,
        [
            Ok((1, vec!["team sales".to_owned()])),
            Err(Uncounted::Target),
            Err(Uncounted::Server),
            Err(Uncounted::Who),
            Err(Uncounted::Free)
        ]
    );
    assert_eq!(steps.cost, None);
    let steps = super::charges(&policy, &Ask { name: "render", ..ask }, 10, Some(b"{}"));
    assert_eq!(steps.cost.map(|it| it.estimate.reserved), Some(2_000_000));
    assert_eq!(steps.quotas[4].counted, Ok((2_000_000, vec![String::new()])));
}

fn rule() -> impl Strategy<Value = Value> {
    let name = prop_oneof!["[xy]{1,2}", "[xy]\\*", "\\*[xy]", Just("*".to_owned())];
    let target = (prop_oneof![Just(""), Just("a/"), Just("b/")], name).prop_map(|(on, name)| format!("{on}{name}"));
    let values = || proptest::option::weighted(0.4, prop::collection::vec("[12]", 1..3));
    let time = prop_oneof![3 => Just(None), 1 => Just(Some("not_before")), 1 => Just(Some("expires"))];
    let maximum = proptest::option::weighted(0.4, 0..4u8);
    let servers = proptest::option::weighted(0.2, prop_oneof![Just("a"), Just("b")]);
    let parts = (prop::collection::vec(target, 1..3), values(), values(), time, maximum, servers);
    (parts, any::<[bool; 2]>(), prop::bool::weighted(0.3), prop::bool::weighted(0.3)).prop_map(
        |((tools, team, groups, time, maximum, servers), [shadow, write], deny, required)| {
            let mut rule = json!({ if deny { "deny" } else { "allow" }: {"tools": tools} });
            for (field, values) in [("team", team), ("groups", groups)] {
                if let Some(values) = values {
                    rule["who"][field] = json!(values);
                }
            }
            if let Some(bound) = time {
                rule[bound] = json!("2026-12-01T00:00:00Z");
            }
            if let Some(maximum) = maximum {
                rule["arguments"] = json!({"properties": {"n": {"type": "number", "maximum": maximum}}});
                if required {
                    rule["arguments"]["required"] = json!(["n"]);
                }
            }
            if let Some(server) = servers {
                rule["servers"] = json!([server]);
            }
            if shadow {
                rule["mode"] = json!("shadow");
            }
            if write && !deny {
                rule["write"] = json!(true);
            }
            rule
        },
    )
}

proptest! {
    /// What is told is what is decided: the whole verdict, and of each rule that it has nothing against it exactly when it
    /// does something.
    #[test]
    fn steps_and_verdict_agree(
        mut rules in prop::collection::vec(rule(), 0..16),
        team in proptest::option::of("[123]"),
        groups in prop::collection::vec("[123]", 0..3),
        tool in "[xy]{0,3}",
        arguments in prop_oneof![
            Just(None), Just(Some("{}".to_owned())), Just(Some(r#"{"n":"2"}"#.to_owned())), Just(Some(r#"{"N":2}"#.to_owned())),
            (0..5u8).prop_map(|n| Some(format!(r#"{{"n":{n}}}"#)))
        ],
        read_only in any::<bool>(),
        late in any::<bool>(),
    ) {
        for (number, rule) in rules.iter_mut().enumerate() {
            rule["id"] = json!(number.to_string());
        }
        let policy = policy(json!({"rules": rules, "read_only": {"enabled": read_only, "reads": ["x*", "a/*yy", "b/y"]}}));
        let principal = Principal { subject: "s".to_owned(), team, groups, ..Principal::anonymous() };
        let arguments = arguments.as_deref().map(str::as_bytes);
        for server in &policy.servers {
            let caller = Caller { server, principal: &principal, now: NOW - i64::from(!late) };
            let steps = super::rules(&policy, &caller, Question::Use { noun: Noun::Tool, name: &tool, arguments });
            let decided = access::access(&policy, &caller, Noun::Tool, &tool, arguments);
            prop_assert_eq!(&steps.verdict, &decided);
            for step in &steps.rules {
                let holds_in_doubt = |it: &Failed| {
                    step.rule.effect == Effect::Deny && matches!(it, Failed::Arguments { is_certain: false, .. })
                };
                let unmet: Vec<&Failed> = step.failed.iter().filter(|it| !holds_in_doubt(it)).collect();
                let acts = matches!(step.alone, Alone::Denies | Alone::Allows);
                prop_assert_eq!(unmet.is_empty(), acts, "{:?}", step);
                match step.alone {
                    Alone::LacksArguments => {
                        let is_only = matches!(unmet[..], [Failed::Arguments { .. }]);
                        prop_assert!(is_only);
                    }
                    Alone::OpensNoWrites => prop_assert!(unmet.contains(&&Failed::Write)),
                    Alone::OutsideTime => {
                        let late = unmet.iter().any(|it| matches!(it, Failed::NotBefore(_) | Failed::Expired(_)));
                        prop_assert!(late);
                    }
                    _ => {}
                }
            }
        }
    }
}
