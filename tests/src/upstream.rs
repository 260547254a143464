//! MCP servers as the tests need them: in this process, on a free port, told apart by a token in the request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};

use crate::wire::{Framing, Head, Piece, Wire};
use crate::{lenient, within};

/// What the tokens of cases start with; six digits follow.
pub const TOKEN: &str = "case-";

/// One HTTP request as a server saw it.
#[derive(Debug, Clone, Default)]
pub struct Visit {
    /// Request line and fields.
    pub head: Head,
    /// The body as far as it came.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Whether the body ended as its framing promised; `None` while it is coming.
    pub complete: Option<bool>,
    /// The tools that a forgiving server runs for it; only of complete requests.
    pub tools: Vec<String>,
}

/// What reached the server for one token.
#[derive(Debug)]
pub struct Ledger {
    visits: watch::Sender<Vec<Visit>>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { visits: watch::Sender::new(Vec::new()) }
    }
}

impl Ledger {
    /// Every request so far, each settled: complete or broken off.
    pub async fn settled(&self) -> Vec<Visit> {
        let mut receiver = self.visits.subscribe();
        let settled = receiver.wait_for(|visits| visits.iter().all(|visit| visit.complete.is_some()));
        within("the server's requests to end", settled).await.unwrap().clone()
    }

    /// The tools that were run.
    pub async fn tools(&self) -> Vec<String> {
        self.settled().await.into_iter().flat_map(|visit| visit.tools).collect()
    }

    fn open(&self, head: Head) -> usize {
        let mut index = 0;
        self.visits.send_modify(|visits| {
            index = visits.len();
            visits.push(Visit { head, ..Visit::default() });
        });
        index
    }

    fn update(&self, index: usize, change: impl FnOnce(&mut Visit)) {
        self.visits.send_modify(|visits| change(&mut visits[index]));
    }
}

/// A request that a test answers itself, byte by byte.
#[derive(Debug)]
pub struct Arrival {
    /// Request line and fields.
    pub head: Head,
    /// How the body is framed, and what is left of it.
    pub framing: Framing,
    wire: Option<Wire>,
    back: Option<oneshot::Sender<Wire>>,
}

impl Arrival {
    fn wire(&mut self) -> &mut Wire {
        self.wire.as_mut().unwrap()
    }

    /// The whole body and its trailers; `complete` is false if the connection ended first.
    pub async fn body(&mut self) -> Visit {
        let mut visit = Visit { head: self.head.clone(), ..Visit::default() };
        loop {
            let mut framing = self.framing;
            let piece = within("the request's body", self.wire().piece(&mut framing)).await;
            self.framing = framing;
            match piece {
                Ok(Piece::Bytes(bytes)) => visit.body.extend_from_slice(&bytes),
                Ok(Piece::End(trailers)) => {
                    return Visit { trailers, complete: Some(true), ..visit };
                }
                Err(_) => return Visit { complete: Some(false), ..visit },
            }
        }
    }

    /// Sends exactly these bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        // A proxy that has hung up is what some tests are about; they look for it themselves.
        let _ = within("answering", self.wire().write(bytes)).await;
    }

    /// Reads the request to its end and answers with a status, a media type and a body of known length.
    pub async fn answer(mut self, status: u16, media: &str, body: impl AsRef<[u8]>) -> Visit {
        let visit = self.body().await;
        self.send(response(status, media, body)).await;
        self.done();
        visit
    }

    /// Waits until the proxy closes the connection, and returns what it sent before that.
    pub async fn closed(&mut self) -> Vec<u8> {
        within("the proxy to hang up", self.wire().closed()).await
    }

    /// Cuts the connection with a reset.
    pub fn reset(mut self) {
        if let Some(wire) = self.wire.take() {
            wire.reset();
        }
    }

    /// Gives the connection back for the next request.
    pub fn done(mut self) {
        if let (Some(wire), Some(back)) = (self.wire.take(), self.back.take()) {
            let _ = back.send(wire);
        }
    }
}

/// A response with a body of known length.
pub fn response(status: u16, media: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The bytes as one chunk of a chunked body.
pub fn chunk(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

#[derive(Debug, Clone)]
enum Handler {
    Scripted(mpsc::UnboundedSender<Arrival>),
    Executor(Arc<Ledger>),
}

/// The server of all tests.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    cases: Arc<Mutex<HashMap<String, Handler>>>,
}

impl Upstream {
    /// Starts to listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self { address: listener.local_addr().unwrap(), cases: Arc::default() };
        let serving = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        upstream
    }

    /// Requests with `token` come out of the receiver, to be answered by the test.
    pub fn script(&self, token: &str) -> mpsc::UnboundedReceiver<Arrival> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.cases.lock().unwrap().insert(token.to_owned(), Handler::Scripted(sender));
        receiver
    }

    /// Requests with `token` are run by the forgiving server.
    pub fn execute(&self, token: &str) -> Arc<Ledger> {
        let ledger = Arc::new(Ledger::default());
        self.cases.lock().unwrap().insert(token.to_owned(), Handler::Executor(Arc::clone(&ledger)));
        ledger
    }

    async fn serve(self, stream: TcpStream) {
        let mut wire = Wire::new(stream);
        while let Ok(Some(head)) = wire.head().await {
            let handler = token(&head.raw).and_then(|token| self.cases.lock().unwrap().get(&token).cloned());
            let kept = match handler {
                Some(Handler::Scripted(sender)) => {
                    let (back, returned) = oneshot::channel();
                    let framing = head.framing(false);
                    let _ = sender.send(Arrival { head, framing, wire: Some(wire), back: Some(back) });
                    returned.await.ok()
                }
                Some(Handler::Executor(ledger)) => run(wire, head, &ledger).await,
                None => {
                    let _ = wire.write(&response(500, "text/plain", "no test asked for this")).await;
                    None
                }
            };
            let Some(kept) = kept else { return };
            wire = kept;
        }
    }
}

/// The token in a request's head.
fn token(raw: &[u8]) -> Option<String> {
    let at = raw.windows(TOKEN.len()).position(|it| it == TOKEN.as_bytes())?;
    let token = raw.get(at..at + TOKEN.len() + 6)?;
    std::str::from_utf8(token).ok().map(str::to_owned)
}

async fn run(mut wire: Wire, head: Head, ledger: &Ledger) -> Option<Wire> {
    let index = ledger.open(head.clone());
    let mut framing = head.framing(false);
    loop {
        match wire.piece(&mut framing).await {
            Ok(Piece::Bytes(bytes)) => ledger.update(index, |visit| visit.body.extend_from_slice(&bytes)),
            Ok(Piece::End(trailers)) => {
                ledger.update(index, |visit| {
                    visit.tools = lenient::tools(&visit.head, &visit.body);
                    visit.trailers = trailers;
                    visit.complete = Some(true);
                });
                break;
            }
            Err(_) => {
                ledger.update(index, |visit| visit.complete = Some(false));
                return None;
            }
        }
    }
    let body = br#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"ran"}]}}"#;
    wire.write(&response(200, "application/json", body)).await.ok()?;
    Some(wire)
}
