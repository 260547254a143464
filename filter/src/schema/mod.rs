//! The argument validator: JSON Schema 2020-12 in a declared vocabulary, compiled once, judged without a tree.
//!
//! ```
//! use std::collections::BTreeMap;
//! use tidegate_filter::schema::{Schema, Verdict};
//!
//! let text = br#"{
//!     "properties": { "amount": { "type": "number", "minimum": 0, "maximum": 500 } },
//!     "required": ["amount"]
//! }"#;
//! let schema = Schema::compile(text, &BTreeMap::new())?;
//! assert_eq!(schema.judge(br#"{"amount": 499.99}"#, &()), Verdict::Valid);
//!
//! let Verdict::Invalid(miss) = schema.judge(br#"{"amount": 501}"#, &()) else { panic!() };
//! assert_eq!(miss.to_string(), "/amount must be at most 500");
//! // A server that compares keys without case would read this one as the amount.
//! let Verdict::Invalid(miss) = schema.judge(br#"{"amount": 1, "Amount": 501}"#, &()) else { panic!() };
//! assert_eq!(miss.to_string(), "/Amount must not be sent: the key is \"amount\", and this one differs in case");
//! # Ok::<(), tidegate_filter::schema::Fault>(())
//! ```
//!
//! The vocabulary: all keywords of JSON Schema 2020-12 that constrain, but for `unevaluatedProperties`,
//! `unevaluatedItems`, identifiers and anchors (`$id`, `$anchor`, `$dynamicRef`), references that leave the document,
//! and the keywords about content; `format` is asserted for `date-time`, `uri`, `email`, `uuid`, `ipv4` and `ipv6`.
//! Two keywords are ours: `"tidegate:equals": "principal.team"` and `"tidegate:in": "sets.our-repos"`. Whatever else
//! stands in a schema, and is no annotation, is a [`Fault`]: a keyword that were ignored would look as if it held.
//!
//! Numbers are exact decimals and strings are compared decoded. Three things differ from a plain validator, all of them
//! on the safe side: a key that differs only in case from one that the schema constrains is a [`Miss`] of its own kind;
//! what could not be told (such a key, or a fact that is not known) is not turned into its opposite by `not`, `oneOf`,
//! `contains` or `if`; and a judgement that takes too long is [`Verdict::Undecidable`].
//!
//! With the cargo feature `full-schema` the `jsonschema` crate judges instead, with the whole vocabulary of the
//! standard. It makes the `.wasm` several times larger and slower to start.

#[cfg(not(feature = "full-schema"))]
mod compact;
mod facts;
mod fault;
mod format;
#[cfg(feature = "full-schema")]
mod full;
mod narrowing;
mod output;
mod regex;
mod value;
mod verdict;
mod vocabulary;
mod work;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::json::{self, Limits};
#[cfg(not(feature = "full-schema"))]
use compact as engine;
#[cfg(feature = "full-schema")]
use full as engine;

pub use crate::regex::{PATTERN_BYTES, PATTERN_INSTRUCTIONS, PATTERN_NESTING};
pub use fault::Fault;
pub use narrowing::Narrowing;
pub(crate) use output::Constraint;
pub use output::OutputSchema;
pub use verdict::{Facts, Miss, MissKind, Verdict};
pub use work::Undecidable;
pub(crate) use work::Work;

/// Longest schema, in bytes.
pub const SCHEMA_BYTES: usize = 256 * 1024;
/// Deepest nesting of a schema's text.
pub const SCHEMA_DEPTH: usize = 64;
/// Most schemas in a schema, itself included.
pub const SCHEMA_NODES: usize = 8192;
/// Most instructions of all patterns of a schema together.
pub const SCHEMA_INSTRUCTIONS: usize = 65_536;
/// Most steps of one judgement: about one a keyword applied, a member or item seen, 16 bytes read, a state of a
/// pattern entered.
pub const JUDGEMENT_STEPS: usize = 1_000_000;
/// Deepest nesting of schemas that are being applied, and of values that are being compared.
pub const JUDGEMENT_DEPTH: usize = 256;

/// Refuses a text that is no strict JSON, or too much of it.
fn check_text(text: &[u8]) -> Result<(), Fault> {
    let fault = |what: String, suggestion: &str| Fault {
        pointer: String::new(),
        keyword: String::new(),
        message: format!("the schema has {what}"),
        suggestion: Some(suggestion.to_owned()),
    };
    if text.len() > SCHEMA_BYTES {
        return Err(fault(format!("more than {SCHEMA_BYTES} bytes"), "split the rule in several"));
    }
    json::check(text, Limits { depth: SCHEMA_DEPTH, ..Limits::default() }, &mut ())
        .map_err(|error| fault(error.to_string(), "write strict JSON, not too deeply nested"))
}

/// The policy's named sets.
type Sets = BTreeMap<String, Vec<String>>;

/// A compiled schema. It is immutable and knows nothing of any call.
#[derive(Debug)]
pub struct Schema {
    compiled: engine::Compiled,
}

impl Schema {
    /// Compiles a schema that the operator wrote. `sets` are the policy's named sets, which `tidegate:in` names as
    /// `sets.NAME`; they are copied.
    pub fn compile(text: &[u8], sets: &BTreeMap<String, Vec<String>>) -> Result<Self, Fault> {
        Ok(Self { compiled: engine::compile(text, sets)? })
    }

    /// Judges an instance: JSON text that [`json::check`](crate::json::check) has accepted, white space around it
    /// allowed. On other bytes nothing panics, and the verdict means nothing.
    pub fn judge(&self, instance: &[u8], facts: &dyn Facts) -> Verdict {
        engine::judge(&self.compiled, instance, facts)
    }

    /// What can be merged plainly into the `properties` and `required` of a tool's listed `inputSchema`. `None` where
    /// nothing can: the root is a boolean, or has a `$ref`, combinators, conditions, `patternProperties`, constants or
    /// keywords of ours.
    pub fn narrowing(&self) -> Option<Narrowing<'_>> {
        narrowing::narrowing(&self.compiled.text)
    }
}
