//! The argument validator against others: the official test suite, and the `jsonschema` crate on generated schemas.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod fetch;
mod generated;
mod suite;
