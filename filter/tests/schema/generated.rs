//! Schemas and instances from a seed: our verdict is that of the `jsonschema` crate.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidegate_filter::schema::{MissKind, Schema, Verdict};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// No two of them differ only in case.
const KEYS: [&str; 6] = ["a", "b", "c", "ab", "é", "a/b~"];
const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];
const TEXTS: [&str; 14] = [
    "",
    "a",
    "b",
    "ab",
    "aab",
    "é",
    "é\u{1f600}",
    "a-1",
    "12",
    "2026-01-31T12:00:00Z",
    "192.0.2.1",
    "2001:db8::1",
    "123e4567-e89b-12d3-a456-426614174000",
    "name@example.com",
];
const FORMATS: [&str; 6] = ["date-time", "uri", "email", "uuid", "ipv4", "ipv6"];

fn number(random: &mut Random) -> Value {
    match random.below(6) {
        0 => json!(random.below(8) as f64 - 3.0),
        1 => json!(random.below(16) as f64 / 4.0 - 1.0),
        2 => json!([0.1, 0.3, 1.1, -0.01, 1e20, 1.5e-7, 9_007_199_254_740_992.0][random.below(7)]),
        // Below 2^53: the other crate divides floats.
        3 => json!([-4_503_599_627_370_497_i64, 9_007_199_254_740_991, 100][random.below(3)]),
        _ => json!(random.below(9) as i64 - 3),
    }
}

fn text(random: &mut Random) -> String {
    if random.one_in(3) {
        return (0..random.below(6)).map(|_| random.pick(&['a', 'b', 'c', '1', ' ', 'é', '\n'])).collect();
    }
    random.pick(&TEXTS).to_owned()
}

fn instance(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 4 } else { 9 }) {
        0 => [Value::Null, json!(true), json!(false)][random.below(3)].clone(),
        1 => number(random),
        2 | 3 => Value::String(text(random)),
        4 | 5 => (0..random.below(4)).map(|_| instance(random, depth - 1)).collect(),
        _ => object(random, 5, |random| instance(random, depth - 1)),
    }
}

fn object(random: &mut Random, most: usize, mut value: impl FnMut(&mut Random) -> Value) -> Value {
    let count = random.below(most);
    Value::Object((0..count).map(|_| (random.pick(&KEYS).to_owned(), value(random))).collect::<Map<_, _>>())
}

fn keys(random: &mut Random) -> Value {
    let keys: Vec<_> = KEYS.iter().filter(|_| random.one_in(4)).collect();
    json!(keys)
}

/// A pattern that both dialects read alike.
fn pattern(random: &mut Random, depth: usize) -> String {
    let atom = |random: &mut Random| {
        random
            .pick(&["a", "b", "c", "é", ".", r"\d", r"\w", r"\W", r"\s", "[ab]", "[^a]", "[a-c1]", r"\u0061", r"\-"])
            .to_owned()
    };
    let mut out = String::new();
    if random.one_in(3) {
        out.push('^');
    }
    for _ in 0..random.below(4) {
        let part = match random.below(4) {
            0 if depth > 0 => format!("({})", pattern(random, depth - 1).replace(['^', '$'], "")),
            1 if depth > 0 => {
                let inside = format!("{}|{}", pattern(random, depth - 1), pattern(random, depth - 1));
                format!("(?:{})", inside.replace(['^', '$'], ""))
            }
            _ => atom(random),
        };
        // Taking the anchors away also opens negated classes, which is fine.
        out.push_str(&part);
        if random.one_in(2) {
            out.push_str(random.pick(&["*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "*?", "+?"]));
        }
    }
    if random.one_in(3) {
        out.push('$');
    }
    out
}

fn schema(random: &mut Random, depth: usize) -> Value {
    if random.one_in(14) {
        return json!(!random.one_in(3));
    }
    let mut schema = Map::new();
    for _ in 0..1 + random.below(3) {
        let mut put = |keyword: &str, value: Value| {
            schema.insert(keyword.to_owned(), value);
        };
        let count = json!(random.below(4));
        match random.below(if depth == 0 { 17 } else { 34 }) {
            0 | 1 => put("type", json!(random.pick(&TYPES))),
            2 => {
                let types: Vec<_> = TYPES.iter().filter(|_| random.one_in(2)).collect();
                if !types.is_empty() {
                    put("type", json!(types));
                }
            }
            3 => put("enum", (0..1 + random.below(4)).map(|_| instance(random, 1)).collect()),
            4 => put("const", instance(random, 2)),
            5 => put("multipleOf", json!([1.0, 2.0, 3.0, 0.5, 0.25, 1.5, 0.1, 0.01][random.below(8)])),
            6 => put("maximum", number(random)),
            7 => put("minimum", number(random)),
            8 => put("exclusiveMaximum", number(random)),
            9 => put("exclusiveMinimum", number(random)),
            10 => put("maxLength", count),
            11 => put("minLength", count),
            12 | 13 => put("pattern", json!(pattern(random, 2))),
            14 => put("format", json!(random.pick(&FORMATS))),
            15 => put("required", keys(random)),
            16 => put("$ref", json!(random.pick(&["#", "#/$defs/one", "#/$defs/a~1b"]))),
            17 => put("maxItems", count),
            18 => put("minItems", count),
            19 => put("uniqueItems", json!(!random.one_in(3))),
            20 => {
                put("contains", self::schema(random, depth - 1));
                if random.one_in(2) {
                    put("minContains", json!(random.below(3)));
                }
                if random.one_in(2) {
                    put("maxContains", json!(random.below(3)));
                }
            }
            21 => put("prefixItems", schemas(random, depth)),
            22 => put("items", self::schema(random, depth - 1)),
            23 => put("maxProperties", count),
            24 => put("minProperties", count),
            25 => put("dependentRequired", object(random, 3, keys)),
            26 => put("dependentSchemas", object(random, 3, |random| self::schema(random, depth - 1))),
            27 | 28 => {
                put("properties", object(random, 5, |random| self::schema(random, depth - 1)));
                if random.one_in(3) {
                    put("additionalProperties", self::schema(random, depth - 1));
                }
            }
            29 => {
                let entries = (0..1 + random.below(2)).map(|_| (pattern(random, 1), self::schema(random, depth - 1)));
                put("patternProperties", Value::Object(entries.collect()));
            }
            30 => put("propertyNames", self::schema(random, depth - 1)),
            31 => put(random.pick(&["allOf", "anyOf", "oneOf"]), schemas(random, depth)),
            32 => put("not", self::schema(random, depth - 1)),
            _ => {
                put("if", self::schema(random, depth - 1));
                for keyword in ["then", "else"] {
                    if random.one_in(2) {
                        put(keyword, self::schema(random, depth - 1));
                    }
                }
            }
        }
    }
    Value::Object(schema)
}

fn schemas(random: &mut Random, depth: usize) -> Value {
    (0..1 + random.below(3)).map(|_| schema(random, depth - 1)).collect()
}

#[test]
fn generated_schemas_and_instances() {
    let mut random = Random(20_261_123);
    let (mut valid, mut invalid, mut circular, mut alike) = (0, 0, 0, 0);
    for number in 0..5_000 {
        let mut root = schema(&mut random, 3);
        if let Value::Object(members) = &mut root {
            members.insert("$defs".to_owned(), json!({ "one": schema(&mut random, 2), "a/b": schema(&mut random, 1) }));
        }
        let text = root.to_string();
        let ours = match Schema::compile(text.as_bytes(), &BTreeMap::new()) {
            Ok(ours) => ours,
            Err(fault) => {
                // The other crate would go round until the stack ends, or point at what a boolean root has not.
                assert_eq!(fault.keyword, "$ref", "{text}: {fault}");
                circular += 1;
                continue;
            }
        };
        let theirs = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&root)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        for _ in 0..8 {
            let instance = instance(&mut random, 3);
            let expected = theirs.is_valid(&instance);
            match ours.judge(instance.to_string().as_bytes(), &()) {
                Verdict::Valid if expected => valid += 1,
                Verdict::Invalid(miss) if miss.kind == MissKind::LooksAlike => alike += 1,
                Verdict::Invalid(miss) if !expected => {
                    invalid += 1;
                    assert!(miss.wanted.starts_with("must "), "{miss:?}");
                }
                verdict => panic!("number {number}: {text}\n{instance}\ntheirs: {expected}, ours: {verdict:?}"),
            }
        }
    }
    println!("{valid} valid, {invalid} invalid, {alike} alike, {circular} circular");
    assert!(valid > 10_000 && invalid > 10_000, "{valid} valid, {invalid} invalid");
    assert!(alike < 100 && circular < 600, "{alike} alike, {circular} circular");
}
