//! The committed captures through real Envoy: what client and server get there is what a replay says they get.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::HeaderName;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tidegate::capture::{Exchange, header};
use tidegate::envoy::{Envoy, Options};
use tidegate::replay::{Replayed, Sent};
use tidegate_tests::site::Mode;
use tidegate_tests::{rig, within};
use tokio::net::{TcpListener, TcpStream};

use crate::captures::{captures, read};
use crate::stage::{replayer, settings};

/// Recorded tokens have no signature that Envoy could verify, so this policy is for everybody.
fn policy() -> Value {
    json!({
        "version": "tidegate/v1",
        "name": "compared",
        "identity": {"anonymous": "allow"},
        "servers": [
            {"name": "billing", "match": {"path": "/mcp/billing"}},
            {"name": "platform", "match": {"path": "/mcp/platform"}},
        ],
        "rules": [
            {"id": "reads", "allow": {"tools": ["get_*", "list_*", "restart_*"]}},
            {"id": "settings", "allow": {"tools": ["set_*"]}, "write": true},
            {"id": "no-credentials", "deny": {"tools": ["*credentials*"]}, "deny_style": "hide"},
        ],
        // Placeholders have a random key in each VM; what is masked is the same in all.
        "redaction": {"responses": "mask"},
    })
}

/// The server of one exchange after the other: it answers with what was recorded.
#[derive(Default)]
struct Script {
    answer: Option<Exchange>,
    /// The body of the last request that came to its end.
    asked: Option<Bytes>,
}

type Shared = Arc<Mutex<Script>>;

async fn serve(script: Shared) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let script = script.clone();
            let service = service_fn(move |request| answer(request, script.clone()));
            // Envoy cuts the request that it refuses in the middle.
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn answer(request: http::Request<Incoming>, script: Shared) -> hyper::Result<http::Response<Chunks>> {
    let body = request.into_body().collect().await?.to_bytes();
    let mut script = script.lock().unwrap();
    script.asked = Some(body);
    let recorded = script.answer.as_ref().unwrap().response.clone().unwrap();
    let mut response = http::Response::builder().status(recorded.status);
    for (name, value) in &recorded.headers {
        if name != "transfer-encoding" {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Chunks(recorded.chunks.into_iter().map(Bytes::from).collect())).unwrap())
}

/// A body in its recorded pieces.
struct Chunks(VecDeque<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the client of an exchange got.
#[derive(Debug, PartialEq)]
struct Got {
    status: u16,
    content_type: Option<String>,
    session: Option<String>,
    body: String,
}

async fn send(address: SocketAddr, exchange: &Exchange) -> Got {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let recorded = &exchange.request;
    let mut request = http::Request::builder().method(recorded.method.as_str()).uri(&recorded.target.path);
    request = request.header("host", &recorded.target.authority);
    for (name, value) in &recorded.headers {
        request = request.header(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    let response =
        sender.send_request(request.body(Full::new(Bytes::from(recorded.body.clone()))).unwrap()).await.unwrap();
    let own = |name: &str| response.headers().get(name).map(|it| it.to_str().unwrap().to_owned());
    let (status, content_type, session) = (response.status().as_u16(), own("content-type"), own("mcp-session-id"));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Got { status, content_type, session, body: without_decision(&String::from_utf8_lossy(&body)) }
}

fn of_replay(replayed: &Replayed) -> Got {
    let response = replayed.result.response.as_ref().unwrap();
    let own = |name: &str| header(&response.headers, name).map(str::to_owned);
    Got {
        status: response.status,
        content_type: own("content-type"),
        session: own("mcp-session-id"),
        body: without_decision(&String::from_utf8_lossy(&response.body())),
    }
}

/// The text without the ids of decisions, which no two runs share.
fn without_decision(text: &str) -> String {
    match text.split_once(r#""decision":""#) {
        Some((_, rest)) => text.replace(&rest[..16], "ID"),
        None => text.to_owned(),
    }
}

#[test]
fn envoy_gives_client_and_server_what_a_replay_says() {
    rig::alone(async {
        let (wasm, binary) = tokio::task::spawn_blocking(|| (rig::wasm(), rig::binary())).await.unwrap();
        let script = Shared::default();
        let upstream = serve(script.clone()).await;
        let [mut bootstrap, mut no_hold] =
            Mode::ALL.map(|mode| rig::named(&rig::rendering(&policy(), mode, upstream, &wasm), &format!("{mode:?}")));
        let listener: Value = no_hold["static_resources"]["listeners"][0].take();
        bootstrap["static_resources"]["listeners"].as_array_mut().unwrap().push(listener);
        let envoy =
            Envoy::start(&binary, bootstrap, &Options::default()).await.unwrap_or_else(|error| panic!("{error}"));
        let mut end = rig::end_with_us(envoy.pid());

        for mode in Mode::ALL {
            let address = envoy.listener(&format!("{mode:?}")).unwrap();
            let replayer = replayer(&policy().to_string(), settings(mode == Mode::Hold));
            let mut seen = [0, 0, 0];
            for (name, path) in captures() {
                for exchange in read(&path) {
                    let place = format!("{name}, {}, {mode:?}", exchange.place);
                    let replayed = replayer.replay(&exchange).unwrap_or_else(|error| panic!("{place}: {error}"));
                    *script.lock().unwrap() = Script { answer: Some(exchange.clone()), asked: None };
                    let got = within(&place, send(address, &exchange)).await;
                    assert_eq!(got, of_replay(&replayed), "{place}");
                    let asked = script.lock().unwrap().asked.clone();
                    let expected =
                        (replayed.sent == Sent::Whole).then(|| Bytes::from(replayed.result.request.body.clone()));
                    assert_eq!(asked, expected, "{place}");
                    seen[0] += usize::from(asked.is_some());
                    seen[1] += usize::from(asked.is_none());
                    seen[2] += usize::from(replayed.response_rewritten);
                }
            }
            assert!(seen.iter().all(|count| *count > 5), "asked, refused, rewritten: {seen:?}");
        }
        envoy.stop().await.unwrap();
        end.kill().unwrap();
        end.wait().unwrap();
    });
}
