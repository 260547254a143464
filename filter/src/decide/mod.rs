//! Decisions: facts about a request and a compiled policy in, a verdict out. Pure, and nothing is allocated for a verdict.
//!
//! [`route`] says which server a request is for, [`identity`] who calls, [`access`] whether a rule allows it, [`quota`]
//! which quotas count it, [`cost`] what it costs.

pub mod access;
pub mod cost;
// For people who ask why. No part of the module that Envoy loads.
#[cfg(not(target_arch = "wasm32"))]
pub mod explain;
pub mod identity;
pub mod quota;
pub mod route;

#[cfg(test)]
mod tests;
