//! Secrets of every shape that verifiers tell apart, made up.

use crate::random::Random;

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const ALNUM: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/";
const BASE64URL: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

/// A secret, in a line as it may stand in a log or a file.
pub fn line(random: &mut Random) -> String {
    match random.below(12) {
        0 => format!("aws_access_key_id = AKIA{}", random.of(BASE32, 16)),
        1 => format!("GITHUB_TOKEN=ghp_{}", random.of(ALNUM, 36)),
        2 => format!("export SLACK=xoxb-{}-{}-{}", random.of(DIGITS, 12), random.of(DIGITS, 12), random.of(ALNUM, 24)),
        3 => format!("DB_PASSWORD={}", random.of(ALNUM, 18)),
        4 => format!("postgres://app:{}@db.internal:5432/app", random.of(ALNUM, 16)),
        5 => format!("Authorization: Bearer {}", random.of(ALNUM, 40)),
        6 => format!("token: eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}", random.of(BASE64URL, 77), random.of(BASE64URL, 43)),
        7 => format!("\"api_key\": \"{}\"", random.of(ALNUM, 32)),
        8 => format!("stripe sk_live_{}", random.of(ALNUM, 24)),
        9 => format!("client_secret: \"{}\"", random.of(HEX, 40)),
        10 => format!("GOOGLE=AIza{}", random.of(BASE64URL, 35)),
        _ => {
            let lines: Vec<String> = (0..24).map(|_| random.of(BASE64, 64)).collect();
            format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", lines.join("\n"))
        }
    }
}
