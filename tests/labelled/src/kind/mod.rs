//! Kinds of secrets, and how each is made.

mod cloud;
mod code;
mod service;
mod words;

use crate::encoding::{base64, base64_url, crc32, digits};
use crate::random::{BASE62, Random};

/// A kind of secret.
#[derive(Debug)]
pub struct Kind {
    /// What labels call it.
    pub name: &'static str,
    /// What makes one: see [`Random::like`], or `=` and the name of a format that [`make`] knows.
    pub pattern: &'static str,
    /// The names it is stored under, as environment variables, separated by spaces.
    pub keys: &'static str,
    /// Whether it is recognised by itself, without such a name beside it.
    pub free: bool,
}

/// Recognised by itself.
const fn free(name: &'static str, pattern: &'static str, keys: &'static str) -> Kind {
    Kind { name, pattern, keys, free: true }
}

/// Recognised by the name beside it.
const fn keyed(name: &'static str, pattern: &'static str, keys: &'static str) -> Kind {
    Kind { name, pattern, keys, free: false }
}

/// Those that stand in any document as the value of some name.
pub fn kinds() -> impl Iterator<Item = &'static Kind> + Clone {
    [cloud::KINDS, code::KINDS, service::KINDS, words::KINDS].into_iter().flatten()
}

/// A secret of the kind: one of [`kinds`], or one that only stands where a text of its own puts it.
pub fn secret(kind: &str, random: &mut Random) -> (&'static str, String) {
    let all = kinds().chain(words::PLACED);
    let found = all.into_iter().find(|it| it.name == kind).unwrap_or_else(|| panic!("no kind {kind}"));
    (found.name, make(found.pattern, random))
}

/// A value like `pattern`.
pub fn make(pattern: &str, random: &mut Random) -> String {
    let Some(format) = pattern.strip_prefix('=') else { return random.like(pattern) };
    let (format, argument) = format.split_once(' ').unwrap_or((format, ""));
    match format {
        // GitHub and npm: the CRC32 of the thirty characters, in base62.
        "crc62" => {
            let entropy = random.like("{b30}");
            format!("{argument}{entropy}{}", digits(crc32(entropy.as_bytes()), BASE62, 6))
        }
        "gitlab-routable" => {
            let token = format!("glpat-{}.01.{}", random.like("{u36}"), random.like("{a2}"));
            let sum = digits(crc32(token.as_bytes()), b"0123456789abcdefghijklmnopqrstuvwxyz", 7);
            token + &sum
        }
        "grafana" => {
            let token = random.like("{b32}");
            format!("glsa_{token}_{:08x}", crc32(token.as_bytes()))
        }
        "discord" => {
            let id = random.like("1{d17}");
            format!("{}.{}.{}", base64_url(id.as_bytes()), random.like("G{u5}"), random.like("{u38}"))
        }
        "jwt" => jwt(random),
        "mapbox" => {
            let claims = format!(r#"{{"u":"{}","a":"c{}"}}"#, random.like("{l8}"), random.like("{a24}"));
            format!("sk.{}.{}", base64_url(claims.as_bytes()), random.like("{u22}"))
        }
        "sentry" => {
            let claims = format!(
                r#"{{"iat":17{}.{},"url":"https://sentry.io","region_url":"https://us.sentry.io","org":"{}"}}"#,
                random.like("{d8}"),
                random.like("{d6}"),
                random.like("{l7}")
            );
            format!("sntrys_{}_{}", base64(claims.as_bytes()), random.like("{s43}"))
        }
        "grafana-cloud" => {
            let claims = format!(
                r#"{{"o":"{}","n":"ci","k":"{}","m":{{"r":"eu"}}}}"#,
                random.like("{d6}"),
                random.like("{b24}")
            );
            format!("glc_{}", base64(claims.as_bytes()))
        }
        "grafana-legacy" => {
            let claims = format!(r#"{{"k":"{}","n":"deploy","id":1}}"#, random.like("{b32}"));
            base64(claims.as_bytes())
        }
        "onepassword" => {
            let claims = format!(
                r#"{{"signInAddress":"my.1password.com","userAuth":{{"method":"SRPg-4096","alg":"PBES2g-HS256","iterations":650000,"salt":"{}"}},"secretKey":"{}","srpX":"{}"}}"#,
                random.like("{u22}"),
                random.like("A3-{A6}-{A6}-{A5}-{A5}-{A5}-{A5}"),
                random.like("{x64}")
            );
            format!("ops_{}", base64_url(claims.as_bytes()))
        }
        "bytes" => base64(&random.bytes(argument.parse().expect("a length"))),
        "laravel" => format!("base64:{}", base64(&random.bytes(32))),
        "words" => phrase(random),
        "basic" => base64(format!("{}:{}", random.like("{l5-9}"), random.like("{b12-20}")).as_bytes()),
        "base64-of" => base64(make(argument, random).as_bytes()),
        "percent" => random.like("{s42}=").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
        "pem-body" => lines(&base64(&der(argument.parse().expect("a length"), random)), 64, "\n"),
        "pem-body-escaped" => lines(&base64(&der(1190, random)), 64, "\\n"),
        "pem-base64" => {
            let body = lines(&base64(&der(610, random)), 64, "\n");
            base64(format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n").as_bytes())
        }
        "openssh-body" => {
            let mut key = b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none\0\0\0\0\0\0\0\x01\0\0\0\x33\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
            key.extend(random.bytes(200));
            lines(&base64(&key), 70, "\n")
        }
        _ => panic!("no format {format}"),
    }
}

/// A signed JSON Web Token (RFC 7519).
fn jwt(random: &mut Random) -> String {
    let algorithm = random.pick(&["HS256", "RS256", "ES256"]);
    let header = match random.below(3) {
        0 => format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#),
        1 => format!(r#"{{"typ":"JWT","alg":"{algorithm}"}}"#),
        _ => format!(r#"{{"alg":"{algorithm}","kid":"{}","typ":"JWT"}}"#, random.like("{u22}")),
    };
    let claims = format!(
        r#"{{"iss":"https://{}.example.net/","sub":"{}","iat":17{},"scope":"read write"}}"#,
        random.like("{l6}"),
        random.uuid(),
        random.like("{d8}")
    );
    let signature = random.bytes(if algorithm == "HS256" { 32 } else { 64 });
    [header.as_bytes(), claims.as_bytes(), &signature].map(base64_url).join(".")
}

/// A DER sequence of `length` bytes that begins with a version, as private keys do.
fn der(length: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = match length {
        0..128 => vec![0x30, length as u8 - 2],
        _ => vec![0x30, 0x82, ((length - 4) >> 8) as u8, (length - 4) as u8],
    };
    bytes.extend([2, 1, 0]);
    let rest = length - bytes.len();
    bytes.extend(random.bytes(rest));
    bytes
}

/// What a person thinks of when asked for a password.
fn phrase(random: &mut Random) -> String {
    const WORDS: &[&str] = &[
        "Kestrel", "harbor", "Tundra", "violet", "Marmot", "copper", "Juniper", "static", "Walnut", "Orbit", "pickle",
        "Granite", "meadow", "Falcon", "lantern", "Saffron", "puzzle", "Cobalt", "thunder", "Bramble",
    ];
    let (first, second) = (random.pick(WORDS), random.pick(WORDS));
    match random.below(4) {
        0 => format!("{first}{}{second}{}", random.pick(&["-", "_", "."]), random.like("{d2-4}")),
        1 => format!("{first}{}{}", random.like("{d4}"), random.pick(&["!", "#", "*", "!!"])),
        2 => format!("{first}-{second}-{}-{}", random.pick(WORDS), random.pick(WORDS)),
        _ => format!("{}{}@{}", first, second, random.like("{d3}")).replace('a', "4").replace('e', "3"),
    }
}

fn lines(text: &str, width: usize, end: &str) -> String {
    let mut wrapped = String::new();
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % width == 0 {
            wrapped.push_str(end);
        }
        wrapped.push(character);
    }
    wrapped
}
