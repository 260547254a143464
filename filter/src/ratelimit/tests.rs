use proptest::prelude::*;
use prost::Message;

use super::message::{
    CommitResponse, DescriptorStatus, Duration, HeaderValue, RateLimit, RateLimitResponse, ReserveResponse,
};
use super::{
    Answer, Descriptor, Reserved, commit, descriptor, encode_value, read_commit, read_reserve, read_should_rate_limit,
    reserve, should_rate_limit,
};

fn over(reset: Option<Duration>) -> DescriptorStatus {
    DescriptorStatus {
        code: 2,
        current_limit: Some(RateLimit { requests_per_unit: 5 }),
        limit_remaining: 0,
        duration_until_reset: reset,
    }
}

fn within(remaining: u32) -> DescriptorStatus {
    DescriptorStatus { code: 1, limit_remaining: remaining, ..over(Some(Duration { seconds: 900, nanos: 0 })) }
}

fn header(key: &str, value: &str) -> HeaderValue {
    HeaderValue { key: key.into(), value: value.into(), raw_value: Vec::new() }
}

fn answer(code: i32, statuses: Vec<DescriptorStatus>, headers: Vec<HeaderValue>) -> Option<Answer> {
    let response = RateLimitResponse { overall_code: code, statuses, response_headers_to_add: headers };
    read_should_rate_limit(&response.encode_to_vec())
}

fn refused(retry_after: Option<u64>, remaining: Option<u64>) -> Option<Answer> {
    Some(Answer { allowed: false, retry_after, remaining })
}

/// The bytes are written out, from the field numbers of the `.proto` files: a number that is wrong in `message.rs` would
/// agree with itself in a round trip.
#[test]
fn requests_are_the_bytes_that_the_services_declare() {
    let one = [Descriptor { entries: vec![("k".into(), "v".into())] }];
    // domain = 1, descriptors = 2 { entries = 1 { key = 1, value = 2 } }, hits_addend = 3
    assert_eq!(should_rate_limit("d", &one, 7), b"\x0a\x01d\x12\x08\x0a\x06\x0a\x01k\x12\x01v\x18\x07");
    // domain = 1, descriptors = 2, amount = 3, ttl = 4 { seconds = 1 }
    assert_eq!(reserve("d", &one, 300, 60), b"\x0a\x01d\x12\x08\x0a\x06\x0a\x01k\x12\x01v\x18\xac\x02\x22\x02\x08\x3c");
    // domain = 1, descriptors = 2, reservation_id = 3, actual_amount = 4
    assert_eq!(commit("d", &one, "id", 300), b"\x0a\x01d\x12\x08\x0a\x06\x0a\x01k\x12\x01v\x1a\x02id\x20\xac\x02");
}

#[test]
fn more_hits_than_the_wire_has_room_for_are_counted_as_the_most() {
    let most = should_rate_limit("d", &[], u64::from(u32::MAX));
    assert_eq!(should_rate_limit("d", &[], u64::from(u32::MAX) + 1), most);
    assert_eq!(should_rate_limit("d", &[], u64::MAX), most);
    assert_ne!(should_rate_limit("d", &[], u64::from(u32::MAX) - 1), most);
}

#[test]
fn a_descriptor_names_the_quota_first_and_the_period_last() {
    let made = descriptor("per-team", [("team", Some("a")), ("subject", None)], Some("2026-W48"));
    let entries: Vec<(&str, &str)> = made.entries.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(entries, [("quota", "per-team"), ("team", "a"), ("subject", "~"), ("period", "2026-W48")]);
    assert_eq!(descriptor("all", [], None).entries, [("quota".to_owned(), "all".to_owned())]);
}

#[test]
fn no_value_is_encoded_as_another() {
    let values = ["", "~", "~~", "a", "~a", "a~", "~~~", "~ "];
    let encoded: std::collections::HashSet<_> = values.iter().map(|it| encode_value(it).into_owned()).collect();
    assert_eq!(encoded.len(), values.len());
    assert_eq!(encode_value(""), "~");
    assert_eq!(encode_value("~"), "~~");
    assert_eq!(encode_value("a~"), "a~");
}

#[test]
fn the_overall_code_alone_decides() {
    assert!(answer(1, vec![], vec![]).unwrap().allowed);
    // A service in its own shadow mode.
    assert!(answer(1, vec![over(None)], vec![]).unwrap().allowed);
    assert!(!answer(2, vec![within(3)], vec![]).unwrap().allowed);
    for unknown in [0, 3, -1, i32::MAX] {
        assert_eq!(answer(unknown, vec![within(3)], vec![]), None, "{unknown}");
    }
    assert_eq!(read_should_rate_limit(b""), None);
}

#[test]
fn when_to_try_again_is_the_longest_wait_of_the_limits_that_refused() {
    let reset = |seconds, nanos| over(Some(Duration { seconds, nanos }));
    assert_eq!(answer(2, vec![reset(5, 0), reset(7, 1), within(9)], vec![]), refused(Some(8), Some(0)));
    // Zero would make a client spin; a negative duration says nothing.
    assert_eq!(answer(2, vec![reset(0, 0)], vec![]).unwrap().retry_after, Some(1));
    assert_eq!(answer(2, vec![reset(-5, 0)], vec![]).unwrap().retry_after, None);
    assert_eq!(answer(2, vec![reset(i64::MAX, 999_999_999)], vec![]).unwrap().retry_after, None);
    // A call that passes need not wait for anything.
    assert_eq!(answer(1, vec![within(9)], vec![]).unwrap().retry_after, None);
}

#[test]
fn headers_say_what_the_statuses_do_not() {
    // As Limitador writes them.
    let limitador = |reset: &str| {
        let text = [("X-RateLimit-Limit", "5, 5;w=3600"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", reset)];
        answer(2, vec![], text.map(|(key, value)| header(key, value)).to_vec())
    };
    assert_eq!(limitador("3599"), refused(Some(3599), Some(0)));
    assert_eq!(limitador("0"), refused(Some(1), Some(0)));
    // A point in time (seconds since 1970), a date, a sign, or too large for any number.
    for other in ["1795392000", "Mon, 23 Nov 2026 00:00:00 GMT", "+5", "-5", "", "99999999999999999999"] {
        assert_eq!(limitador(other), refused(None, Some(0)), "{other}");
    }
    let both = vec![header("x-ratelimit-reset", "9"), header("retry-after", "4")];
    assert_eq!(answer(2, vec![], both.clone()), refused(Some(4), None));
    assert_eq!(answer(2, vec![over(Some(Duration { seconds: 6, nanos: 0 }))], both), refused(Some(6), Some(0)));
    let raw = HeaderValue { key: "retry-after".into(), value: String::new(), raw_value: b"12".to_vec() };
    assert_eq!(answer(2, vec![], vec![raw]), refused(Some(12), None));
    let binary = HeaderValue { key: "retry-after".into(), value: String::new(), raw_value: vec![0xff] };
    assert_eq!(answer(2, vec![], vec![binary]), refused(None, None));
}

#[test]
fn a_reservation_holds_something_or_is_none() {
    let read = |code, id: &str, amount| {
        let response = ReserveResponse { code, reservation_id: id.into() };
        read_reserve(&response.encode_to_vec(), amount)
    };
    let refusal = Some(Reserved { allowed: false, reservation_id: String::new() });
    assert_eq!(read(1, "r-1", 5), Some(Reserved { allowed: true, reservation_id: "r-1".into() }));
    assert_eq!(read(2, "", 5), refusal);
    assert_eq!(read(2, "r-1", 5), refusal);
    // No limit for the descriptor: without this the quota would be unlimited.
    assert_eq!(read(1, "", 5), None);
    assert_eq!(read(1, "", 0), Some(Reserved { allowed: true, reservation_id: String::new() }));
    assert_eq!(read(0, "r-1", 5), None);
    assert_eq!(read(3, "r-1", 5), None);
    assert!(read(1, &"x".repeat(256), 5).is_some());
    assert_eq!(read(1, &"x".repeat(257), 5), None);
}

#[test]
fn a_commit_says_whether_the_hold_was_still_there() {
    assert_eq!(read_commit(&CommitResponse { reservation_released: true }.encode_to_vec()), Some(true));
    // False is the default, and a message of defaults has no bytes.
    assert_eq!(read_commit(b""), Some(false));
    assert_eq!(read_commit(b"<html>"), None);
}

#[test]
fn what_is_cut_off_never_says_something_else() {
    let statuses = vec![over(Some(Duration { seconds: 5, nanos: 1 })), within(3)];
    let headers = vec![header("retry-after", "4")];
    let whole = RateLimitResponse { overall_code: 2, statuses, response_headers_to_add: headers }.encode_to_vec();
    for length in 0..whole.len() {
        assert!(read_should_rate_limit(&whole[..length]).is_none_or(|it| !it.allowed), "{length}");
    }
    let whole = ReserveResponse { code: 1, reservation_id: "8d1c".into() }.encode_to_vec();
    for length in 0..whole.len() {
        assert_eq!(read_reserve(&whole[..length], 5), None, "{length}");
    }
}

#[test]
fn an_answer_beyond_all_measure_is_none() {
    let sized = |size: usize| {
        let mut bytes = RateLimitResponse { overall_code: 1, ..Default::default() }.encode_to_vec();
        // Field 5, raw_body, which is skipped; three bytes of length.
        let body = size - bytes.len() - 4;
        bytes.push(0x2a);
        prost::encoding::encode_varint(body as u64, &mut bytes);
        bytes.resize(size, 0);
        bytes
    };
    assert!(read_should_rate_limit(&sized(1 << 16)).unwrap().allowed);
    assert_eq!(read_should_rate_limit(&sized((1 << 16) + 1)), None);
}

/// What a service answers that newer fields or other descriptors' have been added to: `request_headers_to_add`,
/// `dynamic_metadata` and `quota`, and a field nobody has yet.
#[test]
fn unknown_fields_are_skipped() {
    let mut bytes = RateLimitResponse { overall_code: 2, ..Default::default() }.encode_to_vec();
    bytes.extend(b"\x22\x02\x0a\x00\x32\x00\x3a\x02\x08\x05\xfa\x3f\x01z");
    assert_eq!(read_should_rate_limit(&bytes), refused(None, None));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..512), amount: u64) {
        let _ = read_should_rate_limit(&bytes);
        let _ = read_reserve(&bytes, amount);
        let _ = read_commit(&bytes);
    }

    #[test]
    fn damage_to_one_byte_never_makes_an_endless_wait(at in 0_usize..64, byte: u8) {
        let statuses = vec![over(Some(Duration { seconds: 5, nanos: 1 }))];
        let headers = vec![header("x-ratelimit-reset", "59")];
        let mut bytes = RateLimitResponse { overall_code: 2, statuses, response_headers_to_add: headers }.encode_to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Some(Answer { retry_after: Some(wait), .. }) = read_should_rate_limit(&bytes) {
            prop_assert!((1..=366 * 86_400).contains(&wait));
        }
    }
}
