//! Clients: HTTP/1.1 as exact bytes, HTTP/2 frame by frame.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

use crate::wire::{Framing, Head, Piece, Wire};
use crate::within;

/// What a client got.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// HTTP status; 0 if the connection ended before there was one.
    pub status: u16,
    /// Status line and fields; of HTTP/2 the fields alone.
    pub head: Head,
    /// The body as far as it came.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Whether the response ended as its framing promised.
    pub complete: bool,
}

impl Response {
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The reason code of a denial in any of its shapes.
    pub fn reason(&self) -> Option<String> {
        let json: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let denial = json.pointer("/result/_meta/tidegate~1denial").or_else(|| json.pointer("/error/data"))?;
        denial.get("reason")?.as_str().map(str::to_owned)
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.text();
        let shown: String = text.chars().take(1000).collect();
        write!(f, "{} {:?} complete={} {shown}", self.status, self.head.line, self.complete)
    }
}

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
}

impl Connection {
    /// Connects.
    pub async fn to(address: SocketAddr) -> Self {
        let stream = within("connecting", TcpStream::connect(address)).await.unwrap();
        Self { wire: Wire::new(stream) }
    }

    /// Sends exactly these bytes. A peer that has already gone is no error: what it answered is still to be read.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = within("sending", self.wire.write(bytes.as_ref())).await;
    }

    /// Reads one head.
    pub async fn head(&mut self) -> (Response, Framing) {
        let Ok(Some(head)) = within("a response", self.wire.head()).await else {
            return (Response::default(), Framing::Done);
        };
        let status = head.line.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        let framing = head.framing(true);
        (Response { status, head, complete: framing == Framing::Length(0), ..Response::default() }, framing)
    }

    /// Reads the next piece of a response; false at its end, orderly or not.
    pub async fn piece(&mut self, response: &mut Response, framing: &mut Framing) -> bool {
        match within("a piece of the body", self.wire.piece(framing)).await {
            Ok(Piece::Bytes(bytes)) => {
                response.body.extend_from_slice(&bytes);
                true
            }
            Ok(Piece::End(trailers)) => {
                response.trailers = trailers;
                response.complete = true;
                false
            }
            Err(_) => {
                response.complete = false;
                false
            }
        }
    }

    /// Reads until the body so far satisfies `enough`; panics when it ends before.
    pub async fn until(&mut self, response: &mut Response, framing: &mut Framing, enough: impl Fn(&str) -> bool) {
        while !enough(&response.text()) {
            assert!(self.piece(response, framing).await, "the response ended early: {response}");
        }
    }

    /// Reads a whole response.
    pub async fn response(&mut self) -> Response {
        let (mut response, mut framing) = self.head().await;
        while framing != Framing::Done && self.piece(&mut response, &mut framing).await {}
        response
    }

    /// Sends a request and reads the response to it.
    pub async fn exchange(&mut self, request: impl AsRef<[u8]>) -> Response {
        self.send(request).await;
        self.response().await
    }
}

/// Sends one request on a connection of its own.
pub async fn once(address: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    Connection::to(address).await.exchange(request).await
}

/// One HTTP/2 request on a connection of its own: each of `frames` becomes a DATA frame; the last one, or the trailers,
/// end the stream.
pub async fn http2(address: SocketAddr, head: Request<()>, frames: &[&[u8]], trailers: Option<HeaderMap>) -> Response {
    within("an HTTP/2 exchange", async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let driver = tokio::spawn(connection);
        let mut client = client.ready().await.unwrap();
        let (response, mut body) = client.send_request(head, frames.is_empty() && trailers.is_none()).unwrap();
        for (index, frame) in frames.iter().enumerate() {
            let last = index + 1 == frames.len() && trailers.is_none();
            // The peer may have answered and closed the stream already.
            if body.send_data(Bytes::copy_from_slice(frame), last).is_err() {
                break;
            }
        }
        if let Some(trailers) = trailers {
            let _ = body.send_trailers(trailers);
        }
        let answer = read_http2(response).await;
        driver.abort();
        answer
    })
    .await
}

async fn read_http2(response: h2::client::ResponseFuture) -> Response {
    let Ok(response) = response.await else { return Response::default() };
    let (parts, mut stream) = response.into_parts();
    let fields = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
    let head = Head { fields: fields.collect(), ..Head::default() };
    let mut answer = Response { status: parts.status.as_u16(), head, ..Response::default() };
    while let Some(data) = stream.data().await {
        let Ok(data) = data else { return answer };
        let _ = stream.flow_control().release_capacity(data.len());
        answer.body.extend_from_slice(&data);
    }
    match stream.trailers().await {
        Ok(trailers) => {
            let trailers = trailers.unwrap_or_default();
            answer.trailers =
                trailers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
            answer.complete = true;
        }
        Err(_) => answer.complete = false,
    }
    answer
}
