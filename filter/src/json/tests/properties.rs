//! Properties over random documents, random damage and random splits.

use proptest::prelude::*;

use super::super::{Fault, decode, elements, locate, members, write_string};
use super::*;

/// JSON text, nearly always well formed, with odd spacing, escapes and repeated keys now and then.
fn document() -> impl Strategy<Value = Vec<u8>> {
    let scalar = prop_oneof![
        24 => string(),
        12 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        6 => prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["nul", "01", "-", "1.", "NaN", "\"", "\u{feff}"]).prop_map(str::to_owned),
    ];
    let value = scalar.prop_recursive(5, 60, 6, |inner| {
        let member = (string(), space(), inner.clone()).prop_map(|(key, space, value)| format!("{key}{space}:{value}"));
        prop_oneof![
            (space(), prop::collection::vec(inner, 0..6)).prop_map(|(s, items)| format!("[{s}{}]", items.join(","))),
            (space(), prop::collection::vec(member, 0..6))
                .prop_map(|(s, items)| format!("{{{}{s}}}", items.join(&format!("{s},")))),
        ]
    });
    (space(), value, space()).prop_map(|(before, value, after)| format!("{before}{value}{after}").into_bytes())
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        24 => "[ -!#-\\[\\]-~]{0,20}",
        8 => "[a-c]",
        8 => "\\PC{0,4}".prop_map(|text| text.replace(['"', '\\'], "")),
        8 => prop::sample::select(vec![
            "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00", "\\u0061", "\u{1f600}", "\u{20ac}", "\u{e9}",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["", "\\ud800", "\\udc00", "\\u0000", "\\x", "\n", "\u{0}"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just(String::new()), 2 => "[ \t\r\n]{1,3}", 1 => " {7,20}"]
}

#[derive(Clone, Debug)]
enum Damage {
    Put(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = || prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\":,\\u0123 \n\0\xc3\xa9\xe2\xf0".to_vec())];
    prop_oneof![
        (any::<prop::sample::Index>(), byte()).prop_map(|(at, byte)| Damage::Put(at, byte)),
        (any::<prop::sample::Index>(), byte()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        any::<prop::sample::Index>().prop_map(Damage::Remove),
        any::<prop::sample::Index>().prop_map(Damage::Cut),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        match damage {
            Damage::Put(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
            Damage::Remove(at) if !bytes.is_empty() => {
                bytes.remove(at.index(bytes.len()));
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
            _ => {}
        }
    }
    bytes
}

fn split<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(bytes.len());
    let mut from = 0;
    cuts.into_iter().map(|cut| &bytes[std::mem::replace(&mut from, cut)..cut]).collect()
}

/// serde_json's opinion, without building anything and without its limits on numbers.
fn serde_accepts(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// Rebuilds a value from spans, to be compared with serde_json's.
fn rebuilt(bytes: &[u8], value: Span) -> serde_json::Value {
    match value.of(bytes)[0] {
        b'{' => members(bytes, value)
            .map(|member| (decode(member.key.of(bytes)).into_owned(), rebuilt(bytes, member.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        b'[' => elements(bytes, value).map(|element| rebuilt(bytes, element)).collect(),
        b'"' => decode(value.of(bytes)).into(),
        _ => serde_json::from_slice(value.of(bytes)).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_calls_and_error(
        document in document(),
        damages in prop::collection::vec(damage(), 0..3),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let bytes = damaged(document, &damages);
        let limits = Limits { depth: 4, keys: 12 };
        let expected = whole(&bytes, limits);
        prop_assert_eq!(&in_chunks(split(&bytes, &cuts), limits), &expected);
        prop_assert_eq!(&in_chunks(bytes.chunks(1), limits), &expected);
        if let Err(error) = expected.1 {
            prop_assert!(error.offset <= bytes.len());
        }
    }

    #[test]
    fn never_accepts_what_serde_refuses(document in document(), damages in prop::collection::vec(damage(), 0..3)) {
        let bytes = damaged(document, &damages);
        match whole(&bytes, Limits::default()).1 {
            Ok(()) => prop_assert!(serde_accepts(&bytes), "{:?}", String::from_utf8_lossy(&bytes)),
            Err(error) => {
                // What we refuse and serde_json does not is what we declare stricter. It skips over strings without
                // looking at escapes, hence the surrogates.
                let stricter = matches!(error.fault, Fault::DuplicateKey | Fault::Nul | Fault::LoneSurrogate);
                prop_assert!(stricter || !serde_accepts(&bytes), "{error}: {:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }

    #[test]
    fn spans_lead_to_what_serde_reads(document in document()) {
        if whole(&document, Limits::default()).1.is_ok() && let Ok(value) = serde_json::from_slice::<serde_json::Value>(&document) {
            let root = locate(&document, "").unwrap();
            prop_assert_eq!(rebuilt(&document, root), value);
        }
    }

    #[test]
    fn walking_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60), document in document(), damages in prop::collection::vec(damage(), 1..4)) {
        for bytes in [bytes, damaged(document, &damages)] {
            for start in 0..bytes.len() {
                let span = Span { start, end: bytes.len() };
                let found = members(&bytes, span).map(|member| member.value).chain(elements(&bytes, span));
                for value in found {
                    prop_assert!(value.end <= bytes.len() && !decode(value.of(&bytes)).is_empty() || value.len() <= 2);
                }
            }
        }
    }

    #[test]
    fn a_written_string_reads_back(text in "\\PC{0,40}", odd in any::<String>()) {
        for text in [text, odd] {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(decode(&out), text.as_str());
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
