//! The ground floor: strict JSON (RFC 8259) read without building a tree.
