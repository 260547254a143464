//! The rows inside a proxy.

use std::time::UNIX_EPOCH;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

use crate::rows;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let configuration = self.get_plugin_configuration().and_then(|it| String::from_utf8(it).ok());
        let configuration = configuration.unwrap_or_default();
        // Milliseconds of each row, and a part of the names of those that are wanted.
        let (milliseconds, only) = configuration.trim().split_once(' ').unwrap_or((configuration.trim(), ""));
        let Ok(milliseconds) = milliseconds.parse() else { return false };
        for mut row in rows::all().into_iter().filter(|row| row.name.contains(only)) {
            log(&rows::measure(&mut row, milliseconds, now).to_line());
        }
        log(rows::END);
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn proxy_wasm::traits::HttpContext>> {
        None
    }
}

/// Nanoseconds.
fn now() -> f64 {
    let time = hostcalls::get_current_time().ok().and_then(|it| it.duration_since(UNIX_EPOCH).ok());
    time.map_or(0.0, |it| it.as_nanos() as f64)
}

fn log(line: &str) {
    // A line that is not logged is a row that the reader misses.
    let _ = hostcalls::log(LogLevel::Info, line);
}
