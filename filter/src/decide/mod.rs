//! Decisions: facts about a request and a compiled policy in, a verdict out. Pure, and nothing is allocated for a verdict.
//!
//! [`route`] says which server a request is for, [`identity`] who calls, [`access`] whether a rule allows it, [`quota`]
//! which quotas count it, [`cost`] what it costs.

pub mod access;
pub mod cost;
pub mod identity;
pub mod quota;
pub mod route;

#[cfg(test)]
mod tests;
