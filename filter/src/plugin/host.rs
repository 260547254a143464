//! Host calls that return errors and cannot panic.

#![allow(unsafe_code)]

use std::ptr;

use super::{abi, pairs};
use crate::exchange::{Headers, LEADING_FIELDS};
use crate::state::shared::{SharedData, StoreError};

/// A host call's status other than success (proxy-wasm ABI 0.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status(pub(super) u32);

type Result<T> = std::result::Result<T, Status>;

/// The status of a header that is absent.
const NOT_FOUND: u32 = 1;

/// Log levels that the filter uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
#[repr(u32)]
pub(super) enum Level {
    Info = 2,
    Warn = 3,
    Error = 4,
}

/// Buffers by ABI number.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum Buffer {
    RequestBody = 0,
    ResponseBody = 1,
    GrpcReceive = 5,
    PluginConfiguration = 7,
}

/// Header maps by ABI number.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum Map {
    Request = 0,
    Response = 2,
}

/// Metrics by ABI number.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum Metric {
    Counter = 0,
    Histogram = 2,
}

fn check(status: u32) -> Result<()> {
    if status == 0 { Ok(()) } else { Err(Status(status)) }
}

/// Calls a host function that hands over bytes.
fn bytes(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>> {
    let mut data = ptr::null_mut();
    let mut length = 0;
    check(call(&raw mut data, &raw mut length))?;
    Ok(abi::take(data, length))
}

pub(super) fn log(level: Level, text: &str) {
    // SAFETY: pointer and length of a live string. Nothing can be done about a log line that fails.
    let _ = unsafe { abi::proxy_log(level as u32, text.as_ptr(), text.len()) };
}

/// The lowest level that Envoy writes.
pub(super) fn log_level() -> Result<u32> {
    let mut level = 0;
    // SAFETY: the host writes one u32 to a live place.
    check(unsafe { abi::proxy_get_log_level(&raw mut level) })?;
    Ok(level)
}

/// Makes the calls that follow in this callback calls of another context.
pub(super) fn set_effective_context(context: u32) -> Result<()> {
    // SAFETY: takes a number.
    check(unsafe { abi::proxy_set_effective_context(context) })
}

/// Nanoseconds since the Unix epoch.
pub(super) fn now() -> u64 {
    let mut time = 0;
    // SAFETY: the host writes one u64 to a live place; it stays 0 on failure.
    let _ = unsafe { abi::proxy_get_current_time_nanoseconds(&raw mut time) };
    time
}

pub(super) fn set_tick_period(milliseconds: u32) -> Result<()> {
    // SAFETY: takes a number.
    check(unsafe { abi::proxy_set_tick_period_milliseconds(milliseconds) })
}

/// At most `size` bytes of a buffer from `start`; fewer, or none, if it ends before.
pub(super) fn buffer(kind: Buffer, start: usize, size: usize) -> Result<Vec<u8>> {
    // SAFETY: the host writes a pointer and a length to live places.
    bytes(|data, length| unsafe { abi::proxy_get_buffer_bytes(kind as u32, start, size, data, length) })
}

/// Replaces the first `size` bytes of a body: Envoy can only replace a prefix or append.
pub(super) fn replace_start(kind: Buffer, size: usize, with: &[u8]) -> Result<()> {
    // SAFETY: pointer and length of a live slice.
    check(unsafe { abi::proxy_set_buffer_bytes(kind as u32, 0, size, with.as_ptr(), with.len()) })
}

/// A whole header map, as raw bytes.
pub(super) fn headers(map: Map) -> Result<Headers> {
    // SAFETY: the host writes a pointer and a length to live places.
    bytes(|data, length| unsafe { abi::proxy_get_header_map_pairs(map as u32, data, length) }).map(pairs::headers)
}

/// The fields of a response that the exchange looks at. Cheaper than the whole map; Envoy joins repeated lines of these
/// with a comma, so a second one cannot hide.
pub(super) fn response_headers() -> Result<Headers> {
    const FIELDS: [&str; 3] = [":status", "content-type", "content-encoding"];
    let mut found = Vec::with_capacity(FIELDS.len() + LEADING_FIELDS.len());
    for name in FIELDS.into_iter().chain(LEADING_FIELDS) {
        // SAFETY: pointer and length of a live string; the host writes a pointer and a length to live places.
        match bytes(|data, length| unsafe {
            abi::proxy_get_header_map_value(Map::Response as u32, name.as_ptr(), name.len(), data, length)
        }) {
            Ok(value) => found.push((name, value)),
            Err(Status(NOT_FOUND)) => {}
            Err(status) => return Err(status),
        }
    }
    Ok(Headers::from_pairs(found))
}

pub(super) fn set_header(map: Map, name: &str, value: &str) -> Result<()> {
    // SAFETY: pointers and lengths of live strings.
    check(unsafe {
        abi::proxy_replace_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

pub(super) fn remove_header(map: Map, name: &str) -> Result<()> {
    // SAFETY: pointer and length of a live string.
    check(unsafe { abi::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// A property (Envoy attribute) by its path. None if there is none now.
pub(super) fn property(path: &[&str]) -> Option<Vec<u8>> {
    let path = path.join("\0");
    // SAFETY: pointer and length of a live string; the host writes a pointer and a length to live places.
    bytes(|data, length| unsafe { abi::proxy_get_property(path.as_ptr(), path.len(), data, length) }).ok()
}

/// A property that is text, and not empty.
pub(super) fn text_property(path: &[&str]) -> Option<String> {
    property(path).and_then(|value| String::from_utf8(value).ok()).filter(|value| !value.is_empty())
}

pub(super) fn define_metric(kind: Metric, name: &str) -> Result<u32> {
    let mut id = 0;
    // SAFETY: pointer and length of a live string; the host writes one u32 to a live place.
    check(unsafe { abi::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

pub(super) fn increment_metric(id: u32, by: u64) -> Result<()> {
    // SAFETY: takes numbers.
    check(unsafe { abi::proxy_increment_metric(id, i64::try_from(by).unwrap_or(i64::MAX)) })
}

/// A version that no entry has: an entry that exists refuses it, and a new one takes the value.
const OF_NO_ENTRY: u32 = u32::MAX;
/// The status of a write whose version is not that of the entry.
const CAS_MISMATCH: u32 = 8;

/// What the workers of this Envoy share.
pub(super) struct Shared;

impl SharedData for Shared {
    fn get(&mut self, key: &str) -> std::result::Result<Option<(Vec<u8>, u32)>, StoreError> {
        let mut version = 0;
        // SAFETY: pointer and length of a live string; the host writes a pointer, a length and a number to live places.
        match bytes(|data, length| unsafe {
            abi::proxy_get_shared_data(key.as_ptr(), key.len(), data, length, &raw mut version)
        }) {
            Ok(value) => Ok(Some((value, version))),
            Err(Status(NOT_FOUND)) => Ok(None),
            Err(_) => Err(StoreError::Unavailable),
        }
    }

    fn set(&mut self, key: &str, value: &[u8], version: Option<u32>) -> std::result::Result<bool, StoreError> {
        let version = version.unwrap_or(OF_NO_ENTRY);
        // SAFETY: pointers and lengths of live slices.
        match unsafe { abi::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version) } {
            0 => Ok(true),
            CAS_MISMATCH => Ok(false),
            _ => Err(StoreError::Unavailable),
        }
    }
}

/// What all workers of this Envoy share under `key`: what it holds already, or else `value`, from now on.
pub(super) fn shared_or_insert(key: &str, value: &[u8]) -> Option<Vec<u8>> {
    // Whether it was written shows when it is read.
    let _ = Shared.set(key, value, None);
    Shared.get(key).ok()?.map(|(value, _)| value)
}

/// Begins a unary gRPC call to a method of a cluster; the answer comes under the token that is returned. `timeout` is in
/// milliseconds. A cluster that Envoy does not know is an error here, and not in an answer.
pub(super) fn grpc_call(cluster: &str, service: &str, method: &str, message: &[u8], timeout: u32) -> Result<u32> {
    // No initial metadata.
    let metadata = pairs::encode(&[]);
    let mut token = 0;
    // SAFETY: pointers and lengths of live slices; the host writes one u32 to a live place.
    check(unsafe {
        abi::proxy_grpc_call(
            cluster.as_ptr(),
            cluster.len(),
            service.as_ptr(),
            service.len(),
            method.as_ptr(),
            method.len(),
            metadata.as_ptr(),
            metadata.len(),
            message.as_ptr(),
            message.len(),
            timeout,
            &raw mut token,
        )
    })?;
    Ok(token)
}

/// Lets the root context end that had asked for time.
pub(super) fn done() -> Result<()> {
    // SAFETY: takes nothing.
    check(unsafe { abi::proxy_done() })
}

/// Lets the request go on that a callback had paused.
pub(super) fn continue_request() -> Result<()> {
    // SAFETY: takes a number; 0 is the request.
    check(unsafe { abi::proxy_continue_stream(0) })
}

pub(super) fn record_metric(id: u32, value: u64) -> Result<()> {
    // SAFETY: takes numbers.
    check(unsafe { abi::proxy_record_metric(id, value) })
}

/// Lets the response go on that a callback had paused.
pub(super) fn continue_response() -> Result<()> {
    // SAFETY: takes a number; 1 is the response.
    check(unsafe { abi::proxy_continue_stream(1) })
}

/// Resets the stream; the client sees that the response is incomplete.
pub(super) fn reset_response() -> Result<()> {
    // SAFETY: takes a number; 1 is the response.
    check(unsafe { abi::proxy_close_stream(1) })
}

/// Answers the client instead of the upstream.
pub(super) fn reply(status: u16, details: &str, lines: &[(&str, String)], body: &[u8]) -> Result<()> {
    let lines = pairs::encode(lines);
    // SAFETY: pointers and lengths of live slices; -1 is "no gRPC status".
    check(unsafe {
        abi::proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            lines.as_ptr(),
            lines.len(),
            -1,
        )
    })
}
