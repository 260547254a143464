//! What rules demand of a tool's arguments, shown in the `inputSchema` that a list gives: merged into its `properties` and
//! `required`, never as a combinator at the root, which the APIs of models refuse (DESIGN section 5, lists).

use super::Splice;
use crate::json::{Decimal, Member, Span, decode, elements, members};
use crate::schema::Narrowing;

/// The changes to the tool at `entry`. Keywords that both schemas have keep the listed value, but for bounds, of which
/// the tighter one stays, and `enum`, of which the common values stay.
pub fn narrow(bytes: &[u8], entry: Span, narrowing: &Narrowing<'_>) -> Vec<Splice> {
    let Some(input) = member(bytes, entry, "inputSchema").map(|input| input.value) else { return Vec::new() };
    if bytes.get(input.start) != Some(&b'{') {
        return Vec::new();
    }
    let mut splices = Vec::new();
    let mut root = Insertions::new(bytes, input);
    match member(bytes, input, "properties").map(|properties| properties.value) {
        Some(listed) => {
            let mut properties = Insertions::new(bytes, listed);
            for (name, demanded) in &narrowing.properties {
                match member(bytes, listed, name) {
                    Some(property) => merge(bytes, property.value, demanded, &mut splices),
                    None => properties.add(name, demanded),
                }
            }
            splices.extend(properties.splice());
        }
        None if !narrowing.properties.is_empty() => {
            let mut properties = Insertions::empty();
            for (name, demanded) in &narrowing.properties {
                properties.add(name, demanded);
            }
            root.add("properties", &properties.object());
        }
        None => {}
    }
    match member(bytes, input, "required").map(|required| required.value) {
        Some(listed) => splices.extend(require(bytes, listed, &narrowing.required)),
        None if !narrowing.required.is_empty() => root.add("required", &array(&narrowing.required)),
        None => {}
    }
    splices.extend(root.splice());
    splices
}

/// Merges a demanded schema, an object, into a listed property.
fn merge(bytes: &[u8], listed: Span, demanded: &[u8], splices: &mut Vec<Splice>) {
    if bytes.get(listed.start) != Some(&b'{') {
        return;
    }
    let mut added = Insertions::new(bytes, listed);
    for keyword in members(demanded, Span { start: 0, end: demanded.len() }) {
        let (name, value) = (decode(keyword.key.of(demanded)), keyword.value.of(demanded));
        match member(bytes, listed, &name).map(|member| member.value) {
            None => added.add(&name, value),
            Some(known) => {
                if let Some(with) = tighter(&name, known.of(bytes), value) {
                    splices.push(Splice { span: known, with });
                }
            }
        }
    }
    splices.extend(added.splice());
}

/// What a keyword says that both schemas have, if it changes.
fn tighter(keyword: &str, listed: &[u8], demanded: &[u8]) -> Option<Vec<u8>> {
    match keyword {
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
            (Decimal::read(demanded)? < Decimal::read(listed)?).then(|| demanded.to_vec())
        }
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
            (Decimal::read(demanded)? > Decimal::read(listed)?).then(|| demanded.to_vec())
        }
        "enum" => {
            let values = |text: &'_ [u8]| elements(text, Span { start: 0, end: text.len() }).collect::<Vec<Span>>();
            let wanted: Vec<&[u8]> = values(demanded).into_iter().map(|span| span.of(demanded)).collect();
            let common: Vec<&[u8]> =
                values(listed).into_iter().map(|span| span.of(listed)).filter(|value| wanted.contains(value)).collect();
            (!common.is_empty()).then(|| [b"[", common.join(&b","[..]).as_slice(), b"]"].concat())
        }
        _ => None,
    }
}

/// The change that adds the names to the list at `listed` that it lacks.
fn require(bytes: &[u8], listed: Span, names: &[String]) -> Option<Splice> {
    let known: Vec<_> = elements(bytes, listed).map(|element| decode(element.of(bytes))).collect();
    let missing: Vec<String> = names.iter().filter(|name| !known.iter().any(|it| it == *name)).cloned().collect();
    if missing.is_empty() || bytes.get(listed.start) != Some(&b'[') {
        return None;
    }
    let mut with = array(&missing);
    // Before what is there: the opening bracket is the listed one.
    with.remove(0);
    with.pop();
    if !known.is_empty() {
        with.push(b',');
    }
    Some(Splice { span: Span { start: listed.start + 1, end: listed.start + 1 }, with })
}

fn member(bytes: &[u8], object: Span, key: &str) -> Option<Member> {
    members(bytes, object).find(|member| decode(member.key.of(bytes)) == key)
}

fn array(names: &[String]) -> Vec<u8> {
    let mut out = vec![b'['];
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        crate::json::write_string(&mut out, name);
    }
    out.push(b']');
    out
}

/// Members put before those that an object has.
struct Insertions {
    at: usize,
    /// The object has members of its own.
    more: bool,
    with: Vec<u8>,
}

impl Insertions {
    fn new(bytes: &[u8], object: Span) -> Self {
        Self { at: object.start + 1, more: members(bytes, object).next().is_some(), with: Vec::new() }
    }

    fn empty() -> Self {
        Self { at: 0, more: false, with: Vec::new() }
    }

    fn add(&mut self, key: &str, value: &[u8]) {
        if !self.with.is_empty() {
            self.with.push(b',');
        }
        crate::json::write_string(&mut self.with, key);
        self.with.push(b':');
        self.with.extend_from_slice(value);
    }

    fn object(self) -> Vec<u8> {
        [b"{", self.with.as_slice(), b"}"].concat()
    }

    fn splice(mut self) -> Option<Splice> {
        if self.with.is_empty() {
            return None;
        }
        if self.more {
            self.with.push(b',');
        }
        Some(Splice { span: Span { start: self.at, end: self.at }, with: self.with })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::rewrite::apply;
    use crate::schema::Schema;

    fn narrowed(tool: &Value, condition: &Value) -> Value {
        let schema = Schema::compile(condition.to_string().as_bytes(), &BTreeMap::new()).unwrap();
        let text = tool.to_string();
        let Some(narrowing) = schema.narrowing() else { return tool.clone() };
        let splices = narrow(text.as_bytes(), Span { start: 0, end: text.len() }, &narrowing);
        serde_json::from_slice(&apply(text.as_bytes(), splices)).unwrap()
    }

    #[test]
    fn conditions_are_merged_into_properties_and_required() {
        let tool = json!({"name": "refund", "inputSchema": {
            "type": "object",
            "properties": {
                "amount": {"type": "number", "maximum": 10000, "minimum": 0, "x-mcp-header": "Amount"},
                "currency": {"type": "string", "enum": ["EUR", "USD", "GBP"]},
            },
            "required": ["currency"],
        }});
        let condition = json!({
            "properties": {
                "amount": {"maximum": 500, "minimum": -1, "multipleOf": 0.01},
                "currency": {"enum": ["GBP", "CHF", "EUR"]},
                "reason": {"type": "string", "minLength": 3},
            },
            "required": ["amount", "currency"],
        });
        assert_eq!(
            narrowed(&tool, &condition)["inputSchema"],
            json!({
                "type": "object",
                "properties": {
                    "amount": {"type": "number", "maximum": 500, "minimum": 0, "multipleOf": 0.01, "x-mcp-header": "Amount"},
                    "currency": {"type": "string", "enum": ["EUR", "GBP"]},
                    "reason": {"type": "string", "minLength": 3},
                },
                "required": ["amount", "currency"],
            })
        );
    }

    #[test]
    fn a_schema_without_properties_gets_them() {
        for (input, wanted) in [
            (json!({}), json!({"properties": {"a": {"const": 1}}, "required": ["a"]})),
            (
                json!({"type": "object", "properties": {}, "required": []}),
                json!({"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}),
            ),
            (
                json!({"properties": {"a": true}, "required": ["b"]}),
                json!({"properties": {"a": true}, "required": ["a", "b"]}),
            ),
            (json!(7), json!(7)),
        ] {
            let tool = json!({"name": "x", "inputSchema": input});
            let condition = json!({"properties": {"a": {"const": 1}}, "required": ["a"]});
            assert_eq!(narrowed(&tool, &condition)["inputSchema"], wanted, "{tool}");
        }
        let bare = json!({"name": "x"});
        assert_eq!(narrowed(&bare, &json!({"required": ["a"]})), bare);
    }
}
