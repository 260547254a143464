//! JSON data as YAML for people: block style, `|` blocks for text of several lines.

use std::fmt::Write as _;

use serde_json::Value;

/// Keys that a reader looks for first; the rest follow in alphabetical order.
const FIRST: [&str; 7] = ["name", "@type", "match", "address", "stat_prefix", "issuer", "vm_id"];

/// Writes `value` as a YAML document, ending in a newline.
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0);
    out
}

fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let rank = |key: &str| FIRST.iter().position(|it| *it == key).unwrap_or(FIRST.len());
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by_key(|key| (rank(key), key.as_str()));
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 || out.ends_with('\n') || out.is_empty() {
                    pad(out, indent);
                }
                let _ = write!(out, "{}:", scalar_text(key));
                if let Some(child) = map.get(key) {
                    nested(out, child, indent);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                pad(out, indent);
                out.push('-');
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        out.push(' ');
                        block(out, item, indent + 2);
                    }
                    // A list inside a list stays in JSON's form, which is also YAML's.
                    Value::Array(_) => {
                        let _ = writeln!(out, " {item}");
                    }
                    other => nested(out, other, indent),
                }
            }
        }
        other => {
            let _ = writeln!(out, "{other}");
        }
    }
}

fn nested(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(out, value, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(out, value, indent);
        }
        Value::String(text) if fits_literal_block(text) => {
            // The digit says how deep the block is, whatever its first line starts with.
            out.push_str(if text.ends_with('\n') { " |2\n" } else { " |2-\n" });
            for line in text.lines() {
                if !line.is_empty() {
                    pad(out, indent + 2);
                    out.push_str(line);
                }
                out.push('\n');
            }
        }
        Value::String(text) => {
            let _ = writeln!(out, " {}", scalar_text(text));
        }
        other => {
            let _ = writeln!(out, " {other}");
        }
    }
}

fn fits_literal_block(text: &str) -> bool {
    let plain = text.chars().all(|it| it == '\n' || !(it.is_control() || it == '\u{feff}' || it == '\u{2028}'));
    text.trim_end_matches('\n').contains('\n') && !text.ends_with("\n\n") && plain
}

/// Words as they are, everything else in quotes; JSON's quoted form is also YAML's.
fn scalar_text(text: &str) -> String {
    let is_word = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/')
        && text.chars().all(|it| it.is_ascii_alphanumeric() || "._/-".contains(it))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if is_word { text.to_owned() } else { Value::from(text).to_string() }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn block_style_with_names_first() {
        let value = json!({
            "zeta": [{"cluster": "c", "name": "node"}, 3, "text: with colon", [1, 2]],
            "@type": "type.googleapis.com/x",
            "empty": {}, "none": [], "yes": "no", "timeout": "0s", "flag": true,
        });
        let expected = "\"@type\": type.googleapis.com/x
empty: {}
flag: true
none: []
timeout: \"0s\"
\"yes\": \"no\"
zeta:
- name: node
  cluster: c
- 3
- \"text: with colon\"
- [1,2]
";
        assert_eq!(to_yaml(&value), expected);
    }

    #[test]
    fn text_of_several_lines_is_a_literal_block() {
        let value = json!({"a": {"value": "{\n  \"x\": 1,\n\n  \"y\": 2\n}", "b": "line\n"}});
        assert_eq!(
            to_yaml(&value),
            "a:\n  b: \"line\\n\"\n  value: |2-\n    {\n      \"x\": 1,\n\n      \"y\": 2\n    }\n"
        );
    }
}
