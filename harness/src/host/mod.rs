//! A proxy-wasm host on wasmtime that behaves as Envoy 1.40 was measured to behave, traps included.
//!
//! ```no_run
//! use tidegate::host::{Http, Module, Options, Protocol, Vm};
//!
//! let module = Module::from_file("filter.wasm")?;
//! let vm = Vm::start(&module, Options::new(r#"{"version": "tidegate/v1"}"#))?;
//! let request = Http::post("mcp.example.com", "/mcp", r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#);
//! let got = vm.exchange(Protocol::Http1, &request, |_request| Http::response(200, "application/json", "{}"));
//! assert_eq!(got.downstream.status(), Some(200));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A filter that is right here and wrong in Envoy would be worse than no harness, so nothing is smoothed over: header
//! maps die when headers are released, body buffers of another phase are empty, a local reply runs through the filter's own
//! response callbacks, a trap fails every stream. `tests/tests/host_probe.rs` runs one script here and in Envoy, and
//! compares line by line.
//!
//! [`Stream`] drives an exchange step by step; [`Vm::exchange`] does it in one call. What the guest is told about the peer
//! comes from [`Properties`].
//!
//! Not emulated: gRPC calls (they fail), foreign functions other than `clear_route_cache` (not found), several workers.

mod calls;
mod clock;
mod ending;
mod exchange;
mod filter_chain;
mod headers;
mod memory;
mod message;
mod module;
mod options;
mod property;
mod shared;
mod state;
mod stream;
mod vm;
mod wasi;

pub use clock::Clock;
pub use exchange::Http;
pub use headers::Headers;
pub use message::{Event, LocalReply, Message, Released, Side};
pub use module::{Module, ModuleError};
pub use options::{FailurePolicy, Options};
pub use property::{Properties, Value};
pub use shared::{LogLevel, LogLine, Metric};
pub use state::Callout;
pub use stream::{Finished, Stream};
pub use vm::{StartError, StartFailure, Vm};

/// What HTTP is spoken: it decides in which pieces a body reaches the filter, and whether trailers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    /// As in the property `request.protocol`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// What a host call returns (`WasmResult`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok = 0,
    NotFound = 1,
    BadArgument = 2,
    SerializationFailure = 3,
    InvalidMemoryAccess = 6,
    Empty = 7,
    CasMismatch = 8,
    InternalFailure = 10,
    Unimplemented = 12,
}

impl From<Status> for u32 {
    fn from(status: Status) -> Self {
        status as Self
    }
}
