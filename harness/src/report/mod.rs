//! What a person or another tool reads.

pub mod changes;
pub mod explanation;
pub mod inventory;
#[cfg(feature = "host")]
pub mod html;
pub mod json;
pub mod lints;
pub mod progress;
mod quota;
pub mod redaction;
pub mod steps;
#[cfg(feature = "host")]
pub mod junit;
pub mod progress;
mod quota;
pub mod redaction;
pub mod sarif;
pub mod style;
#[cfg(feature = "host")]
pub mod summary;
pub mod table;
#[cfg(feature = "host")]
pub mod tally;
pub mod text;
