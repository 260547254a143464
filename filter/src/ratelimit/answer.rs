use prost::Message;

use super::message::{CommitResponse, Duration, HeaderValue, RateLimitResponse, ReserveResponse};

/// Bytes of the longest answer that is read. Those of real services are a few hundred.
const LONGEST_ANSWER: usize = 1 << 16;
/// Bytes of the longest reservation id; Limitador's are UUIDs.
const LONGEST_ID: usize = 256;
/// Seconds of the longest wait that is believed. What is above is a point in time that some services send instead.
const LONGEST_WAIT: u64 = 366 * 86_400;

/// `RateLimitResponse.Code`
const OK: i32 = 1;
const OVER_LIMIT: i32 = 2;

/// What a service says about a call that it has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is within all limits.
    pub allowed: bool,
    /// Seconds until it may be tried again, at least 1. Only if it is refused, and the service says it.
    pub retry_after: Option<u64>,
    /// How much is left under the limit that has least, if the service says it.
    pub remaining: Option<u64>,
}

/// What a service says about a call that asked for a reservation. The protocol has no word for when to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// Whether the amount is held.
    pub allowed: bool,
    /// What [`commit`](super::commit) names it by. Empty if nothing is held.
    pub reservation_id: String,
}

/// Reads the answer of `ShouldRateLimit`. None if it is none: not protobuf, longer than 64 KiB, or of a code other than
/// OK and OVER_LIMIT (UNKNOWN, which Envoy itself lets pass, is what Limitador says to an empty domain).
///
/// The overall code alone decides; a service in its own shadow mode says OK to a descriptor that is over its limit.
/// When to try again comes from the descriptors that are over, else from the headers `retry-after` and
/// `x-ratelimit-reset`; how much is left from the descriptors that have a limit, else from `x-ratelimit-remaining`.
pub fn read_should_rate_limit(bytes: &[u8]) -> Option<Answer> {
    let response: RateLimitResponse = read(bytes)?;
    let allowed = is_ok(response.overall_code)?;
    let headers = response.response_headers_to_add.as_slice();
    let wait = || {
        let over = response.statuses.iter().filter(|it| it.code == OVER_LIMIT);
        let reset = over.filter_map(|it| seconds(it.duration_until_reset?)).max();
        reset.or_else(|| number(headers, "retry-after")).or_else(|| number(headers, "x-ratelimit-reset"))
    };
    let limited = response.statuses.iter().filter(|it| it.current_limit.is_some());
    let remaining = limited.map(|it| u64::from(it.limit_remaining)).min();
    Some(Answer {
        allowed,
        retry_after: (!allowed).then(wait).flatten().filter(|it| *it <= LONGEST_WAIT).map(|it| it.max(1)),
        remaining: remaining.or_else(|| number(headers, "x-ratelimit-remaining")),
    })
}

/// Reads the answer of `Reserve` to a request for `amount`. None if it is none: not protobuf, longer than 64 KiB, of a
/// code other than OK and OVER_LIMIT, or with an id of more than 256 bytes.
///
/// Nor is an OK that holds nothing of an amount above zero: it is what Limitador says where it has no limit for the
/// descriptor, and taken for an answer it would make the quota unlimited.
pub fn read_reserve(bytes: &[u8], amount: u64) -> Option<Reserved> {
    let response: ReserveResponse = read(bytes)?;
    if !is_ok(response.code)? {
        return Some(Reserved { allowed: false, reservation_id: String::new() });
    }
    let id = response.reservation_id;
    let holds = !id.is_empty() || amount == 0;
    (holds && id.len() <= LONGEST_ID).then_some(Reserved { allowed: true, reservation_id: id })
}

/// Reads the answer of `Commit`: whether the reservation was still held. If not, the amount was counted all the same,
/// but others may have been admitted in its place. None if it is no answer.
pub fn read_commit(bytes: &[u8]) -> Option<bool> {
    let response: CommitResponse = read(bytes)?;
    Some(response.reservation_released)
}

fn read<M: Message + Default>(bytes: &[u8]) -> Option<M> {
    if bytes.len() > LONGEST_ANSWER {
        return None;
    }
    M::decode(bytes).ok()
}

fn is_ok(code: i32) -> Option<bool> {
    match code {
        OK => Some(true),
        OVER_LIMIT => Some(false),
        _ => None,
    }
}

/// Whole seconds, rounded up. None for a negative duration.
fn seconds(duration: Duration) -> Option<u64> {
    let whole = u64::try_from(duration.seconds).ok()?;
    Some(whole.saturating_add(u64::from(duration.nanos > 0)))
}

/// The number in a header, if that is all it has.
fn number(headers: &[HeaderValue], name: &str) -> Option<u64> {
    let header = headers.iter().find(|it| it.key.eq_ignore_ascii_case(name))?;
    let text = if header.value.is_empty() { str::from_utf8(&header.raw_value).ok()? } else { header.value.as_str() };
    let digits = text.bytes().all(|it| it.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
