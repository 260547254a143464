//! A server that never compares the mirrored headers of a modern request with its body (SEP-2243): before the SDK, which
//! compares them, sees the headers, they are made to agree.

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::Value;

/// The request with the mirrored headers that its body asks for; nothing where the body cannot be had.
pub(crate) async fn mirrored(request: Request<Incoming>) -> Option<Request<Full<Bytes>>> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    if let Ok(message) = serde_json::from_slice::<Value>(&body) {
        mirror(&mut parts.headers, &message);
    }
    Some(Request::from_parts(parts, Full::new(body)))
}

fn mirror(headers: &mut HeaderMap, message: &Value) {
    let params = &message["params"];
    let Some(version) = params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str() else {
        return;
    };
    let name = ["name", "uri", "taskId"].into_iter().find_map(|key| params[key].as_str());
    let mirrored = [
        ("mcp-protocol-version", Some(version)),
        ("mcp-method", message["method"].as_str()),
        ("mcp-name", name),
        ("mcp-param-region", params["arguments"]["region"].as_str()),
    ];
    for (header, value) in mirrored {
        let header = HeaderName::from_static(header);
        match value.and_then(|it| HeaderValue::from_str(it).ok()) {
            Some(value) => drop(headers.insert(header, value)),
            None => drop(headers.remove(header)),
        }
    }
}
