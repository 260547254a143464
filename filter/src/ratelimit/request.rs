use prost::Message;

use super::Descriptor;
use super::message::{CommitRequest, Duration, Entry, RateLimitDescriptor, RateLimitRequest, ReserveRequest};

/// The request of `ShouldRateLimit`: counts `hits` under each of `descriptors`.
///
/// The wire has 32 bits for `hits`: more are counted as 4,294,967,295. Engines count 0 as 1.
pub fn should_rate_limit(domain: &str, descriptors: &[Descriptor], hits: u64) -> Vec<u8> {
    let request = RateLimitRequest {
        domain: domain.to_owned(),
        descriptors: messages(descriptors),
        hits_addend: u32::try_from(hits).unwrap_or(u32::MAX),
    };
    request.encode_to_vec()
}

/// The request of `Reserve`: holds `amount` under each of `descriptors` until it is committed, for at most `ttl_seconds`.
/// Limitador holds nothing for longer than its own `max_ttl`, 60 seconds if nobody raised it.
pub fn reserve(domain: &str, descriptors: &[Descriptor], amount: u64, ttl_seconds: u64) -> Vec<u8> {
    let request = ReserveRequest {
        domain: domain.to_owned(),
        descriptors: messages(descriptors),
        amount,
        ttl: Some(Duration { seconds: i64::try_from(ttl_seconds).unwrap_or(i64::MAX), nanos: 0 }),
    };
    request.encode_to_vec()
}

/// The request of `Commit`: counts `actual` under each of `descriptors`, whatever is left, and ends the hold. Domain and
/// descriptors are those of the reservation: the service looks the counters up again. A reservation that has run out is
/// counted all the same.
pub fn commit(domain: &str, descriptors: &[Descriptor], reservation_id: &str, actual: u64) -> Vec<u8> {
    let request = CommitRequest {
        domain: domain.to_owned(),
        descriptors: messages(descriptors),
        reservation_id: reservation_id.to_owned(),
        actual_amount: actual,
    };
    request.encode_to_vec()
}

fn messages(descriptors: &[Descriptor]) -> Vec<RateLimitDescriptor> {
    let entry = |(key, value): &(String, String)| Entry { key: key.clone(), value: value.clone() };
    descriptors.iter().map(|it| RateLimitDescriptor { entries: it.entries.iter().map(entry).collect() }).collect()
}
