//! The formats that are asserted.

use core::net::{Ipv4Addr, Ipv6Addr};

/// A value of `format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// RFC 3339 section 5.6
    DateTime,
    /// RFC 3986: with a scheme
    Uri,
    /// RFC 5321 section 4.1.2: a mailbox
    Email,
    /// RFC 9562 section 4: the text form
    Uuid,
    /// RFC 2673 section 3.2: dotted, without leading zeros
    Ipv4,
    /// RFC 4291 section 2.2, without a zone
    Ipv6,
}

impl Format {
    #[cfg(not(feature = "full-schema"))]
    pub(super) const NAMES: &str = "`date-time`, `uri`, `email`, `uuid`, `ipv4` and `ipv6`";

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" => Self::DateTime,
            "uri" => Self::Uri,
            "email" => Self::Email,
            "uuid" => Self::Uuid,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            _ => return None,
        })
    }

    /// What a text must be, as a phrase.
    #[cfg(not(feature = "full-schema"))]
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::DateTime => "a date and time as in RFC 3339, such as 2026-01-31T12:00:00Z",
            Self::Uri => "an absolute URI as in RFC 3986, such as https://example.com/a",
            Self::Email => "an e-mail address, such as name@example.com",
            Self::Uuid => "a UUID, such as 123e4567-e89b-12d3-a456-426614174000",
            Self::Ipv4 => "an IPv4 address, such as 192.0.2.1",
            Self::Ipv6 => "an IPv6 address, such as 2001:db8::1",
        }
    }

    /// A text of this format that says nothing.
    pub(super) fn blank(self) -> &'static str {
        match self {
            Self::DateTime => "1970-01-01T00:00:00Z",
            Self::Uri => "urn:redacted",
            Self::Email => "redacted@example.invalid",
            Self::Uuid => "00000000-0000-0000-0000-000000000000",
            Self::Ipv4 => "0.0.0.0",
            Self::Ipv6 => "::",
        }
    }

    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Self::DateTime => date_time(text.as_bytes()).is_some(),
            Self::Uri => uri(text),
            Self::Email => email(text),
            Self::Uuid => uuid(text.as_bytes()),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
        }
    }
}

fn date_time(text: &[u8]) -> Option<()> {
    let (head, tail) = text.split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't', h1, h2, b':', n1, n2, b':', s1, s2] = head else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?, number(&[*s1, *s2])?);
    let leap_year = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap_year => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let zone = match tail {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|it| it.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            fraction.get(digits..)?
        }
        _ => tail,
    };
    let east = match zone {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = i64::from(hours * 60 + minutes);
            if *sign == b'+' { offset } else { -offset }
        }
        _ => return None,
    };
    // Leap seconds are the last of a day in UTC.
    let utc = (i64::from(hour * 60 + minute) - east).rem_euclid(24 * 60);
    (second < 60 || utc == 23 * 60 + 59).then_some(())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value * 10 + char::from(*digit).to_digit(10)?))
}

fn uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `scheme ":" hier-part [ "?" query ] [ "#" fragment ]`
fn uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let named = scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = match hierarchy.strip_prefix("//") {
        Some(after) => {
            let end = after.find('/').unwrap_or(after.len());
            let Some((authority, path)) = after.split_at_checked(end) else { return false };
            if !self::authority(authority) {
                return false;
            }
            path
        }
        None => hierarchy,
    };
    named && made_of(path, b":@/") && made_of(query, b":@/?") && made_of(fragment, b":@/?")
}

/// `[ userinfo "@" ] host [ ":" port ]`
fn authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let (host, port) = match host.strip_prefix('[') {
        Some(literal) => {
            let Some((literal, after)) = literal.split_once(']') else { return false };
            let future =
                literal.strip_prefix(['v', 'V']).and_then(|it| it.split_once('.')).is_some_and(|(version, address)| {
                    !version.is_empty()
                        && version.bytes().all(|it| it.is_ascii_hexdigit())
                        && !address.is_empty()
                        && !address.contains('%')
                        && made_of(address, b":")
                });
            if !future && literal.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            match (after.strip_prefix(':'), after) {
                (Some(port), _) => ("", port),
                (None, "") => ("", ""),
                (None, _) => return false,
            }
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    made_of(user, b":") && made_of(host, b"") && port.bytes().all(|it| it.is_ascii_digit())
}

/// True if the text has only unreserved characters, sub-delims, percent-encodings and these others.
fn made_of(text: &str, others: &[u8]) -> bool {
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            [byte, after @ ..]
                if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte) || others.contains(byte) =>
            {
                after
            }
            _ => return false,
        };
    }
}

fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    // RFC 5321 section 4.5.3.1.
    local.len() <= 64 && domain.len() <= 255 && local_part(local) && mail_domain(domain)
}

fn local_part(text: &str) -> bool {
    if let Some(quoted) = text.strip_prefix('"') {
        let Some(inside) = quoted.strip_suffix('"') else { return false };
        let mut bytes = inside.bytes();
        while let Some(byte) = bytes.next() {
            let fine = match byte {
                b'\\' => bytes.next().is_some_and(|it| (0x20..0x7f).contains(&it)),
                b'"' => false,
                other => (0x20..0x7f).contains(&other),
            };
            if !fine {
                return false;
            }
        }
        return true;
    }
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(atom))
}

fn mail_domain(text: &str) -> bool {
    if let Some(literal) = text.strip_prefix('[') {
        let Some(address) = literal.strip_suffix(']') else { return false };
        return match address.strip_prefix("IPv6:") {
            Some(six) => six.parse::<Ipv6Addr>().is_ok(),
            None => address.parse::<Ipv4Addr>().is_ok(),
        };
    }
    text.split('.').all(|label| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_and_refused() {
        let table: [(Format, &[&str], &[&str]); 6] = [
            (
                Format::DateTime,
                &[
                    "1963-06-19T08:30:06.283185Z",
                    "1963-06-19t08:30:06z",
                    "1990-12-31T15:59:60-08:00",
                    "1998-12-31T23:59:60Z",
                    "2024-02-29T00:00:00+23:59",
                    "2000-02-29T00:00:00Z",
                ],
                &[
                    "",
                    "1963-06-19",
                    "1990-02-31T15:59:59-08:00",
                    "1990-12-31T15:59:59-24:00",
                    "1998-12-31T23:58:60Z",
                    "1998-12-31T22:59:60Z",
                    "1963-06-19 08:30:06Z",
                    "1963-06-19T08:30:06",
                    "1963-06-19T08:30:06.Z",
                    "1963-06-1৪T00:00:00Z",
                    "2023-02-29T00:00:00Z",
                    "1900-02-29T00:00:00Z",
                    "+11963-06-19T08:30:06Z",
                    "1963-06-19T24:00:00Z",
                    "1963-06-19T08:30:06Zz",
                ],
            ),
            (
                Format::Uri,
                &[
                    "https://example.com/a?b=c&d#e",
                    "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
                    "http://user:pass@[2001:db8::7]:8080/%41",
                    "mailto:John.Doe@example.com",
                    "file:///etc/hosts",
                    "http://[v1.fe80]/",
                    "http://223.255.255.254",
                    "a:",
                ],
                &[
                    "",
                    "/relative",
                    "//example.com/a",
                    "example.com",
                    "1http://x",
                    "http://exa mple.com",
                    "http://example.com/a b",
                    "http://example.com/%4",
                    "http://example.com/%zz",
                    "http://example.com/\\",
                    "http://example.com/<a>",
                    "http://example.com/ä",
                    "http://[::1",
                    "http://[::g]",
                    "http://example.com:80a/",
                    "http://a@b@c",
                    "http://example.com/#a#b",
                    "http://example.com/^",
                ],
            ),
            (
                Format::Email,
                &[
                    "joe.bloggs@example.com",
                    "te~st@example.com",
                    "\"joe bloggs\"@example.com",
                    "\"joe@bloggs\"@example.com",
                    "\"a\\\"b\"@example.com",
                    "a@[127.0.0.1]",
                    "a@[IPv6:::1]",
                    "a@b",
                ],
                &[
                    "",
                    "2962",
                    "@example.com",
                    "a@",
                    ".a@example.com",
                    "a.@example.com",
                    "a..b@example.com",
                    "a b@example.com",
                    "a@exam ple.com",
                    "a@-x.com",
                    "a@x-.com",
                    "a@[300.0.0.1]",
                    "a@x..com",
                    "a@invalid=domain.com",
                    "ä@example.com",
                    "\"a\"b\"@example.com",
                ],
            ),
            (
                Format::Uuid,
                &["2EB8AA08-aa98-11ea-b4aa-73b441d16380", "00000000-0000-0000-0000-000000000000"],
                &[
                    "",
                    "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
                    "2eb8aa08aa9811eab4aa73b441d16380----",
                    "2eb8aa08-aa98-11ea-b4ga-73b441d16380",
                ],
            ),
            (
                Format::Ipv4,
                &["192.168.0.1", "0.0.0.0"],
                &["", "127.0.0", "256.1.1.1", "087.10.0.1", "1.2.3.4/24", " 1.2.3.4", "1২7.0.0.1"],
            ),
            (
                Format::Ipv6,
                &["::1", "::", "::ffff:192.168.0.1", "1:2:3:4:5:6:7:8", "::42:ff:1"],
                &["", "12345::", ":::1", "1::2::3", "fe80::a%eth1", "::1/64", "1:2:3:4:5:6:7", "::ffff:1.2.3.999"],
            ),
        ];
        for (format, accepted, refused) in table {
            for text in accepted {
                assert!(format.accepts(text), "{format:?} {text}");
            }
            for text in refused {
                assert!(!format.accepts(text), "{format:?} {text}");
            }
        }
    }
}
