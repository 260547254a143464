//! Names, and whether they speak of something secret.

use super::words::WordSet;
use super::{Text, class, plausible::contains};
use crate::secret::detector::Kind;

/// The longest name that is looked at, on either side of its keyword.
pub(super) const MOST: usize = 64;

/// The bytes of names.
pub(super) const NAME: u16 = class::WORD | class::DASH | class::DOT;

/// How plainly a name says that its value is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// It says so.
    Secret,
    /// It may: words that nobody knows follow the keyword.
    Maybe,
    /// It speaks of something else.
    Other,
}

/// The name that the text `at..end` stands in: its bounds; `None` if it goes on beyond the text, and an empty one if
/// it is too long to be a name.
pub(super) fn around(text: &Text<'_>, at: usize, end: usize) -> Option<(usize, usize)> {
    let before = class::run_back(text.bytes.get(..at).unwrap_or_default(), NAME, MOST);
    let rest = text.bytes.get(end..).unwrap_or_default();
    let mut after = class::run(rest, NAME, MOST);
    if after == rest.len() && after < MOST && !text.is_complete {
        return None;
    }
    if before == MOST || after == MOST {
        // With so much before it, what else stands in it is in no name either.
        let end = if before == MOST { end + after } else { end };
        return Some((end, end));
    }
    // A full stop ends a sentence.
    after -= class::run_back(rest.get(..after).unwrap_or_default(), class::DOT, MOST);
    Some((at - before, end + after))
}

/// What the name `start..stop` says, by the keyword `at..end` in it.
pub(super) fn says(bytes: &[u8], (start, stop): (usize, usize), (at, end): (usize, usize), kind: Kind) -> Says {
    let before = bytes.get(start..at).unwrap_or_default();
    let keyword = bytes.get(at..end).unwrap_or_default();
    let after = bytes.get(end..stop).unwrap_or_default();
    for word in Words(before) {
        if NEVER_BEFORE.has(word) {
            return Says::Other;
        }
        if kind == Kind::Token
            && (NO_TOKEN_BEFORE.has(word)
                || NO_TOKEN_BEFORE.words.iter().any(|never| never.len() > 3 && ends(word, never))
                || contains(word, b"csrf")
                || contains(word, b"xsrf"))
        {
            return Says::Other;
        }
    }
    let mut says = Says::Secret;
    let is_glued = match (keyword.last(), after.first()) {
        (Some(a), Some(b)) => {
            a.is_ascii_lowercase() && b.is_ascii_lowercase() || a.is_ascii_uppercase() && b.is_ascii_uppercase()
        }
        _ => false,
    };
    for (number, word) in Words(after).enumerate() {
        if ALWAYS_AFTER.has(word) || word.iter().all(u8::is_ascii_digit) {
            continue;
        }
        if number == 0 && is_glued || NEVER_AFTER.has(word) || NEVER_AFTER.has(singular(word)) {
            return Says::Other;
        }
        says = Says::Maybe;
    }
    says
}

/// Whether a name speaks of a key, token or secret at all.
pub(super) fn mentions_secret(name: &[u8]) -> bool {
    let mut mentions = false;
    for word in Words(name) {
        if NO_SECRETS.has(word) {
            return false;
        }
        mentions |= SECRETS.is_in(word);
    }
    mentions
}

/// Whether [`mentions_secret`] may say so of a name that lies in `text`.
pub(super) fn may_mention_secret(text: &[u8]) -> bool {
    SECRETS.is_in(text)
}

fn is(word: &[u8], wanted: &str) -> bool {
    word.eq_ignore_ascii_case(wanted.as_bytes())
}

fn ends(word: &[u8], wanted: &str) -> bool {
    word.len().checked_sub(wanted.len()).and_then(|from| word.get(from..)).is_some_and(|end| is(end, wanted))
}

fn singular(word: &[u8]) -> &[u8] {
    match word {
        [one @ .., b's' | b'S'] => one,
        _ => word,
    }
}

/// The words of a name in snake, kebab, dotted or camel case.
pub(super) struct Words<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let skip = self.0.iter().take_while(|byte| !class::is(**byte, class::ALNUM)).count();
        let rest = self.0.get(skip..).unwrap_or_default();
        let first = *rest.first()?;
        let length = if class::is(first, class::DIGIT) {
            class::run(rest, class::DIGIT, MOST)
        } else {
            match class::run(rest, class::UPPER, MOST) {
                upper @ 0..=1 => upper + class::run(rest.get(upper..).unwrap_or_default(), class::LOWER, MOST),
                // `HTTPToken`: the last capital begins a word.
                upper => upper - usize::from(rest.get(upper).is_some_and(u8::is_ascii_lowercase)),
            }
        };
        self.0 = rest.get(length..).unwrap_or_default();
        rest.get(..length)
    }
}

/// Words of names of what is no secret.
static NO_SECRETS: WordSet = WordSet::new(&["id", "name", "url", "path", "file"]);

/// Words of names of secrets.
static SECRETS: WordSet =
    WordSet::new(&["key", "token", "secret", "password", "passwd", "pass", "pwd", "auth", "cred", "pat"]);

/// Before any keyword, these say that the value is not secret.
static NEVER_BEFORE: WordSet =
    WordSet::new(&["public", "pub", "publishable", "hashed", "no", "num", "has", "is", "foreign"]);

/// Before `token`, these say that it is none that opens anything.
static NO_TOKEN_BEFORE: WordSet = WordSet::new(&[
    "page",
    "next",
    "prev",
    "previous",
    "progress",
    "continuation",
    "continue",
    "cursor",
    "sync",
    "max",
    "min",
    "num",
    "number",
    "total",
    "input",
    "output",
    "prompt",
    "completion",
    "reasoning",
    "cached",
    "csrf",
    "xsrf",
    "idempotency",
    "idempotent",
    "stop",
    "bos",
    "eos",
    "pad",
    "unk",
    "sep",
    "mask",
    "cls",
    "special",
    "resume",
    "watch",
    "delta",
    "design",
    "request",
    "scroll",
    "pagination",
    "paging",
    "start",
    "end",
    "first",
    "last",
    "per",
    "of",
    "context",
    "thinking",
    "audio",
    "image",
    "text",
    "billed",
    "used",
    "remaining",
    "change",
    "concurrency",
    "sequence",
    "poll",
    "correlation",
    "trace",
    "marker",
    "antiforgery",
    "vocab",
    "count",
    "estimated",
    "unknown",
    "expected",
    "unexpected",
    "cancellation",
    "cancel",
    "syntax",
    "position",
    "separator",
    "nft",
    "erc20",
    "state",
    "snapshot",
    "skip",
    "client",
    "list",
    "search",
]);

/// After a keyword, these change nothing.
static ALWAYS_AFTER: WordSet = WordSet::new(&[
    "s",
    "key",
    "keys",
    "value",
    "val",
    "string",
    "str",
    "secret",
    "token",
    "password",
    "pass",
    "pwd",
    "base",
    "base64",
    "b64",
    "plain",
    "plaintext",
    "raw",
    "prod",
    "production",
    "dev",
    "development",
    "staging",
    "test",
    "testing",
    "live",
    "sandbox",
    "current",
    "old",
    "new",
    "previous",
    "primary",
    "secondary",
    "default",
    "main",
    "master",
    "admin",
    "root",
    "confirm",
    "confirmation",
    "again",
    "repeat",
    "header",
    "env",
    "auth",
    "access",
    "refresh",
    "hex",
    "v",
]);

/// After a keyword, these say that the value is about the secret, and not it.
static NEVER_AFTER: WordSet = WordSet::new(&[
    "id",
    "name",
    "length",
    "len",
    "count",
    "type",
    "url",
    "uri",
    "endpoint",
    "path",
    "file",
    "filename",
    "ref",
    "arn",
    "field",
    "label",
    "hint",
    "policy",
    "expires",
    "expiry",
    "expiration",
    "expire",
    "expired",
    "ttl",
    "size",
    "limit",
    "min",
    "max",
    "usage",
    "regex",
    "regexp",
    "pattern",
    "placeholder",
    "required",
    "enabled",
    "disabled",
    "valid",
    "invalid",
    "validity",
    "validation",
    "error",
    "changed",
    "change",
    "at",
    "date",
    "time",
    "timeout",
    "timestamp",
    "version",
    "provider",
    "manager",
    "service",
    "class",
    "input",
    "form",
    "format",
    "scheme",
    "algorithm",
    "alg",
    "method",
    "status",
    "state",
    "index",
    "idx",
    "description",
    "desc",
    "title",
    "message",
    "msg",
    "text",
    "email",
    "help",
    "link",
    "prompt",
    "strength",
    "score",
    "rule",
    "lifetime",
    "age",
    "duration",
    "seconds",
    "sec",
    "ms",
    "minutes",
    "days",
    "hours",
    "rotation",
    "rotated",
    "created",
    "updated",
    "issuer",
    "audience",
    "scope",
    "fingerprint",
    "thumbprint",
    "checksum",
    "digest",
    "hash",
    "hashed",
    "salt",
    "kind",
    "store",
    "source",
    "mode",
    "set",
    "exists",
    "visible",
    "visibility",
    "autocomplete",
    "budget",
    "rate",
    "cost",
    "price",
    "per",
    "used",
    "remaining",
    "total",
    "detail",
    "details",
    "metadata",
    "info",
    "config",
    "configuration",
    "option",
    "settings",
    "request",
    "response",
    "generator",
    "validator",
    "handler",
    "helper",
    "util",
    "utils",
    "model",
    "schema",
    "table",
    "column",
    "reference",
    "selector",
    "template",
    "location",
    "region",
    "bucket",
    "prefix",
    "suffix",
    "position",
    "offset",
    "start",
    "end",
    "pair",
    "address",
    "symbol",
    "contract",
    "supply",
    "decimals",
    "parser",
    "stream",
    "ring",
    "count",
    "counts",
    "resource",
    "available",
    "owner",
    "property",
    "attribute",
    "param",
    "parameter",
    "reset",
    "list",
    "mapping",
    "map",
    "prop",
    "env_var",
    "placeholder",
]);
