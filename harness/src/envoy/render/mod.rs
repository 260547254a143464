//! The configuration around the filter, one file a target; what they share is here.

mod bootstrap;
mod envoy_filter;
mod envoy_gateway;
mod mesh;
mod target;
mod traffic_extension;
mod upstream;
mod wasm_plugin;

use serde_json::{Value, json};
use tidegate_filter::policy::{self, LogLevel};

pub use bootstrap::{Codec, JwtProvider, Rendering};
pub use envoy_gateway::{GatewayError, GatewayExtension, GatewayListener};
pub use mesh::{Mesh, Module, ModuleError, Proxies};
pub use target::Target;
pub use upstream::{TrustedRoots, Upstream, UpstreamError};

/// What the filter is called in the configuration of its host.
const NAME: &str = "tidegate";

/// The policy in a document that is one, or a plugin configuration with one; as it is written.
pub fn policy_text(document: &str) -> &str {
    let layer = tidegate_filter::json::locate(document.as_bytes(), "/layers/0");
    layer.and_then(|span| document.get(span.start..span.end)).unwrap_or_else(|| document.trim())
}

/// The host's settings: those of a document that has some, with the header mode, and the audit at `audit` where it says
/// nothing else.
fn host_settings(document: &str, hold: bool, audit: LogLevel) -> Value {
    let own = serde_json::from_str::<Value>(document).ok();
    let own = own.as_ref().and_then(|it| it.get("host")).filter(|it| it.is_object());
    let mut host = own.cloned().unwrap_or_else(|| json!({}));
    set(&mut host, "hold_headers", json!(hold));
    if audit == LogLevel::Warn && host.get("audit").is_none() {
        set(&mut host, "audit", json!({"level": "warn"}));
    }
    host
}

/// The plugin's configuration: the host's settings and the policy, verbatim, as the one layer.
fn plugin_configuration(policy: &str, hold: bool, audit: LogLevel) -> String {
    let host = host_settings(policy, hold, audit);
    // The policy is spliced in as text: what the filter's errors point at is what its author wrote.
    format!("{{\"host\":{host},\"layers\":[{}]}}", policy_text(policy))
}

/// The environment variable that the document names as the key of placeholders.
fn key_variable(document: &str) -> Option<String> {
    let document: Value = serde_json::from_str(document).ok()?;
    document.pointer("/host/keys/redaction/env")?.as_str().map(str::to_owned)
}

/// Envoy's `Wasm` message; `name` is that of the plugin and of its VM, `code` an `AsyncDataSource`. The VM sees one
/// variable of Envoy's environment at most: the key that the policy's document names.
fn wasm(name: &str, code: &Value, hold: bool, configuration: &str, document: &str) -> Value {
    let mut plugin = json!({
        "name": name,
        // A VM of its own: a trap in another filter does not end this one.
        "vm_config": {"vm_id": name, "runtime": "envoy.wasm.runtime.v8", "code": code},
        // A Struct would arrive as protobuf bytes.
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
        "failure_policy": "FAIL_RELOAD",
    });
    if let (Some(key), Some(vm)) = (key_variable(document), plugin.get_mut("vm_config")) {
        set(vm, "environment_variables", json!({"host_env_keys": [key]}));
    }
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

/// Both objects in one.
fn merged(mut object: Value, other: Value) -> Value {
    if let (Some(object), Value::Object(other)) = (object.as_object_mut(), other) {
        object.extend(other);
    }
    object
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
