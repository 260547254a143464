//! Tells values that are secrets from those that only stand where one could: references, code, words, placeholders.

use super::parts::Parts;
use super::words::WordSet;
use super::{class, entropy, placeholder};
use crate::secret::detector::Kind;

/// A value, and what is said of it.
pub(super) struct Claim<'a> {
    pub(super) kind: Kind,
    pub(super) value: &'a [u8],
    /// Whether it stands in quotes, so that it is no code.
    pub(super) is_quoted: bool,
    /// Whether its name is doubtful.
    pub(super) is_strict: bool,
    /// Least entropy in hundredths of a bit a byte.
    pub(super) floor: u32,
}

/// Whether a token was masked or made up for documentation.
pub(super) fn is_masked(value: &[u8]) -> bool {
    static MASKS: WordSet = WordSet::new(&["example", "xxxxx", "redacted", "your_", "your-", "placeholder", "*****"]);
    MASKS.is_in(value)
}

/// Whether the value is a secret, by the standards of its kind.
pub(super) fn is_secret(claim: &Claim<'_>) -> bool {
    let parts = Parts::of(claim.value);
    // The cheapest questions come first.
    let is_likely = match claim.kind {
        Kind::Password => is_password(claim, &parts),
        _ => is_machine_made(claim, &parts),
    };
    is_likely && !stands_for_another(claim, &parts) && !is_placeholder(claim.value, &parts)
}

fn is_password(claim: &Claim<'_>, parts: &Parts) -> bool {
    let value = claim.value;
    let least = if claim.is_strict { 8 } else { 6 };
    if value.len() < least || value.len() > 128 && !is_random(value) {
        return false;
    }
    if parts.blanks > 0 {
        return is_app_password(value);
    }
    if parts.digits == value.len() {
        return !claim.is_strict;
    }
    let has_letters = parts.letters() + parts.foreign > 0;
    if parts.digits == 0 {
        if parts.marks == 0 && parts.joints == 0 {
            return parts.foreign == 0 && is_random_letters(value, parts);
        }
        let inner = value.iter().rposition(|byte| !byte.is_ascii_punctuation()).map_or(0, |last| last + 1);
        let has_inner_mark = value.get(..inner).unwrap_or_default().iter().any(|byte| b"@#$%^&*!+~?".contains(byte));
        let is_phrase = parts.marks == 0
            && value.len() >= 20
            && value.iter().filter(|byte| **byte == b'-').count() >= 3
            && parts.joints <= 6
            && !NAMES.is_in(value);
        return !claim.is_strict && has_letters && (has_inner_mark && !value.contains(&b'|') || is_phrase)
            || value.len() >= 16 && parts.joints <= 4 && parts.marks == 0 && is_random_letters(value, parts);
    }
    if claim.is_strict && (!has_letters || parts.marks == 0 && (parts.upper == 0 || parts.lower == 0)) {
        return is_random(value);
    }
    if parts.marks == 0 && parts.foreign == 0 {
        let stem = value.len() - class::run_back(value, class::DIGIT, value.len());
        let stem = value.get(..stem).unwrap_or_default();
        if WORDS.has(stem) {
            return false;
        }
        // A name of something in kebab or snake case.
        if parts.joints > 0 && (parts.upper == 0 || parts.lower == 0) && is_wordy(value) {
            return !claim.is_strict
                && parts.upper == 0
                && !NAMES.is_in(value)
                && (claim.is_quoted || parts.digits >= 2)
                && parts.joints < 3;
        }
        if !has_letters && !is_numeric_password(value, parts) {
            return false;
        }
        if parts.joints > 0 && NAMES.is_in(value) && is_wordy(value) {
            return false;
        }
    }
    entropy::hundredths(value) >= 150
}

/// Digits with a joint or two, but no date, number or version.
fn is_numeric_password(value: &[u8], parts: &Parts) -> bool {
    parts.joints == 0 || value.iter().any(|byte| matches!(byte, b'_' | b'/' | b'='))
}

fn is_machine_made(claim: &Claim<'_>, parts: &Parts) -> bool {
    let value = claim.value;
    let least = match claim.kind {
        _ if claim.is_strict => 16,
        Kind::Token | Kind::Header => 12,
        _ => 10,
    };
    if value.len() < least || parts.blanks + parts.foreign > 0 || parts.letters() == 0 {
        return false;
    }
    if entropy::hundredths(value) < claim.floor {
        return false;
    }
    // `api-key_Qf6og`: named after what it is.
    let first = super::name::Words(value).next().unwrap_or_default();
    if value.len() < 24 && parts.joints > 0 && WORDS.has(first) {
        return false;
    }
    if parts.marks > 0 && !is_encoded(value) {
        // Chosen by a person.
        return matches!(claim.kind, Kind::Secret | Kind::Key)
            && parts.digits > 0
            && parts.marks <= value.len() / 3
            && value.iter().any(|byte| b"!@#$%^&*".contains(byte));
    }
    if claim.is_strict && parts.digits == 0 {
        return false;
    }
    if claim.kind == Kind::Token && claim.is_strict && is_uuid(value) {
        return false;
    }
    is_random(value) && (parts.digits > 0 || value.len() >= 16)
}

/// Percent-encoding aside, whether all bytes are of base64 and what joins its parts.
fn is_encoded(value: &[u8]) -> bool {
    value.iter().all(|byte| {
        class::is(
            *byte,
            class::BASE64URL
                | class::BASE64
                | class::DOT
                | class::EQUALS
                | class::TILDE
                | class::PERCENT
                | class::COLON,
        )
    })
}

/// Whether the value names where the secret is, or is code that gets it.
fn stands_for_another(claim: &Claim<'_>, parts: &Parts) -> bool {
    let value = claim.value;
    let is_bare = !claim.is_quoted;
    let (Some(first), Some(last)) = (value.first().copied(), value.last().copied()) else { return true };
    let rest = value.get(1..).unwrap_or_default();
    let is_name = |name: &[u8]| {
        name.iter().all(|byte| class::is(*byte, class::ALPHA | class::UNDERSCORE | class::DOT | class::COLON))
    };
    let is_constant = |name: &[u8]| {
        name.iter().all(|byte| class::is(*byte, class::UPPER | class::DIGIT | class::UNDERSCORE))
            && name.contains(&b'_')
    };
    let by_first = match first {
        b'$' => {
            is_name(rest)
                || is_constant(rest)
                || is_bare && rest.iter().all(|byte| class::is(*byte, class::WORD)) && is_wordy(rest)
        }
        b'{' => last == b'}' || is_bare,
        b'<' => last == b'>' || is_bare,
        b'[' => last == b']' || is_bare,
        b'(' => last == b')' || is_bare,
        b'%' => rest.len() < 2 || last == b'%' || matches!(rest.first(), Some(b'(' | b'{')),
        b'@' | b':' | b'&' | b'*' | b'!' | b'?' => is_name(rest),
        b'^' | b'\\' => true,
        b'/' => is_wordy(value) || rest.starts_with(b"/") || rest.starts_with(b"*"),
        b'~' => rest.starts_with(b"/"),
        b'.' => is_bare || rest.starts_with(b"/") || rest.starts_with(b"./"),
        b'-' => is_bare && (rest.starts_with(b"-") || rest.starts_with(b">")),
        b'#' => is_bare,
        _ => false,
    };
    if by_first || REFERENCES.is_in(value) || STARTS.iter().any(|start| starts(value, start)) {
        return true;
    }
    if is_constant(value) && is_wordy(value) {
        return true;
    }
    if is_bare && is_code(value) {
        return true;
    }
    // A path of names: `config.db.password`, `login.password.label`, `server.key`.
    let dots = value.iter().filter(|byte| **byte == b'.').count();
    let is_plain = value.iter().all(|byte| class::is(*byte, class::WORD | class::DOT | class::DASH));
    dots > 0
        && is_plain
        && parts.digits <= 2
        && !(parts.digits > 0 && claim.kind == Kind::Password && claim.is_quoted)
        && is_wordy(value)
        || value.iter().filter(|byte| **byte == b'/').count() > 1 && parts.marks == 0 && is_wordy(value)
        || is_mail_address(value)
        || value.contains(&b'|') && is_wordy(value)
        || value.iter().all(|byte| class::is(*byte, class::DIGIT) || b"-:.TZ+/ ,".contains(byte)) && parts.joints > 1
        || first == b'0' && matches!(rest.first(), Some(b'x' | b'X')) && value.len() == 42
}

/// A value without quotes in a program.
fn is_code(value: &[u8]) -> bool {
    let name = class::run(value, class::WORD | class::DOT | class::COLON | class::DASH, value.len());
    let head = value.get(..name).unwrap_or_default();
    match value.get(name..).unwrap_or_default() {
        [b'?', ..] if value.iter().any(u8::is_ascii_digit) => false,
        [b'(' | b'[' | b'{' | b'?', ..] => {
            name > 1 && class::is(head.first().copied().unwrap_or(0), class::ALPHA | class::UNDERSCORE)
        }
        _ => {
            head.windows(2).any(|window| window == b"::")
                || value.contains(&b'>') && value.windows(2).any(|window| window == b"->" || window == b"=>")
        }
    }
}

fn is_mail_address(value: &[u8]) -> bool {
    let mut halves = value.splitn(2, |byte| *byte == b'@');
    let (Some(local), Some(domain)) = (halves.next(), halves.next()) else { return false };
    let Some(dot) = domain.iter().rposition(|byte| *byte == b'.') else { return false };
    let top = domain.get(dot + 1..).unwrap_or_default();
    !local.is_empty()
        && local.iter().all(|byte| class::is(*byte, class::WORD | class::DOT | class::DASH))
        && domain.iter().all(|byte| class::is(*byte, class::LOWER | class::DIGIT | class::DOT | class::DASH))
        && (2..=6).contains(&top.len())
        && top.iter().all(u8::is_ascii_lowercase)
}

fn is_placeholder(value: &[u8], parts: &Parts) -> bool {
    let first = value.first().copied().unwrap_or(0);
    value.iter().all(|byte| *byte == first)
        || placeholder::at(value, 0).is_some()
        || PLACEHOLDERS.is_in(value)
        || starts(value, "your")
        || starts(value, "enter")
        || parts.foreign > 0
            && value.windows(3).any(|window| window == "\u{2022}".as_bytes() || window == "\u{2026}".as_bytes())
}

/// `abcd efgh ijkl mnop`: what mail providers give to programs.
fn is_app_password(value: &[u8]) -> bool {
    value.len() == 19
        && value
            .iter()
            .enumerate()
            .all(|(index, byte)| if index % 5 == 4 { *byte == b' ' } else { byte.is_ascii_lowercase() })
        && !is_wordy(value)
}

pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether letters alone look like a machine chose them.
fn is_random_letters(value: &[u8], parts: &Parts) -> bool {
    let least = if parts.upper > 1 && parts.lower > 1 { 8 } else { 12 };
    value.len() >= least && !is_wordy(value) && entropy::hundredths(value) >= 280
}

/// Whether the value does not consist of words.
pub(super) fn is_random(value: &[u8]) -> bool {
    !is_wordy(value)
}

/// Whether three fifths of the value are words: letters that can be spoken, in any case style.
fn is_wordy(value: &[u8]) -> bool {
    // One word, as nearly all are.
    if value.len() <= super::name::MOST && value.iter().all(u8::is_ascii_lowercase) {
        return value.is_empty() || is_spoken(value);
    }
    // Digits stand in at least two places where letters and digits take turns four times.
    if value.iter().filter(|byte| byte.is_ascii_digit()).count() > 1 {
        let is_turn = |pair: &&[u8]| {
            matches!(pair, [a, b] if a.is_ascii_digit() && b.is_ascii_alphabetic()
                || a.is_ascii_alphabetic() && b.is_ascii_digit())
        };
        let turns = value.windows(2).filter(is_turn).count();
        if turns >= 4 && turns * 6 >= value.len() {
            return false;
        }
    }
    let mut counted = 0;
    let mut spoken = 0;
    for word in super::name::Words(value) {
        counted += word.len();
        if is_spoken(word) {
            spoken += word.len();
        }
    }
    counted == 0 || spoken * 5 >= counted * 3
}

/// Whether letters can be spoken: not too many consonants together, vowels neither missing nor everywhere.
fn is_spoken(word: &[u8]) -> bool {
    if word.len() < 3 || !word.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let mut vowels = 0;
    let mut rare = 0;
    let mut row = 0;
    let mut longest = 0;
    for byte in word {
        match byte.to_ascii_lowercase() {
            b'a' | b'e' | b'i' | b'o' | b'u' | b'y' => {
                vowels += 1;
                row = 0;
                continue;
            }
            b'q' | b'x' | b'z' | b'j' => rare += 1,
            _ => {}
        }
        row += 1;
        longest = longest.max(row);
    }
    longest <= 4
        && vowels * 5 >= word.len()
        && vowels * 4 <= word.len() * 3
        && rare * 6 <= word.len()
        && (word.len() < 16 || vowels * 3 >= word.len())
        || word.len() <= 8 && WORDS.has(word)
}

fn starts(value: &[u8], start: &str) -> bool {
    value.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
}

/// Whether `value` contains `word`, which is in lower case, in any mix of cases.
pub(super) fn contains(value: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return true };
    value.iter().enumerate().any(|(at, byte)| {
        byte.to_ascii_lowercase() == *first
            && value.get(at..at + word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word))
    })
}

/// What stands in references to values and in code that gets them.
static REFERENCES: WordSet = WordSet::new(&["${", "{{", "$(", "<%", "#{", "%{", "://", "\\(", "||"]);

/// What is written where a secret should be.
static PLACEHOLDERS: WordSet = WordSet::new(&[
    "example",
    "changeme",
    "change_me",
    "change-me",
    "change-it",
    "changeit",
    "placeholder",
    "redacted",
    "your_",
    "your-",
    "dummy",
    "fixme",
    "insert",
    "replace_me",
    "replace-me",
    "replaceme",
    "undefined",
    "not_set",
    "notset",
    "masked",
    "xxxx",
    "****",
    "...",
    "____",
    "<your",
    "todo:",
    "hidden",
    "fakefake",
    "not-a-real",
    "not_a_real",
    "notreal",
]);

/// How references to secrets, digests and published keys begin.
const STARTS: &[&str] = &[
    "arn:",
    "projects/",
    "vault:",
    "secret/",
    "secrets/",
    "sha1-",
    "sha256-",
    "sha384-",
    "sha512-",
    "sha1:",
    "sha256:",
    "sha512:",
    "md5:",
    "enc(",
    "enc[",
    "data:",
    "pk_live_",
    "pk_test_",
    "sb_publishable_",
    "phc_",
    "ssh-rsa",
    "ssh-ed25519",
    "file:",
    "env:",
    "ref:",
    "kms:",
    "process.env",
    "os.environ",
    "os.getenv",
    "env.",
    "var.",
    "local.",
    "module.",
    "secrets.",
    "config.",
    "self.",
    "this.",
    "args.",
    "req.",
    "request.",
    "settings.",
    "options.",
    "props.",
    "params.",
    "steps.",
    "inputs.",
    "!ref",
    "!sub",
    "!getatt",
    "!vault",
    "!reference",
    "!secret",
    "!join",
    "@microsoft.keyvault",
    "resolve:",
    "urn:",
    "getenv",
    "ssm:",
    "/aws/reference/",
    "aws_kms",
    "values.",
    "string(",
    "varchar(",
    "base64:key",
    "data.",
];

/// Words that stand in names of secrets rather than in secrets.
static NAMES: WordSet =
    WordSet::new(&["password", "passwd", "secret", "cred", "token", "key", "pwd", "auth", "config", "-pass", "_pass"]);

/// Words that are no secrets, with or without a number, and cannot all be spoken.
static WORDS: WordSet = WordSet::new(&[
    "password", "pass", "passwd", "pwd", "secret", "token", "key", "user", "username", "step", "input", "field", "arg",
    "param", "value", "sha", "md", "oauth", "oauth2", "base", "utf", "bcrypt", "argon", "argon2id", "pbkdf", "scrypt",
    "bytes", "uint", "int", "float", "string", "varchar", "char", "hs", "rs", "es", "ed", "aes", "level", "line",
    "text", "null", "none", "true", "false", "http", "https", "html", "json", "xml", "yaml", "ssh", "tls", "ssl",
    "jwt", "db", "ctrl", "btn", "src", "str", "img", "css", "k8s", "prod", "tmp", "id", "api", "app", "aws", "gcp",
    "sql", "my",
]);
