use std::sync::{Arc, LazyLock};

use super::*;
use crate::policy;

mod constrained;
mod depths;
mod encoded;
mod hidden_text;
mod places;

/// The default detectors, compiled once.
static DEFAULT: LazyLock<Arc<Redaction>> = LazyLock::new(|| redaction("{}"));

pub(super) const KEY: &str = "AKIAQ3EGRZ7PLM5VWXTD";
pub(super) const OTHER: &str = "AKIAJ2N5ZQ4KXRV6BTHW";

/// What a policy with this `redaction` says.
pub(super) fn redaction(text: &str) -> Arc<Redaction> {
    let policy = format!(
        r#"{{"version":"tidegate/v1","name":"t","servers":[{{"name":"crm","match":{{"path":"/"}}}}],"rules":[],"redaction":{text}}}"#
    );
    policy::compile(policy.as_bytes())
        .unwrap_or_else(|errors| panic!("{errors:?}"))
        .configuration
        .policy
        .redaction
        .unwrap()
}

pub(super) fn plan<'a>(redaction: &'a Redaction, hash: &'a SecretHash) -> Plan<'a> {
    Plan {
        redaction,
        hash,
        direction: Direction::Response,
        server: "crm",
        tool: Some("read_file"),
        output: None,
        everything: false,
    }
}

pub(super) fn hash() -> SecretHash {
    SecretHash::new(b"a key for tests")
}

/// A message redacted whole, under the default detectors.
pub(super) fn whole(bytes: &str) -> String {
    let (redaction, hash) = (&*DEFAULT, hash());
    let out = message(&plan(redaction, &hash), bytes.as_bytes()).message;
    out.map_or_else(|| bytes.to_owned(), |out| String::from_utf8(out).unwrap())
}

/// A message redacted while it comes in these pieces.
pub(super) fn streamed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let (redaction, hash) = (&*DEFAULT, hash());
    let plan = plan(redaction, &hash);
    let mut redactor = Redactor::message(&plan);
    let mut out = Vec::new();
    for piece in pieces {
        redactor.feed(&plan, piece, false, &mut out);
    }
    redactor.feed(&plan, b"", true, &mut out);
    assert_eq!(redactor.held(), 0);
    String::from_utf8(out).unwrap()
}

pub(super) fn placeholder(secret: &str) -> String {
    let mut out = Vec::new();
    super::placeholder::write(
        &mut out,
        super::placeholder::Form::Typed,
        "aws-access-key-id",
        secret.as_bytes(),
        false,
        &hash(),
    );
    String::from_utf8(out).unwrap()
}

/// `bytes` in pieces of these lengths, over and over.
pub(super) fn cut_up<'a>(bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
