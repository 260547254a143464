//! One test's own corner of the rig.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tidegate::envoy::audit::Event;
use tokio::sync::mpsc;

use crate::client::{Connection, Response, once};
use crate::rig::Rig;
use crate::site::{Mode, Site};
use crate::upstream::{Arrival, Ledger, TOKEN, Visit};
use crate::within;

/// A path, tool names and audit events that no other test has, on one listener.
#[derive(Debug)]
pub struct Case {
    rig: &'static Rig,
    /// The policy.
    pub site: Site,
    /// The header mode.
    pub mode: Mode,
    /// Where the client connects.
    pub address: SocketAddr,
    /// What tells this case apart, everywhere.
    pub token: String,
    arrivals: Option<mpsc::UnboundedReceiver<Arrival>>,
    ledger: Option<Arc<Ledger>>,
}

impl Case {
    fn new(rig: &'static Rig, site: Site, mode: Mode) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let token = format!("{TOKEN}{:06}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self { rig, site, mode, address: rig.address(site, mode), token, arrivals: None, ledger: None }
    }

    /// A case whose requests the test answers itself.
    pub fn scripted(rig: &'static Rig, site: Site, mode: Mode) -> Self {
        let case = Self::new(rig, site, mode);
        Self { arrivals: Some(rig.upstream.script(&case.token)), ..case }
    }

    /// A case whose requests the forgiving server runs.
    pub fn executed(rig: &'static Rig, site: Site, mode: Mode) -> Self {
        let case = Self::new(rig, site, mode);
        Self { ledger: Some(rig.upstream.execute(&case.token)), ..case }
    }

    /// The case's path below `/mcp`.
    pub fn path(&self) -> String {
        format!("/mcp/{}", self.token)
    }

    /// A tool name with this beginning that only this case uses. Equal refusals would be counted together.
    pub fn tool(&self, beginning: &str) -> String {
        format!("{beginning}_{}", self.token)
    }

    /// A POST with a length, as clients send it; `fields` are whole lines, each with its `\r\n`.
    pub fn post_with(&self, fields: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
        let body = body.as_ref();
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: localhost\r\naccept: application/json, text/event-stream\r\n{fields}content-length: {}\r\n\r\n",
            self.path(),
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    /// A POST of JSON.
    pub fn post(&self, body: impl AsRef<[u8]>) -> Vec<u8> {
        self.post_with("content-type: application/json\r\n", body)
    }

    /// A GET that asks for a stream.
    pub fn get(&self) -> Vec<u8> {
        let path = self.path();
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nmcp-protocol-version: 2025-06-18\r\n\r\n").into_bytes()
    }

    /// A connection to this case's listener.
    pub async fn connect(&self) -> Connection {
        Connection::to(self.address).await
    }

    /// Sends a request on a connection of its own, and reads the response.
    pub async fn send(&self, request: impl AsRef<[u8]>) -> Response {
        once(self.address, request).await
    }

    /// Sends the same request straight to the server, past Envoy.
    pub async fn send_past_envoy(&self, request: impl AsRef<[u8]>) -> Response {
        once(self.rig.upstream.address, request).await
    }

    /// The next request that reaches the scripted server.
    pub async fn arrival(&mut self) -> Arrival {
        let arrivals = self.arrivals.as_mut().unwrap();
        within("a request at the server", arrivals.recv()).await.unwrap()
    }

    /// Sends a POST of JSON; the server answers with `answer` as JSON. What the server saw, and what the client got.
    pub async fn round_trip(&mut self, body: impl AsRef<[u8]>, answer: impl AsRef<[u8]>) -> (Visit, Response) {
        let request = self.post(body);
        self.round_trip_of(request, answer).await
    }

    /// As [`Case::round_trip`], with a request of the test's own making.
    pub async fn round_trip_of(&mut self, request: Vec<u8>, answer: impl AsRef<[u8]>) -> (Visit, Response) {
        let mut client = tokio::spawn(once(self.address, request));
        let arrival = tokio::select! {
            arrival = self.arrival() => arrival,
            response = &mut client => panic!("the server was never asked: {}", response.unwrap()),
        };
        let visit = arrival.answer(200, "application/json", answer).await;
        (visit, client.await.unwrap())
    }

    /// Sends a request; the server reads it to its end and answers with exactly these bytes. What the client got.
    pub async fn answered(&mut self, request: Vec<u8>, bytes: impl AsRef<[u8]>) -> Response {
        let client = tokio::spawn(once(self.address, request));
        let mut arrival = self.arrival().await;
        arrival.body().await;
        arrival.send(bytes).await;
        arrival.done();
        client.await.unwrap()
    }

    /// The forgiving server's book.
    pub fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().unwrap()
    }

    /// Sends something harmless after everything else and waits until it is through: one worker serves this listener,
    /// so that whatever the filter let pass before has arrived as well.
    pub async fn fence(&self) {
        let mut after = Self::scripted(self.rig, self.site, self.mode);
        let body = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let request = if matches!(self.site, Site::Known | Site::Challenge) {
            let bearer =
                format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", crate::site::token::ADA);
            after.post_with(&bearer, body)
        } else {
            after.post(body)
        };
        let (_, response) = after.round_trip_of(request, br#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
        assert_eq!(response.status, 200, "{response}");
    }

    /// A refused call never touches the server in hold mode; in no-hold mode the server never gets a byte of its body,
    /// nor its end.
    pub async fn assert_refused_before_server(&self) {
        self.fence().await;
        let visits = self.ledger().settled().await;
        match self.mode {
            Mode::Hold => assert!(visits.is_empty(), "{visits:?}"),
            Mode::NoHold => {
                for visit in visits {
                    assert!(visit.body.is_empty() && visit.complete == Some(false), "{visit:?}");
                }
            }
        }
    }

    /// The first audit event of this case that `wanted` accepts, already written or still to come.
    pub async fn audit(&self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let token = &self.token;
        let mut found = None;
        let line = self.rig.envoy.wait_for_log(
            |line| {
                found = Some(line).filter(|line| line.contains(token)).and_then(Event::from_log_line).filter(&wanted);
                found.is_some()
            },
            Duration::from_secs(30),
        );
        if line.await.is_err() {
            panic!("no audit event with {what}; there are {:#?}", self.events());
        }
        found.unwrap()
    }

    /// The decision with this reason.
    pub async fn refusal(&self, reason: &str) -> Event {
        self.audit(reason, |event| event.kind() == "decision" && event.text("reason") == Some(reason)).await
    }

    /// The completion with this outcome.
    pub async fn completion(&self, outcome: &str) -> Event {
        self.audit(outcome, |event| event.kind() == "completion" && event.text("outcome") == Some(outcome)).await
    }

    /// The audit events of this case so far.
    pub fn events(&self) -> Vec<Event> {
        let lines = self.rig.envoy.log_lines();
        lines.iter().filter(|line| line.contains(&self.token)).filter_map(|line| Event::from_log_line(line)).collect()
    }
}
