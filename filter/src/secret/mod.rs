//! What a secret looks like: text in, spans out. Knows nothing of JSON, MCP or policies.
//!
//! [`detector`] declares each kind of secret as data; [`prefilter`] finds the places where one may be, by rare bytes of
//! its literals; [`verify`] looks at such a place and says what lies there. [`Scanner`] ties them together over text
//! that may still be growing.
//!
//! The text is *flat*: all escapes of JSON, at any depth, have been undone (`rewrite::redact::flat`), so a secret looks
//! the same in plain text, in a JSON string, and in JSON inside a JSON string.

pub mod custom;
pub mod detector;
mod hash;
pub mod prefilter;
pub mod scan;
pub mod verify;

pub use hash::SecretHash;
pub use scan::{Hit, KEY_NAME, Key, KeyError, LOOKBACK, Memo, Pattern, REACH, Scanner};
pub use verify::Text;
