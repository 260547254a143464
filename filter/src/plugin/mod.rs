//! The proxy-wasm filter: the only code that knows the host. Phases come in, effects go out; what to do is decided in
//! [`crate::exchange`].

mod abi;
mod calls;
mod host;
mod pairs;
mod root;
mod stream;
