//! What must hold of what redaction makes of a case.

use serde_json::Value;

use crate::{Case, Redact};

/// Shortest part of a secret that counts as the secret.
const PART: usize = 16;

/// Tells what redaction did wrong with this case.
///
/// # Errors
/// What it did wrong, with its output.
pub fn check(redact: &impl Redact, case: &Case) -> Result<(), String> {
    let message = case.message();
    let outputs = check_bytes(redact, &message, &case.pieces(&message))?;
    if !case.edits.is_empty() {
        // What the secrets became is unknown.
        return Ok(());
    }
    for (way, output) in outputs {
        promises(case, &message, &output).map_err(|what| format!("{way}: {what}: {}", shown(&output)))?;
    }
    Ok(())
}

/// Tells what redaction did wrong with any bytes, and gives what it made of them, streamed and whole.
///
/// # Errors
/// What it did wrong, with its output.
pub fn check_bytes(
    redact: &impl Redact,
    message: &[u8],
    pieces: &[&[u8]],
) -> Result<[(&'static str, Vec<u8>); 2], String> {
    let streamed = redact.streamed(pieces);
    let at_once = redact.streamed(&[message]);
    if streamed != at_once {
        return Err(format!("chunks make a difference: {} and at once {}", shown(&streamed), shown(&at_once)));
    }
    let whole = redact.whole(message);
    let again = redact.whole(&whole);
    // More may be found: a placeholder is no word, so what stands beside it may begin one now.
    let now = placeholders(&again);
    let mut left = now.iter();
    if !placeholders(&whole).iter().all(|known| left.any(|it| it == known)) {
        return Err(format!("placeholders are redacted: {} and then {}", shown(&whole), shown(&again)));
    }
    let outputs = [("streamed", streamed), ("whole", whole)];
    if serde_json::from_slice::<Value>(message).is_ok() {
        for (way, output) in &outputs {
            if let Err(error) = serde_json::from_slice::<Value>(output) {
                return Err(format!("{way}: no JSON any more ({error}): {}", shown(output)));
            }
        }
    }
    Ok(outputs)
}

fn placeholders(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let placeholder = |part: &str| part.split_once(']').map(|(inside, _)| inside.to_owned());
    text.split("[redacted:").skip(1).filter_map(placeholder).collect()
}

fn promises(case: &Case, message: &[u8], output: &[u8]) -> Result<(), String> {
    let before: Value =
        serde_json::from_slice(message).map_err(|error| format!("the case itself is no JSON ({error})"))?;
    let after: Value = serde_json::from_slice(output).map_err(|error| error.to_string())?;
    for pointer in ["/jsonrpc", "/id", "/method", "/params/name"] {
        if before.pointer(pointer) != after.pointer(pointer) {
            return Err(format!("{pointer}, which is never touched, was"));
        }
    }
    same_shape(&before, &after, "")?;
    for secret in &case.secrets {
        for part in parts(secret) {
            if let Some(place) = find(&after, part, "") {
                return Err(format!("{part:?} of {secret:?} survives at {place:?}"));
            }
        }
    }
    Ok(())
}

/// Parts of a secret of which none may survive. The first and last line of a private key are no secret.
fn parts(secret: &str) -> impl Iterator<Item = &str> {
    secret.lines().filter(|line| !line.starts_with("-----")).flat_map(|line| {
        line.as_bytes().chunks(PART).filter(|part| part.len() == PART).filter_map(|part| std::str::from_utf8(part).ok())
    })
}

fn same_shape(before: &Value, after: &Value, place: &str) -> Result<(), String> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) if before.len() == after.len() => {
            // Keys may have been redacted.
            for (key, value) in before {
                if let Some(now) = after.get(key) {
                    same_shape(value, now, &format!("{place}/{key}"))?;
                }
            }
            Ok(())
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => before
            .iter()
            .zip(after)
            .enumerate()
            .try_for_each(|(at, (before, after))| same_shape(before, after, &format!("{place}/{at}"))),
        (Value::String(before), Value::String(after)) => {
            if before == after || after.contains("[redacted:") {
                return Ok(());
            }
            Err(format!("text was lost at {place}"))
        }
        _ if before == after => Ok(()),
        _ => Err(format!("another value at {place}")),
    }
}

/// Where a text stands in a value, in JSON inside its strings too.
fn find(value: &Value, text: &str, place: &str) -> Option<String> {
    match value {
        Value::String(string) => {
            if string.contains(text) {
                return Some(place.to_owned());
            }
            let inner: Value = serde_json::from_str(string).ok()?;
            find(&inner, text, &format!("{place}/(JSON)"))
        }
        Value::Array(values) => {
            values.iter().enumerate().find_map(|(at, value)| find(value, text, &format!("{place}/{at}")))
        }
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            if key.contains(text) {
                Some(format!("{place}, in a key"))
            } else {
                find(value, text, &format!("{place}/{key}"))
            }
        }),
        _ => None,
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// The smallest case found that still fails, and how.
pub fn smallest(redact: &impl Redact, case: Case, failure: String) -> (Case, String) {
    let (mut case, mut failure) = (case, failure);
    // Bounded: each round makes the message smaller, but a large one has many parts.
    for _ in 0..2000 {
        let chunks = [vec![usize::MAX], vec![1], vec![2], vec![3], vec![5]];
        let cases = case.node.smaller().into_iter().map(|node| Case { node, ..case.clone() });
        let without_edit = (0..case.edits.len()).map(|out| {
            let mut edits = case.edits.clone();
            edits.remove(out);
            Case { edits, ..case.clone() }
        });
        // Only towards simpler ones, or this would never end.
        let rank = chunks.iter().position(|it| *it == case.chunks).unwrap_or(chunks.len());
        let simpler = chunks.iter().take(rank).map(|chunks| Case { chunks: chunks.clone(), ..case.clone() });
        let smaller = without_edit
            .chain(simpler)
            .chain(cases)
            .find_map(|it| check(redact, &it).err().map(|failure| (it, failure)));
        match smaller {
            Some(found) => (case, failure) = found,
            None => break,
        }
    }
    (case, failure)
}
