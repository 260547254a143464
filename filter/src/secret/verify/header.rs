//! Credentials in HTTP fields, and on command lines.

use super::token::begins_inside_word;
use super::{Found, Text, base64, class, entropy, placeholder, plausible};
use crate::secret::detector::{Detector, Kind};

/// The longest token.
const MOST: usize = 8192;

/// RFC 6750, section 2.1: `Bearer` and a token of the token68 form.
pub(super) fn bearer(detector: &Detector, text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    if begins_inside_word(text.bytes, at) {
        return nothing;
    }
    let rest = text.bytes.get(end..).unwrap_or_default();
    let run = class::run(rest, TOKEN, MOST);
    if run == rest.len() && run < MOST && !text.is_complete {
        return Found::More;
    }
    let run = run - class::run_back(rest.get(..run).unwrap_or_default(), class::DOT, run);
    let value = rest.get(..run).unwrap_or_default();
    let is_secret = value.len() >= 12
        && (value.iter().any(u8::is_ascii_digit) || value.len() >= 24)
        && plausible::is_random(value)
        && entropy::hundredths(value) >= u32::from(detector.entropy) * 10
        && !plausible::is_masked(value);
    if is_secret { Found::Secret { start: end, end: end + run } } else { Found::Nothing { examined: end + run } }
}

const TOKEN: u16 =
    class::BASE64URL | class::BASE64 | class::DOT | class::TILDE | class::EQUALS | class::PERCENT | class::COLON;

/// RFC 7617: `Basic` and base64 of `user:password`; or the same as the value of a member whose name is the literal.
pub(super) fn basic(text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    let rest = text.bytes.get(end..).unwrap_or_default();
    let mut skip = 0;
    if text.bytes.get(at) == Some(&b'"') {
        let gap = class::run(rest, class::SPACE, 16);
        let after = rest.get(gap..).unwrap_or_default();
        skip = gap + 1 + class::run(after.get(1..).unwrap_or_default(), class::SPACE, 16) + 1;
        if rest.len() < skip && !text.is_complete {
            return Found::More;
        }
        if after.first() != Some(&b':') || rest.get(skip - 1) != Some(&b'"') {
            return nothing;
        }
    } else if begins_inside_word(text.bytes, at) {
        return nothing;
    }
    let rest = rest.get(skip..).unwrap_or_default();
    let run = base64::extent(rest.get(..MOST).unwrap_or(rest));
    if run == rest.len() && run < MOST && !text.is_complete {
        return Found::More;
    }
    let examined = end + skip + run;
    let decoded = rest.get(..run).filter(|value| value.len() >= 8).and_then(|value| base64::decode(value, MOST));
    let Some(decoded) = decoded else { return Found::Nothing { examined } };
    let is_pair =
        decoded.iter().position(|byte| *byte == b':').is_some_and(|colon| colon + 1 < decoded.len() || colon >= 16);
    if is_pair && decoded.iter().all(|byte| *byte >= b' ' && *byte != 0x7F) && std::str::from_utf8(&decoded).is_ok() {
        Found::Secret { start: end + skip, end: examined }
    } else {
        Found::Nothing { examined }
    }
}

/// Cookies that carry a session whatever surrounds them.
const KNOWN: &[&str] = &[
    "phpsessid",
    "jsessionid",
    "asp.net_sessionid",
    "connect.sid",
    "laravel_session",
    "_gitlab_session",
    "aspsessionid",
];

/// A session cookie (RFC 6265): the literal stands in the name.
pub(super) fn cookie(detector: &Detector, text: &Text<'_>, at: usize, end: usize) -> Found {
    let bytes = text.bytes;
    let nothing = Found::Nothing { examined: end };
    let before = bytes.get(..at).unwrap_or_default();
    let start = at - class::run_back(before, class::BASE64URL | class::DOT, 48);
    let has_sign = bytes.get(end.saturating_sub(1)) == Some(&b'=');
    let rest = bytes.get(end..).unwrap_or_default();
    let after = if has_sign { 0 } else { class::run(rest, class::BASE64URL | class::DOT, 32) };
    let name = bytes.get(start..end + after).unwrap_or_default();
    let name = name.strip_suffix(b"=").unwrap_or(name);
    if !has_sign && bytes.get(end + after).is_some_and(|byte| *byte != b'=') {
        return nothing;
    }
    let is_known = KNOWN.iter().any(|known| plausible::contains(name, known.as_bytes()));
    let from = start.saturating_sub(128);
    let line = bytes.get(from..start).unwrap_or_default();
    let line = line.iter().rposition(|byte| *byte == b'\n').and_then(|end| line.get(end..)).unwrap_or(line);
    if !is_known && !plausible::contains(line, b"cookie") {
        return nothing;
    }
    let mut here = end + after;
    if !has_sign {
        match bytes.get(here) {
            None if !text.is_complete => return Found::More,
            Some(b'=') => here += 1,
            _ => return nothing,
        }
    }
    let rest = bytes.get(here..).unwrap_or_default();
    let run = class::run(rest, TOKEN, MOST);
    if run == rest.len() && run < MOST && !text.is_complete {
        return Found::More;
    }
    let value = rest.get(..run).unwrap_or_default();
    let is_secret = value.len() >= 12
        && entropy::hundredths(value) >= u32::from(detector.entropy) * 10
        && plausible::is_random(value)
        && placeholder::at(value, 0).is_none()
        && !plausible::is_masked(value);
    if is_secret { Found::Secret { start: here, end: here + run } } else { Found::Nothing { examined: here + run } }
}

/// `-u user:password`, `--user user:password`, and `sshpass -ppassword`.
pub(super) fn user_argument(text: &Text<'_>, at: usize, end: usize) -> Found {
    let bytes = text.bytes;
    let nothing = Found::Nothing { examined: end };
    let has_password_alone = bytes.get(at) == Some(&b's');
    let from = at.saturating_sub(200);
    let before = bytes.get(from..at).unwrap_or_default();
    if !has_password_alone && !matches!(before.last(), Some(b' ' | b'\t')) {
        return nothing;
    }
    let mut start = end + class::run(bytes.get(end..).unwrap_or_default(), class::BLANK, 4);
    let opener = bytes.get(start).copied().filter(|byte| class::is(*byte, class::QUOTE));
    let level = text.levels.level(start);
    start += usize::from(opener.is_some());
    let rest = bytes.get(start..).unwrap_or_default();
    let mut length = 0;
    for byte in rest.iter().take(256) {
        let ends = match (*byte, opener) {
            (b'"', Some(b'"')) => text.levels.level(start + length) <= level,
            (b'"', _) | (b'\n', _) => true,
            (byte, Some(opener)) => byte == opener,
            (byte, None) => byte <= b' ' || class::is(byte, class::QUOTE),
        };
        if ends {
            break;
        }
        length += 1;
    }
    if length == rest.len() && length < 256 && !text.is_complete {
        return Found::More;
    }
    let whole = rest.get(..length).unwrap_or_default();
    let skip = if has_password_alone {
        0
    } else {
        match whole.iter().position(|byte| *byte == b':') {
            Some(colon) => colon + 1,
            None => return nothing,
        }
    };
    let value = whole.get(skip..).unwrap_or_default();
    let claim = plausible::Claim { kind: Kind::Password, value, is_quoted: true, is_strict: false, floor: 0 };
    let is_for = |tool: &&str| plausible::contains(before, tool.as_bytes());
    // `-u $USER:$PASSWORD`, `-u 1000:1000`.
    if plausible::is_secret(&claim)
        && whole.iter().any(|byte| class::is(*byte, class::ALPHA))
        && (has_password_alone || ["curl", "wget", "http", "xh "].iter().any(is_for))
    {
        Found::Secret { start: start + skip, end: start + length }
    } else {
        nothing
    }
}

/// The password after `flag` on the line of a command: `mysql -pS3cret`, `redis-cli -a S3cret`.
pub(super) fn command(flag: &str, text: &Text<'_>, at: usize, end: usize) -> Found {
    let nothing = Found::Nothing { examined: end };
    if begins_inside_word(text.bytes, at) {
        return nothing;
    }
    // The literal may hold the beginning of a flag.
    let from = end.saturating_sub(2);
    let rest = text.bytes.get(from..).unwrap_or_default();
    let rest = rest.get(..256).unwrap_or(rest);
    let line = rest.iter().position(|byte| matches!(byte, b'\n' | b'"' | b'|' | b';' | b'`')).unwrap_or(rest.len());
    if line == rest.len() && line < 256 && !text.is_complete {
        return Found::More;
    }
    let line = rest.get(..line).unwrap_or_default();
    let Some(found) = line.windows(flag.len()).position(|window| window == flag.as_bytes()) else {
        return Found::Nothing { examined: end.max(from + line.len()) };
    };
    let mut start = found + flag.len();
    let opener = line.get(start).copied().filter(|byte| *byte == b'\'');
    start += usize::from(opener.is_some());
    let rest = line.get(start..).unwrap_or_default();
    let length = rest
        .iter()
        .take_while(|byte| if opener.is_some() { **byte != b'\'' } else { **byte > b' ' && **byte != b'\'' })
        .count();
    let value = rest.get(..length).unwrap_or_default();
    let claim = plausible::Claim { kind: Kind::Password, value, is_quoted: true, is_strict: false, floor: 0 };
    if plausible::is_secret(&claim) {
        Found::Secret { start: from + start, end: from + start + length }
    } else {
        Found::Nothing { examined: end.max(from + start + length) }
    }
}
