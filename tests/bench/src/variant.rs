//! What is compared: filter chains in one Envoy, each behind a listener of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate::envoy::Rendering;

use crate::messages::ALLOWED;
use crate::{policies, schemas};

/// A name in the report and on the command line.
pub type Name = &'static str;

/// Envoy without a filter: what all others are compared with.
pub const NONE: Name = "none";
/// A wasm filter that does nothing.
pub const NO_OP: Name = "wasm no-op";
/// A wasm filter that holds and copies both bodies.
pub const BUFFER: Name = "wasm buffer-only";
/// Envoy's own MCP filter and an allowlist of tools in its RBAC filter.
pub const NATIVE: Name = "native mcp+rbac";
/// Tidegate in hold mode, audit on.
pub const HOLD: Name = "tidegate hold";
/// Tidegate in no-hold mode, audit on.
pub const NO_HOLD: Name = "tidegate no-hold";
/// Tidegate in hold mode, audit lines written nowhere.
pub const NO_AUDIT: Name = "tidegate no audit";
/// As [`HOLD`], with the default detectors in both directions.
pub const REDACTION: Name = "tidegate redaction";
/// Tidegate before a server that it leaves alone.
pub const UNGOVERNED: Name = "tidegate ungoverned";
/// As [`HOLD`], with 1,000 rules.
pub const RULES: Name = "tidegate 1000 rules";
/// As [`HOLD`], with a condition of 20 properties on the arguments of the call.
pub const ARGUMENTS: Name = "tidegate arguments";

/// As [`HOLD`], with one quota.
pub const QUOTA: Name = "tidegate one quota";
/// As [`HOLD`], with ten quotas.
pub const QUOTAS: Name = "tidegate ten quotas";
/// As [`HOLD`], with a price for every call and a budget.
pub const BUDGET: Name = "tidegate budget";

/// The buffer limit of every variant: the largest result fits.
const BUFFER_BYTES: u64 = 16 << 20;

/// What a variant refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    Nothing,
    /// Calls of forbidden tools, with status 403.
    Calls,
    /// Calls of forbidden tools, with a result; and it hides them from lists.
    CallsAndLists,
}

/// A filter chain under test.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name.
    pub name: Name,
    /// What it must be seen to refuse before it is measured.
    pub guard: Guard,
    /// Whether it is measured only where it is named, and then with small calls alone.
    pub by_name: bool,
    filters: Vec<Value>,
}

/// The modules that variants load.
#[derive(Debug, Clone)]
pub struct Modules {
    /// `tidegate-baseline`.
    pub baseline: PathBuf,
    /// The filter.
    pub tidegate: PathBuf,
}

/// Every variant, in the order of the report.
pub fn all(modules: &Modules) -> Vec<Variant> {
    let variant = |name, guard, filters| Variant { name, guard, by_name: false, filters };
    let tidegate = |name, hold, sink, policy: &Value| {
        variant(name, Guard::CallsAndLists, vec![tidegate_filter(name, &modules.tidegate, hold, sink, policy)])
    };
    let allowlist = policies::allowlist(true);
    let ungoverned =
        Variant { guard: Guard::Nothing, ..tidegate(UNGOVERNED, true, "log", &policies::allowlist(false)) };
    let rules = tidegate(RULES, true, "log", &policies::of_rules(1000));
    let arguments = tidegate(ARGUMENTS, true, "log", &policies::with_arguments(&schemas::medium()));
    vec![
        variant(NONE, Guard::Nothing, Vec::new()),
        variant(NO_OP, Guard::Nothing, vec![baseline_filter(NO_OP, &modules.baseline, "nothing")]),
        variant(BUFFER, Guard::Nothing, vec![baseline_filter(BUFFER, &modules.baseline, "buffer")]),
        variant(NATIVE, Guard::Calls, vec![mcp_filter(), rbac_filter()]),
        tidegate(HOLD, true, "log", &allowlist),
        tidegate(NO_HOLD, false, "log", &allowlist),
        tidegate(NO_AUDIT, true, "none", &allowlist),
        tidegate(REDACTION, true, "log", &policies::with_redaction()),
        ungoverned,
        Variant { by_name: true, ..rules },
        Variant { by_name: true, ..arguments },
        Variant { by_name: true, ..tidegate(QUOTA, true, "log", &policies::with_quotas(1)) },
        Variant { by_name: true, ..tidegate(QUOTAS, true, "log", &policies::with_quotas(10)) },
        Variant { by_name: true, ..tidegate(BUDGET, true, "log", &policies::with_budget()) },
    ]
}

/// An Envoy with one listener per variant, named after it, on a port of the system's choice.
pub fn bootstrap(variants: &[Variant], upstream: SocketAddr) -> Value {
    let listeners: Vec<Value> = variants.iter().map(listener).collect();
    let cluster = json!({
        "name": "mcp",
        "type": "STATIC",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "load_assignment": {"cluster_name": "mcp", "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": socket_address(&upstream.ip().to_string(), upstream.port())}}]}]},
    });
    json!({"static_resources": {"listeners": listeners, "clusters": [cluster]}})
}

fn listener(variant: &Variant) -> Value {
    let mut filters = variant.filters.clone();
    filters.push(filter("envoy.filters.http.router", "router.v3.Router", json!({})));
    let route = json!({
        "match": {"prefix": "/"},
        "route": {"cluster": "mcp", "timeout": "0s"},
        "request_body_buffer_limit": BUFFER_BYTES,
    });
    // As `tidegate render envoy` writes it, for all variants alike.
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": variant.name,
        "codec_type": "AUTO",
        "use_remote_address": true,
        "normalize_path": false,
        "merge_slashes": false,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "stream_idle_timeout": "3600s",
        "request_headers_timeout": "10s",
        "request_timeout": "60s",
        "route_config": {"virtual_hosts": [{"name": "mcp", "domains": ["*"], "routes": [route]}]},
        "http_filters": filters,
    });
    json!({
        "name": variant.name,
        "address": socket_address("127.0.0.1", 0),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [{"filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
    })
}

fn socket_address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}

fn filter(name: &str, kind: &str, settings: Value) -> Value {
    let mut typed = settings;
    if let Some(typed) = typed.as_object_mut() {
        typed.insert("@type".to_owned(), json!(format!("type.googleapis.com/envoy.extensions.filters.http.{kind}")));
    }
    json!({"name": name, "typed_config": typed})
}

/// The filter as the harness renders it, in a VM of the variant's own.
fn tidegate_filter(name: Name, wasm: &Path, hold: bool, sink: &str, policy: &Value) -> Value {
    let rendering = Rendering { hold, ..Rendering::new(policy.to_string(), wasm) };
    let mut filter = rendering.wasm_filter();
    let configuration = policies::configuration(policy, hold, sink).to_string();
    for (pointer, value) in [
        ("/typed_config/config/vm_config/vm_id", json!(name)),
        ("/typed_config/config/configuration/value", json!(configuration)),
    ] {
        if let Some(place) = filter.pointer_mut(pointer) {
            *place = value;
        }
    }
    filter
}

fn baseline_filter(name: Name, wasm: &Path, work: &str) -> Value {
    let plugin = json!({
        "name": name,
        "vm_config": {"vm_id": name, "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": wasm}}},
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": work},
        "failure_policy": "FAIL_RELOAD",
        "allow_on_headers_stop_iteration": true,
    });
    filter("baseline", "wasm.v3.Wasm", json!({"config": plugin}))
}

const MCP: &str = "envoy.filters.http.mcp";

fn mcp_filter() -> Value {
    let settings = json!({
        "traffic_mode": "REJECT_NO_MCP",
        "max_request_body_size": 1 << 20,
        "reject_duplicate_keys": true,
    });
    filter(MCP, "mcp.v3.Mcp", settings)
}

fn rbac_filter() -> Value {
    let metadata = |path: &[&str], value: Value| {
        let path: Vec<Value> = path.iter().map(|key| json!({"key": key})).collect();
        json!({"metadata": {"filter": MCP, "path": path, "value": value}})
    };
    let is_call = metadata(&["method"], json!({"string_match": {"exact": "tools/call"}}));
    let names: Vec<Value> = ALLOWED.iter().map(|tool| json!({"string_match": {"exact": tool}})).collect();
    let is_allowed = metadata(&["params", "name"], json!({"or_match": {"value_matchers": names}}));
    let policies = json!({
        "other-methods": {"principals": [{"any": true}], "permissions": [{"not_rule": is_call}]},
        "allowed-tools": {
            "principals": [{"any": true}],
            "permissions": [{"and_rules": {"rules": [is_call, is_allowed]}}],
        },
    });
    filter("envoy.filters.http.rbac", "rbac.v3.RBAC", json!({"rules": {"action": "ALLOW", "policies": policies}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_compile_and_each_variant_has_its_own_vm() {
        let modules = Modules { baseline: "b.wasm".into(), tidegate: "t.wasm".into() };
        let variants = all(&modules);
        let mut vms = Vec::new();
        for variant in &variants {
            for filter in &variant.filters {
                let Some(plugin) = filter.pointer("/typed_config/config") else { continue };
                vms.push(plugin["vm_config"]["vm_id"].clone());
                let configuration = plugin["configuration"]["value"].as_str().unwrap();
                if variant.name.starts_with("tidegate") {
                    let compiled = tidegate_filter::policy::compile(configuration.as_bytes());
                    let compiled = compiled.unwrap_or_else(|faults| panic!("{faults:?}"));
                    let held = plugin.get("allow_on_headers_stop_iteration").is_some();
                    assert_eq!(compiled.configuration.host.hold_headers, held, "{}", variant.name);
                    let rules = if variant.name == RULES { 1000 } else { 10 };
                    assert_eq!(compiled.configuration.policy.rules.len(), rules);
                }
            }
        }
        assert_eq!(vms.len(), 11);
        vms.sort_by_key(Value::to_string);
        vms.dedup();
        assert_eq!(vms.len(), 11);
    }
}
