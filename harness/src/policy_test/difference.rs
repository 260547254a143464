//! What differs between two JSON values, by place.

use serde_json::Value;

/// One place at which two values differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// JSON pointer (RFC 6901); empty for the whole value.
    pub pointer: String,
    /// The value that should be there; `None` if nothing should.
    pub expected: Option<Value>,
    /// The value that is there; `None` if nothing is.
    pub got: Option<Value>,
}

/// How much of an object is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// The members that are expected; `null` stands for a member that is not there.
    Named,
}

/// Every place at which `got` is not as expected, in the order of the expected value.
pub(super) fn differences(expected: &Value, got: &Value, extent: Extent) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(expected, Some(got), extent, String::new(), &mut found);
    found
}

fn compare(expected: &Value, got: Option<&Value>, extent: Extent, pointer: String, found: &mut Vec<Difference>) {
    let below = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match (expected, got) {
        (Value::Null, None) if extent == Extent::Named => {}
        (Value::Object(expected), Some(Value::Object(got))) => {
            for (key, value) in expected {
                compare(value, got.get(key), extent, below(key), found);
            }
            if extent == Extent::Whole {
                let more = got.iter().filter(|(key, _)| !expected.contains_key(*key));
                found.extend(more.map(|(key, value)| Difference {
                    pointer: below(key),
                    expected: None,
                    got: Some(value.clone()),
                }));
            }
        }
        (Value::Array(expected), Some(Value::Array(got))) => {
            for at in 0..expected.len().max(got.len()) {
                let pointer = format!("{pointer}/{at}");
                match (expected.get(at), got.get(at)) {
                    (Some(value), other) => compare(value, other, extent, pointer, found),
                    (None, other) => found.push(Difference { pointer, expected: None, got: other.cloned() }),
                }
            }
        }
        (Value::Number(a), Some(Value::Number(b))) if a == b || a.as_f64() == b.as_f64() => {}
        (expected, Some(got)) if expected == got => {}
        (expected, got) => {
            found.push(Difference { pointer, expected: Some(expected.clone()), got: got.cloned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn places(expected: &Value, got: &Value, extent: Extent) -> Vec<String> {
        differences(expected, got, extent).into_iter().map(|it| it.pointer).collect()
    }

    #[test]
    fn every_place_is_named_once() {
        let (a, b) = (json!({"a": [1, {"b/c": 2}], "d": 3}), json!({"a": [1.0, {"b/c": 4}, 5], "e": 6}));
        assert_eq!(places(&a, &b, Extent::Whole), ["/a/1/b~1c", "/a/2", "/d", "/e"]);
        assert_eq!(places(&a, &a, Extent::Whole), Vec::<String>::new());
    }

    #[test]
    fn of_a_part_only_what_is_named_counts() {
        let got = json!({"verdict": "deny", "rule": "r", "list": [1, 2]});
        assert_eq!(places(&json!({"rule": "r", "reason": null}), &got, Extent::Named), Vec::<String>::new());
        assert_eq!(places(&json!({"rule": null, "list": [1]}), &got, Extent::Named), ["/list/1", "/rule"]);
    }
}
