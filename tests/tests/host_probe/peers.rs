//! The client before Envoy and the server behind it, driven step by step over HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate::host::Protocol;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::script::{Seen, telling};

/// A body that is sent piece by piece. Its last piece is known as such, so that HTTP/2 ends the stream with it and not with
/// an empty frame of its own.
struct Outgoing {
    pieces: mpsc::UnboundedReceiver<(Frame<Bytes>, bool)>,
    ended: bool,
}

type Sender = mpsc::UnboundedSender<(Frame<Bytes>, bool)>;

impl Outgoing {
    fn new(ended: bool) -> (Sender, Self) {
        let (sender, pieces) = mpsc::unbounded_channel();
        (sender, Self { pieces, ended })
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let piece = std::task::ready!(self.pieces.poll_recv(context));
        Poll::Ready(piece.map(|(frame, end)| {
            self.ended = end;
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

/// What a side has received, and waiting for it.
#[derive(Clone, Debug)]
pub(crate) struct Watched(Arc<watch::Sender<Seen>>);

impl Watched {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Seen::default())))
    }

    pub(crate) fn now(&self) -> Seen {
        self.0.borrow().clone()
    }

    pub(crate) async fn until(&self, wanted: impl FnMut(&Seen) -> bool) {
        let _ = self.0.subscribe().wait_for(wanted).await;
    }

    fn change(&self, f: impl FnOnce(&mut Seen)) {
        self.0.send_modify(f);
    }

    fn headers(&self, pseudo: &[(&str, &str)], headers: &HeaderMap) {
        let pseudo = pseudo.iter().map(|(name, value)| (*name, value.as_bytes()));
        let all = pseudo.chain(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        self.change(|seen| seen.headers = Some(telling(all)));
    }

    async fn read(&self, mut body: Incoming) {
        if body.is_end_stream() {
            self.change(|seen| seen.ended = true);
            return;
        }
        loop {
            match body.frame().await {
                Some(Ok(frame)) => self.change(|seen| {
                    if let Some(data) = frame.data_ref() {
                        seen.body.extend_from_slice(data);
                    }
                    if let Some(trailers) = frame.trailers_ref() {
                        let lines = trailers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
                        seen.trailers = Some(telling(lines));
                    }
                }),
                Some(Err(_)) => return self.change(|seen| seen.cut = true),
                None => return self.change(|seen| seen.ended = true),
            }
        }
    }
}

fn map(pairs: &[(String, Vec<u8>)]) -> HeaderMap {
    let pairs = pairs.iter().filter(|(name, _)| !name.starts_with(':') && name != "transfer-encoding");
    pairs.map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap())).fold(
        HeaderMap::new(),
        |mut map, (name, value)| {
            map.append(name, value);
            map
        },
    )
}

fn pseudo(pairs: &[(String, Vec<u8>)], name: &str) -> String {
    let value = pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    String::from_utf8(value.unwrap_or_default()).unwrap()
}

fn send(sender: &mut Option<Sender>, bytes: &[u8], end: bool) {
    if let Some(open) = sender {
        let _ = open.send((Frame::data(Bytes::copy_from_slice(bytes)), end));
    }
    if end {
        *sender = None;
    }
}

/// A client with a connection of its own.
pub(crate) struct Client {
    address: SocketAddr,
    protocol: Protocol,
    body: Option<Sender>,
    socket: Option<std::net::TcpStream>,
    tasks: Vec<JoinHandle<()>>,
    pub(crate) seen: Watched,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, protocol: Protocol) -> Self {
        Self { address, protocol, body: None, socket: None, tasks: Vec::new(), seen: Watched::new() }
    }

    pub(crate) async fn request(&mut self, headers: &[(String, Vec<u8>)], end: bool) {
        let (sender, body) = Outgoing::new(end);
        self.body = (!end).then_some(sender);
        let authority = pseudo(headers, ":authority");
        let uri = match self.protocol {
            Protocol::Http1 => pseudo(headers, ":path"),
            Protocol::Http2 => format!("http://{authority}{}", pseudo(headers, ":path")),
        };
        let mut request = Request::new(body);
        *request.method_mut() = pseudo(headers, ":method").parse().unwrap();
        *request.uri_mut() = uri.parse().unwrap();
        *request.headers_mut() = map(headers);
        if self.protocol == Protocol::Http1 {
            request.headers_mut().insert("host", authority.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap().into_std().unwrap();
        self.socket = Some(stream.try_clone().unwrap());
        let io = TokioIo::new(TcpStream::from_std(stream).unwrap());
        let (response, connection): (_, JoinHandle<()>) = match self.protocol {
            Protocol::Http1 => {
                let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
                let response = tokio::spawn(async move { sender.send_request(request).await });
                (response, tokio::spawn(async move { drop(connection.await) }))
            }
            Protocol::Http2 => {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
                let response = tokio::spawn(async move {
                    let response = sender.send_request(request).await;
                    // The connection closes once no sender is left.
                    std::mem::forget(sender);
                    response
                });
                (response, tokio::spawn(async move { drop(connection.await) }))
            }
        };
        self.tasks.push(connection);
        let seen = self.seen.clone();
        self.tasks.push(tokio::spawn(async move {
            match response.await {
                Ok(Ok(response)) => {
                    seen.headers(&[(":status", response.status().as_str())], response.headers());
                    seen.read(response.into_body()).await;
                }
                _ => seen.change(|seen| seen.cut = true),
            }
        }));
    }

    pub(crate) fn body(&mut self, bytes: &[u8], end: bool) {
        send(&mut self.body, bytes, end);
    }

    pub(crate) fn trailers(&mut self, trailers: &[(String, Vec<u8>)]) {
        if let Some(body) = self.body.take() {
            let _ = body.send((Frame::trailers(map(trailers)), true));
        }
    }

    /// Closes the connection, whatever is under way.
    pub(crate) fn leave(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
        if let Some(socket) = self.socket.take() {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        self.seen.change(|seen| seen.cut |= !seen.ended);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.leave();
    }
}

type Reply = (HeaderMap, u16, Outgoing);

/// The exchange that the server is in.
struct Current {
    seen: Watched,
    reply: Option<oneshot::Sender<Reply>>,
    pending: Option<oneshot::Receiver<Reply>>,
    body: Option<Sender>,
    /// The script has said the whole response.
    finished: Arc<AtomicBool>,
}

impl Current {
    fn new() -> Self {
        let (reply, pending) = oneshot::channel();
        Self { seen: Watched::new(), reply: Some(reply), pending: Some(pending), body: None, finished: Arc::default() }
    }
}

/// A server that says what the script says, for one exchange after another.
pub(crate) struct Server {
    ports: [u16; 2],
    current: Arc<Mutex<Current>>,
    connections: mpsc::UnboundedReceiver<JoinHandle<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let current = Arc::new(Mutex::new(Current::new()));
        let (accepted, connections) = mpsc::unbounded_channel();
        let mut ports = [0; 2];
        for (port, protocol) in ports.iter_mut().zip([Protocol::Http1, Protocol::Http2]) {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            *port = listener.local_addr().unwrap().port();
            let (current, accepted) = (current.clone(), accepted.clone());
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let _ = accepted.send(tokio::spawn(serve(stream, protocol, current.clone())));
                }
            });
        }
        Self { ports, current, connections }
    }

    pub(crate) fn port(&self, protocol: Protocol) -> u16 {
        self.ports[usize::from(protocol == Protocol::Http2)]
    }

    /// The next exchange begins.
    pub(crate) fn expect(&self) {
        *self.current.lock().unwrap() = Current::new();
    }

    pub(crate) fn seen(&self) -> Watched {
        self.current.lock().unwrap().seen.clone()
    }

    pub(crate) fn respond(&self, headers: &[(String, Vec<u8>)], end: bool) {
        let (sender, body) = Outgoing::new(end);
        let mut current = self.current.lock().unwrap();
        current.body = (!end).then_some(sender);
        current.finished.fetch_or(end, Ordering::Relaxed);
        if let Some(reply) = current.reply.take() {
            let _ = reply.send((map(headers), pseudo(headers, ":status").parse().unwrap(), body));
        }
    }

    fn take_body(&self) -> Option<Sender> {
        self.current.lock().unwrap().body.take()
    }

    pub(crate) fn body(&self, bytes: &[u8], end: bool) {
        let mut body = self.take_body();
        if end {
            self.current.lock().unwrap().finished.store(true, Ordering::Relaxed);
        }
        send(&mut body, bytes, end);
        self.current.lock().unwrap().body = body;
    }

    pub(crate) fn trailers(&self, trailers: &[(String, Vec<u8>)]) {
        if let Some(body) = self.take_body() {
            self.current.lock().unwrap().finished.store(true, Ordering::Relaxed);
            let _ = body.send((Frame::trailers(map(trailers)), true));
        }
    }

    /// Closes every connection.
    pub(crate) fn leave(&mut self) {
        while let Ok(connection) = self.connections.try_recv() {
            connection.abort();
        }
        self.seen().change(|seen| seen.cut = true);
    }
}

/// Notes a response that is dropped before all of it was said: the stream was cut.
struct CutGuard {
    seen: Watched,
    finished: Arc<AtomicBool>,
}

impl Drop for CutGuard {
    fn drop(&mut self) {
        if !self.finished.load(Ordering::Relaxed) {
            self.seen.change(|seen| seen.cut = true);
        }
    }
}

struct Held {
    body: Outgoing,
    _guard: CutGuard,
}

impl Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

async fn serve(stream: TcpStream, protocol: Protocol, current: Arc<Mutex<Current>>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (seen, finished, pending) = {
            let mut current = current.lock().unwrap();
            (current.seen.clone(), current.finished.clone(), current.pending.take())
        };
        async move {
            let (parts, body) = request.into_parts();
            let authority = parts.uri.authority().map(ToString::to_string);
            let host = parts.headers.get("host").map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
            let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            let pseudo = [
                (":authority", authority.or(host).unwrap_or_default()),
                (":method", parts.method.to_string()),
                (":path", path),
                (":scheme", "http".to_owned()),
            ];
            let pseudo: Vec<(&str, &str)> = pseudo.iter().map(|(name, value)| (*name, value.as_str())).collect();
            seen.headers(&pseudo, &parts.headers);
            tokio::spawn({
                let seen = seen.clone();
                async move { seen.read(body).await }
            });
            let guard = CutGuard { seen, finished };
            let reply = match pending {
                Some(pending) => pending.await.ok(),
                None => None,
            };
            let Some((headers, status, body)) = reply else { std::future::pending().await };
            let mut response = Response::new(Held { body, _guard: guard });
            *response.status_mut() = status.try_into().unwrap();
            *response.headers_mut() = headers;
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(stream);
    let _ = match protocol {
        Protocol::Http1 => {
            hyper::server::conn::http1::Builder::new().auto_date_header(false).serve_connection(io, service).await
        }
        Protocol::Http2 => {
            hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .auto_date_header(false)
                .serve_connection(io, service)
                .await
        }
    };
}
