use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use limitador::limit::Limit;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::Error;
use crate::call::{Call, Fault, Log, Method};
use crate::limiter::{Counter, Limiter, Store};
use crate::service::{Endpoint, Shared};

/// How the service runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where counts are kept.
    pub store: Store,
    /// Whether answers of `ShouldRateLimit` carry `X-RateLimit-*` headers, as those of a Limitador that was started with
    /// `--rate-limit-headers DRAFT_VERSION_03`.
    pub headers: bool,
    /// How long a reservation is held at most, whatever the caller asks for; Limitador's default is a minute.
    pub max_ttl: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { store: Store::Memory, headers: true, max_ttl: Duration::from_secs(60) }
    }
}

/// A running service. It stops taking connections when it is dropped.
pub struct RateLimitServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl RateLimitServer {
    /// Listens on `listen` (port 0 is any free one) and serves `limits` on the current Tokio runtime.
    ///
    /// # Errors
    /// The address cannot be had, or the store not be reached.
    pub async fn start(listen: SocketAddr, limits: Vec<Limit>, options: Options) -> Result<Self, Error> {
        let limiter = Limiter::new(options.store, limits, options.max_ttl).await?;
        let listener = TcpListener::bind(listen).await.map_err(|error| Error::new("cannot listen there", error))?;
        let address = listener.local_addr().map_err(|error| Error::new("no address", error))?;
        let shared = Arc::new(Shared { limiter, log: Log::new(), headers: options.headers });
        let (stop, stopped) = oneshot::channel::<()>();
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let endpoint = Endpoint(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            Server::builder().serve_with_incoming_shutdown(endpoint, incoming, stopped).await
        });
        Ok(Self { address, shared, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The calls that were counted, in the order in which they were; the last 65,536.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.log.calls()
    }

    /// How many calls of a method have arrived, whatever became of them.
    pub fn arrived(&self, method: Method) -> u64 {
        self.shared.log.arrived(method)
    }

    /// Waits until `count` calls of a method have arrived since the start.
    pub async fn until(&self, method: Method, count: u64) {
        self.shared.log.until(method, count).await;
    }

    /// From now on every call of `method` meets `fault`; none with None.
    pub fn fault(&self, method: Method, fault: Option<Fault>) {
        self.shared.log.set(method, fault);
    }

    /// The counters of a namespace.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn counters(&self, domain: &str) -> Result<Vec<Counter>, Error> {
        self.shared.limiter.counters(domain).await
    }

    /// Replaces the limits; counters of those that stay are kept.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn configure(&self, limits: Vec<Limit>) -> Result<(), Error> {
        self.shared.limiter.configure(limits).await
    }

    /// Closes the port, lets calls in flight end, and closes connections. A call that meets [`Fault::Silent`] never
    /// ends: lift the fault, or its callers, first.
    ///
    /// # Errors
    /// The service had failed before.
    pub async fn stop(self) -> Result<(), Error> {
        // It fails only if the service has ended by itself.
        let _ = self.stop.send(());
        let ended = self.task.await.map_err(|error| Error::new("the service died", error))?;
        ended.map_err(|error| Error::new("the service failed", error))
    }
}
