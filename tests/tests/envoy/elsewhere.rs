//! Answers that would send the client to another server, past the proxy.

use tidegate_tests::site::Site;

use super::{call, scripted};

/// A response without body with these fields, which are whole lines.
fn fielded(status: u16, fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\n{fields}content-length: 0\r\n\r\n").into_bytes()
}

/// Clients follow redirects, with their body and their token, past the proxy.
#[test]
fn no_answer_sends_the_client_past_the_proxy() {
    scripted(Site::Main, async |mut case, _| {
        for (status, location) in [301, 302, 303, 307, 308, 201, 200].into_iter().flat_map(|status| {
            [
                "https://evil.example/mcp",
                "http://evil.example",
                "//evil.example/mcp",
                "///evil.example/mcp",
                "/\\evil.example/mcp",
                "\\\\evil.example/mcp",
                "https:evil.example",
                "https:/evil.example",
                "http://localhost@evil.example/mcp",
                "http://localhost:1@evil.example/",
                "http://localhost.evil.example/mcp",
                "HTTPS://EVIL.EXAMPLE/mcp",
                "\thttps://evil.example/mcp",
                "javascript:evil.example",
            ]
            .map(|location| (status, location))
        }) {
            for request in [case.post(call("1", &case.tool("get"))), case.get()] {
                let fields = format!("content-type: application/json\r\nlocation: {location}\r\n");
                let answer = case.answered(request, fielded(status, &fields)).await;
                let head = String::from_utf8_lossy(&answer.head.raw).to_ascii_lowercase();
                assert!(!head.contains("evil.example"), "{status} {location}: {head}");
            }
        }
        // Nor to a path that is not governed, nor twice.
        let request = case.post(call("1", &case.tool("get")));
        let two = format!("location: {}\r\nlocation: https://evil.example/\r\n", case.path());
        for fields in [two, "location: /elsewhere/evil.example\r\n".to_owned()] {
            let answer = case.answered(request.clone(), fielded(307, &fields)).await;
            let head = String::from_utf8_lossy(&answer.head.raw).into_owned();
            assert!(!head.contains("evil.example"), "{fields}: {head}");
        }
        // Where it stays it may go on.
        let location = format!("{}/x", case.path());
        let answer = case.answered(request, fielded(307, &format!("location: {location}\r\n"))).await;
        assert_eq!((answer.status, answer.head.get("location")), (307, Some(location.as_str())), "{:?}", answer.head);
    });
}

/// An OAuth client would log in where it is told to.
#[test]
fn no_answer_names_resource_metadata_elsewhere() {
    scripted(Site::Main, async |mut case, _| {
        for challenge in [
            "Bearer resource_metadata=\"https://evil.example/.well-known/oauth-protected-resource\"",
            "Bearer error=\"x\", resource_metadata=https://evil.example/",
            "Basic realm=\"x\", bearer Resource_Metadata = \"https://evil.example/\"",
        ] {
            let request = case.post(call("1", &case.tool("get")));
            let fields = format!("www-authenticate: {challenge}\r\n");
            let answer = case.answered(request, fielded(401, &fields)).await;
            assert_eq!(answer.status, 401, "{challenge}: {answer}");
            assert!(!String::from_utf8_lossy(&answer.head.raw).contains("evil.example"), "{:?}", answer.head);
        }
    });
}
