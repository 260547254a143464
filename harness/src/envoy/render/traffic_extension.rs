//! `render istio-trafficextension`: a TrafficExtension, which succeeds the WasmPlugin from Istio 1.30 on and cannot hold
//! headers either.

use serde_json::{Value, json};

use super::{Mesh, set};

impl Mesh {
    /// A TrafficExtension that puts the filter behind `jwt_authn` and before Istio's authorization.
    ///
    /// # Errors
    /// The policy is no JSON.
    pub fn traffic_extension(&self) -> Result<Value, serde_json::Error> {
        let mut spec = self.placement();
        let mut plugin = self.plugin()?;
        set(&mut plugin, "type", json!("HTTP"));
        set(&mut spec, "wasm", plugin);
        Ok(json!({
            "apiVersion": "extensions.istio.io/v1alpha1",
            "kind": "TrafficExtension",
            "metadata": self.metadata(),
            "spec": spec,
        }))
    }
}
