//! `render istio-wasmplugin`: a WasmPlugin, which cannot hold headers.

use serde_json::{Value, json};

use super::{Mesh, merged};

impl Mesh {
    /// A WasmPlugin that puts the filter behind `jwt_authn` and before Istio's authorization.
    ///
    /// # Errors
    /// The policy is no JSON.
    pub fn wasm_plugin(&self) -> Result<Value, serde_json::Error> {
        Ok(json!({
            "apiVersion": "extensions.istio.io/v1alpha1",
            "kind": "WasmPlugin",
            "metadata": self.metadata(),
            "spec": merged(self.placement(), self.plugin()?),
        }))
    }
}
