//! When two values are equal.

use crate::json::{self, Decimal};
use crate::schema::JUDGEMENT_DEPTH;
use crate::schema::value::{Type, Value};
use crate::schema::work::{Undecidable, Work};

impl<'a> Value<'a> {
    /// The value of a number.
    pub(super) fn number(&self) -> Result<Decimal<'a>, Undecidable> {
        Decimal::read(self.raw()).ok_or(Undecidable::Number)
    }
}

/// Whether two values are equal in the sense of JSON Schema (core, section 4.2.2): numbers by value, strings decoded,
/// objects in any order.
pub(super) fn equal(a: Value<'_>, b: Value<'_>, work: &mut Work) -> Result<bool, Undecidable> {
    equal_within(a, b, JUDGEMENT_DEPTH, work)
}

fn equal_within(a: Value<'_>, b: Value<'_>, depth: usize, work: &mut Work) -> Result<bool, Undecidable> {
    let depth = depth.checked_sub(1).ok_or(Undecidable::Depth)?;
    work.read(a.span.len().min(b.span.len()))?;
    if a.kind() != b.kind() {
        return Ok(false);
    }
    match a.kind() {
        Type::Null | Type::Boolean => Ok(a.raw() == b.raw()),
        Type::Number => Ok(a.raw() == b.raw() || a.number()? == b.number()?),
        Type::String => Ok(a.raw() == b.raw() || a.string() == b.string()),
        Type::Array => {
            let (mut left, mut right) = (a.elements(), b.elements());
            loop {
                match (left.next(), right.next()) {
                    (None, None) => return Ok(true),
                    (Some(a), Some(b)) if equal_within(a, b, depth, work)? => {}
                    _ => return Ok(false),
                }
            }
        }
        Type::Object => {
            if a.members().count() != b.members().count() {
                return Ok(false);
            }
            for (key, value) in a.members() {
                let name = json::decode(key.raw());
                work.read(b.span.len())?;
                let twin = b.members().find(|(other, _)| json::decode(other.raw()) == name);
                match twin {
                    Some((_, other)) if equal_within(value, other, depth, work)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
    }
}

/// Whether no two elements are equal. Equal values share a hash, so only elements whose hash is there twice are compared.
pub(super) fn all_differ(array: Value<'_>, work: &mut Work) -> Result<bool, Undecidable> {
    let mut hashes = Vec::new();
    for element in array.elements() {
        hashes.push(hash(element, JUDGEMENT_DEPTH, work)?);
    }
    let mut sorted = hashes.clone();
    sorted.sort_unstable();
    let mut twice: Vec<u64> =
        sorted.windows(2).filter_map(|two| two.first().filter(|first| Some(*first) == two.last())).copied().collect();
    twice.dedup();
    for shared in twice {
        work.spend(hashes.len())?;
        let alike = array.elements().zip(&hashes).filter(|(_, hash)| **hash == shared);
        let alike: Vec<Value<'_>> = alike.map(|(element, _)| element).collect();
        let mut rest = alike.as_slice();
        while let Some((element, later)) = rest.split_first() {
            for other in later {
                if equal(*element, *other, work)? {
                    return Ok(false);
                }
            }
            rest = later;
        }
    }
    Ok(true)
}

fn hash(value: Value<'_>, depth: usize, work: &mut Work) -> Result<u64, Undecidable> {
    let depth = depth.checked_sub(1).ok_or(Undecidable::Depth)?;
    work.read(value.span.len())?;
    // FNV-1a. Nobody's table hangs on it: elements with chosen hashes are compared one by one, within the bound.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut feed = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    match value.kind() {
        Type::Null | Type::Boolean => value.raw().iter().copied().for_each(feed),
        Type::Number => {
            feed(b'0');
            value.number()?.normal(feed);
        }
        Type::String => {
            feed(b'"');
            json::decode(value.raw()).bytes().for_each(feed);
        }
        Type::Array => {
            feed(b'[');
            for element in value.elements() {
                self::hash(element, depth, work)?.to_le_bytes().into_iter().for_each(&mut feed);
            }
        }
        Type::Object => {
            // A sum, because members may stand in any order.
            let mut sum = 0_u64;
            for (key, member) in value.members() {
                let (key, member) = (self::hash(key, depth, work)?, self::hash(member, depth, work)?);
                sum = sum.wrapping_add(key.rotate_left(17).wrapping_mul(member | 1));
            }
            feed(b'{');
            sum.to_le_bytes().into_iter().for_each(feed);
        }
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        let value = |text| Value::root(str::as_bytes(text)).unwrap();
        let mut work = Work::new(100_000);
        let same = equal(value(a), value(b), &mut work).unwrap();
        assert_eq!(equal(value(b), value(a), &mut work).unwrap(), same, "{a} {b}");
        let hashes = [a, b].map(|it| hash(value(it), 64, &mut work).unwrap());
        assert!(!same || hashes[0] == hashes[1], "{a} {b}: equal values have equal hashes");
        same
    }

    #[test]
    fn equality() {
        for (a, b) in [
            ("1", "1.0"),
            (" [1, 2] ", "[1,2.0]"),
            (r#""aé""#, r#""\u0061\u00e9""#),
            (r#"{"a":1,"b":[null]}"#, r#"{ "b" : [ null ], "\u0061" : 1e0 }"#),
            ("{}", "{ }"),
            ("1e400", "10E399"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("0", "false"),
            ("1", "true"),
            ("1", "\"1\""),
            ("[]", "{}"),
            ("[1,2]", "[2,1]"),
            ("[1]", "[1,1]"),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":1,"c":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":1}"#, r#"{"a":2}"#),
            ("9007199254740993", "9007199254740992"),
            ("\"a\"", "\"A\""),
            ("null", "false"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn differing() {
        let differ = |text: &str| all_differ(Value::root(text.as_bytes()).unwrap(), &mut Work::new(1_000_000));
        assert_eq!(differ("[1, true, \"1\", [1], {\"a\": 1}, {\"a\": 2}, null, 0, false, [false], [0]]"), Ok(true));
        assert_eq!(differ("[{\"a\": 1, \"b\": 2}, 7, {\"b\": 2.0, \"a\": 1}]"), Ok(false));
        assert_eq!(differ("[]"), Ok(true));
        let many: Vec<String> = (0..20_000).map(|it| it.to_string()).collect();
        assert_eq!(differ(&format!("[{}]", many.join(","))), Ok(true), "not every pair is compared");
        assert_eq!(differ(&format!("[{},77e0]", many.join(","))), Ok(false));
    }
}
