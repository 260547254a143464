//! The filter's messages against Envoy's API as `envoy-types` has it.

use envoy_types::pb::envoy::config::core::v3::HeaderValue;
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::{RateLimitDescriptor, rate_limit_descriptor::Entry};
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::{Code, DescriptorStatus, Quota, RateLimit};
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use envoy_types::pb::google::protobuf::{Duration, Struct};
use prost::Message;
use tidegate_filter::ratelimit::{Answer, descriptor, names, read_should_rate_limit, should_rate_limit};
use tidegate_rls::Method;

#[test]
fn envoy_reads_what_the_filter_asks() {
    let descriptors = [
        descriptor("searches", [("team", Some("platform")), ("tool", Some("search_käse"))], Some("2026-11")),
        descriptor("per-agent", [("subject", None)], None),
    ];
    let read = RateLimitRequest::decode(should_rate_limit("tidegate", &descriptors, 70_000).as_slice()).unwrap();
    let entry = |(key, value): &(&str, &str)| Entry { key: (*key).into(), value: (*value).into() };
    let descriptor = |entries: &[(&str, &str)]| RateLimitDescriptor {
        entries: entries.iter().map(entry).collect(),
        ..RateLimitDescriptor::default()
    };
    let expected = RateLimitRequest {
        domain: "tidegate".into(),
        descriptors: vec![
            descriptor(&[("quota", "searches"), ("team", "platform"), ("tool", "search_käse"), ("period", "2026-11")]),
            descriptor(&[("quota", "per-agent"), ("subject", "~")]),
        ],
        hits_addend: 70_000,
    };
    assert_eq!(read, expected);
}

#[test]
fn the_filter_reads_what_envoy_can_answer() {
    let status = |code: Code, remaining, seconds, nanos| DescriptorStatus {
        code: code.into(),
        current_limit: Some(RateLimit { name: "searches".into(), requests_per_unit: 500, unit: 3 }),
        limit_remaining: remaining,
        duration_until_reset: Some(Duration { seconds, nanos }),
        quota: Some(Quota { requests: 3, id: "q".into(), ..Quota::default() }),
    };
    let header =
        |key: &str, value: &str| HeaderValue { key: key.into(), value: value.into(), ..HeaderValue::default() };
    let response = RateLimitResponse {
        overall_code: Code::OverLimit.into(),
        statuses: vec![status(Code::Ok, 3, 40, 0), status(Code::OverLimit, 0, 12, 1)],
        response_headers_to_add: vec![header("x-ratelimit-reset", "99")],
        request_headers_to_add: vec![header("retry-after", "98")],
        raw_body: b"over".to_vec(),
        dynamic_metadata: Some(Struct::default()),
        quota: Some(Quota { requests: 3, ..Quota::default() }),
    };
    let answer = read_should_rate_limit(&response.encode_to_vec());
    assert_eq!(answer, Some(Answer { allowed: false, retry_after: Some(13), remaining: Some(0) }));

    let response = RateLimitResponse {
        statuses: Vec::new(),
        response_headers_to_add: vec![HeaderValue { raw_value: b"7".to_vec(), ..header("X-RateLimit-Remaining", "") }],
        overall_code: Code::Ok.into(),
        ..response
    };
    let answer = read_should_rate_limit(&response.encode_to_vec());
    assert_eq!(answer, Some(Answer { allowed: true, retry_after: None, remaining: Some(7) }));

    let response = RateLimitResponse { overall_code: Code::Unknown.into(), ..response };
    assert_eq!(read_should_rate_limit(&response.encode_to_vec()), None);
}

#[test]
fn both_name_the_methods_alike() {
    let path = |service: &str, method: &str| format!("/{service}/{method}");
    assert_eq!(path(names::ENVOY, names::SHOULD_RATE_LIMIT), Method::ShouldRateLimit.path());
    assert_eq!(path(names::KUADRANT, names::RESERVE), Method::Reserve.path());
    assert_eq!(path(names::KUADRANT, names::COMMIT), Method::Commit.path());
}
