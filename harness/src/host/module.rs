//! A compiled module, linked against the host.

use std::fmt;
use std::path::Path;

use wasmtime::{Config, Engine, InstancePre, Linker};

use super::state::State;
use super::{calls, wasi};

/// A compiled `.wasm`. Cheap to clone; compile once and start as many [`Vm`](super::Vm)s from it as wanted.
#[derive(Clone)]
pub struct Module {
    pub(crate) engine: Engine,
    pub(crate) linked: InstancePre<State>,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").finish_non_exhaustive()
    }
}

/// Why a module cannot be used.
#[derive(Debug)]
pub struct ModuleError {
    message: String,
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ModuleError {}

impl Module {
    /// Compiles the bytes of a `.wasm`. Fails when they are no valid module, or when it imports what Envoy does not offer.
    pub fn compile(wasm: &[u8]) -> Result<Self, ModuleError> {
        let error = |what: &str, error: &dyn fmt::Display| ModuleError { message: format!("{what}: {error:#}") };
        let engine = Engine::new(&Config::new()).map_err(|e| error("wasmtime cannot be set up", &e))?;
        let module = wasmtime::Module::new(&engine, wasm).map_err(|e| error("not a module that can be loaded", &e))?;
        let mut linker = Linker::new(&engine);
        calls::add_to(&mut linker)
            .and_then(|()| wasi::add_to(&mut linker))
            .map_err(|e| error("the host's functions cannot be linked", &e))?;
        let linked = linker
            .instantiate_pre(&module)
            .map_err(|e| error("the module asks for something that Envoy does not offer", &e))?;
        Ok(Self { engine, linked })
    }

    /// Reads and compiles a `.wasm` file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ModuleError> {
        let path = path.as_ref();
        let wasm = std::fs::read(path)
            .map_err(|e| ModuleError { message: format!("{} cannot be read: {e}", path.display()) })?;
        Self::compile(&wasm).map_err(|e| ModuleError { message: format!("{}: {e}", path.display()) })
    }
}
