use tidegate_rls::{Limit, Method, Options, RateLimitServer, Raw};
use tonic::client::Grpc;
use tonic::codegen::Bytes;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

pub(super) const DOMAIN: &str = "tidegate";

/// A service with `limits` on any free port.
pub(super) async fn serve(limits: Vec<Limit>) -> RateLimitServer {
    RateLimitServer::start(([127, 0, 0, 1], 0).into(), limits, Options::default()).await.unwrap()
}

/// One connection.
#[derive(Clone)]
pub(super) struct Client(Channel);

impl Client {
    pub(super) async fn connect(server: &RateLimitServer) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", server.address())).unwrap();
        Self(endpoint.connect().await.unwrap())
    }

    /// The bytes of the answer to the bytes of a request.
    pub(super) async fn call(&self, method: Method, request: Vec<u8>) -> Result<Bytes, Status> {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::from_static(method.path());
        Ok(grpc.unary(Request::new(Bytes::from(request)), path, Raw).await?.into_inner())
    }
}
