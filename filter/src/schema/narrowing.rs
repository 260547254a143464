//! What of a schema can be shown in a tool's listed `inputSchema`.

use super::value::{Type, Value};
use super::vocabulary;
use crate::json;

/// Most bytes of a value that is shown.
const LONGEST: usize = 4096;

/// The part of a schema that can be merged plainly into another schema's root: into its `properties` and `required`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowing<'s> {
    /// Each constrained key with its schema, as it is written. Keys whose schema cannot stand elsewhere (a `$ref`, one
    /// of our own keywords, a boolean) are left out.
    pub properties: Vec<(String, &'s [u8])>,
    /// The keys that must be there.
    pub required: Vec<String>,
    /// True if the schema demands more than what is here.
    pub partial: bool,
}

/// Keywords that the root may have beside what is merged, because they change nothing or only make the rest partial.
const BESIDE: &[&str] = &["$defs", "additionalProperties", "maxProperties", "minProperties", "propertyNames"];

/// See [`Schema::narrowing`](super::Schema::narrowing).
pub(super) fn narrowing(text: &[u8]) -> Option<Narrowing<'_>> {
    let root = Value::root(text).filter(|root| root.kind() == Type::Object)?;
    let mut narrowing = Narrowing { properties: Vec::new(), required: Vec::new(), partial: false };
    for (key, value) in root.members() {
        match &*json::decode(key.raw()) {
            "properties" => {
                for (key, schema) in value.members() {
                    if schema.kind() == Type::Object && schema.span.len() <= LONGEST && plain(schema) {
                        narrowing.properties.push((json::decode(key.raw()).into_owned(), schema.raw()));
                    } else {
                        narrowing.partial |= schema.boolean() != Some(true);
                    }
                }
            }
            "required" => narrowing.required.extend(value.elements().filter_map(|it| Some(it.string()?.into_owned()))),
            "type" if value.string().as_deref() == Some("object") => {}
            "$schema" | "$defs" => {}
            annotation if vocabulary::ANNOTATIONS.contains(&annotation) => {}
            beside if BESIDE.contains(&beside) => narrowing.partial = true,
            _ => return None,
        }
    }
    let nothing = narrowing.properties.is_empty() && narrowing.required.is_empty();
    (!nothing).then_some(narrowing)
}

/// True if a schema means the same wherever it stands. A constant that has such a key is taken for a schema that has
/// it, which leaves out more than must be.
fn plain(value: Value<'_>) -> bool {
    let foreign = |key: &str| key == "$ref" || key.starts_with("tidegate:");
    // As deep as json::check allowed.
    value.members().all(|(key, value)| !foreign(&json::decode(key.raw())) && plain(value))
        && value.elements().all(plain)
}
