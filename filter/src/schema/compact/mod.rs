//! The compact validator: small code, bounded work, no tree of the instance.

mod compile;
mod equal;
mod judge;
mod node;
mod object;
mod property;
mod reference;
mod wanted;

pub(super) use compile::{Compiled, compile};
pub(super) use judge::judge;
