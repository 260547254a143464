//! What the service says where there is nothing to count, and what it does when it is told to fail.

use std::time::Duration;

use tidegate_filter::ratelimit::{
    Answer, Reserved, commit, descriptor, read_commit, read_reserve, read_should_rate_limit, reserve, should_rate_limit,
};
use tidegate_rls::{Call, Fault, Method, Options, RateLimitServer, read_limits};
use tonic::Code;

use super::client::{Client, DOMAIN, serve};

const FIVE: &str = "
- {namespace: tidegate, name: calls, max_value: 5, seconds: 86400,
   conditions: [\"descriptors[0]['quota'] == 'calls'\"], variables: [\"descriptors[0]['team']\"]}
";

#[tokio::test]
async fn counts_are_answered_with_what_is_left() {
    let server = serve(read_limits(FIVE).unwrap()).await;
    let client = Client::connect(&server).await;
    let team = |name| [descriptor("calls", [("team", Some(name))], None)];
    let ask = async |name, hits| {
        let answer = client.call(Method::ShouldRateLimit, should_rate_limit(DOMAIN, &team(name), hits)).await.unwrap();
        read_should_rate_limit(&answer).unwrap()
    };
    assert_eq!(ask("a", 3).await, Answer { allowed: true, retry_after: None, remaining: Some(2) });
    // Nothing of a refused call is counted.
    let refused = ask("a", 3).await;
    assert_eq!((refused.allowed, refused.remaining), (false, Some(2)));
    assert!((86_300..=86_400).contains(&refused.retry_after.unwrap()), "{refused:?}");
    assert_eq!(ask("a", 2).await.remaining, Some(0));
    assert_eq!(ask("b", 1).await.remaining, Some(4));
    // Zero hits are one.
    assert_eq!(ask("b", 0).await.remaining, Some(3));

    let counters = server.counters(DOMAIN).await.unwrap();
    let used: Vec<_> = counters.iter().map(|it| (it.limit.as_deref(), it.used, it.max)).collect();
    assert_eq!(used, [(Some("calls"), 5, 5), (Some("calls"), 2, 5)]);
    assert_eq!(counters[1].variables["descriptors[0]['team']"], "b");
}

#[tokio::test]
async fn a_reservation_is_settled_at_what_it_really_was() {
    let server = serve(read_limits(FIVE).unwrap()).await;
    let client = Client::connect(&server).await;
    let team = [descriptor("calls", [("team", Some("a"))], None)];
    let ask = async |amount| {
        read_reserve(&client.call(Method::Reserve, reserve(DOMAIN, &team, amount, 60)).await.unwrap(), amount).unwrap()
    };
    let settle = async |id: &str, actual| {
        read_commit(&client.call(Method::Commit, commit(DOMAIN, &team, id, actual)).await.unwrap()).unwrap()
    };
    let first = ask(4).await;
    let refusal = Reserved { allowed: false, reservation_id: String::new() };
    assert!(first.allowed);
    assert_eq!(ask(2).await, refusal, "what is held is not to be had twice");
    assert!(settle(&first.reservation_id, 1).await);
    let second = ask(4).await;
    assert!(second.allowed, "3 of 4 were given back");
    // A second commit counts again: nobody must send two.
    assert!(!settle(&first.reservation_id, 1).await);
    assert!(settle(&second.reservation_id, 0).await);
    assert_eq!(server.counters(DOMAIN).await.unwrap()[0].used, 2);

    let calls: Vec<_> = server.calls().into_iter().map(|it| (it.method, it.amount, it.granted)).collect();
    use Method::{Commit, Reserve};
    let expected = [
        (Reserve, 4, true),
        (Reserve, 2, false),
        (Commit, 1, true),
        (Reserve, 4, true),
        (Commit, 1, false),
        (Commit, 0, true),
    ];
    assert_eq!(calls, expected);
    let first_call = Call {
        method: Reserve,
        domain: DOMAIN.into(),
        descriptors: vec![vec![("quota".into(), "calls".into()), ("team".into(), "a".into())]],
        amount: 4,
        reservation_id: first.reservation_id,
        granted: true,
    };
    assert_eq!(server.calls()[0], first_call);
}

/// Where the service has no limit it lets everything pass. `Reserve` shows it, `ShouldRateLimit` does not.
#[tokio::test]
async fn a_quota_that_the_service_does_not_know_is_no_answer() {
    let server = serve(read_limits(FIVE).unwrap()).await;
    let client = Client::connect(&server).await;
    let known = [descriptor("calls", [("team", Some("a"))], None)];
    let no_limit = [descriptor("other", [("team", Some("a"))], None)];
    let no_variable = [descriptor("calls", [], None)];
    for (domain, descriptors) in [(DOMAIN, &no_limit), (DOMAIN, &no_variable), ("elsewhere", &known)] {
        let answer = client.call(Method::Reserve, reserve(domain, descriptors, 1, 60)).await.unwrap();
        assert_eq!(read_reserve(&answer, 1), None);
        let answer = client.call(Method::ShouldRateLimit, should_rate_limit(domain, descriptors, 9)).await.unwrap();
        let passes = Answer { allowed: true, retry_after: None, remaining: None };
        assert_eq!(read_should_rate_limit(&answer), Some(passes));
    }
    // UNKNOWN, which Envoy's own filter lets pass.
    let answer = client.call(Method::ShouldRateLimit, should_rate_limit("", &known, 1)).await.unwrap();
    assert_eq!(read_should_rate_limit(&answer), None);
    let answer = client.call(Method::Reserve, reserve("", &known, 1, 60)).await.unwrap();
    assert_eq!(read_reserve(&answer, 1), None);
    let status = client.call(Method::Reserve, reserve(DOMAIN, &[], 1, 60)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn faults_are_met_by_their_method_alone_and_count_nothing() {
    let server = serve(read_limits(FIVE).unwrap()).await;
    let client = Client::connect(&server).await;
    let team = [descriptor("calls", [("team", Some("a"))], None)];
    let ask = async || client.call(Method::Reserve, reserve(DOMAIN, &team, 1, 60)).await;

    server.fault(Method::Reserve, Some(Fault::Garbage(b"<html>".to_vec())));
    assert_eq!(read_reserve(&ask().await.unwrap(), 1), None);
    server.fault(Method::Reserve, Some(Fault::Unimplemented));
    assert_eq!(ask().await.unwrap_err().code(), Code::Unimplemented);
    server.fault(Method::Reserve, Some(Fault::Unavailable));
    assert_eq!(ask().await.unwrap_err().code(), Code::Unavailable);
    assert!(server.calls().is_empty());
    assert_eq!(server.arrived(Method::Reserve), 3);

    let passed = client.call(Method::ShouldRateLimit, should_rate_limit(DOMAIN, &team, 1)).await.unwrap();
    assert!(read_should_rate_limit(&passed).unwrap().allowed);

    server.fault(Method::Reserve, Some(Fault::Late(Duration::from_millis(1))));
    assert!(read_reserve(&ask().await.unwrap(), 1).unwrap().allowed);
    server.fault(Method::Reserve, Some(Fault::Silent));
    tokio::select! {
        answer = ask() => panic!("answered: {answer:?}"),
        // It has arrived, and nothing comes.
        () = server.until(Method::Reserve, 5) => {}
    }
    server.fault(Method::Reserve, None);
    assert!(read_reserve(&ask().await.unwrap(), 1).unwrap().allowed);
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn a_hold_that_has_run_out_is_free_again_and_its_commit_still_counts() {
    let limits = read_limits(FIVE).unwrap();
    let options = Options { max_ttl: Duration::ZERO, ..Options::default() };
    let server = RateLimitServer::start(([127, 0, 0, 1], 0).into(), limits, options).await.unwrap();
    let client = Client::connect(&server).await;
    let team = [descriptor("calls", [("team", Some("a"))], None)];
    let ask =
        async || read_reserve(&client.call(Method::Reserve, reserve(DOMAIN, &team, 5, 60)).await.unwrap(), 5).unwrap();
    let first = ask().await;
    assert!(first.allowed);
    assert!(ask().await.allowed, "the service held it for no time, whatever was asked for");
    client.call(Method::Commit, commit(DOMAIN, &team, &first.reservation_id, 5)).await.unwrap();
    assert_eq!(server.counters(DOMAIN).await.unwrap()[0].used, 5);
    assert!(!ask().await.allowed);
}

#[tokio::test]
async fn a_stopped_service_refuses_connections_and_another_takes_its_place() {
    let server = serve(read_limits(FIVE).unwrap()).await;
    let address = server.address();
    let client = Client::connect(&server).await;
    server.stop().await.unwrap();
    let team = [descriptor("calls", [("team", Some("a"))], None)];
    let status = client.call(Method::Reserve, reserve(DOMAIN, &team, 1, 60)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let again = RateLimitServer::start(address, read_limits(FIVE).unwrap(), Options::default()).await.unwrap();
    let answer = client.call(Method::Reserve, reserve(DOMAIN, &team, 1, 60)).await.unwrap();
    assert!(read_reserve(&answer, 1).unwrap().allowed);
    again.stop().await.unwrap();
}

#[test]
fn limits_are_read_from_yaml_and_json_and_nothing_else() {
    let json = r#"[{"namespace": "tidegate", "max_value": 5, "seconds": 86400, "name": "calls",
        "conditions": ["descriptors[0]['quota'] == 'calls'"], "variables": ["descriptors[0]['team']"]}]"#;
    assert_eq!(read_limits(json).unwrap(), read_limits(FIVE).unwrap());
    assert_eq!(read_limits(json).unwrap()[0].max_value(), 5);
    for wrong in ["{}", "- {namespace: a}", &json.replace("== 'calls'", "== 'calls"), &json.replace("5,", "-5,")] {
        assert!(read_limits(wrong).is_err(), "{wrong}");
    }
}
