use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use limitador::errors::LimitadorError;
use prost::Message;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};
use tonic::server::Grpc;
use tonic::{Request, Response, Status};

use crate::call::{Call, Fault, Log, Method};
use crate::codec::Raw;
use crate::limiter::Limiter;
use crate::message::{
    Code, CommitRequest, CommitResponse, Descriptor, Header, RateLimitRequest, RateLimitResponse, ReserveRequest,
    ReserveResponse,
};

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) limiter: Limiter,
    pub(crate) log: Log,
    /// Whether answers of `ShouldRateLimit` carry `X-RateLimit-*` headers.
    pub(crate) headers: bool,
}

impl Shared {
    async fn answer(&self, method: Method, message: Bytes) -> Result<Bytes, Status> {
        match self.log.arrive(method) {
            None => {}
            Some(Fault::Late(delay)) => tokio::time::sleep(delay).await,
            Some(Fault::Silent) => std::future::pending().await,
            Some(Fault::Garbage(bytes)) => return Ok(bytes.into()),
            Some(Fault::Unimplemented) => return Err(Status::unimplemented("told to know no such method")),
            Some(Fault::Unavailable) => return Err(Status::unavailable("told to be unavailable")),
        }
        match method {
            Method::ShouldRateLimit => self.should_rate_limit(&read(&message)?).await,
            Method::Reserve => self.reserve(&read(&message)?).await,
            Method::Commit => self.commit(&read(&message)?).await,
        }
    }

    async fn should_rate_limit(&self, request: &RateLimitRequest) -> Result<Bytes, Status> {
        if request.domain.is_empty() {
            return Ok(write(&RateLimitResponse::default()));
        }
        expect(&request.descriptors)?;
        // The field is not optional on the wire: nobody can ask for nothing.
        let hits = u64::from(request.hits_addend.max(1));
        let result = self.limiter.check_and_update(&request.domain, &request.descriptors, hits).await;
        let (granted, headers) = result.map_err(unavailable)?;
        self.log.counted(call(Method::ShouldRateLimit, &request.domain, &request.descriptors, hits, "", granted));
        let headers = headers.into_iter().filter(|_| self.headers).map(|(key, value)| Header { key, value });
        Ok(write(&RateLimitResponse { overall_code: code(granted), response_headers_to_add: headers.collect() }))
    }

    async fn reserve(&self, request: &ReserveRequest) -> Result<Bytes, Status> {
        if request.domain.is_empty() {
            return Ok(write(&ReserveResponse::default()));
        }
        expect(&request.descriptors)?;
        let ttl = request.ttl.and_then(|it| {
            Some(Duration::new(
                u64::try_from(it.seconds).ok()?,
                u32::try_from(it.nanos).ok().filter(|it| *it < 1_000_000_000)?,
            ))
        });
        let result = self.limiter.reserve(&request.domain, &request.descriptors, request.amount, ttl).await;
        let (granted, id) = result.map_err(unavailable)?;
        self.log.counted(call(Method::Reserve, &request.domain, &request.descriptors, request.amount, &id, granted));
        Ok(write(&ReserveResponse { code: code(granted), reservation_id: id }))
    }

    async fn commit(&self, request: &CommitRequest) -> Result<Bytes, Status> {
        expect(&request.descriptors)?;
        let (id, actual) = (request.reservation_id.as_str(), request.actual_amount);
        let result = self.limiter.commit(&request.domain, &request.descriptors, id, actual).await;
        let released = result.map_err(unavailable)?;
        self.log.counted(call(Method::Commit, &request.domain, &request.descriptors, actual, id, released));
        Ok(write(&CommitResponse { reservation_released: released }))
    }
}

fn read<M: Message + Default>(message: &Bytes) -> Result<M, Status> {
    M::decode(message.clone()).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn write(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

/// limitador 0.14 panics where a condition names a descriptor that is not there.
fn expect(descriptors: &[Descriptor]) -> Result<(), Status> {
    if descriptors.is_empty() { Err(Status::invalid_argument("no descriptors: send at least one")) } else { Ok(()) }
}

fn code(granted: bool) -> i32 {
    i32::from(if granted { Code::Ok } else { Code::OverLimit })
}

// By value, as `map_err` hands it over.
#[expect(clippy::needless_pass_by_value)]
fn unavailable(error: LimitadorError) -> Status {
    Status::unavailable(error.to_string())
}

fn call(method: Method, domain: &str, descriptors: &[Descriptor], amount: u64, id: &str, granted: bool) -> Call {
    let entries = |it: &Descriptor| it.entries.iter().map(|it| (it.key.clone(), it.value.clone())).collect();
    Call {
        method,
        domain: domain.to_owned(),
        descriptors: descriptors.iter().map(entries).collect(),
        amount,
        reservation_id: id.to_owned(),
        granted,
    }
}

/// The services, as one HTTP service.
#[derive(Clone)]
pub(crate) struct Endpoint(pub(crate) Arc<Shared>);

type Answer<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl Service<http::Request<Body>> for Endpoint {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(match Method::of(request.uri().path()) {
                Some(method) => Grpc::new(Raw).unary(Unary { shared, method }, request).await,
                None => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

struct Unary {
    shared: Arc<Shared>,
    method: Method,
}

impl Service<Request<Bytes>> for Unary {
    type Response = Response<Bytes>;
    type Error = Status;
    type Future = Answer<Self::Response, Status>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (shared, method) = (Arc::clone(&self.shared), self.method);
        Box::pin(async move { shared.answer(method, request.into_inner()).await.map(Response::new) })
    }
}
