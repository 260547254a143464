//! The proxy-wasm ABI 0.2.1 as Envoy offers it: host functions, callbacks, and the memory that crosses between.
//!
//! The callbacks that are not exported are skipped by Envoy, which saves their calls. The SDK crate is not used: it
//! panics on unexpected statuses and on header bytes that are not UTF-8, and a panic here resets every stream of the
//! worker.

#![allow(unsafe_code)]

use super::host::Buffer;
use super::{calls, host, root, stream};

// Host functions. Every one returns a status; 0 is success.
#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub(super) fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    pub(super) fn proxy_get_log_level(level: *mut u32) -> u32;
    pub(super) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    pub(super) fn proxy_get_buffer_bytes(
        kind: u32,
        start: usize,
        size: usize,
        data: *mut *mut u8,
        length: *mut usize,
    ) -> u32;
    pub(super) fn proxy_set_buffer_bytes(kind: u32, start: usize, size: usize, data: *const u8, length: usize) -> u32;
    pub(super) fn proxy_get_header_map_pairs(kind: u32, data: *mut *mut u8, length: *mut usize) -> u32;
    pub(super) fn proxy_get_header_map_value(
        kind: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        length: *mut usize,
    ) -> u32;
    pub(super) fn proxy_replace_header_map_value(
        kind: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    pub(super) fn proxy_remove_header_map_value(kind: u32, name: *const u8, name_size: usize) -> u32;
    pub(super) fn proxy_get_property(path: *const u8, size: usize, data: *mut *mut u8, length: *mut usize) -> u32;
    pub(super) fn proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) -> u32;
    pub(super) fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        length: *mut usize,
        version: *mut u32,
    ) -> u32;
    pub(super) fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        data: *const u8,
        length: usize,
        version: u32,
    ) -> u32;
    pub(super) fn proxy_increment_metric(id: u32, by: i64) -> u32;
    pub(super) fn proxy_record_metric(id: u32, value: u64) -> u32;
    pub(super) fn proxy_continue_stream(stream: u32) -> u32;
    pub(super) fn proxy_close_stream(stream: u32) -> u32;
    pub(super) fn proxy_set_effective_context(context: u32) -> u32;
    pub(super) fn proxy_done() -> u32;
    pub(super) fn proxy_grpc_call(
        cluster: *const u8,
        cluster_size: usize,
        service: *const u8,
        service_size: usize,
        method: *const u8,
        method_size: usize,
        metadata: *const u8,
        metadata_size: usize,
        message: *const u8,
        message_size: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    pub(super) fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Memory for bytes that the host hands over. It is given back by [`take`].
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    // A boxed slice, because its capacity is exactly its length, which is what `take` builds on.
    Box::into_raw(Box::<[u8]>::new_uninit_slice(size)).cast()
}

/// Takes over bytes that the host wrote into memory it had asked for.
pub(super) fn take(data: *mut u8, length: usize) -> Vec<u8> {
    if data.is_null() || length == 0 {
        return Vec::new();
    }
    // SAFETY: the host got `data` from `proxy_on_memory_allocate(length)`, wrote `length` bytes and keeps no reference
    // (proxy-wasm ABI 0.2.1, "Memory ownership"). A boxed slice of exactly that length was let go there.
    unsafe { Vec::from_raw_parts(data, length, length) }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
    if parent != 0 {
        stream::create(context, parent);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_: u32, _: usize) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(context: u32, size: usize) -> u32 {
    u32::from(root::configure(context, size))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(context: u32) {
    root::tick(context);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _: usize, end: u32) -> u32 {
    stream::with(context, |stream| stream.request_headers(end != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(context: u32, size: usize, end: u32) -> u32 {
    stream::with(context, |stream| stream.request_body(size, end != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(context: u32, _: usize) -> u32 {
    stream::with(context, stream::Stream::request_trailers)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(context: u32, _: usize, end: u32) -> u32 {
    stream::with_response(context, |stream| stream.response_headers(end != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(context: u32, size: usize, end: u32) -> u32 {
    stream::with_response(context, |stream| stream.response_body(size, end != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_trailers(context: u32, _: usize) -> u32 {
    stream::with_response(context, stream::Stream::response_trailers)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(context: u32) {
    stream::end(context);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_receive(_: u32, token: u32, size: usize) {
    calls::answered(token, host::buffer(Buffer::GrpcReceive, 0, size).ok().as_deref());
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_close(_: u32, token: u32, _: u32) {
    calls::answered(token, None);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(context: u32) -> u32 {
    u32::from(calls::may_end(context))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    stream::delete(context);
    calls::delete(context);
    root::delete(context);
}
