//! Text that is no policy: whatever is broken, the finding says where and what to do. And every lint is in the catalogue.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use super::super::LINTS;
use super::super::{Severity, check};
use super::{NOW, base, brief, errors, put, with};

fn assert_told(text: &[u8]) {
    let Err(diagnostics) = check(text, NOW) else { return };
    assert!(!diagnostics.0.is_empty());
    for finding in &diagnostics.0 {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(finding.severity, Severity::Error, "{shown}");
        assert!(finding.help.as_ref().is_some_and(|help| !help.is_empty()), "{finding:?} in {shown}");
        assert!(finding.span.start <= finding.span.end && finding.span.end <= text.len(), "{finding:?} in {shown}");
        assert!(finding.line >= 1 && finding.column >= 1, "{finding:?} in {shown}");
        let mut picture = String::new();
        finding.render(text, "p.json", &mut picture);
        assert!(picture.contains('^') && picture.contains("= help: "), "{picture}");
    }
}

#[test]
fn a_policy_that_is_broken_at_any_byte_is_told_where_and_what_to_do() {
    let text = serde_json::to_vec_pretty(&base()).unwrap();
    let bytes = [b'"', b'}', b',', b'\\', b'\'', b'/', b'9', b'\n', 0, 0xff];
    for at in 0..text.len() {
        assert_told(&text[..at]);
        // Two of them at each byte, all of them within a few bytes of each.
        for byte in [bytes[at % bytes.len()], bytes[(at / 3 + 5) % bytes.len()]] {
            let mut broken = text.clone();
            broken[at] = byte;
            assert_told(&broken);
        }
        let mut without = text.clone();
        without.remove(at);
        assert_told(&without);
    }
}

#[test]
fn usual_slips_are_recognised() {
    for (text, line, column, help) in [
        ("{\n  'version': 1}", 2, 3, "double quotes"),
        ("{\n  \"a\": 1,\n}", 3, 1, "comma"),
        ("{} // end", 1, 4, "no comments"),
        ("{} {}", 1, 4, "one JSON value"),
        ("{\"a\": \"x\ty\"}", 1, 9, "\\t"),
        ("{\"a\": \"C:\\temp\\x\"}", 1, 15, "backslash"),
        ("{\"a\": 01}", 1, 7, "60"),
        ("{\"a\": ?}", 1, 7, "belongs here"),
    ] {
        let found = &check(text.as_bytes(), NOW).unwrap_err().0[0];
        assert_eq!((found.code, found.line), ("syntax", line), "{text} {found:?}");
        assert!(found.column.abs_diff(column) <= 1, "{text} {found:?}");
        assert!(found.help.as_ref().unwrap().contains(help), "{text} {found:?}");
    }
}

#[test]
fn a_policy_of_a_newer_version_is_told_which_version_this_is_and_nothing_else() {
    let mut policy = with("/version", json!("tidegate/v2"));
    put(&mut policy, "/new_in_v2", json!({}));
    put(&mut policy, "/rules", json!("other"));
    let found = errors(&policy);
    assert_eq!(brief(&found), [("unknown_version", "/version")]);
    assert!(found[0].message.contains("`tidegate/v2`") && found[0].message.contains("\"tidegate/v1\""), "{found:?}");
    assert!(found[0].message.contains(env!("CARGO_PKG_VERSION")), "{found:?}");
    assert!(found[0].help.as_ref().unwrap().contains("a Tidegate of that version"), "{found:?}");
    let slip = errors(&with("/version", json!("1.0")));
    assert!(slip[0].help.as_ref().unwrap().contains("write \"tidegate/v1\""), "{slip:?}");
}

/// The first text after each call of `warn` and `warn_at` in the sources of the compiler.
fn warned(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                warned(&path, codes);
            }
        } else {
            let source = std::fs::read_to_string(&path).unwrap();
            for call in source.split(".warn(").skip(1).chain(source.split(".warn_at(").skip(1)) {
                if let Some(rest) = call.trim_start().strip_prefix('"') {
                    codes.insert(rest.split('"').next().unwrap().to_owned());
                }
            }
        }
    }
}

#[test]
fn the_catalogue_has_every_lint_and_no_other() {
    let mut codes = BTreeSet::from(["unmatched_pattern".to_owned()]);
    warned(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/policy"), &mut codes);
    let listed: Vec<&str> = LINTS.iter().map(|lint| lint.name).collect();
    assert_eq!(listed, codes.iter().map(String::as_str).collect::<Vec<_>>());
    for lint in LINTS {
        assert!(lint.meaning.ends_with('.') && lint.fix.ends_with('.'), "{lint:?}");
    }
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../../policies/policy.schema.json")).unwrap();
    assert_eq!(schema["$defs"]["lint_allow"]["properties"]["lint"]["enum"], json!(listed));
}
