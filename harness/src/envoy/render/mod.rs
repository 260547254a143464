//! The configuration around the filter, one file a target; what they share is here.

mod bootstrap;
mod envoy_filter;
mod mesh;
mod upstream;
mod wasm_plugin;

use serde_json::{Value, json};
use tidegate_filter::policy::{self, LogLevel};

pub use bootstrap::{Codec, JwtProvider, Rendering};
pub use mesh::{Mesh, Module, ModuleError, Proxies};
pub use upstream::{TrustedRoots, Upstream, UpstreamError};

/// What the filter is called in the configuration of its host.
const NAME: &str = "tidegate";

/// The plugin's configuration: the host's settings and the policy, verbatim, as the one layer.
fn plugin_configuration(policy: &str, hold: bool, audit: LogLevel) -> String {
    let mut host = json!({"hold_headers": hold});
    if audit == LogLevel::Warn {
        set(&mut host, "audit", json!({"level": "warn"}));
    }
    // The policy is spliced in as text: what the filter's errors point at is what its author wrote.
    format!("{{\"host\":{host},\"layers\":[{}]}}", policy.trim())
}

/// Envoy's `Wasm` message; `name` is that of the plugin and of its VM, `code` an `AsyncDataSource`.
fn wasm(name: &str, code: &Value, hold: bool, configuration: &str) -> Value {
    let mut plugin = json!({
        "name": name,
        // A VM of its own: a trap in another filter does not end this one.
        "vm_config": {"vm_id": name, "runtime": "envoy.wasm.runtime.v8", "code": code},
        // A Struct would arrive as protobuf bytes.
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
        "failure_policy": "FAIL_RELOAD",
    });
    if hold {
        set(&mut plugin, "allow_on_headers_stop_iteration", json!(true));
    }
    json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": plugin})
}

/// Twice the largest message that the policy lets the filter hold: Envoy checks its limit when data is added to what is
/// already held, and its refusal would be a bare 413 instead of the filter's answer.
fn held_bytes(policy: &str) -> u64 {
    // What does not compile is for Envoy and the filter to refuse; any limit does until then.
    let limits = policy::compile(policy.as_bytes()).map(|it| it.configuration.policy.limits).unwrap_or_default();
    let largest = limits.request_bytes.max(limits.list_bytes).max(limits.event_bytes);
    // The field is a 32-bit number of bytes.
    u64::try_from(largest).unwrap_or(u64::MAX).saturating_mul(2).min(u64::from(u32::MAX))
}

fn socket_address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_bodies_fit_twice() {
        let policy = |limits: &str| {
            format!(
                r#"{{"version": "tidegate/v1", "name": "p", "identity": {{"sources": [{{"spiffe": {{}}}}]}},
                "servers": [{{"name": "s", "match": {{"path": "/"}}}}],
                "rules": [{{"id": "r", "allow": {{"tools": ["*"]}}}}], "limits": {limits}}}"#
            )
        };
        assert_eq!(held_bytes(&policy("{}")), 8 << 20);
        assert_eq!(held_bytes(&policy(r#"{"request_bytes": 10485760.0, "event_bytes": 65536}"#)), 20 << 20);
        assert_eq!(held_bytes("no policy"), 8 << 20);
    }
}
