//! The raw imports, and wrappers that return the status beside what was handed over.

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub fn proxy_log(level: u32, ptr: *const u8, len: usize) -> u32;
    pub fn proxy_get_log_level(out: *mut u32) -> u32;
    pub fn proxy_get_current_time_nanoseconds(out: *mut u64) -> u32;
    pub fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    pub fn proxy_get_buffer_bytes(kind: u32, start: u32, max: u32, ptr: *mut *mut u8, len: *mut usize) -> u32;
    pub fn proxy_get_buffer_status(kind: u32, len: *mut usize, flags: *mut u32) -> u32;
    pub fn proxy_set_buffer_bytes(kind: u32, start: u32, size: u32, ptr: *const u8, len: usize) -> u32;
    pub fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        key_len: usize,
        ptr: *mut *mut u8,
        len: *mut usize,
    ) -> u32;
    pub fn proxy_get_header_map_pairs(map: u32, ptr: *mut *mut u8, len: *mut usize) -> u32;
    pub fn proxy_get_header_map_size(map: u32, out: *mut u32) -> u32;
    pub fn proxy_set_header_map_pairs(map: u32, ptr: *const u8, len: usize) -> u32;
    pub fn proxy_add_header_map_value(map: u32, k: *const u8, kl: usize, v: *const u8, vl: usize) -> u32;
    pub fn proxy_replace_header_map_value(map: u32, k: *const u8, kl: usize, v: *const u8, vl: usize) -> u32;
    pub fn proxy_remove_header_map_value(map: u32, k: *const u8, kl: usize) -> u32;
    pub fn proxy_get_property(path: *const u8, path_len: usize, ptr: *mut *mut u8, len: *mut usize) -> u32;
    pub fn proxy_set_property(path: *const u8, path_len: usize, ptr: *const u8, len: usize) -> u32;
    pub fn proxy_get_shared_data(k: *const u8, kl: usize, ptr: *mut *mut u8, len: *mut usize, cas: *mut u32) -> u32;
    pub fn proxy_set_shared_data(k: *const u8, kl: usize, v: *const u8, vl: usize, cas: u32) -> u32;
    pub fn proxy_register_shared_queue(name: *const u8, len: usize, out: *mut u32) -> u32;
    pub fn proxy_resolve_shared_queue(vm: *const u8, vl: usize, name: *const u8, len: usize, out: *mut u32) -> u32;
    pub fn proxy_enqueue_shared_queue(token: u32, ptr: *const u8, len: usize) -> u32;
    pub fn proxy_dequeue_shared_queue(token: u32, ptr: *mut *mut u8, len: *mut usize) -> u32;
    pub fn proxy_define_metric(kind: u32, name: *const u8, len: usize, out: *mut u32) -> u32;
    pub fn proxy_increment_metric(id: u32, by: i64) -> u32;
    pub fn proxy_record_metric(id: u32, value: u64) -> u32;
    pub fn proxy_get_metric(id: u32, out: *mut u64) -> u32;
    pub fn proxy_continue_stream(kind: u32) -> u32;
    pub fn proxy_close_stream(kind: u32) -> u32;
    pub fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_len: usize,
        body: *const u8,
        body_len: usize,
        headers: *const u8,
        headers_len: usize,
        grpc_status: i32,
    ) -> u32;
    pub fn proxy_http_call(
        cluster: *const u8,
        cluster_len: usize,
        headers: *const u8,
        headers_len: usize,
        body: *const u8,
        body_len: usize,
        trailers: *const u8,
        trailers_len: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    pub fn proxy_set_effective_context(context: u32) -> u32;
    pub fn proxy_done() -> u32;
    pub fn proxy_get_status(code: *mut u32, ptr: *mut *mut u8, len: *mut usize) -> u32;
    pub fn proxy_call_foreign_function(
        name: *const u8,
        name_len: usize,
        args: *const u8,
        args_len: usize,
        ptr: *mut *mut u8,
        len: *mut usize,
    ) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub fn fd_write(fd: u32, iovs: *const [usize; 2], count: usize, out: *mut usize) -> u32;
    pub fn clock_time_get(clock: u32, precision: u64, out: *mut u64) -> u32;
    pub fn random_get(ptr: *mut u8, len: usize) -> u32;
    pub fn args_sizes_get(count: *mut usize, size: *mut usize) -> u32;
}

/// An address in no guest's memory.
pub const NOWHERE: *mut u8 = 0xffff_fff0 as *mut u8;

pub fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

pub fn log(text: &str) {
    unsafe { proxy_log(2, text.as_ptr(), text.len()) };
}

/// Calls `f` with places for pointer and length, and takes over what came.
pub fn take(f: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> (u32, Vec<u8>) {
    let (mut pointer, mut len) = (std::ptr::null_mut(), usize::MAX);
    let status = f(&mut pointer, &mut len);
    if status != 0 || pointer.is_null() {
        return (status, if status == 0 && len != 0 { b"null, but a length".to_vec() } else { Vec::new() });
    }
    (status, unsafe { Vec::from_raw_parts(pointer, len, len) })
}

pub fn get_buffer(kind: u32, start: u32, max: u32) -> (u32, Vec<u8>) {
    take(|pointer, len| unsafe { proxy_get_buffer_bytes(kind, start, max, pointer, len) })
}

pub fn set_buffer(kind: u32, start: u32, size: u32, bytes: &[u8]) -> u32 {
    unsafe { proxy_set_buffer_bytes(kind, start, size, bytes.as_ptr(), bytes.len()) }
}

pub fn get_header(map: u32, name: &str) -> (u32, Vec<u8>) {
    take(|pointer, len| unsafe { proxy_get_header_map_value(map, name.as_ptr(), name.len(), pointer, len) })
}

pub fn get_pairs(map: u32) -> (u32, Vec<u8>) {
    take(|pointer, len| unsafe { proxy_get_header_map_pairs(map, pointer, len) })
}

pub fn remove_header(map: u32, name: &str) -> u32 {
    unsafe { proxy_remove_header_map_value(map, name.as_ptr(), name.len()) }
}

pub fn add_header(map: u32, name: &str, value: &[u8]) -> u32 {
    unsafe { proxy_add_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

pub fn replace_header(map: u32, name: &str, value: &[u8]) -> u32 {
    unsafe { proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

pub fn reply(status: u32, body: &[u8], headers: &[(&str, &str)]) -> u32 {
    let headers = pairs(headers);
    unsafe {
        proxy_send_local_response(
            status,
            b"probe says no".as_ptr(),
            13,
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            -1,
        )
    }
}

/// The ABI's form of pairs.
pub fn pairs(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = (pairs.len() as u32).to_le_bytes().to_vec();
    for (name, value) in pairs {
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
    }
    for (name, value) in pairs {
        bytes.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    bytes
}

/// Bytes as one printable word: short ones escaped, long ones as length and FNV hash.
pub fn show(bytes: &[u8]) -> String {
    if bytes.len() <= 120 {
        return format!("\"{}\"", bytes.escape_ascii());
    }
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("{} bytes, hash {hash:016x}", bytes.len())
}

/// Pairs as `name: value` words. The names that only Envoy adds after the filter are left out.
pub fn show_pairs(bytes: &[u8]) -> String {
    let word = |at: usize| bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes(b.try_into().unwrap()) as usize);
    let (count, mut at) = (word(0), 4 + word(0) * 8);
    let mut shown = Vec::new();
    for i in 0..count {
        let (name, value) = (word(4 + i * 8), word(8 + i * 8));
        let text = |from: usize, len: usize| bytes.get(from..from + len).unwrap_or_default().escape_ascii().to_string();
        let line = format!("{}: {}", text(at, name), text(at + name + 1, value));
        if !line.starts_with("date:") && !line.starts_with("server:") {
            shown.push(line);
        }
        at += name + value + 2;
    }
    format!("[{}]", shown.join(" | "))
}
