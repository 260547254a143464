//! Services and methods as gRPC names them: the path of a call is `/SERVICE/METHOD`.

/// The rate limit service of Envoy's API.
pub const ENVOY: &str = "envoy.service.ratelimit.v3.RateLimitService";
/// Method of [`ENVOY`]: counts, and says whether it was too much.
pub const SHOULD_RATE_LIMIT: &str = "ShouldRateLimit";

/// Limitador's own rate limit service.
pub const KUADRANT: &str = "kuadrant.service.ratelimit.v1.RateLimitService";
/// Method of [`KUADRANT`]: holds an estimate, or refuses it.
pub const RESERVE: &str = "Reserve";
/// Method of [`KUADRANT`]: counts what it really was, and ends the hold.
pub const COMMIT: &str = "Commit";
