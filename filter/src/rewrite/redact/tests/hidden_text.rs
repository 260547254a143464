//! Text that a person does not see.

use super::*;

fn under(text: &str, given: &str) -> (String, Vec<(String, String, u64)>) {
    let (redaction, hash) = (redaction(text), hash());
    let plan = plan(&redaction, &hash);
    let outcome = message(&plan, given.as_bytes());
    let out = outcome.message.map_or_else(|| given.to_owned(), |out| String::from_utf8(out).unwrap());
    let found = |findings: &Findings| {
        findings.list().iter().map(|it| (it.detector.clone(), it.pointer.clone(), it.count)).collect::<Vec<_>>()
    };
    if !given.contains("\"tools\"") {
        // Lists are held; everything else may stream, and then the same comes of it, piece by piece.
        let mut redactor = Redactor::message(&plan);
        let mut streamed = Vec::new();
        for piece in given.as_bytes().chunks(3) {
            redactor.feed(&plan, piece, false, &mut streamed);
        }
        redactor.feed(&plan, b"", true, &mut streamed);
        assert_eq!(String::from_utf8(streamed).unwrap(), out);
        let mut streamed = found(&redactor.take_findings());
        let mut whole = found(&outcome.findings);
        streamed.sort();
        whole.sort();
        assert_eq!(streamed, whole);
    }
    (out, found(&outcome.findings))
}

#[test]
fn definitions_are_stripped_and_results_counted() {
    let list = "{\"result\":{\"tools\":[{\"name\":\"a\",\"description\":\"x\u{200b}y\\u202ez\\u001b[31m\"}]}}";
    let (out, found) = under("{}", list);
    assert_eq!(out, r#"{"result":{"tools":[{"name":"a","description":"xyz"}]}}"#);
    let place = "/result/tools/0/description";
    let named = |kind: &str| (kind.to_owned(), place.to_owned(), 1);
    assert_eq!(found, [named("hidden-invisible"), named("hidden-bidi"), named("hidden-escape")]);
    let result = "{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"x\u{200b}\\u001b[31m\u{200b}y\"}]}}";
    let (out, found) = under("{}", result);
    assert_eq!(out, result);
    assert_eq!(
        found.iter().map(|it| (&*it.0, it.2)).collect::<Vec<_>>(),
        [("hidden-invisible", 2), ("hidden-escape", 1)]
    );
    let (out, _) = under(r#"{"hidden_text":{"results":"strip"}}"#, result);
    assert_eq!(out, r#"{"result":{"content":[{"type":"text","text":"xy"}]}}"#);
    let nothing = r#"{"hidden_text":{"results":"allow","definitions":"allow"}}"#;
    assert_eq!(under(nothing, result), (result.to_owned(), vec![]));
    assert_eq!(under(nothing, list), (list.to_owned(), vec![]));
}

#[test]
fn escapes_that_are_in_plain_sight_stay() {
    for text in [r"a \\bword\\b and \\u200b", r"\\\\u001b[31m", r"a\r\nb\tc"] {
        let given = format!(r#"{{"result":{{"tools":[{{"name":"a","description":"{text}"}}]}}}}"#);
        assert_eq!(under("{}", &given), (given, vec![]));
    }
}

#[test]
fn a_secret_cannot_hide_behind_what_is_stripped() {
    let (one, two) = KEY.split_at(9);
    let given = format!("{{\"result\":{{\"structuredContent\":{{\"x\":\"{one}\u{200b}{two}\"}}}}}}");
    let (out, found) = under(r#"{"hidden_text":{"results":"strip"}}"#, &given);
    assert_eq!(out, format!(r#"{{"result":{{"structuredContent":{{"x":"{}"}}}}}}"#, placeholder(KEY)));
    assert_eq!(found.len(), 2);
}

#[test]
fn a_definition_can_be_refused() {
    let clean = br#"{"name":"a","description":"plain \\u200b"}"#;
    let hiding = "{\"name\":\"a\",\"inputSchema\":{\"properties\":{\"x\":{\"description\":\"\u{e0041}\"}}}}".as_bytes();
    let refuse = redaction(r#"{"hidden_text":{"definitions":"refuse"}}"#);
    assert!(!is_refused_definition(&refuse, clean) && is_refused_definition(&refuse, hiding));
    assert!(!is_refused_definition(&redaction("{}"), hiding));
    let shadow = redaction(r#"{"mode":"shadow","hidden_text":{"definitions":"refuse"}}"#);
    assert!(!is_refused_definition(&shadow, hiding));
}
