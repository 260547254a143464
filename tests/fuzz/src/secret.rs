//! Secrets to plant, made up anew each time.

use crate::random::Random;

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8] = b"0123456789abcdef";

/// A kind of secret: its name, and how one is made.
pub type Kind = (&'static str, fn(&mut Random) -> String);

/// Kinds that any set of detectors should know. Which of them the subject knows is tried before the run: what it finds
/// in plain text it must find everywhere.
pub const KINDS: &[Kind] = &[
    ("aws access key id", |it| format!("AKIA{}", it.text(BASE32, 16))),
    ("github token", |it| with_crc32("ghp_", &it.text(BASE62, 30))),
    ("gitlab token", |it| format!("glpat-{}", it.text(BASE62, 20))),
    ("npm token", |it| with_crc32("npm_", &it.text(BASE62, 30))),
    ("slack token", |it| {
        format!("xoxb-{}-{}-{}", it.text(b"123456789", 12), it.text(b"123456789", 13), it.text(BASE62, 24))
    }),
    ("stripe key", |it| format!("sk_live_{}", it.text(BASE62, 24))),
    ("google api key", |it| format!("AIza{}", it.text(BASE62, 35))),
    ("sendgrid key", |it| format!("SG.{}.{}", it.text(BASE62, 22), it.text(BASE62, 43))),
    ("anthropic key", |it| format!("sk-ant-api03-{}AA", it.text(BASE62, 93))),
    ("openai key", |it| format!("sk-proj-{}T3BlbkFJ{}", it.text(BASE62, 74), it.text(BASE62, 74))),
    ("digitalocean token", |it| format!("dop_v1_{}", it.text(HEX, 64))),
    ("json web token", |it| {
        let payload = it.text(URL64, 80);
        format!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiw{payload}.{}", it.text(URL64, 43))
    }),
    ("private key", |it| {
        let lines: String = (0..6).map(|_| it.text(BASE64, 64) + "\n").collect();
        format!("-----BEGIN RSA PRIVATE KEY-----\n{lines}-----END RSA PRIVATE KEY-----")
    }),
];

/// Tokens whose last six characters are the CRC-32 of the part before, in base 62.
fn with_crc32(prefix: &str, body: &str) -> String {
    let mut crc = u32::MAX;
    for byte in body.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    let mut rest = !crc;
    let mut digits = Vec::new();
    for _ in 0..6 {
        digits.push(BASE62[usize::try_from(rest % 62).unwrap_or(0)]);
        rest /= 62;
    }
    let check: String = digits.iter().rev().map(|digit| char::from(*digit)).collect();
    format!("{prefix}{body}{check}")
}
