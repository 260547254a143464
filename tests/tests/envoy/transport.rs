//! What is refused by the request's head alone, and what is taken out of it.

use base64_of::base64;
use serde_json::json;
use tidegate_tests::case::Case;
use tidegate_tests::rig::run;
use tidegate_tests::site::{Mode, Site};

use super::{call, executed, result, scripted};

#[test]
fn paths_with_two_readings_lead_nowhere() {
    for (path, reason) in [
        ("/MCP/{}", "server_unknown"),
        ("/mcpx/{}", "server_unknown"),
        ("/other/{}", "server_unknown"),
        ("/%6dcp/{}", "path_refused"),
        ("/mcp;a/{}", "path_refused"),
        ("/mcp/{};a", "path_refused"),
        ("/mcp%2f{}", "path_refused"),
        ("/mcp%2F{}", "path_refused"),
        ("/mcp%5c{}", "path_refused"),
        ("/mcp\\{}", "path_refused"),
        ("//mcp/{}", "path_refused"),
        ("/mcp//{}", "path_refused"),
        ("/mcp/./{}", "path_refused"),
        ("/mcp/x/../{}", "path_refused"),
        ("/plain/../mcp/{}", "path_refused"),
        ("/mcp/%2e%2e/{}", "path_refused"),
        ("/mcp/{}/%zz", "path_refused"),
        ("/mcp/{}/%25", "path_refused"),
        ("/mcp/{}/\u{e9}", "path_refused"),
    ] {
        executed(Site::Main, async |case, _| {
            for method in ["POST", "GET", "DELETE"] {
                let body = if method == "POST" { call("1", &case.tool("get")) } else { String::new() };
                let path = path.replace("{}", &case.token);
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let response = case.send(request).await;
                // Bytes that are not ASCII, Envoy's own parser refuses.
                assert_eq!(response.status, 400, "{path}: {response}");
                if path.is_ascii() {
                    assert_eq!(response.reason().as_deref(), Some(reason), "{path}: {response}");
                }
            }
            if path.is_ascii() {
                case.refusal(reason).await;
            }
            assert_eq!(case.ledger().settled().await.len(), 0, "{path}");
        });
    }
}

#[test]
fn the_query_and_paths_below_a_server_are_governed_like_it() {
    executed(Site::Main, async |case, _| {
        for more in ["/", "/x", "?_method=GET", "/x?y=%2e%2e//;", "#fragment"] {
            let request = String::from_utf8(case.post(call("1", &case.tool("delete")))).unwrap();
            let request = request.replace(" HTTP/1.1", &format!("{more} HTTP/1.1"));
            let response = case.send(request).await;
            let refused = response.status == 400 || response.reason().as_deref() == Some("denied_by_rule");
            assert!(refused, "{more}: {response}");
        }
        case.assert_refused_before_server().await;
    });
}

#[test]
fn methods_other_than_post_get_and_delete_are_refused() {
    executed(Site::Main, async |case, _| {
        for method in ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "QUERY"] {
            let body = call("1", &case.tool("delete"));
            let request = String::from_utf8(case.post(body)).unwrap().replacen("POST", method, 1);
            let response = case.send(request).await;
            // Envoy's parser knows fewer methods than the filter refuses.
            assert!([405, 400].contains(&response.status), "{method}: {response}");
            if response.status == 405 {
                assert_eq!(response.head.get("allow"), Some("POST, GET, DELETE"));
                assert_eq!(response.reason().as_deref(), Some("transport_refused"));
            }
        }
        case.refusal("transport_refused").await;
        let mut client = case.connect().await;
        client.send(format!("HEAD {} HTTP/1.1\r\nhost: localhost\r\n\r\n", case.path())).await;
        assert_eq!(client.head().await.0.status, 405);
        case.assert_refused_before_server().await;
    });
}

#[test]
fn upgrades_and_tunnels_are_refused() {
    executed(Site::Main, async |case, _| {
        let path = case.path();
        for request in [
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"),
            format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
            ),
            format!("CONNECT localhost:80 HTTP/1.1\r\nhost: localhost:80\r\nx-case: {}\r\n\r\n", case.token),
        ] {
            let response = case.send(&request).await;
            assert!((400..500).contains(&response.status), "{request}: {response}");
        }
        assert_eq!(case.ledger().settled().await.len(), 0);
        // Envoy takes an offer of HTTP/2 out by itself, so that this is a plain GET.
        let offer = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA";
        case.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nmcp-session-id: s\r\n{offer}\r\n\r\n")).await;
        let visits = case.ledger().settled().await;
        assert!(visits.iter().all(|visit| !visit.head.has("upgrade")), "{visits:?}");
    });
}

#[test]
fn bodies_belong_to_posts() {
    executed(Site::Main, async |case, _| {
        for method in ["GET", "DELETE"] {
            let request = String::from_utf8(case.post(call("1", &case.tool("delete")))).unwrap();
            let response = case.send(request.replacen("POST", method, 1)).await;
            assert_eq!((response.status, response.reason().as_deref()), (400, Some("malformed")), "{response}");
        }
        let response = case.send(case.post("")).await;
        assert_eq!((response.status, response.reason().as_deref()), (400, Some("malformed")), "{response}");
        case.assert_refused_before_server().await;
    });
}

#[test]
fn cors_preflight_passes() {
    scripted(Site::Known, async |mut case, _| {
        let request = format!(
            "OPTIONS {} HTTP/1.1\r\nhost: localhost\r\norigin: https://a.example\r\naccess-control-request-method: POST\r\n\r\n",
            case.path()
        );
        let (visit, response) = case.round_trip_of(request.into_bytes(), "").await;
        assert_eq!((visit.head.line.split(' ').next(), response.status), (Some("OPTIONS"), 200));
    });
}

#[test]
fn control_headers_do_not_reach_the_server() {
    scripted(Site::Main, async |mut case, _| {
        let control = [
            "x-envoy-max-retries",
            "x-envoy-retry-on",
            "x-envoy-upstream-rq-timeout-ms",
            "x-envoy-original-path",
            "x-envoy-hedge-on-per-try-timeout",
            "X-Tidegate-Principal",
            "x-tidegate-x",
            "mcp-name",
            "Mcp-Method",
            "mcp-param-region",
            "accept-encoding",
        ];
        let fields: String = control.iter().map(|name| format!("{name}: 5\r\n{name}: 6\r\n")).collect();
        let fields = fields.replace("mcp-name: 6\r\n", "").replace("Mcp-Method: 6\r\n", "");
        let fields =
            format!("{fields}x-other: 1\r\nx-other: 2\r\nmcp-session-id: s\r\ncontent-type: application/json\r\n");
        let request = case.post_with(&fields, call("1", &case.tool("get")));
        let (visit, response) = case.round_trip_of(request, result("1")).await;
        assert_eq!(response.status, 200, "{response}");
        for name in control {
            assert!(!visit.head.has(&name.to_ascii_lowercase()), "{name}: {:?}", visit.head.fields);
        }
        assert_eq!(visit.head.get("mcp-session-id"), Some("s"));
        assert_eq!(visit.head.fields.iter().filter(|(name, _)| name == "x-other").count(), 2);
    });
}

#[test]
fn header_bytes_that_are_not_utf_8_kill_nothing() {
    executed(Site::Main, async |case, rig| {
        let names = [
            "x-any",
            "authorization",
            "mcp-session-id",
            "content-type",
            "mcp-protocol-version",
            "mcp-name",
            "mcp-method",
            "mcp-param-x",
            "last-event-id",
            "traceparent",
            "x-request-id",
            "origin",
            "user-agent",
            "accept",
            "cookie",
            "x-forwarded-for",
            "content-encoding",
            "x-tidegate-a",
            "x-envoy-a",
            "accept-encoding",
        ];
        for name in names {
            let good = if name == "content-type" { "" } else { "content-type: application/json\r\n" };
            let head = format!("POST {} HTTP/1.1\r\nhost: localhost\r\n{good}{name}: a", case.path());
            let body = call("1", &case.tool("get"));
            let request = [
                head.as_bytes(),
                b"\xffb\x80\r\ncontent-length: ",
                body.len().to_string().as_bytes(),
                b"\r\n\r\n",
                body.as_bytes(),
            ]
            .concat();
            let response = case.send(request).await;
            assert!([200, 400, 415].contains(&response.status), "{name}: {response}");
            let response = case
                .send([b"GET /mcp/\xff\xfe", case.token.as_bytes(), b" HTTP/1.1\r\nhost: a\r\n\r\n"].concat())
                .await;
            assert_eq!(response.status, 400, "{response}");
            rig.assert_no_trap().await;
        }
        case.fence().await;
    });
}

/// Modern requests whose headers agree with their body, and what is wrong with each that do not.
#[test]
fn mirrored_headers_agree_with_the_body() {
    let sentinel = |text: &str| format!("=?base64?{}?=", base64(text.as_bytes()));
    run(async |rig| {
        for mode in Mode::ALL {
            for (fields, version, agrees) in [
                ("V: 2026-07-28|M: tools/call|N: {}".to_owned(), "2026-07-28", true),
                (format!("V: 2026-07-28|M: tools/call|N: {}", sentinel("{}")), "2026-07-28", true),
                ("V: 2026-07-28|M: tools/call|N:  {}  |P: 1".to_owned(), "2026-07-28", true),
                ("V: 2027-01-01|M: tools/call|N: {}".to_owned(), "2027-01-01", true),
                ("V: 2027-01-01|M: tools/call|N: {}".to_owned(), "2026-07-28", false),
                ("V: 2026-07-28|M: tools/call|N: {}|P: 2".to_owned(), "2026-07-28", false),
                ("V: 2026-07-28|M: tools/call|N: {}|P: 1|P: 1".to_owned(), "2026-07-28", false),
                ("V: 2026-07-28|M: Tools/call|N: {}".to_owned(), "2026-07-28", false),
                ("V: 2026-07-28|M: tools/call|N: {}x".to_owned(), "2026-07-28", false),
                ("V: 2026-07-28|M: tools/call|N: =?base64?!!?=".to_owned(), "2026-07-28", false),
                ("V: 2026-07-28|M: tools/call|N: =?base64?/w==?=".to_owned(), "2026-07-28", false),
                ("V: 2026-07-28|N: {}".to_owned(), "2026-07-28", false),
                ("V: 2026-07-28|M: tools/call".to_owned(), "2026-07-28", false),
                ("M: tools/call|N: {}".to_owned(), "2026-07-28", false),
                ("V: 2025-11-25|M: tools/call|N: {}".to_owned(), "2026-07-28", false),
                ("V: 2025-11-25|M: tools/call|N: {}".to_owned(), "2025-11-25", false),
            ] {
                let mut case = Case::scripted(rig, Site::Main, mode);
                let tool = case.tool("get");
                let names = [
                    ("V:", "mcp-protocol-version:"),
                    ("M:", "mcp-method:"),
                    ("N:", "mcp-name:"),
                    ("P:", "mcp-param-n:"),
                ];
                let mut lines = String::new();
                for field in fields.split('|') {
                    let (_, name) = names.iter().find(|(short, _)| field.starts_with(short)).unwrap();
                    let plain = field[2..].replace("{}", &tool);
                    let value =
                        if field.contains("base64") && agrees { format!(" {}", sentinel(&tool)) } else { plain };
                    lines.push_str(&format!("{name}{value}\r\n"));
                }
                let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool,
                    "arguments": {"n": 1}, "_meta": {"io.modelcontextprotocol/protocolVersion": version}}});
                let request = case.post_with(&format!("content-type: application/json\r\n{lines}"), body.to_string());
                if agrees {
                    let (visit, response) = case.round_trip_of(request, result("1")).await;
                    assert_eq!(response.text(), result("1"), "{fields}");
                    assert!(visit.head.has("mcp-name"), "{fields}");
                    let event = case.audit("an allow", |event| event.text("verdict") == Some("allow")).await;
                    assert_eq!(event.text("era"), Some("modern"));
                } else {
                    let response = case.send(request).await;
                    assert_eq!(response.status, 400, "{fields}: {response}");
                    assert_eq!(response.json()["error"]["code"], -32020, "{fields}: {response}");
                    case.refusal("header_mismatch").await;
                }
            }
        }
        rig.assert_no_trap().await;
    });
}

/// A modern header over a legacy body is how some clients speak: legacy, but what is mirrored must agree.
#[test]
fn a_modern_header_over_a_legacy_body_is_legacy() {
    scripted(Site::Main, async |mut case, _| {
        let tool = case.tool("get");
        let fields =
            format!("content-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-name: {tool}\r\n");
        let request = case.post_with(&fields, call("1", &tool));
        let (_, response) = case.round_trip_of(request, result("1")).await;
        assert_eq!(response.text(), result("1"));
        let event = case.audit("an allow", |event| event.text("verdict") == Some("allow")).await;
        assert_eq!(event.text("era"), Some("legacy"));
    });
    executed(Site::Main, async |case, _| {
        let fields = "content-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-name: other\r\n";
        let response = case.send(case.post_with(fields, call("1", &case.tool("get")))).await;
        assert_eq!((response.status, response.reason().as_deref()), (400, Some("header_mismatch")), "{response}");
        case.assert_refused_before_server().await;
    });
}

mod base64_of {
    /// Standard base64 with padding (RFC 4648 section 4).
    pub(super) fn base64(bytes: &[u8]) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for group in bytes.chunks(3) {
            let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
            for at in 0..4 {
                let digit = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap();
                out.push(if at <= group.len() { char::from(alphabet[digit]) } else { '=' });
            }
        }
        out
    }
}
