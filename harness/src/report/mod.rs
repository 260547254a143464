//! What a person or another tool reads.

pub mod changes;
pub mod explanation;
#[cfg(feature = "host")]
pub mod html;
pub mod inventory;
pub mod json;
#[cfg(feature = "host")]
pub mod junit;
pub mod lints;
pub mod progress;
mod quota;
pub mod redaction;
pub mod sarif;
pub mod steps;
pub mod style;
#[cfg(feature = "host")]
pub mod summary;
pub mod table;
#[cfg(feature = "host")]
pub mod tally;
pub mod text;
