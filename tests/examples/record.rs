//! Records `tests/captures/`: real SDK clients of both eras against the real sample servers, through a plain recording
//! proxy. No Tidegate anywhere: this is the traffic as it is without it.
//!
//! ```console
//! $ cargo run -p tidegate-tests --example record
//! ```
//!
//! What names this machine, and the signatures of tokens, are scrubbed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool of ours: it fails by panicking"
)]

#[path = "../tests/sdk/python.rs"]
mod python;
#[path = "../tests/sdk/typescript.rs"]
mod typescript;

use std::convert::Infallible;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tidegate::capture::{self, Annotation, HarWriter, Truncated};
use tidegate::sample::{Client, Era, Issuer, Server};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const HOST: &str = "mcp.example.com";

/// What every client calls, on the billing server: the replayed policy allows, refuses and hides; the last is an error
/// of the server's own.
const CALLS: [(&str, &str); 6] = [
    ("get_customer", r#"{"customer_id":"cus_1042"}"#),
    ("issue_refund", r#"{"invoice_id":"inv_2207","amount":40}"#),
    ("delete_customer", r#"{"customer_id":"cus_1042"}"#),
    ("get_payment_credentials", "{}"),
    ("search_invoices", r#"{"state":"open"}"#),
    ("get_weather", "{}"),
];

#[tokio::main]
async fn main() {
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let proxy = Proxy::start(server.address()).await;
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    let token = issuer.sign(&json!({
        "iss": "https://idp.example.com", "aud": "https://mcp.example.com", "sub": "ada", "team": "finance",
        "groups": ["leads", "sre"], "exp": 4_102_444_800_u64,
    }));

    for era in Era::ALL {
        with_rmcp(&proxy, &token, era).await;
        proxy.save(&format!("rmcp-{era}.jsonl"), &token).await;
    }
    let clients: [(&str, Program, Value); 6] = [
        ("python-1.30-legacy.jsonl", || python::command("1.30.0", "client_v1.py"), json!("")),
        ("python-2.3-legacy.jsonl", || python::command("2.3.0", "client_v2.py"), json!("legacy")),
        ("python-2.3-modern.jsonl", || python::command("2.3.0", "client_v2.py"), json!("auto")),
        ("typescript-1-legacy.jsonl", || typescript::command("client_v1.js"), json!("")),
        ("typescript-2-legacy.jsonl", || typescript::command("client_v2.js"), json!("legacy")),
        ("typescript-2-modern.jsonl", || typescript::command("client_v2.js"), json!({"pin": "2026-07-28"})),
    ];
    for (name, command, mode) in clients {
        let url = format!("http://{}/mcp/billing", proxy.address);
        let bearer = token.clone();
        tokio::task::spawn_blocking(move || with_program(command(), &mode, &url, &bearer)).await.unwrap();
        proxy.save(name, &token).await;
    }
    errors(&proxy, &token).await;
    proxy.save("errors.jsonl", &token).await;
    as_har("python-2.3-modern.jsonl");
}

async fn with_rmcp(proxy: &Proxy, token: &str, era: Era) {
    let url = |server: &str| format!("http://{}/mcp/{server}", proxy.address);
    let client = Client::connect(&url("billing"), Some(token), era).await.unwrap();
    client.list_tools().await.unwrap();
    for (tool, arguments) in CALLS {
        client.call(tool, serde_json::from_str(arguments).unwrap()).await;
    }
    client.close().await;
    let client = Client::connect(&url("platform"), Some(token), era).await.unwrap();
    // The list tells a modern client which arguments to mirror in headers.
    client.list_tools().await.unwrap();
    // Reports progress before it answers.
    let arguments = json!({"service": "checkout", "environment": "staging"});
    client.call("restart_deployment", arguments.as_object().unwrap().clone()).await;
    client.close().await;
}

/// Makes the command of a program of `tests/sdk`, installing its SDK where need be.
type Program = fn() -> Command;

/// A walk with one of the programs of `tests/sdk`.
fn with_program(mut command: Command, mode: &Value, url: &str, token: &str) {
    let mut steps: Vec<Value> = CALLS
        .iter()
        .map(|(tool, arguments)| json!({"tool": tool, "arguments": serde_json::from_str::<Value>(arguments).unwrap()}))
        .collect();
    steps.push(json!({"resource": "file:///etc/passwd"}));
    let walk = json!({"url": url, "token": token, "mode": mode, "steps": steps}).to_string();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(walk.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("\"end\""), "{output:?}");
}

/// What no SDK client sends, or not for long.
async fn errors(proxy: &Proxy, token: &str) {
    let rpc = |body: &str| body.to_owned();
    let ping = rpc(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    for (method, path, session, body) in [
        ("POST", "/mcp/billing", Some("gone"), ping.clone()),
        ("POST", "/mcp/billing", None, rpc(r#"{"jsonrpc":"2.0","id":1,"#)),
        ("POST", "/mcp/billing", None, rpc(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#)),
        ("POST", "/mcp/billing", Some("gone"), rpc(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#)),
        ("GET", "/mcp/billing", Some("gone"), String::new()),
        ("PUT", "/mcp/billing", None, ping.clone()),
        ("POST", "/mcp/warehouse", None, ping),
        ("GET", "/.well-known/oauth-protected-resource/mcp/billing", None, String::new()),
    ] {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST)
            .header("accept", if method == "GET" { "text/event-stream" } else { "application/json, text/event-stream" })
            .header("authorization", format!("Bearer {token}"));
        if let Some(session) = session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json").header("content-length", body.len());
        }
        let response = send(proxy.address, request.body(Full::new(Bytes::from(body))).unwrap()).await;
        response.into_body().collect().await.unwrap();
    }
}

/// The same exchanges as HAR.
fn as_har(name: &str) {
    let path = captures().join(name);
    let mut har = HarWriter::create(&path.with_extension("har")).unwrap();
    for exchange in capture::open(&path, Truncated::Refuse).unwrap() {
        let exchange = exchange.unwrap();
        har.add(&exchange, exchange.at.unwrap(), &Annotation::new()).unwrap();
    }
    har.finish().unwrap();
    fs::remove_file(path).unwrap();
}

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// A reverse proxy that remembers everything.
struct Proxy {
    address: SocketAddr,
    log: Arc<Log>,
}

struct Log {
    exchanges: Mutex<Vec<Recorded>>,
    /// Requests that are not over.
    open: watch::Sender<usize>,
}

struct Recorded {
    time: String,
    method: String,
    path: String,
    headers: Vec<Value>,
    body: Vec<u8>,
    response: Option<(u16, Vec<Value>)>,
    chunks: Vec<Bytes>,
}

impl Proxy {
    async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log { exchanges: Mutex::default(), open: watch::Sender::new(0) });
        let shared = log.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let log = shared.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let log = log.clone();
                        async move { Ok::<_, Infallible>(forward(upstream, request, log).await) }
                    });
                    // A client that leaves in the middle is what is to be recorded as well.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, log }
    }

    /// Writes what was recorded since the last time, once all of it is over.
    async fn save(&self, name: &str, token: &str) {
        self.log.open.subscribe().wait_for(|open| *open == 0).await.unwrap();
        let exchanges = std::mem::take(&mut *self.log.exchanges.lock().unwrap());
        let text: String = exchanges.iter().map(|exchange| format!("{}\n", exchange.line())).collect();
        let (claims, signature) = token.rsplit_once('.').unwrap();
        let text = text
            .replace(&format!("{claims}.{signature}"), &format!("{claims}.c2NydWJiZWQ"))
            .replace(&self.address.to_string(), HOST);
        assert!(!text.contains(signature) && !text.contains("127.0.0.1"), "{name} is not scrubbed");
        println!("{name}: {} exchanges, {} bytes", exchanges.len(), text.len());
        fs::write(captures().join(name), text).unwrap();
    }
}

impl Recorded {
    fn line(&self) -> Value {
        let text = |body: &[u8]| String::from_utf8(body.to_vec()).expect("bodies of MCP are text");
        let mut line = json!({
            "time": self.time,
            "request": {"method": self.method, "url": format!("http://{HOST}{}", self.path), "headers": self.headers},
        });
        if !self.body.is_empty() {
            line["request"]["body"] = json!(text(&self.body));
        }
        if let Some((status, headers)) = &self.response {
            line["response"] = json!({"status": status, "headers": headers});
            if !self.chunks.is_empty() {
                line["response"]["body"] = json!(text(&self.chunks.concat()));
                line["response"]["chunks"] = self.chunks.iter().map(Bytes::len).collect();
            }
        }
        line
    }
}

fn fields(headers: &HeaderMap) -> Vec<Value> {
    headers.iter().map(|(name, value)| json!({"name": name.as_str(), "value": value.to_str().unwrap()})).collect()
}

async fn forward(upstream: SocketAddr, request: Request<Incoming>, log: Arc<Log>) -> Response<Tee> {
    let (parts, body) = request.into_parts();
    let at = {
        let mut exchanges = log.exchanges.lock().unwrap();
        exchanges.push(Recorded {
            time: OffsetDateTime::now_utc().format(&Rfc3339).unwrap(),
            method: parts.method.to_string(),
            path: parts.uri.path_and_query().unwrap().to_string(),
            headers: fields(&parts.headers),
            body: Vec::new(),
            response: None,
            chunks: Vec::new(),
        });
        exchanges.len() - 1
    };
    log.open.send_modify(|open| *open += 1);
    let guard = Open { log: log.clone(), at };
    let body = body.collect().await.unwrap().to_bytes();
    guard.record(|exchange| exchange.body = body.to_vec());
    let response = send(upstream, Request::from_parts(parts, Full::new(body))).await;
    let (parts, body) = response.into_parts();
    guard.record(|exchange| exchange.response = Some((parts.status.as_u16(), fields(&parts.headers))));
    Response::from_parts(parts, Tee { body, guard })
}

async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

/// An exchange that is not over.
struct Open {
    log: Arc<Log>,
    at: usize,
}

impl Open {
    fn record(&self, f: impl FnOnce(&mut Recorded)) {
        f(self.log.exchanges.lock().unwrap().get_mut(self.at).unwrap());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.log.open.send_modify(|open| *open -= 1);
    }
}

/// A body on its way to the client, and into the record.
struct Tee {
    body: Incoming,
    guard: Open,
}

impl Body for Tee {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.guard.record(|exchange| exchange.chunks.push(data.clone()));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
