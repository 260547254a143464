//! The server that `@modelcontextprotocol/conformance` asks for: it names tools, resources and prompts, and says what
//! each must answer. This one is built on `rmcp` and speaks both eras: legacy with sessions and server-sent events,
//! modern (2026-07-28) without sessions, answering with events or with JSON.
//!
//! ```text
//! handler         the protocol's methods
//! catalogue       what the lists say
//! call            tools that answer at once, and those that ask a legacy client
//! lax             a server that never compares the mirrored headers with the body
//! input_required  tools and a prompt that ask a modern client (SEP-2322)
//! job             tools that become tasks (SEP-2663)
//! ```
// A missing member of a JSON value reads as null.
#![allow(clippy::indexing_slicing)]

mod call;
mod catalogue;
mod handler;
mod input_required;
mod job;
mod lax;

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::rt::TokioIo;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::handler::{Handler, Shared};

/// The path of the MCP endpoint. Every path below it is an endpoint too, with tasks, sessions and states of its own.
pub const PATH: &str = "/mcp";
/// Endpoints whose path ends so answer a modern client with JSON wherever no event comes first; all others answer with
/// events.
pub const JSON: &str = "/json";
/// Endpoints whose path ends so read the body alone, whatever its mirrored headers say (SEP-2243), as many servers do.
pub const LAX: &str = "/lax";

type Service = StreamableHttpService<Handler, LocalSessionManager>;

/// The running server. It stops when this value is dropped.
#[derive(Debug)]
pub struct Fixture {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Fixture {
    /// Starts the server on `bind`; port 0 lets the operating system choose. Authorities and origins other than the
    /// loopback's are refused with 403, as the suite wants it of a local server.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(bind: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(bind).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, Arc::new(Endpoints { stop: stop.clone(), services: Mutex::default() })));
        Ok(Self { address, stop })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The endpoints that were asked for so far, by path.
struct Endpoints {
    stop: CancellationToken,
    services: Mutex<HashMap<String, Service>>,
}

impl Endpoints {
    fn at(&self, path: &str) -> Option<Service> {
        let below = path.strip_prefix(PATH)?;
        if !below.is_empty() && !below.starts_with('/') {
            return None;
        }
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        Some(services.entry(path.to_owned()).or_insert_with(|| self.service(path.ends_with(JSON))).clone())
    }

    fn service(&self, json: bool) -> Service {
        let config = StreamableHttpServerConfig::default()
            .with_json_response(json)
            .with_allowed_origins(["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"])
            .with_cancellation_token(self.stop.clone());
        let sessions = Arc::new(LocalSessionManager::default());
        let shared = Arc::new(Shared::new(sessions.clone()));
        Service::new(move || Ok(Handler::new(shared.clone())), sessions, config)
    }
}

async fn accept(listener: TcpListener, endpoints: Arc<Endpoints>) {
    loop {
        let stream = tokio::select! {
            () = endpoints.stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let endpoints = endpoints.clone();
        let stop = endpoints.stop.clone();
        tokio::spawn(async move {
            let route = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let service = endpoints.at(request.uri().path());
                async move {
                    Ok::<_, Infallible>(match service {
                        Some(service) if request.uri().path().ends_with(LAX) => match lax::mirrored(request).await {
                            Some(request) => service.handle(request).await,
                            None => http::Response::default(),
                        },
                        Some(service) => service.handle(request).await,
                        None => {
                            let mut answer = http::Response::default();
                            *answer.status_mut() = http::StatusCode::NOT_FOUND;
                            answer
                        }
                    })
                }
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), route);
            tokio::select! {
                () = stop.cancelled() => {}
                _ = connection => {}
            }
        });
    }
}
