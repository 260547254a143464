//! A company's MCP servers in small: an internal API with reading and writing tools, the clients that call it, and the
//! identity provider that signs their tokens. `tidegate demo` and the end-to-end tests put Envoy between them.

mod catalogue;
mod client;
mod issuer;
mod server;

pub use catalogue::{Endpoint, SECRETS, endpoints};
pub use client::{Client, Era, Reply};
pub use issuer::{Issuer, Principal};
pub use server::{Call, Server};
