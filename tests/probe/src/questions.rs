//! The awkward questions. They leave the traffic as it is; `edit` does not.

use crate::abi::{self, NOWHERE, show, show_pairs};

const PROPERTIES: &[&str] = &[
    "plugin_name",
    "plugin_root_id",
    "plugin_vm_id",
    "request/path",
    "request/url_path",
    "request/query",
    "request/host",
    "request/scheme",
    "request/method",
    "request/protocol",
    "request/useragent",
    "request/referer",
    "request/id",
    "request/headers/x-dup",
    "request/headers/absent",
    "request/nonsense",
    "response/code",
    "response/code_details",
    "response/headers/x-up",
    "response/headers/absent",
    "xds/route_name",
    "xds/cluster_name",
    "xds/route_metadata/filter_metadata/tidegate/policy",
    "xds/route_metadata/filter_metadata/absent/policy",
    "connection/mtls",
    "connection/uri_san_peer_certificate",
    "metadata/filter_metadata/absent",
    "metadata/filter_metadata/probe/text",
    "metadata/filter_metadata/probe/number",
    "metadata/filter_metadata/probe/flag",
    "metadata/filter_metadata/probe/list",
    "metadata/filter_metadata/probe/list/1",
    "metadata/filter_metadata/probe/list/2",
    "metadata/filter_metadata/probe/list/7",
    "metadata/filter_metadata/probe/list/x",
    "metadata/filter_metadata/probe/list/-1",
    "metadata/filter_metadata/probe/map",
    "metadata/filter_metadata/probe/map/k",
    "metadata/filter_metadata/probe/text/deeper",
    "metadata/filter_metadata/probe/absent",
    "metadata/filter_metadata/probe/empty",
    "probe_written",
    "filter_state/wasm.probe_written",
    "absent",
    "absent/deeper",
    "",
    "/",
];

/// Asks everything that changes nothing.
pub fn ask(case: &str, callback: &str) {
    let say = |call: &str, status: u32, value: String| {
        let line = format!("{case} {callback} {call} -> {status} {value}");
        abi::log(line.trim_end());
    };
    maps(&say);
    buffers(&say);
    properties(&say);
    general(&say);
    shared(&say, case);
    metrics(&say);
}

type Say<'a> = &'a dyn Fn(&str, u32, String);

fn maps(say: Say<'_>) {
    for map in [0, 1, 2, 3, 4, 5, 6, 7, 8, u32::MAX] {
        for name in ["x-dup", "X-DUP", "accept", "absent", ""] {
            let (status, value) = abi::get_header(map, name);
            say(&format!("get_header {map} {name:?}"), status, show(&value));
        }
        let (status, value) = abi::get_pairs(map);
        say(&format!("get_pairs {map}"), status, show_pairs(&value));
        unsafe {
            let (mut pointer, mut len) = (std::ptr::null_mut(), 0);
            let status = abi::proxy_get_header_map_value(map, NOWHERE, 1, &mut pointer, &mut len);
            say(&format!("get_header {map} key nowhere"), status, String::new());
            let status = abi::proxy_get_header_map_value(map, b"x-dup".as_ptr(), usize::MAX, &mut pointer, &mut len);
            say(&format!("get_header {map} endless key"), status, String::new());
            let status = abi::proxy_get_header_map_value(map, b"x-dup".as_ptr(), 5, NOWHERE.cast(), &mut len);
            say(&format!("get_header {map} pointer nowhere"), status, String::new());
            let status = abi::proxy_get_header_map_pairs(map, &mut pointer, NOWHERE.cast());
            say(&format!("get_pairs {map} length nowhere"), status, String::new());
            say(&format!("add {map} value nowhere"), add_nowhere(map), String::new());
            say(&format!("remove {map} absent"), abi::remove_header(map, "absent"), String::new());
        }
        // Asking for the size of trailers can make them.
        if map % 2 == 0 {
            let mut size = 0;
            let status = unsafe { abi::proxy_get_header_map_size(map, &mut size) };
            say(&format!("get_size {map}"), status, String::new());
        }
    }
}

fn add_nowhere(map: u32) -> u32 {
    unsafe { abi::proxy_add_header_map_value(map, b"k".as_ptr(), 1, NOWHERE, 9) }
}

fn buffers(say: Say<'_>) {
    // 8 is whatever the last call left; it is not asked for.
    for kind in [0, 1, 2, 3, 4, 5, 6, 7, 9, u32::MAX] {
        for (start, max) in
            [(0, u32::MAX), (0, 0), (1, 2), (2, u32::MAX), (100_000, 10), (u32::MAX, 1), (u32::MAX, u32::MAX)]
        {
            let (status, bytes) = abi::get_buffer(kind, start, max);
            say(&format!("get_buffer {kind} {start} {max}"), status, show(&bytes));
        }
        unsafe {
            let (mut pointer, mut len, mut flags) = (std::ptr::null_mut(), usize::MAX, u32::MAX);
            let status = abi::proxy_get_buffer_status(kind, &mut len, &mut flags);
            say(&format!("get_buffer_status {kind}"), status, format!("{} {}", len as isize, flags as i32));
            let status = abi::proxy_get_buffer_bytes(kind, 0, 10, NOWHERE.cast(), &mut len);
            say(&format!("get_buffer {kind} pointer nowhere"), status, String::new());
            let status = abi::proxy_get_buffer_bytes(kind, 0, 10, &mut pointer, NOWHERE.cast());
            say(&format!("get_buffer {kind} length nowhere"), status, String::new());
            let status = abi::proxy_set_buffer_bytes(kind, 0, 1, NOWHERE, 4);
            say(&format!("set_buffer {kind} from nowhere"), status, String::new());
        }
        say(&format!("set_buffer {kind} nothing"), abi::set_buffer(kind, 0, 0, b""), String::new());
        say(&format!("set_buffer {kind} in the middle"), abi::set_buffer(kind, 1, 1, b""), String::new());
        say(&format!("set_buffer {kind} at the end"), abi::set_buffer(kind, u32::MAX, 0, b""), String::new());
    }
}

fn properties(say: Say<'_>) {
    let name = "probe_written";
    let status = unsafe { abi::proxy_set_property(name.as_ptr(), name.len(), b"w\xff".as_ptr(), 2) };
    say("set_property", status, String::new());
    for path in PROPERTIES {
        let wire = path.replace('/', "\0");
        let (status, value) = abi::take(|p, len| unsafe { abi::proxy_get_property(wire.as_ptr(), wire.len(), p, len) });
        say(&format!("get_property {path}"), status, show(&value));
    }
    let mut len = 0;
    let status = unsafe { abi::proxy_get_property(b"plugin_name".as_ptr(), 11, NOWHERE.cast(), &mut len) };
    say("get_property pointer nowhere", status, String::new());
    let status = unsafe { abi::proxy_get_property(NOWHERE, 40, NOWHERE.cast(), &mut len) };
    say("get_property path nowhere", status, String::new());
}

fn general(say: Say<'_>) {
    let plain = |call: &str, status: u32| say(call, status, String::new());
    unsafe {
        plain("log level 6", abi::proxy_log(6, b"x".as_ptr(), 1));
        plain("log from nowhere", abi::proxy_log(2, NOWHERE, 64));
        let mut level = 9;
        let status = abi::proxy_get_log_level(&mut level);
        say("get_log_level", status, level.to_string());
        plain("get_log_level nowhere", abi::proxy_get_log_level(NOWHERE.cast()));
        plain("get_time nowhere", abi::proxy_get_current_time_nanoseconds(NOWHERE.cast()));
        plain("tick period", abi::proxy_set_tick_period_milliseconds(0));
        plain("effective context 9999", abi::proxy_set_effective_context(9999));
        plain("effective context 1", abi::proxy_set_effective_context(1));
        let (status, value) = abi::get_header(0, "x-dup");
        say("in context 1 get_header", status, show(&value));
        let (status, value) = abi::get_buffer(0, 0, 9);
        say("in context 1 get_buffer", status, show(&value));
        plain("effective context 0", abi::proxy_set_effective_context(0));
        plain("done", abi::proxy_done());
        plain("continue 3", abi::proxy_continue_stream(3));
        plain("continue 4", abi::proxy_continue_stream(4));
        plain("close 4", abi::proxy_close_stream(4));
        let mut code = 9;
        let (status, text) = abi::take(|p, len| abi::proxy_get_status(&mut code, p, len));
        say("get_status", status, format!("{code} {}", show(&text)));
        for name in ["no_such_function", "clear_route_cache"] {
            let (status, bytes) =
                abi::take(|p, len| abi::proxy_call_foreign_function(name.as_ptr(), name.len(), NOWHERE, 0, p, len));
            say(&format!("foreign {name}"), status, show(&bytes));
        }
        for (cluster, headers) in [
            ("no_such_cluster", abi::pairs(&[(":method", "GET"), (":path", "/"), (":authority", "a")])),
            ("upstream", abi::pairs(&[(":method", "GET"), (":path", "/")])),
            ("upstream", b"\xff\xff\xff\xff".to_vec()),
        ] {
            let mut token = 9;
            let status = abi::proxy_http_call(
                cluster.as_ptr(),
                cluster.len(),
                headers.as_ptr(),
                headers.len(),
                b"".as_ptr(),
                0,
                b"".as_ptr(),
                0,
                100,
                &mut token,
            );
            say(&format!("http_call {cluster}"), status, token.to_string());
        }
        let mut out = 9;
        plain("fd_write 3", abi::fd_write(3, [[0, 0]].as_ptr(), 1, &mut out));
        plain("fd_write nowhere", abi::fd_write(1, [[NOWHERE as usize, 64]].as_ptr(), 1, &mut out));
        plain("fd_write iovs nowhere", abi::fd_write(1, NOWHERE as *const [usize; 2], 1, &mut out));
        let mut time = 0;
        for clock in [0, 1, 2, 9] {
            plain(&format!("clock {clock}"), abi::clock_time_get(clock, 1, &mut time));
        }
        plain("clock nowhere", abi::clock_time_get(0, 1, NOWHERE.cast()));
        let mut bytes = vec![0; 70_000];
        plain("random 64 KiB", abi::random_get(bytes.as_mut_ptr(), 65_536));
        plain("random over 64 KiB", abi::random_get(bytes.as_mut_ptr(), 65_537));
        plain("random nowhere", abi::random_get(NOWHERE, 64));
        let (mut count, mut size) = (9, 9);
        let status = abi::args_sizes_get(&mut count, &mut size);
        say("args", status, format!("{count} {size}"));
    }
}

fn shared(say: Say<'_>, case: &str) {
    let plain = |call: &str, status: u32| say(call, status, String::new());
    let key = format!("{case} key");
    let get = |key: &str| {
        let mut cas = 0;
        let (status, value) =
            abi::take(|p, len| unsafe { abi::proxy_get_shared_data(key.as_ptr(), key.len(), p, len, &mut cas) });
        (status, value, cas)
    };
    let set = |key: &str, value: &[u8], cas| unsafe {
        abi::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas)
    };
    plain("shared get missing", get("no such key").0);
    plain("shared set", set(&key, b"one", 0));
    let (status, value, cas) = get(&key);
    say("shared get", status, show(&value));
    plain("shared set, wrong cas", set(&key, b"two", cas.wrapping_add(5000)));
    plain("shared set, right cas", set(&key, b"three", cas));
    plain("shared set, old cas", set(&key, b"four", cas));
    say("shared get", get(&key).0, show(&get(&key).1));
    plain("shared set empty", set(&key, b"", 0));
    say("shared get empty", get(&key).0, show(&get(&key).1));
    plain("shared set missing with cas", set(&format!("{case} fresh {cas}"), b"x", 77));
    unsafe {
        let mut cas = 0;
        plain("shared get nowhere", abi::proxy_get_shared_data(NOWHERE, 64, NOWHERE.cast(), NOWHERE.cast(), &mut cas));
        plain("shared set nowhere", abi::proxy_set_shared_data(key.as_ptr(), key.len(), NOWHERE, 64, 0));
        let mut token = 0;
        plain("queue register", abi::proxy_register_shared_queue(key.as_ptr(), key.len(), &mut token));
        let mut again = 0;
        let status = abi::proxy_register_shared_queue(key.as_ptr(), key.len(), &mut again);
        say("queue register again", status, (token == again).to_string());
        let status = abi::proxy_resolve_shared_queue(b"".as_ptr(), 0, key.as_ptr(), key.len(), &mut again);
        say("queue resolve", status, (token == again).to_string());
        plain("queue resolve missing", abi::proxy_resolve_shared_queue(b"".as_ptr(), 0, b"no".as_ptr(), 2, &mut again));
        plain("queue dequeue empty", abi::take(|p, len| abi::proxy_dequeue_shared_queue(token, p, len)).0);
        plain("queue enqueue", abi::proxy_enqueue_shared_queue(token, b"item".as_ptr(), 4));
        let (status, item) = abi::take(|p, len| abi::proxy_dequeue_shared_queue(token, p, len));
        say("queue dequeue", status, show(&item));
        plain("queue enqueue missing", abi::proxy_enqueue_shared_queue(9999, b"item".as_ptr(), 4));
        plain("queue dequeue missing", abi::take(|p, len| abi::proxy_dequeue_shared_queue(9999, p, len)).0);
    }
}

fn metrics(say: Say<'_>) {
    for (kind, name) in
        [(0, "probe_counter"), (0, "probe_counter"), (1, "probe_gauge"), (2, "probe_histogram"), (3, "x")]
    {
        let mut id = 0;
        let status = unsafe { abi::proxy_define_metric(kind, name.as_ptr(), name.len(), &mut id) };
        say(&format!("define {kind} {name}"), status, format!("id & 3 = {}", id & 3));
        if status != 0 {
            continue;
        }
        for by in [0, -1, i64::MIN, 3] {
            let status = unsafe { abi::proxy_increment_metric(id, by) };
            say(&format!("increment {name} {by}"), status, String::new());
        }
        let read = || {
            let mut value = 0;
            let status = unsafe { abi::proxy_get_metric(id, &mut value) };
            (status, value)
        };
        let before = read().1;
        let status = unsafe { abi::proxy_record_metric(id, 5) };
        let (got, after) = read();
        let change = if kind == 1 { after } else { after.wrapping_sub(before) };
        say(&format!("record {name}"), status, format!("then get {got}, {change}"));
        if kind == 1 {
            unsafe { abi::proxy_increment_metric(id, -7) };
            say("gauge below zero", read().0, read().1.to_string());
            unsafe { abi::proxy_record_metric(id, 0) };
        }
        say(&format!("get {name} nowhere"), unsafe { abi::proxy_get_metric(id, NOWHERE.cast()) }, String::new());
    }
    for id in [4000, 4001, 4002, 4003] {
        unsafe {
            let mut value = 0;
            let statuses = [
                abi::proxy_increment_metric(id, 1),
                abi::proxy_record_metric(id, 1),
                abi::proxy_get_metric(id, &mut value),
            ];
            say(&format!("metric {id}: increment, record, get"), statuses[0], format!("{statuses:?}"));
        }
    }
}

/// Changes header maps and shows what became of them.
pub fn edit(case: &str, callback: &str) {
    let say = |call: String, status: u32| abi::log(&format!("{case} {callback} {call} -> {status}"));
    for map in [0, 2] {
        let show = |step: &str| {
            let (status, value) = abi::get_pairs(map);
            say(format!("map {map} {step} {}", show_pairs(&value)), status);
        };
        say(format!("add {map} x-dup"), abi::add_header(map, "X-Dup", b"three"));
        say(format!("add {map} accept"), abi::add_header(map, "accept", b"text/x-probe"));
        say(format!("add {map} bytes"), abi::add_header(map, "x-bytes", b"\xff\xfe"));
        say(format!("add {map} pseudo"), abi::add_header(map, ":probe", b"p"));
        show("after add");
        say(format!("replace {map} x-dup"), abi::replace_header(map, "x-DUP", b"only"));
        say(format!("replace {map} new"), abi::replace_header(map, "x-new", b"n"));
        show("after replace");
        say(format!("remove {map} x-bytes"), abi::remove_header(map, "X-Bytes"));
        say(format!("remove {map} pseudo"), abi::remove_header(map, ":probe"));
        show("after remove");
        let (_, all) = abi::get_pairs(map);
        say(format!("set pairs {map}"), unsafe { abi::proxy_set_header_map_pairs(map, all.as_ptr(), all.len()) });
        show("after set");
    }
    let two = abi::pairs(&[("x-one", "1"), ("X-Two", "2")]);
    for map in [1, 3, 4, 6, 8] {
        let status = unsafe { abi::proxy_set_header_map_pairs(map, two.as_ptr(), two.len() * usize::from(map > 3)) };
        say(format!("set pairs {map}"), status);
    }
}
