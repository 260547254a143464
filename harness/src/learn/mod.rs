//! What traffic shows, and the policy that allows just that.
//!
//! [`Learner`] is given exchanges of captures one by one, and listings of live servers, and keeps an [`Inventory`]:
//! servers, what they offer, who uses what, and which kinds of secrets pass. [`starter`] makes a policy of it that allows
//! what was used and nothing else. Values of secrets and tokens are never kept.

mod caller;
mod inventory;
mod live;
mod message;
mod secrets;
mod starter;
mod traffic;

pub use caller::{Caller, Callers, Group};
pub use inventory::{Annotations, Direction, Inventory, SecretSeen, Server, ServerKey, Thing, Tool, Usage};
pub use live::{LiveError, Token, list};
pub use starter::{Document, Starter, starter};
pub use traffic::Learner;

#[cfg(test)]
mod tests;
