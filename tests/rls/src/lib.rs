//! A rate limit service for tests: the limiter of Limitador, the library, behind the gRPC services that the filter calls.
//!
//! The limiter is what Kuadrant runs in production; the shell around it is ours, and written for tests: it says what
//! arrived, and can be told to answer late, never, with rubbish, or not to know the method. It serves
//! `envoy.service.ratelimit.v3.RateLimitService` (`ShouldRateLimit`) and `kuadrant.service.ratelimit.v1.RateLimitService`
//! (`Reserve`, `Commit`) by HTTP/2 without TLS.
//!
//! ```no_run
//! use tidegate_rls::{Method, Options, RateLimitServer, read_limits};
//!
//! # async fn example() -> Result<(), tidegate_rls::Error> {
//! let limits = read_limits("- {namespace: tidegate, max_value: 5, seconds: 3600, conditions: [], variables: []}")?;
//! let server = RateLimitServer::start(([127, 0, 0, 1], 0).into(), limits, Options::default()).await?;
//! // … five calls through the filter …
//! server.until(Method::Commit, 5).await;
//! assert_eq!(server.counters("tidegate").await?[0].used, 5);
//! # Ok(())
//! # }
//! ```

mod call;
mod codec;
mod error;
mod limiter;
mod message;
mod server;
mod service;

pub use call::{Call, Fault, Method};
pub use codec::Raw;
pub use error::Error;
pub use limitador::limit::Limit;
pub use limiter::{Counter, Store, read_limits};
pub use server::{Options, RateLimitServer};
