//! What a proxy-wasm filter costs before it does anything: the baselines of the benchmarks.
//!
//! Written with the SDK crate, as most filters are, so every callback is exported and called. The plugin configuration
//! chooses the work: `nothing` makes no host call at all; `buffer` holds headers (which needs Envoy's
//! `allow_on_headers_stop_iteration`) until it has copied the whole body in, both ways, and looks at nothing.

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root { buffers: false }));
}}

struct Root {
    buffers: bool,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        match self.get_plugin_configuration().as_deref() {
            Some(b"nothing") => self.buffers = false,
            Some(b"buffer") => self.buffers = true,
            _ => return false,
        }
        true
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(if self.buffers { Box::new(Buffer) } else { Box::new(Nothing) })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Nothing;

impl Context for Nothing {}
impl HttpContext for Nothing {}

struct Buffer;

impl Buffer {
    fn headers(end: bool) -> Action {
        if end { Action::Continue } else { Action::Pause }
    }

    fn body(end: bool, copy: impl FnOnce() -> Option<Vec<u8>>) -> Action {
        if !end {
            return Action::Pause;
        }
        std::hint::black_box(copy());
        Action::Continue
    }
}

impl Context for Buffer {}

impl HttpContext for Buffer {
    fn on_http_request_headers(&mut self, _: usize, end: bool) -> Action {
        Self::headers(end)
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        Self::body(end, || self.get_http_request_body(0, size))
    }

    fn on_http_response_headers(&mut self, _: usize, end: bool) -> Action {
        Self::headers(end)
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        Self::body(end, || self.get_http_response_body(0, size))
    }
}
