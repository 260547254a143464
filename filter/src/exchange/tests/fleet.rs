//! Quotas that a rate limit service counts: the request waits for its answer.

use super::quota::{OK, Place, denial};
use super::*;
use crate::ratelimit::names;

/// Answers of a rate limit service, as protobuf: `overall_code` (or `code`) 1 is OK, 2 OVER_LIMIT; a reservation's id
/// is field 2.
const ALLOWED: &[u8] = &[8, 1];
const OVER: &[u8] = &[8, 2];
const HELD: &[u8] = &[8, 1, 18, 2, b'i', b'd'];

const QUOTA: &str = r#""quotas":[{"id":"searches","limit":5,"window":"1h","by":["team"],"scope":"global"}]"#;

/// Feeds an answer; true if the request went on.
fn answer(driver: &mut Driver, token: u32, bytes: Option<&[u8]>) -> Option<bool> {
    let step = driver.exchange.on_answer(token, bytes, &mut driver.world)?;
    Some(driver.judged(step, b"as it was sent"))
}

fn told(driver: &Driver) -> Vec<&str> {
    driver.world.told.iter().map(|call| call.method).collect()
}

fn text_of(call: &Call) -> String {
    String::from_utf8_lossy(&call.message).into_owned()
}

#[test]
fn a_request_waits_and_goes_on_when_the_service_says_so() {
    for (protocol, bytes, method, settled) in [
        ("should_rate_limit", ALLOWED, names::SHOULD_RATE_LIMIT, vec![]),
        ("reserve", HELD, names::RESERVE, vec![names::COMMIT]),
    ] {
        let mut place = Place::fleet(protocol, QUOTA);
        let mut driver = place.call_as(None, "get_a");
        assert!(driver.exchange.is_suspended() && driver.seen.upstream.is_none());
        assert_eq!(driver.world.asked.len(), 1);
        assert_eq!(driver.world.asked[0].method, method);
        let text = text_of(&driver.world.asked[0]);
        assert!(text.contains("tidegate") && text.contains("searches") && text.contains("team"), "{text:?}");
        assert!(driver.world.audit.is_empty(), "nothing is decided");
        assert_eq!(answer(&mut driver, 99, Some(bytes)), None, "of another request");
        assert_eq!(answer(&mut driver, 0, Some(bytes)), Some(true));
        assert_eq!(driver.seen.upstream.as_deref(), Some(&b"as it was sent"[..]));
        assert_eq!(driver.world.audit[0]["verdict"], "allow");
        assert_eq!(told(&driver), settled, "a hold that is certain is committed at once");
        place.finish(&mut driver, 200, OK);
        assert_eq!(told(&driver), settled);
    }
}

#[test]
fn a_request_is_refused_when_the_service_says_so() {
    for protocol in ["should_rate_limit", "reserve"] {
        let mut place = Place::fleet(protocol, QUOTA);
        let mut driver = place.call_as(None, "get_a");
        assert_eq!(answer(&mut driver, 0, Some(OVER)), Some(false));
        assert_eq!(denial(&driver)["reason"], "quota_exceeded");
        assert_eq!(driver.audited("quota_exceeded")["quota"], "searches");
        assert!(driver.world.told.is_empty());
    }
}

#[test]
fn every_way_not_to_answer_is_decided_by_the_quota() {
    for (mode, passes) in [("deny", false), ("allow", true)] {
        let quota = QUOTA.replace(r#""scope""#, &format!(r#""on_store_error":"{mode}","scope""#));
        for protocol in ["should_rate_limit", "reserve"] {
            for bytes in [None, Some(&b""[..]), Some(b"garbage"), Some(&[8, 0]), Some(&[8, 7])] {
                let mut place = Place::fleet(protocol, &quota);
                let mut driver = place.call_as(None, "get_a");
                assert_eq!(answer(&mut driver, 0, bytes), Some(passes), "{mode} {protocol} {bytes:?}");
                let counted = "tidegate.quotas.outcome.store_error.quota.searches".to_owned();
                assert!(driver.world.counted.contains(&counted));
                if passes {
                    assert_eq!(driver.world.audit[0]["uncounted"][0], "searches");
                } else {
                    assert_eq!(denial(&driver)["reason"], "store_unavailable");
                }
            }
            // The service cannot even be called.
            let mut place = Place { service: false, ..Place::fleet(protocol, &quota) };
            assert_eq!(place.call_as(None, "get_a").seen.upstream.is_some(), passes);
        }
    }
}

#[test]
fn a_refusal_gives_back_what_others_hold() {
    let mut place = Place::fleet(
        "reserve",
        r#""quotas":[{"id":"here","limit":1,"window":"day"},
                     {"id":"one","limit":5,"window":"1h","scope":"global"},
                     {"id":"two","limit":5,"window":"1h","scope":"global"},
                     {"id":"three","limit":5,"window":"1h","scope":"global"}]"#,
    );
    let mut driver = place.call_as(None, "get_a");
    assert_eq!(driver.world.asked.len(), 3, "all at once");
    place.with(&mut driver, |driver| {
        assert_eq!(answer(driver, 1, Some(HELD)), None);
        assert_eq!(answer(driver, 0, Some(OVER)), Some(false));
    });
    assert_eq!(told(&driver), [names::COMMIT]);
    let released = text_of(&driver.world.told[0]);
    assert!(released.contains("two") && released.contains("id"), "{released:?}");
    let (token, late) = driver.world.abandoned.pop().unwrap();
    assert_eq!((token, driver.world.abandoned.len()), (2, 0));
    assert!(late.released(HELD).is_some_and(|call| call.method == names::COMMIT && text_of(&call).contains("three")));
    assert!(late.released(OVER).is_none() && late.released(b"garbage").is_none());
    let mut second = place.call_as(None, "get_a");
    assert_eq!(second.world.asked.len(), 3, "the counter here was given back, or it would have refused");
    assert_eq!(answer(&mut second, 2, Some(OVER)), Some(false));
}

#[test]
fn a_client_that_goes_away_while_it_waits_uses_nothing_up() {
    let mut place = Place::fleet(
        "reserve",
        r#""quotas":[{"id":"here","limit":1,"window":"day"},{"id":"there","limit":5,"window":"1h","scope":"global"}]"#,
    );
    let mut driver = place.call_as(None, "get_a");
    place.with(&mut driver, |driver| driver.end());
    assert_eq!(driver.world.abandoned.len(), 1);
    assert_eq!(driver.world.audit[0]["outcome"], "left_while_waiting");
    assert_eq!(answer(&mut driver, 0, Some(HELD)), None);
    let second = place.call_as(None, "get_a");
    assert!(second.exchange.is_suspended(), "the counter here was given back");
}

#[test]
fn an_answer_that_comes_after_the_server_has_failed_changes_nothing() {
    let mut place = Place::fleet("reserve", QUOTA);
    let mut driver = place.call_as(None, "get_a");
    driver.respond(503, "text/plain", [&b"early"[..]]);
    assert_eq!(answer(&mut driver, 0, Some(HELD)), None);
    assert_eq!(told(&driver), [names::COMMIT], "and what it holds is given back");
    driver.end();
    assert_eq!(told(&driver).len(), 1);
}

#[test]
fn money_is_held_and_settled() {
    let mut place = Place::fleet(
        "reserve",
        r#""costs":[{"tools":["get_*"],"result":{"pointer":"/cost","price":"$1"},"max":"$0.50"}],
           "quotas":[{"id":"pot","limit":"$1000","window":"month","utc_offset":"+02:00","scope":"global"}]"#,
    );
    let mut driver = place.call_as(None, "get_a");
    // 1795000000 is 2026-11-18T11:06:40Z.
    assert!(text_of(&driver.world.asked[0]).contains("2026-11"));
    assert_eq!(answer(&mut driver, 0, Some(HELD)), Some(true));
    assert!(driver.world.told.is_empty(), "what it costs is not known yet");
    place.finish(&mut driver, 200, r#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"_meta":{"cost":0.1}}}"#);
    assert_eq!(told(&driver), [names::COMMIT]);
}

#[test]
fn result_bytes_are_counted_when_they_are_known() {
    let mut place = Place::fleet(
        "should_rate_limit",
        r#""quotas":[{"id":"out","limit":1000,"window":"1h","count":"result_bytes","scope":"global"}]"#,
    );
    let mut driver = place.call_as(None, "get_a");
    assert_eq!(answer(&mut driver, 0, Some(ALLOWED)), Some(true));
    place.finish(&mut driver, 200, OK);
    assert_eq!(told(&driver), [names::SHOULD_RATE_LIMIT]);
    // The field hits_addend is 3: one was counted before.
    let hits = u8::try_from(OK.len() - 1).unwrap();
    assert!(driver.world.told[0].message.ends_with(&[0x18, hits]), "{:?}", driver.world.told[0].message);
}
