//! What a host cannot do of what a policy asks: told on standard error, and in the manifest as comments.

use tidegate_filter::policy::{Configuration, IdentitySource, Scope};

use crate::envoy::Module;

/// The host that a manifest is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// Istio, by an EnvoyFilter.
    EnvoyFilter,
    /// Istio, by a WasmPlugin.
    WasmPlugin,
    /// Istio, by a TrafficExtension.
    TrafficExtension,
    /// Envoy Gateway, by an EnvoyExtensionPolicy alone.
    ExtensionPolicy,
    /// Envoy Gateway, by an EnvoyExtensionPolicy whose filter an EnvoyPatchPolicy changes.
    PatchedExtension,
}

impl Host {
    const fn is_istio(self) -> bool {
        matches!(self, Self::EnvoyFilter | Self::WasmPlugin | Self::TrafficExtension)
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::EnvoyFilter => "an EnvoyFilter",
            Self::WasmPlugin => "a WasmPlugin",
            Self::TrafficExtension => "a TrafficExtension",
            Self::ExtensionPolicy | Self::PatchedExtension => "an EnvoyExtensionPolicy",
        }
    }
}

/// Everything that this host cannot do, or can only with somebody's help.
pub(super) fn of(host: Host, configuration: &Configuration, module: &Module) -> Vec<String> {
    [
        of_the_host(host, module),
        of_state(host, configuration),
        of_callers(host, configuration),
        of_servers(host, configuration),
    ]
    .concat()
}

/// What holds whatever the policy says.
fn of_the_host(host: Host, module: &Module) -> Vec<String> {
    let kind = host.kind();
    let cannot_hold = |instead: &str| {
        format!(
            "{kind} cannot hold headers: the server sees those of a refused call, never its body, and a reset stream. \
             {instead}"
        )
    };
    let rewritten = |by: &str| {
        format!(
            "{by} writes the policy anew: `policy_digest` in audit events is not that of the file, and line and column in \
             the filter's errors are not its"
        )
    };
    let mut warnings = Vec::new();
    match host {
        Host::EnvoyFilter => {}
        Host::WasmPlugin | Host::TrafficExtension => {
            warnings.push(cannot_hold("`tidegate render istio` makes an EnvoyFilter, which holds them"));
            warnings.push(rewritten("istiod"));
        }
        Host::ExtensionPolicy => {
            warnings.push(cannot_hold(
                "--patch NAMESPACE/GATEWAY/LISTENER adds an EnvoyPatchPolicy, which makes it hold them",
            ));
            warnings.push(rewritten("the API server"));
            warnings.push(format!(
                "{kind} has no FAIL_RELOAD: if the filter ever trapped, that Envoy worker would answer 503 until it is \
                 restarted. --patch sets FAIL_RELOAD"
            ));
        }
        Host::PatchedExtension => {
            warnings.push(
                "EnvoyPatchPolicy is off by default: set extensionApis.enableEnvoyPatchPolicy in the EnvoyGateway \
                 configuration. Until it is applied the filter works without holding headers"
                    .to_owned(),
            );
            warnings.push(
                "the patch names the listener NAMESPACE/GATEWAY/LISTENER: with the runtime flag XDSNameSchemeV2 Envoy Gateway \
                 names it otherwise (see `egctl config envoy-proxy listener`), and the patch's status says that it was not \
                 found"
                    .to_owned(),
            );
        }
    }
    if module.sha256().is_none() && module.file().is_none() {
        warnings.push(format!("whoever can replace {} decides what runs in the proxies: give --sha256", module.url()));
    }
    warnings
}

/// Counters and keys.
fn of_state(host: Host, configuration: &Configuration) -> Vec<String> {
    let mut warnings = Vec::new();
    let policy = &configuration.policy;
    let counts_here = policy.quotas.iter().any(|it| it.scope == Scope::Local);
    if counts_here {
        let key = if configuration.host.stores.global.is_some() { "Some quotas count" } else { "The quotas count" };
        warnings.push(format!(
            "{} in the memory of one proxy: with N replicas a caller gets up to N times as much. \"scope\": \"global\" counts \
             for all of them",
            key.to_ascii_lowercase()
        ));
    }
    let has_own_state = counts_here || (policy.redaction.is_some() && configuration.host.redaction_key_env.is_none());
    if matches!(host, Host::WasmPlugin | Host::TrafficExtension) && has_own_state {
        warnings.push(
            "istiod leaves `vm_id` empty: other plugins of the same proxies can read and change the filter's counters and \
             its key of placeholders. `tidegate render istio` gives it a VM of its own"
                .to_owned(),
        );
    }
    let asks_engine = policy.quotas.iter().any(|it| it.scope == Scope::Global);
    if let (true, Some(service)) = (asks_engine, &configuration.host.stores.global) {
        let (cluster, mesh) = (&service.cluster, "outbound|PORT||SERVICE.NAMESPACE.svc.cluster.local");
        warnings.push(match host.is_istio() {
            true if cluster.starts_with("outbound|") => format!(
                "quotas of global scope ask the cluster `{cluster}` by gRPC: its Service port must be named grpc-…, and a \
                 Sidecar resource must not hide it from these proxies"
            ),
            true => format!(
                "quotas of global scope ask the cluster `{cluster}` by gRPC, and istiod names clusters as in {mesh}: write that \
                 in host.stores.global.cluster"
            ),
            false => format!(
                "quotas of global scope ask the cluster `{cluster}` by gRPC, and no resource of Envoy Gateway makes a cluster \
                 of that name: add it with an EnvoyPatchPolicy, HTTP/2 included"
            ),
        });
    }
    if let Some(key) = &configuration.host.redaction_key_env {
        let how = if host.is_istio() {
            "as proxyMetadata in the annotation proxy.istio.io/config, or in the pod"
        } else {
            "in provider.kubernetes.envoyDeployment.container.env of the EnvoyProxy"
        };
        warnings.push(format!(
            "the proxies need the environment variable {key}, of at least 16 bytes: set it {how}. A proxy without it refuses \
             the filter's configuration"
        ));
    }
    warnings
}

/// Who verifies callers.
fn of_callers(host: Host, configuration: &Configuration) -> Vec<String> {
    let mut warnings = Vec::new();
    for source in &configuration.policy.identity.sources {
        match source {
            IdentitySource::Jwt(source) if host.is_istio() => warnings.push(format!(
                "the policy takes callers from JWTs of {}: without a RequestAuthentication with this issuer for the same \
                 pods, such callers have no identity",
                source.issuer
            )),
            IdentitySource::Jwt(source) => warnings.push(format!(
                "the policy takes callers from JWTs of {}: without a SecurityPolicy whose `jwt` has a provider named `{}` with \
                 this issuer, such callers have no identity (Envoy Gateway leaves claims under the provider's name, which is \
                 the policy's `metadata_key`)",
                source.issuer, source.metadata_key
            )),
            IdentitySource::Spiffe | IdentitySource::Header(_) if !host.is_istio() => warnings.push(
                "the policy takes callers from client certificates: without a ClientTrafficPolicy with \
                 `tls.clientValidation` such callers have no identity"
                    .to_owned(),
            ),
            _ => {}
        }
    }
    warnings.dedup();
    warnings
}

/// Names that a control plane gives.
fn of_servers(host: Host, configuration: &Configuration) -> Vec<String> {
    let mut warnings = Vec::new();
    let (place, example) = if host.is_istio() {
        ("in a mesh istiod names them", "inbound|8080||")
    } else {
        ("Envoy Gateway names them", "httproute/NAMESPACE/NAME/rule/0")
    };
    for server in &configuration.policy.servers {
        let by = &server.matcher;
        for (part, name) in [("route", &by.route), ("cluster", &by.cluster)] {
            let is_its_own = |name: &str| name.contains('|') || (!host.is_istio() && name.starts_with("httproute/"));
            if let Some(name) = name.as_deref().filter(|it| !is_its_own(it)) {
                warnings.push(format!(
                    "server `{}` is matched by the {part} `{name}`: {place}, as in {example}; match it by path or authority",
                    server.name
                ));
            }
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"version": "tidegate/v1", "name": "p",
        "identity": {"sources": [{"jwt": {"issuer": "https://idp.example.com", "metadata_key": "idp"}}]},
        "servers": [{"name": "crm", "match": {"route": "crm"}}, {"name": "hr", "match": {"path": "/hr"}}],
        "rules": [{"id": "r", "allow": {"tools": ["get_*"]}}]}"#;

    fn warnings(host: Host, document: &str, pinned: bool) -> Vec<String> {
        let compiled = tidegate_filter::policy::compile(document.as_bytes()).unwrap();
        let digest = "0".repeat(64);
        let module = Module::new("oci://h/t:1", pinned.then_some(digest.as_str())).unwrap();
        of(host, &compiled.configuration, &module)
    }

    #[test]
    fn what_a_mesh_cannot_give_is_named() {
        let said = warnings(Host::EnvoyFilter, POLICY, true);
        let [issuer, route] = said.as_slice() else { panic!("{said:?}") };
        assert!(issuer.contains("JWTs of https://idp.example.com: without a RequestAuthentication"), "{issuer}");
        assert!(route.contains("server `crm` is matched by the route `crm`"), "{route}");
        for host in [Host::WasmPlugin, Host::TrafficExtension] {
            let counts = (warnings(host, POLICY, false).len(), warnings(host, POLICY, true).len());
            assert_eq!(counts, (5, 4), "{host:?}");
        }
    }

    #[test]
    fn claims_lie_where_the_gateway_puts_them() {
        let said = warnings(Host::ExtensionPolicy, POLICY, true).join("\n");
        assert!(said.contains("a provider named `idp`") && said.contains("has no FAIL_RELOAD"), "{said}");
        let said = warnings(Host::PatchedExtension, POLICY, true).join("\n");
        assert!(said.contains("enableEnvoyPatchPolicy") && !said.contains("cannot hold"), "{said}");
    }

    #[test]
    fn counters_and_keys_are_told_of_where_they_are_shared() {
        let quotas = |scope: &str| {
            let rules = r#""rules": ["#;
            let quotas =
                format!(r#""quotas": [{{"id": "q", "limit": 5, "window": "1m", "scope": "{scope}"}}], {rules}"#);
            let policy = POLICY.replacen(rules, &quotas, 1);
            let host = r#""stores": {"global": {"cluster": "limits"}}, "keys": {"redaction": {"env": "KEY"}}"#;
            format!(r#"{{"host": {{{host}}}, "layers": [{policy}]}}"#)
        };
        let local = warnings(Host::WasmPlugin, &quotas("local"), true).join("\n");
        assert!(local.contains("`vm_id` empty") && local.contains("N replicas"), "{local}");
        assert!(local.contains("environment variable KEY"), "{local}");
        let own_vm = warnings(Host::EnvoyFilter, &quotas("local"), true).join("\n");
        assert!(!own_vm.contains("`vm_id` empty"), "{own_vm}");
        let global = warnings(Host::TrafficExtension, &quotas("global"), true).join("\n");
        assert!(global.contains("cluster `limits` by gRPC, and istiod names"), "{global}");
        let gateway = warnings(Host::ExtensionPolicy, &quotas("global"), true).join("\n");
        assert!(gateway.contains("no resource of Envoy Gateway makes a cluster"), "{gateway}");
    }
}
