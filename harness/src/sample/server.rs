//! The sample MCP servers over streamable HTTP, both eras: legacy with sessions and server-sent events, modern
//! (2026-07-28) stateless with JSON answers.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::rt::TokioIo;
use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, model::JsonObject};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::catalogue::{Endpoint, answer, endpoints};
use super::issuer::subject_of;

/// One tool that really ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The server that ran it.
    pub server: &'static str,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: JsonObject,
    /// The subject of the caller's token, if there was one.
    pub subject: Option<String>,
}

/// The running sample servers. They stop when this value is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    calls: Calls,
    stop: CancellationToken,
}

/// The log of executed calls, shared between all sessions.
#[derive(Debug, Clone, Default)]
struct Calls(Arc<Mutex<Vec<Call>>>);

impl Calls {
    fn push(&self, call: Call) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}

type Service = StreamableHttpService<Handler, LocalSessionManager>;

impl Server {
    /// Starts the servers of [`endpoints`] on `bind`; port 0 lets the operating system choose.
    pub async fn start(bind: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(bind).await?;
        let address = listener.local_addr()?;
        let calls = Calls::default();
        let stop = CancellationToken::new();
        let services: Arc<[(&'static str, Service)]> =
            endpoints().into_iter().map(|it| (it.path, service(it, &calls, &stop))).collect();
        tokio::spawn(accept(listener, services, stop.clone()));
        Ok(Self { address, calls, stop })
    }

    /// Where the servers listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The calls that ran so far, in the order in which they ran.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn service(endpoint: Endpoint, calls: &Calls, stop: &CancellationToken) -> Service {
    let config = StreamableHttpServerConfig::default()
        // Sessions answer with events whatever this says; what has no session answers with JSON.
        .with_json_response(true)
        // Envoy passes on whatever authority the client used.
        .disable_allowed_hosts()
        .with_cancellation_token(stop.clone());
    let handler = Handler { endpoint: Arc::new(endpoint), calls: calls.clone() };
    StreamableHttpService::new(move || Ok(handler.clone()), Arc::default(), config)
}

async fn accept(listener: TcpListener, services: Arc<[(&'static str, Service)]>, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let services = services.clone();
        let stop = stop.clone();
        tokio::spawn(async move {
            let route = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let path = request.uri().path();
                let service = services.iter().find(|(prefix, _)| *prefix == path).map(|(_, service)| service.clone());
                async move {
                    Ok::<_, Infallible>(match service {
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

/// One sample server's tools behind rmcp.
#[derive(Clone)]
struct Handler {
    endpoint: Arc<Endpoint>,
    calls: Calls,
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info = Implementation::new(self.endpoint.server, env!("CARGO_PKG_VERSION"));
        info.instructions = Some(format!("The {} API of Example Corporation.", self.endpoint.server));
        info
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.endpoint.tools.iter().find(|it| it.name == name).cloned()
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.endpoint.tools.clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = self.get_tool(&request.name) else {
            return Err(ErrorData::invalid_params(format!("Unknown tool: {}", request.name), None));
        };
        let arguments = request.arguments.unwrap_or_default();
        let header = context.extensions.get::<http::request::Parts>().and_then(|it| it.headers.get("authorization"));
        self.calls.push(Call {
            server: self.endpoint.server,
            tool: tool.name.to_string(),
            arguments: arguments.clone(),
            subject: header.and_then(|value| subject_of(value.to_str().ok()?)),
        });
        if tool.name == "restart_deployment"
            && let Some(token) = context.meta.get_progress_token()
        {
            for (step, message) in [(1.0, "draining"), (2.0, "starting")] {
                let progress =
                    ProgressNotificationParam::new(token.clone(), step).with_total(2.0).with_message(message);
                // A client that has gone does not stop the restart.
                let _ = context.peer.notify_progress(progress).await;
            }
        }
        Ok(CallToolResult::structured(answer(&tool.name, &arguments)).into())
    }
}
