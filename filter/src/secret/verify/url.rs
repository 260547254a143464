//! Passwords in the userinfo of URLs (RFC 3986, section 3.2.1), and in the lines of `.pgpass`.

use super::words::WordSet;
use super::{Found, Text, class, entropy, placeholder, plausible};

/// The longest userinfo.
const MOST: usize = 1024;

/// Whether the authority that begins at `at` ends soon, with neither a colon nor an `@` before its end: nearly all do.
#[inline]
pub(crate) fn has_no_userinfo(bytes: &[u8], at: usize) -> bool {
    let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<32>()) else { return false };
    let (words, _) = head.as_chunks();
    for word in words {
        let word = u64::from_le_bytes(*word);
        // The first of these bytes in the word says what comes first.
        let ends = zeros(word ^ SLASH) | zeros(word ^ SPACE) | zeros(word ^ DOUBLE);
        let goes_on = zeros(word ^ COLON) | zeros(word ^ AT);
        if goes_on != 0 || ends != 0 {
            return ends.trailing_zeros() < goes_on.trailing_zeros();
        }
    }
    false
}

const EVERY: u64 = 0x0101_0101_0101_0101;
const SLASH: u64 = EVERY * b'/' as u64;
const SPACE: u64 = EVERY * b' ' as u64;
const DOUBLE: u64 = EVERY * b'"' as u64;
const COLON: u64 = EVERY * b':' as u64;
const AT: u64 = EVERY * b'@' as u64;

/// The highest bit of each byte that is zero, and perhaps of some that follow one.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(EVERY) & !word & EVERY << 7
}

pub(super) fn verify(text: &Text<'_>, at: usize, end: usize) -> Found {
    let before = text.bytes.get(..at).unwrap_or_default();
    if class::run_back(before, class::ALNUM, 2) == 0 {
        return Found::Nothing { examined: end };
    }
    let rest = text.bytes.get(end..).unwrap_or_default();
    // An IPv6 address.
    if rest.first() == Some(&b'[') {
        return Found::Nothing { examined: end };
    }
    let mut colon = None;
    let mut sign = None;
    let mut length = 0;
    for byte in rest.iter().take(MOST) {
        match byte {
            b'@' => sign = Some(length),
            b':' if colon.is_none() => colon = Some(length),
            // A password may hold these, unescaped, if an `@` follows in the same word.
            b'/' | b'?' | b'#' if colon.is_none_or(|colon| is_port(rest, colon, length)) || sign.is_some() => break,
            b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | 0..=b' ' | 0x7F => break,
            b',' | b')' | b']' | b'}' | b';' | b'|'
                if sign.is_some() || colon.is_none_or(|colon| is_port(rest, colon, length)) =>
            {
                break;
            }
            _ => {}
        }
        length += 1;
    }
    if length == rest.len() && length < MOST && !text.is_complete {
        return Found::More;
    }
    let nothing = Found::Nothing { examined: end };
    // No `@` up to here: none for those that begin within either.
    let Some(sign) = sign else { return Found::Nothing { examined: end + length } };
    let (start, stop) = match colon {
        Some(colon) if colon < sign => (colon + 1, sign),
        // A token alone, in the place of the user.
        _ => {
            let user = rest.get(..sign).unwrap_or_default();
            let host = rest.get(sign..length).unwrap_or_default();
            let is_token = user.len() >= 20
                && user.iter().all(|byte| class::is(*byte, class::BASE64URL | class::PERCENT))
                && plausible::is_random(user)
                && entropy::hundredths(user) >= 280
                && !plausible::contains(host, b"sentry");
            if is_token {
                (0, sign)
            } else {
                return nothing;
            }
        }
    };
    let value = rest.get(start..stop).unwrap_or_default();
    if is_template(value) || value.len() < 2 {
        return nothing;
    }
    Found::Secret { start: end + start, end: end + stop }
}

/// Whether what follows the colon up to a slash is a port, so that the authority ends there.
fn is_port(rest: &[u8], colon: usize, here: usize) -> bool {
    rest.get(colon + 1..here).is_some_and(|port| port.len() <= 5 && port.iter().all(u8::is_ascii_digit))
}

/// Whether something is to be put in the place of this.
fn is_template(value: &[u8]) -> bool {
    let is_name = |name: &[u8]| name.iter().all(|byte| class::is(*byte, class::WORD | class::DOT));
    match value {
        [b'$' | b':', name @ ..] if is_name(name) && !name.iter().any(u8::is_ascii_digit) => true,
        [b'$' | b'{' | b'[' | b'(', .., b'}' | b']' | b')'] => true,
        [b'%', b's' | b'd' | b'v' | b'q'] | [b'%', .., b'%'] => true,
        _ => {
            placeholder::is_whole(value)
                || value
                    .iter()
                    .all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-' | b'_' | b'\xe2' | b'\x80' | b'\xa2'))
                || MARKS.is_in(value)
                || WORDS.has(value)
                || plausible::is_masked(value)
        }
    }
}

/// What stands in templates.
static MARKS: WordSet = WordSet::new(&["${", "{{", "$(", "}", "#{"]);

/// What documentation writes for a password.
static WORDS: WordSet = WordSet::new(&[
    "password",
    "pass",
    "passwd",
    "pwd",
    "secret",
    "token",
    "pw",
    "yourpassword",
    "mypassword",
    "user_password",
    "db_password",
    "your_password",
    "your-password",
    "changeme",
    "redacted",
    "hidden",
    "masked",
    "credentials",
    "x-oauth-basic",
    "xxx",
    "dbpassword",
    "apikey",
    "api_key",
    "my_password",
    "my-password",
    "passw0rd_here",
    "port",
]);

/// `host:5432:database:user:password` up to the end of the line: the literal is the port between its colons.
pub(super) fn pgpass(text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let host = class::run_back(text.bytes.get(..at).unwrap_or_default(), class::WORD | class::DASH | class::DOT, 64);
    let is_any = at.checked_sub(1).and_then(|before| text.bytes.get(before)) == Some(&b'*');
    if host == 0 && !is_any {
        return nothing;
    }
    let rest = text.bytes.get(end..).unwrap_or_default();
    let mut here = 0;
    for _ in 0..2 {
        let field = rest.get(here..).unwrap_or_default();
        let length = field
            .iter()
            .take(64)
            .take_while(|byte| class::is(**byte, class::WORD | class::DASH) || **byte == b'*')
            .count();
        match field.get(length) {
            None if !text.is_complete => return Found::More,
            Some(b':') if length > 0 => here += length + 1,
            _ => return nothing,
        }
    }
    let field = rest.get(here..).unwrap_or_default();
    let length = field.iter().take(256).take_while(|byte| **byte > b' ' && !class::is(**byte, class::QUOTE)).count();
    if length == field.len() && length < 256 && !text.is_complete {
        return Found::More;
    }
    let value = field.get(..length).unwrap_or_default();
    if value.len() < 4 || is_template(value) {
        return nothing;
    }
    Found::Secret { start: end + here, end: end + here + length }
}
