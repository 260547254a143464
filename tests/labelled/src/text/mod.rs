//! Texts with secrets in them.

mod document;
mod loose;
mod placed;

pub(crate) use document::{Values, documents};

use crate::Sample;
use crate::draft::{Draft, Entry, Value};
use crate::kind::{Kind, kinds, make};
use crate::random::Random;

/// Settings that are no secrets, as they stand between those that are.
pub(crate) const HARMLESS: &[(&str, &str)] = &[
    ("LOG_LEVEL", "«info|debug|warn»"),
    ("PORT", "«port»"),
    ("AWS_REGION", "eu-central-1"),
    ("DB_HOST", "«host»"),
    ("DB_USER", "«user»"),
    ("DB_NAME", "«svc»"),
    ("BASE_URL", "https://«host»/«svc»/v2"),
    ("REQUEST_TIMEOUT_MS", "«n»"),
    ("RELEASE_ID", "«uuid»"),
    ("GIT_COMMIT", "«sha»"),
    ("IMAGE_DIGEST", "sha256:«hex64»"),
    ("FEATURE_NEW_CHECKOUT", "«true|false»"),
    ("MAX_TOKENS", "«n»"),
    ("TOKEN_TTL_SECONDS", "3600"),
    ("PASSWORD_MIN_LENGTH", "12"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_live_«{b24}»"),
    ("TENANT_ID", "«uuid»"),
    ("CACHE_PREFIX", "«svc»:v3"),
    ("TIMEZONE", "Europe/Berlin"),
    ("BUILD_NUMBER", "«n»"),
    ("SUPPORT_EMAIL", "«email»"),
    ("TRACE_ID", "«hex32»"),
    ("AUTH_URL", "https://login.example.com/oauth2/token"),
    ("SECRET_NAME", "prod/«svc»/db"),
    ("KEY_ID", "«{x8}»"),
    ("SORT_KEY", "created_at"),
];

/// Harmless settings, `count` of them.
pub(crate) fn harmless(count: usize, random: &mut Random) -> Vec<Entry> {
    let mut all: Vec<_> = HARMLESS.iter().collect();
    random.shuffle(&mut all);
    let entry =
        |(key, value): &&(&str, &str)| Entry { key: (*key).to_owned(), value: Value::Plain((*value).to_owned()) };
    all.iter().take(count).map(entry).collect()
}

/// At least `count` texts, each with one to three secrets or the few that a text of its kind holds.
pub(crate) fn with_secrets(count: usize, random: &mut Random) -> Vec<Sample> {
    let mut samples = Vec::new();
    for _ in 0..2 {
        samples.extend(
            placed::TEXTS
                .iter()
                .map(|(name, text)| finish(name, random, |draft, random| draft.write(text, None, random))),
        );
    }
    // Every kind in turn, so that none is left to chance.
    let mut due: Vec<&'static Kind> = Vec::new();
    let mut turn = 0;
    while samples.len() < count || turn < documents().len() {
        let mut secrets = Vec::new();
        for _ in 0..random.pick(&[&1, &1, &2, &2, &3]).to_owned() {
            if due.is_empty() {
                due.extend(kinds());
                random.shuffle(&mut due);
            }
            secrets.extend(due.pop());
        }
        if random.chance(30) && secrets.iter().any(|it| it.free) {
            // Those that need a name beside them wait for a document.
            let (free, rest): (Vec<_>, Vec<_>) = secrets.into_iter().partition(|it| it.free);
            due.extend(rest);
            samples.extend(free.into_iter().map(|kind| loose(kind, random)));
        } else {
            samples.push(document(turn, &secrets, &mut due, random));
            turn += 1;
        }
    }
    samples
}

fn document(turn: usize, kinds: &[&'static Kind], due: &mut Vec<&'static Kind>, random: &mut Random) -> Sample {
    let document = documents()[turn % documents().len()];
    let most = document.most.unwrap_or(usize::MAX);
    let mut entries = harmless(random.between(2, 7).min(most.saturating_sub(kinds.len())), random);
    for kind in kinds {
        let names: Vec<&str> = kind.keys.split(' ').collect();
        let key = random.pick(&names).to_owned();
        let secret = make(kind.pattern, random);
        let is_url_safe = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        if (document.values == Values::Url && !is_url_safe)
            || entries.iter().any(|it| it.key == key)
            || entries.len() >= most
        {
            due.insert(0, kind);
            continue;
        }
        entries.push(Entry { key, value: Value::Secret(kind.name, secret) });
    }
    if !entries.iter().any(|it| matches!(it.value, Value::Secret(..))) {
        let secret = make("{b32}", random);
        entries.truncate(most - 1);
        entries.push(Entry { key: "API_KEY".to_owned(), value: Value::Secret("api-key-base62", secret) });
    }
    random.shuffle(&mut entries);
    finish(document.name, random, |draft, random| document.write(draft, &entries, random))
}

fn loose(kind: &'static Kind, random: &mut Random) -> Sample {
    let (name, text) = loose::TEXTS[random.below(loose::TEXTS.len())];
    let entry = Entry { key: String::new(), value: Value::Secret(kind.name, make(kind.pattern, random)) };
    finish(name, random, |draft, random| draft.write(text, Some((&entry, crate::draft::Case::Upper)), random))
}

/// A text that `write` writes, as a sample.
pub(crate) fn finish(
    template: &'static str,
    random: &mut Random,
    write: impl FnOnce(&mut Draft, &mut Random),
) -> Sample {
    let mut draft = Draft::default();
    write(&mut draft, random);
    Sample { template, text: draft.text, labels: draft.labels }
}
