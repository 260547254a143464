//! What a manifest can be attached to by name.

use serde_json::{Value, json};

use super::set;

const GATEWAY_API: &str = "gateway.networking.k8s.io";

/// A resource that a manifest is attached to, in the manifest's own namespace.
///
/// ```
/// use tidegate::envoy::Target;
/// let waypoint = Target::parse("Gateway/mcp-waypoint", &Target::ISTIO)?;
/// assert_eq!(waypoint.kind(), "Gateway");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    group: &'static str,
    kind: &'static str,
    name: String,
    section: Option<String>,
}

impl Target {
    /// The kinds that Istio attaches plugins to, with their API groups.
    pub const ISTIO: [(&'static str, &'static str); 4] = [
        ("Gateway", GATEWAY_API),
        ("GatewayClass", GATEWAY_API),
        ("Service", ""),
        ("ServiceEntry", "networking.istio.io"),
    ];
    /// The kinds that Envoy Gateway attaches extensions to and that carry HTTP, with their API groups.
    pub const ENVOY_GATEWAY: [(&'static str, &'static str); 3] =
        [("Gateway", GATEWAY_API), ("HTTPRoute", GATEWAY_API), ("ListenerSet", GATEWAY_API)];

    /// `KIND/NAME`, of one of `kinds`, in any case.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn parse(text: &str, kinds: &[(&'static str, &'static str)]) -> Result<Self, String> {
        let names: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
        let form = || format!("write it as KIND/NAME, with one of the kinds {}", names.join(", "));
        let (kind, name) = text.split_once('/').ok_or_else(form)?;
        let (kind, group) = kinds.iter().find(|(it, _)| it.eq_ignore_ascii_case(kind)).ok_or_else(form)?;
        Ok(Self { group, kind, name: resource_name(name)?, section: None })
    }

    /// `KIND/NAME`, or `KIND/NAME/SECTION` with a listener of a Gateway or a rule of a route.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn parse_with_section(text: &str, kinds: &[(&'static str, &'static str)]) -> Result<Self, String> {
        match text.match_indices('/').nth(1) {
            None => Self::parse(text, kinds),
            Some((at, _)) => {
                let (target, section) = text.split_at(at);
                let section = resource_name(section.trim_start_matches('/'))?;
                Ok(Self { section: Some(section), ..Self::parse(target, kinds)? })
            }
        }
    }

    /// The kind of resource, as its API spells it.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    pub(super) fn reference(&self) -> Value {
        let mut reference = json!({"group": self.group, "kind": self.kind, "name": self.name});
        if let Some(section) = &self.section {
            set(&mut reference, "sectionName", json!(section));
        }
        reference
    }
}

/// A name that Kubernetes gives to resources (RFC 1123, subdomains).
fn resource_name(text: &str) -> Result<String, String> {
    let part = |it: &str| {
        let inside = it.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        inside && !it.is_empty() && !it.starts_with('-') && !it.ends_with('-')
    };
    if text.len() <= 253 && text.split('.').all(part) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no name of a Kubernetes resource: lower-case letters, digits, `-` and `.`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named_by_kind() {
        let service = Target::parse("service/mcp-server", &Target::ISTIO).unwrap();
        assert_eq!(service.reference(), json!({"group": "", "kind": "Service", "name": "mcp-server"}));
        let listener = Target::parse_with_section("Gateway/eg/http", &Target::ENVOY_GATEWAY).unwrap();
        assert_eq!(
            listener.reference(),
            json!({"group": GATEWAY_API, "kind": "Gateway", "name": "eg", "sectionName": "http"})
        );
        for wrong in ["mcp", "Pod/mcp", "Gateway/", "Gateway/Upper", "Gateway/a/b", "Gateway/-a", "Gateway/a..b"] {
            Target::parse(wrong, &Target::ISTIO).unwrap_err();
        }
        Target::parse_with_section("Gateway/eg/http/x", &Target::ENVOY_GATEWAY).unwrap_err();
    }
}
