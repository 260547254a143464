//! Traffic whose outcome depends on what the filter does with it.

use super::script::Script;

const TEN: &[&[u8]] = &[b"01234", b"56789"];

fn post(plugin: &'static str, name: &str, probe: &str) -> Script {
    Script::new(plugin, name).post(probe, Some(10), TEN)
}

fn chunked(plugin: &'static str, name: &str, probe: &str) -> Script {
    Script::new(plugin, name).post(probe, None, TEN)
}

fn both_ways(plugin: &'static str, name: &str, probe: &str) -> Vec<Script> {
    let script = |script: Script| script.post(probe, None, TEN).answer(None, &[b"abc", b"def", b"ghi"]);
    vec![script(Script::new(plugin, name)), script(Script::new(plugin, name).http2())]
}

fn trailers(plugin: &'static str, name: &str, probe: &str) -> Script {
    Script::new(plugin, name)
        .http2()
        .request("POST", probe, &[], None, false)
        .request_body(b"01234", false)
        .request_body(b"56789", false)
        .request_trailers()
        .response(200, None, false)
        .response_body(b"abc", false)
        .response_body(b"def", false)
        .response_trailers()
}

/// Local replies in every phase, also of a stream whose headers are held.
pub(crate) fn local_replies() -> Vec<Script> {
    let shown = "sh:headers;sb:show;log:headers";
    let with = |probe: &str| format!("{probe};{shown}");
    vec![
        Script::new("plain", "reply-request-headers")
            .request("POST", &with("qh:reply"), &[], Some(10), false)
            .request_body(b"0123456789", true),
        Script::new("plain", "reply-bare").request("GET", &with("qh:reply"), &[], None, true),
        Script::new("plain", "reply-bare").http2().request("GET", &with("qh:reply"), &[], None, true),
        Script::new("plain", "reply-head").request("HEAD", &with("qh:reply"), &[], None, true),
        Script::new("plain", "reply-empty").request("GET", &with("qh:reply_empty"), &[], None, true),
        Script::new("plain", "reply-replied").request("GET", &with("qh:reply;sh:reply_empty"), &[], None, true),
        Script::new("plain", "reply-twice").request("GET", &with("qh:reply;qh:reply_empty"), &[], None, true),
        post("plain", "reply-request-body", &with("qb:reply_end")),
        post("hold", "reply-held-request-body", &with("qh:pause;qb:reply_end")),
        trailers("plain", "reply-request-trailers", &with("qb:pause;qt:reply")),
        trailers("hold", "reply-held-request-trailers", &with("qh:pause;qb:pause;qt:reply")),
        post("plain", "reply-response-headers", &with("sh:reply")).answer(Some(2), &[b"ok"]),
        post("plain", "reply-response-body", &with("sb:reply_end")).answer(Some(4), &[b"ab", b"cd"]),
        post("hold", "reply-held-response-body", &with("sh:pause;sb:reply_end")).answer(Some(4), &[b"ab", b"cd"]),
        trailers("hold", "reply-held-response-trailers", &with("sh:pause;sb:pause;st:reply")),
        trailers("plain", "reply-response-trailers", &with("sb:pause;st:reply")),
    ]
}

/// Pause, its release, and everything else a callback can return.
pub(crate) fn holding_back() -> Vec<Script> {
    let mut scripts = vec![
        post("plain", "pause-headers", "qh:pause"),
        Script::new("plain", "pause-bare-headers").request("GET", "qh:pause", &[], None, true),
        Script::new("hold", "pause-held-bare-headers").request("GET", "qh:pause", &[], None, true),
        post("plain", "pause-response-headers", "sh:pause;sb:show").answer(Some(4), &[b"ab", b"cd"]),
        chunked("plain", "continue-in-headers", "qh:continue;qb:show"),
        chunked("plain", "continue-in-body", "qb:show;qb:continue").answer(Some(2), &[b"ok"]),
        chunked("hold", "continue-held-in-body", "qh:pause;qb:show;qb:continue").answer(Some(2), &[b"ok"]),
        post("plain", "close-request", "qb:close"),
        post("plain", "close-response", "sb:close").answer(Some(4), &[b"ab", b"cd"]),
        post("hold", "close-held-response", "sh:pause;sb:close").answer(Some(4), &[b"ab", b"cd"]),
    ];
    for (name, probe) in [
        ("hold-bodies", "qb:show;qb:hold;sb:show;sb:hold"),
        ("replace-bodies", "qb:replace=new request;sb:replace=new response"),
        ("replace-chunks", "qb:each=<>;sb:each=<>"),
        ("empty-chunks", "qb:each=;sb:each="),
        ("drain", "qb:drain;sb:drain"),
        ("swallow", "qb:swallow;sb:swallow"),
        ("grow", "qb:grow=7;sb:grow=9"),
        ("make-trailers", "qb:make_trailers;sb:make_trailers"),
        ("hold-and-make-trailers", "qb:hold;qb:make_trailers;sb:hold;sb:make_trailers"),
    ] {
        scripts.extend(both_ways("plain", name, probe));
        let held = format!("qh:pause;sh:pause;{probe}");
        scripts.extend(both_ways("hold", &format!("{name}-held"), &held));
    }
    for (name, probe) in [
        ("no-trailers-callback", "qb:pause;sb:pause"),
        ("trailers-show", "qb:pause;qt:show;sb:pause;st:show"),
        ("trailers-pause", "qb:pause;qt:pause"),
        ("trailers-replace", "qb:pause;qt:each=request;sb:pause;st:each=response"),
        ("trailers-drain", "qb:drain;qt:drain;sb:drain;st:drain"),
        ("trailers-swallow", "qb:swallow;qt:show;qt:each=lost;sb:swallow;st:show"),
    ] {
        scripts.push(trailers("plain", name, probe));
        scripts.push(trailers("hold", &format!("{name}-held"), &format!("qh:pause;sh:pause;{probe}")));
    }
    for status in ["2", "4", "77"] {
        scripts.push(chunked("hold", &format!("headers-return-{status}"), &format!("qh:return={status};qb:show")));
    }
    for status in ["3", "77"] {
        scripts.push(chunked("plain", &format!("body-return-{status}"), &format!("qb:return={status}")));
    }
    scripts
}

/// Bodies over the buffer limit, with every way of not hitting it.
pub(crate) fn limits() -> Vec<Script> {
    let part = vec![b'p'; 10_000];
    let parts: Vec<&[u8]> = vec![&part; 3];
    let up =
        |plugin, name: &str, probe: &str| Script::new(plugin, name).post(probe, None, &parts).answer(Some(2), &[b"ok"]);
    let down = |plugin, name: &str, probe: &str| {
        Script::new(plugin, name).request("GET", probe, &[], None, true).answer(None, &parts)
    };
    vec![
        up("plain_limit", "request-over-limit", "qb:hold"),
        up("hold_limit", "held-request-over-limit", "qh:pause;qb:hold"),
        up("plain_limit", "request-passes", "qb:show"),
        up("plain_limit", "request-swallowed", "qb:swallow"),
        up("plain_limit", "request-drained", "qb:drain"),
        up("hold_limit", "held-request-drained", "qh:pause;qb:drain"),
        up("plain_limit", "request-grows-over-limit", "qb:hold;qb:grow=20000"),
        down("plain_limit", "response-over-limit", "sb:hold"),
        down("hold_limit", "held-response-over-limit", "sh:pause;sb:hold"),
        down("plain_limit", "response-passes", "sb:show"),
        down("plain_limit", "response-swallowed", "sb:swallow"),
        down("plain_limit", "response-drained", "sb:drain"),
        down("hold_limit", "held-response-drained", "sh:pause;sb:drain"),
    ]
}

/// Content-length, early answers, and peers that leave.
pub(crate) fn peers() -> Vec<Script> {
    let sse: &[&[u8]] = &[b"data: 1\n\n", b"data: 2\n\n"];
    vec![
        post("plain", "length-removed", "qh:no_length;qb:replace=short;sh:no_length;sb:replace=short")
            .answer(Some(10), TEN),
        post("hold", "length-set-late", "qh:pause;qb:length=5;qb:replace=short;sh:pause;sb:length=5;sb:replace=short")
            .answer(Some(10), TEN),
        Script::new("plain", "events").request("GET", "sb:show", &[], None, true).answer(None, sse),
        Script::new("plain", "early-answer")
            .request("POST", "qb:hold;sh:headers", &[], None, false)
            .request_body(b"01234", false)
            .response(400, Some(4), false)
            .response_body(b"soon", true)
            .request_body(b"56789", true),
        Script::new("plain", "early-answer-paused")
            .request("POST", "qb:hold;sh:pause", &[], None, false)
            .request_body(b"01234", false)
            .response(400, Some(4), false)
            .response_body(b"soon", true),
        Script::new("plain", "early-headers")
            .request("POST", "qb:show;qb:hold;sh:headers", &[], None, false)
            .request_body(b"01234", false)
            .response(200, None, false)
            .request_body(b"56789", true)
            .response_body(b"done", true),
        Script::new("plain", "reply-after-early-headers")
            .request("POST", "qb:reply_end;sh:headers", &[], None, false)
            .request_body(b"01234", false)
            .response(200, None, false)
            .request_body(b"56789", true),
        Script::new("hold", "reply-after-early-held-headers")
            .request("POST", "qb:reply_end;sh:pause", &[], None, false)
            .request_body(b"01234", false)
            .response(200, None, false)
            .request_body(b"56789", true),
        Script::new("plain", "client-leaves-early")
            .request("POST", "qb:hold", &[], None, false)
            .request_body(b"01234", false)
            .client_gone(),
        Script::new("plain", "client-leaves-late")
            .request("GET", "sb:show", &[], None, true)
            .response(200, None, false)
            .response_body(b"data: 1\n\n", false)
            .client_gone(),
        Script::new("plain", "server-leaves-silently")
            .request("GET", "sh:headers;sb:show", &[], None, true)
            .server_gone(),
        Script::new("plain", "server-leaves-late")
            .request("GET", "sh:headers;sb:show", &[], None, true)
            .response(200, None, false)
            .response_body(b"data: 1\n\n", false)
            .server_gone(),
        Script::new("hold", "server-leaves-held")
            .request("GET", "sh:pause;sb:show;sb:hold", &[], None, true)
            .response(200, None, false)
            .response_body(b"data: 1\n\n", false)
            .server_gone(),
    ]
}
