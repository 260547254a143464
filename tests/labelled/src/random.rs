//! Random choices that are the same in every run.

use crate::encoding;

const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const UPPER_HEX: &[u8] = b"0123456789ABCDEF";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER_DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const UPPER_DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BECH32: &[u8] = b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
pub(crate) const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const PASSWORD: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!@#%^*-_+=?.~";

/// The finaliser of SplitMix64.
fn mix(mut mixed: u64) -> u64 {
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A generator of random numbers: SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// One whose choices follow from `seed`.
    pub fn new(seed: u64) -> Self {
        // Mixed first: the states of one generator are an arithmetic series, which seeds in a row must not lie on.
        Self(mix(seed.wrapping_add(0x1234_5678_9ABC_DEF1)))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() >> 11) as usize % limit
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True this many times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// In a new order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for end in (1..all.len()).rev() {
            all.swap(end, self.below(end + 1));
        }
    }

    /// `length` random bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.number() as u8).collect()
    }

    /// `length` characters of `alphabet`; where it has signs, they stand neither first nor last.
    pub fn run(&mut self, alphabet: &[u8], length: usize) -> String {
        let mut text = String::with_capacity(length);
        for at in 0..length {
            let character = loop {
                let character = char::from(alphabet[self.below(alphabet.len())]);
                if character.is_ascii_alphanumeric() || (at != 0 && at + 1 != length) {
                    break character;
                }
            };
            text.push(character);
        }
        text
    }

    /// A text like `pattern`, in which `{b20}` stands for 20 characters of class `b` and `{b20-30}` for 20 to 30:
    /// `d` digits, `x` and `X` hexadecimal, `l` and `U` letters of one case, `a` and `A` those with digits, `L` letters,
    /// `b` letters and digits, `2` base32, `s` base64, `u` base64url, `z` bech32, `p` a password's; `{g}` for a UUID.
    pub fn like(&mut self, pattern: &str) -> String {
        let mut text = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (slot, after) = after.split_once('}').expect("a pattern's slot ends");
            rest = after;
            if slot == "g" {
                text.push_str(&self.uuid());
                continue;
            }
            let (class, count) = slot.split_at(1);
            let (least, most) = count.split_once('-').unwrap_or((count, count));
            let number = |digits: &str| digits.parse::<usize>().expect("a pattern's count");
            let length = self.between(number(least), number(most));
            let alphabet = match class {
                "d" => DIGITS,
                "x" => HEX,
                "X" => UPPER_HEX,
                "l" => LOWER,
                "U" => UPPER,
                "a" => LOWER_DIGITS,
                "A" => UPPER_DIGITS,
                "L" => LETTERS,
                "b" => BASE62,
                "2" => BASE32,
                "s" => BASE64,
                "u" => BASE64_URL,
                "z" => BECH32,
                "p" => PASSWORD,
                _ => panic!("no class {class} in {pattern}"),
            };
            text.push_str(&self.run(alphabet, length));
        }
        text + rest
    }

    /// A UUID, version 4.
    pub fn uuid(&mut self) -> String {
        let mut bytes = self.bytes(16);
        bytes[6] = bytes[6] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        let hex = encoding::hex(&bytes);
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }
}
