//! What several commands read: policies, key sets, addresses.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use clap::Args;
use miette::miette;
use tidegate_filter::policy::{Compiled, IdentitySource, check};
use time::OffsetDateTime;

use crate::capture::CaptureError;
use crate::envoy::{JwtProvider, Rendering, Upstream};
use crate::report::style::Style;
use crate::report::text;

/// A policy file that compiles.
#[derive(Debug)]
pub(super) struct PolicyFile {
    pub(super) text: String,
    pub(super) compiled: Compiled,
}

/// Seconds since the Unix epoch.
pub(super) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// The key of placeholders, for commands that put the filter into an Envoy.
#[derive(Debug, Args)]
pub(super) struct RedactionKey {
    /// Environment variable of Envoy with the key of the hash in placeholders, of at least 16 bytes: the same key makes
    /// the same placeholders everywhere. Without it each Envoy has a random one
    #[arg(long = "redaction-key-env", value_name = "NAME")]
    variable: Option<String>,
}

impl RedactionKey {
    /// The document with the variable's name in its host settings.
    fn named_in(&self, document: String) -> miette::Result<String> {
        let Some(name) = &self.variable else { return Ok(document) };
        let keys = serde_json::json!({"keys": {"redaction": {"env": name}}});
        let has_host = serde_json::from_str::<serde_json::Value>(&document).is_ok_and(|it| it.get("layers").is_some());
        if has_host {
            let help = "write host.keys.redaction in the document, or give the policy alone";
            return Err(miette!(help = help, "--redaction-key-env and a document with its own `host` or `layers`"));
        }
        Ok(format!("{{\"host\":{keys},\"layers\":[{}]}}", document.trim()))
    }
}

/// Reads and checks a policy, and names the key of its placeholders.
pub(super) fn keyed_policy(path: &Path, key: &RedactionKey) -> miette::Result<PolicyFile> {
    let file = policy(path)?;
    let text = key.named_in(file.text)?;
    // Only what the option adds can be wrong with it.
    let compiled = check(text.as_bytes(), now());
    let compiled =
        compiled.map_err(|error| miette!(help = "name the variable, not its value", "--redaction-key-env: {error}"))?;
    Ok(PolicyFile { text, compiled })
}

/// Reads and checks a policy that is about to be used. Its faults are shown on standard error.
pub(super) fn policy(path: &Path) -> miette::Result<PolicyFile> {
    let bytes = read(path)?;
    let name = path.display().to_string();
    match check(&bytes, now()) {
        Ok(compiled) => {
            if !compiled.warnings.is_empty() {
                eprint!("{}", text::findings(&name, &bytes, &compiled.warnings, Style::for_stderr()));
            }
            let text = String::from_utf8(bytes).map_err(|_| miette!("{name} is not UTF-8"))?;
            Ok(PolicyFile { text, compiled })
        }
        Err(diagnostics) => {
            eprint!("{}", text::findings(&name, &bytes, &diagnostics.0, Style::for_stderr()));
            let count = diagnostics.0.len();
            Err(miette!(
                help = "`tidegate check` shows the same; docs and editors use policies/policy.schema.json",
                "{name} is not a policy that can run: {count} error{}",
                if count == 1 { "" } else { "s" }
            ))
        }
    }
}

/// Reads a file, or says which one could not be read.
pub(super) fn read(path: &Path) -> miette::Result<Vec<u8>> {
    fs::read(path).map_err(|error| miette!("cannot read {}: {error}", path.display()))
}

/// Why a capture cannot be used, and what to do about it.
pub(super) fn unusable(error: &CaptureError) -> miette::Report {
    match error.help() {
        Some(help) => miette!(help = help, "{error}"),
        None => miette!("{error}"),
    }
}

/// The module and its mode, the policy and what stands behind Envoy.
#[derive(Debug, Args)]
pub(super) struct Attachment {
    /// The policy to enforce
    #[arg(long, short, value_name = "FILE")]
    pub(super) policy: PathBuf,
    /// The MCP server to put the filter in front of; clients use the same path on Envoy
    #[arg(long, short, value_name = "URL")]
    pub(super) upstream: String,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:10000")]
    pub(super) listen: SocketAddr,
    /// Let headers go to the server before the body is judged, as Istio's WasmPlugin and Envoy Gateway do
    #[arg(long)]
    pub(super) no_hold: bool,
    /// Key set (JWKS) that callers' JWTs are verified with
    #[arg(long, value_name = "FILE", requires = "issuer")]
    pub(super) jwks: Option<PathBuf>,
    /// Issuer (`iss`) of those JWTs
    #[arg(long, value_name = "ISSUER", requires = "jwks")]
    pub(super) issuer: Option<String>,
    /// Audience (`aud`) that those JWTs must have; may be repeated
    #[arg(long, value_name = "AUDIENCE", requires = "jwks")]
    pub(super) audience: Vec<String>,
    /// The service that counts quotas of global scope, as the cluster that the policy names
    #[arg(long, value_name = "URL")]
    pub(super) rate_limit_service: Option<String>,
    #[command(flatten)]
    pub(super) redaction_key: RedactionKey,
}

impl Attachment {
    /// Checks everything that can be checked without Envoy, and puts it into a rendering without a module yet; with what
    /// will surely go wrong although each part is right by itself.
    pub(super) fn rendering(&self, wasm: &Path) -> miette::Result<(PolicyFile, Rendering, Vec<String>)> {
        let policy = keyed_policy(&self.policy, &self.redaction_key)?;
        let upstream = Upstream::from_url(&self.upstream).map_err(|error| miette!("{error}"))?;
        let mut rendering = Rendering::new(policy.text.clone(), wasm);
        rendering.hold = !self.no_hold;
        rendering.listen = self.listen;
        if let (Some(path), Some(issuer)) = (&self.jwks, &self.issuer) {
            let jwks = key_set(path)?;
            rendering.jwt.push(JwtProvider { issuer: issuer.clone(), audiences: self.audience.clone(), jwks });
        }
        rendering.services.extend(self.rate_limits(&policy.compiled)?);
        let mut warnings = mismatches(&policy.compiled, &upstream, &rendering.jwt);
        if let Some(service) = &policy.compiled.configuration.host.stores.global
            && rendering.services.is_empty()
        {
            warnings.push(format!(
                "quotas of global scope are counted in the cluster `{}`, which Envoy does not know here: what they govern is \
                 judged by their `on_store_error`. Give --rate-limit-service http://HOST:PORT",
                service.cluster
            ));
        }
        rendering.upstreams.push(upstream);
        Ok((policy, rendering, warnings))
    }

    /// The cluster of the service that counts for a fleet.
    fn rate_limits(&self, compiled: &Compiled) -> miette::Result<Option<Upstream>> {
        let Some(url) = &self.rate_limit_service else { return Ok(None) };
        let Some(service) = &compiled.configuration.host.stores.global else {
            let help = "write host.stores.global in the document, or leave --rate-limit-service out";
            return Err(miette!(help = help, "the policy names no rate limit service"));
        };
        let mut upstream = Upstream::from_url(url).map_err(|error| miette!("--rate-limit-service: {error}"))?;
        upstream.name.clone_from(&service.cluster);
        // It is spoken to by gRPC.
        upstream.http2 = true;
        Ok(Some(upstream))
    }
}

/// What will surely go wrong although each part is right by itself.
fn mismatches(compiled: &Compiled, upstream: &Upstream, jwt: &[JwtProvider]) -> Vec<String> {
    let policy = &compiled.configuration.policy;
    let mut warnings = Vec::new();
    let covers = |path: &str| {
        let rest = upstream.path.strip_prefix(path.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if !policy.servers.iter().any(|server| server.matcher.path.as_deref().is_none_or(covers)) {
        warnings.push(format!(
            "no server of policy `{}` matches the path {}: calls to it are refused as server_unknown",
            policy.name, upstream.path
        ));
    }
    for source in &policy.identity.sources {
        if let IdentitySource::Jwt(source) = source
            && !jwt.iter().any(|provider| provider.issuer == source.issuer)
        {
            warnings.push(format!(
                "the policy takes callers from JWTs of {0}, and Envoy verifies none of those here: such callers have no \
                 identity. Give --jwks FILE --issuer {0}",
                source.issuer
            ));
        }
    }
    warnings
}

fn key_set(path: &Path) -> miette::Result<String> {
    let bytes = read(path)?;
    let value: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|error| miette!("{} is not a key set (JWKS, RFC 7517): {error}", path.display()))?;
    if !value.get("keys").is_some_and(serde_json::Value::is_array) {
        return Err(miette!("{} is not a key set (JWKS, RFC 7517): it has no `keys`", path.display()));
    }
    Ok(value.to_string())
}

/// Fails if the policy names a variable for the key of placeholders that is not usable here.
pub(super) fn ensure_key(policy: &PolicyFile) -> miette::Result<()> {
    let Some(name) = &policy.compiled.configuration.host.redaction_key_env else { return Ok(()) };
    match std::env::var(name) {
        Ok(key) if key.len() >= 16 => Ok(()),
        _ => Err(miette!(
            help = "set it to 16 random bytes or more, as in {name}=$(openssl rand -hex 32)",
            "the environment variable {name}, the key of placeholders, is not set or has fewer than 16 bytes"
        )),
    }
}

/// Fails if something listens at `address` already. Envoy shares its ports, so it would not notice.
pub(super) fn ensure_free(address: SocketAddr) -> miette::Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(miette!(
            help = "stop what listens there, or choose another address with --listen",
            "{address} is in use"
        )),
        Err(error) => {
            Err(miette!(help = "choose another address with --listen", "cannot listen on {address}: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"version": "tidegate/v1", "name": "p",
        "identity": {"sources": [{"jwt": {"issuer": "https://idp.example.com"}}]},
        "servers": [{"name": "crm", "match": {"path": "/mcp"}}],
        "rules": [{"id": "r", "allow": {"tools": ["get_*"]}}]}"#;

    #[test]
    fn parts_that_do_not_fit_are_named() {
        let compiled = tidegate_filter::policy::compile(POLICY.as_bytes()).unwrap();
        let provider =
            JwtProvider { issuer: "https://idp.example.com".to_owned(), audiences: vec![], jwks: "{}".to_owned() };
        let warnings = |url: &str, jwt: &[JwtProvider]| mismatches(&compiled, &Upstream::from_url(url).unwrap(), jwt);
        assert_eq!(warnings("http://h/mcp", std::slice::from_ref(&provider)), Vec::<String>::new());
        assert_eq!(warnings("http://h/mcp/x", std::slice::from_ref(&provider)), Vec::<String>::new());
        let path = warnings("http://h/mcpx", &[provider]);
        assert!(path.len() == 1 && path[0].contains("/mcpx"), "{path:?}");
        let issuer = warnings("http://h/mcp", &[]);
        assert!(issuer.len() == 1 && issuer[0].contains("--issuer https://idp.example.com"), "{issuer:?}");
    }

    #[test]
    fn a_taken_port_is_noticed() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = ensure_free(taken.local_addr().unwrap()).unwrap_err().to_string();
        assert!(error.ends_with("is in use"), "{error}");
    }
}
