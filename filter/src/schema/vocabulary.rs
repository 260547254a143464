//! The keywords that are understood, and what to say about the others.

/// Our keyword: the instance is a string that equals a fact about the caller.
pub(super) const EQUALS: &str = "tidegate:equals";
/// Our keyword: the instance is a string in a named set of the policy, or in a list of facts about the caller.
pub(super) const IN: &str = "tidegate:in";

/// The facts that are one text.
pub(super) const TEXT_FACTS: [&str; 5] =
    ["principal.subject", "principal.team", "principal.agent", "principal.workload", "principal.issuer"];
/// The facts that are lists.
pub(super) const LIST_FACTS: [&str; 2] = ["principal.groups", "principal.scopes"];

/// The dialect that `$schema` may name.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The keywords that constrain, and those that hold schemas.
pub(super) const KEYWORDS: &[&str] = &[
    "$defs",
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    EQUALS,
    IN,
    "then",
    "type",
    "uniqueItems",
];

/// The keywords that say nothing about validity.
pub(super) const ANNOTATIONS: &[&str] =
    &["$comment", "default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"];

/// What to do instead of using a keyword that is not understood.
pub(super) fn instead(keyword: &str) -> Option<String> {
    let known = match keyword {
        "unevaluatedProperties" => "name all keys under `properties` and set `additionalProperties: false` there",
        "unevaluatedItems" => "describe all items with `prefixItems` and `items`",
        "$anchor" | "$dynamicAnchor" | "$id" | "id" => {
            "put the schema under `$defs` and refer to it as `\"$ref\": \"#/$defs/name\"`"
        }
        "$dynamicRef" | "$recursiveRef" => "use `$ref` with a JSON pointer, such as `#/$defs/name`",
        "definitions" => "use `$defs`, and `#/$defs/name` in `$ref`",
        "dependencies" => "use `dependentRequired` or `dependentSchemas`",
        "additionalItems" => "use `prefixItems` for the first items and `items` for the rest",
        "nullable" => "list the type: `\"type\": [\"string\", \"null\"]`",
        "contentEncoding" | "contentMediaType" | "contentSchema" => "remove it, or use `pattern`",
        "$vocabulary" => "remove it: the vocabulary is fixed",
        _ => {
            let near = near(keyword)?;
            return Some(format!("did you mean `{near}`?"));
        }
    };
    Some(known.to_owned())
}

/// The keyword that was probably meant.
fn near(keyword: &str) -> Option<&'static str> {
    let plain = |text: &str| -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect()
    };
    let meant = plain(keyword.get(..40).unwrap_or(keyword));
    let all = KEYWORDS.iter().chain(ANNOTATIONS);
    let (distance, near) = all.map(|known| (edits(&meant, &plain(known)), *known)).min_by_key(|(edits, _)| *edits)?;
    (distance * 3 <= meant.len()).then_some(near)
}

/// Insertions, deletions and replacements between two texts (Levenshtein).
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, x) in a.iter().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b) {
            let best = (left + 1).min(*cell + 1).min(diagonal + usize::from(x != y));
            diagonal = core::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// A key with its case folded: keys that fold to the same text are the same to a peer that compares without case
/// (simple folding, as [`json::folds_to`](crate::json::folds_to) does it for ASCII).
pub(super) fn folded(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for character in key.chars() {
        match character {
            '\u{17f}' => out.push('s'),
            'ς' => out.push('σ'),
            character if character.is_ascii() => out.push(character.to_ascii_lowercase()),
            character => out.extend(character.to_lowercase()),
        }
    }
    out
}

/// A fragment without its percent-encoding (RFC 6901 section 6).
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::folds_to;

    #[test]
    fn misspelt_keywords_have_a_suggestion() {
        for (written, meant) in
            [("minlength", "minLength"), ("max_items", "maxItems"), ("requird", "required"), ("tidegate:equal", EQUALS)]
        {
            assert_eq!(instead(written), Some(format!("did you mean `{meant}`?")), "{written}");
        }
        assert_eq!(instead("x-internal-purpose"), None);
        assert!(instead("unevaluatedProperties").unwrap().contains("additionalProperties"));
        assert_eq!(instead(&"é".repeat(40)), None);
    }

    #[test]
    fn folding_agrees_with_the_envelope() {
        for (key, known) in [("Amount", "amount"), ("\u{17f}ize", "size"), ("\u{212a}ey", "key"), ("AMOUNT", "amount")]
        {
            assert!(folds_to(key.as_bytes(), known));
            assert_eq!(folded(key), folded(known));
        }
        assert_eq!(folded("Größe"), folded("größe"));
        assert_ne!(folded("amount"), folded("amounts"));
    }
}
