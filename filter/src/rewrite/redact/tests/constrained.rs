//! Secrets where a tool's `outputSchema` constrains the string.

use serde_json::{Value, json};

use super::*;
use crate::schema::OutputSchema;

const TOKEN: &str = "ghp_R7kQz2mXv9LpTn4WcYb6HdJf8GsA1e3ZqUiM";
const UUID: &str = "3f2c9a41-7be8-4d06-9c15-e8a0b7d4f263";

fn answer(structured: &Value) -> String {
    let text = serde_json::to_string(&structured.to_string()).unwrap();
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":{text}}}],"structuredContent":{structured}}}}}"#
    )
}

/// The result under a schema: whole, and in pieces of every size, which all must give the same.
fn fitted(policy: &str, schema: &Value, message: &str) -> (Value, Value) {
    let redaction = redaction(policy);
    let output = OutputSchema::read(schema.to_string().as_bytes());
    let hash = hash();
    let plan = Plan { output: output.as_ref(), ..plan(&redaction, &hash) };
    let outcome = super::super::message(&plan, message.as_bytes());
    let whole = outcome.message.unwrap_or_else(|| message.as_bytes().to_vec());
    let mut outputs = Vec::new();
    for size in [1, 2, 3, 7, 64, message.len()] {
        let mut redactor = Redactor::message(&plan);
        let mut out = Vec::new();
        for piece in message.as_bytes().chunks(size) {
            redactor.feed(&plan, piece, false, &mut out);
        }
        redactor.feed(&plan, b"", true, &mut out);
        outputs.push(out);
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "{schema}");
    let read = |bytes: &[u8]| {
        serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
    };
    (read(&whole), read(&outputs[0]))
}

fn structured(message: &Value) -> &Value {
    &message["result"]["structuredContent"]
}

fn twin(message: &Value) -> Value {
    serde_json::from_str(message["result"]["content"][0]["text"].as_str().unwrap()).unwrap()
}

#[test]
fn what_stands_for_a_secret_fits_the_schema() {
    for (value, constraint, wanted) in [
        (TOKEN, json!({"pattern": "^ghp_[A-Za-z0-9]{36}$"}), "ghp_X0xXx0xXx0XxXx0XxXx0XxXx0XxX0x0XxXxX"),
        (TOKEN, json!({"pattern": "^gh[pousr]_[0-9A-Za-z]+$"}), "*"),
        (TOKEN, json!({"maxLength": 40, "minLength": 40}), "xxx_X0xXx0xXx0XxXx0XxXx0XxXx0XxX0x0XxXxX"),
        (TOKEN, json!({"maxLength": 30}), "*"),
        (KEY, json!({"pattern": "^AKIA[0-9A-Z]{16}$", "minLength": 20}), "AKIAX0XXXX0XXX0XXXXX"),
        (KEY, json!({"pattern": "^AKIA[A-Z2-7]{16}$"}), "AKIAX2XXXX2XXX2XXXXX"),
        (KEY, json!({"pattern": "\\S"}), "XXXXX0XXXX0XXX0XXXXX"),
        (KEY, json!({"allOf": [{"minLength": 20}, {"$ref": "#/$defs/short"}]}), "XXXXX0XXXX0XXX0XXXXX"),
        (KEY, json!({"anyOf": [{"type": "null"}, {"pattern": "^A"}]}), "*"),
    ] {
        let schema = json!({
            "type": "object", "properties": {"a": constraint}, "required": ["a"], "$defs": {"short": {"maxLength": 20}},
        });
        let given = json!({"a": value, "b": 1});
        let (whole, streamed) = fitted("{}", &schema, &answer(&given));
        for message in [&whole, &streamed] {
            let text = structured(message)["a"].as_str().unwrap();
            assert_ne!(text, value, "{schema}");
            assert!(wanted == "*" || text == wanted, "{schema}: {text}");
            assert!(!message.to_string().contains(value));
            let valid = jsonschema::validator_for(&schema).unwrap();
            assert!(valid.is_valid(structured(message)) || !valid.is_valid(&given), "{schema}: {text}");
        }
        assert_eq!(&twin(&whole), structured(&whole), "{schema}");
    }
}

#[test]
fn formats_and_named_secrets() {
    for (key, value, constraint) in [
        ("api_key", UUID, json!({"format": "uuid"})),
        (
            "client_secret",
            UUID,
            json!({"pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"}),
        ),
        ("password", "Tr0ub4dor&Zebra9", json!({"pattern": "^.{12,}$", "maxLength": 16})),
        ("password", "k9#Vq2!pLm7$Wz4x", json!({"pattern": "^\\S{16}$"})),
        ("url", "postgres://app:Zk8vQ2mLx9Wp@db.internal/main", json!({"format": "uri"})),
    ] {
        let schema = json!({"properties": {key: constraint}, "required": [key]});
        let given = json!({key: value});
        let valid = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        assert!(valid.is_valid(&given), "{schema}");
        let (whole, streamed) = fitted("{}", &schema, &answer(&given));
        for message in [&whole, &streamed] {
            assert_ne!(structured(message)[key], value, "{schema}");
            assert!(valid.is_valid(structured(message)), "{schema}: {message}");
        }
        assert_eq!(&twin(&whole), structured(&whole));
    }
}

#[test]
fn where_there_is_room_placeholders_stay() {
    let schema = json!({"properties": {"a": {"maxLength": 2000, "minLength": 1}, "b": {"minLength": 20}, "d": {"maxLength": 40}}});
    for given in [json!({"a": TOKEN}), json!({"b": TOKEN}), json!({"d": TOKEN}), json!({"c": TOKEN})] {
        let message = answer(&given);
        let (whole, _) = fitted("{}", &schema, &message);
        let text = whole.to_string();
        assert_eq!(text.matches("[redacted:github").count(), 2, "{text}");
    }
    // Elsewhere in the message a schema says nothing.
    let schema = json!({"properties": {"structuredContent": {"properties": {"a": {"pattern": "^A"}}}}});
    let (whole, _) = fitted("{}", &schema, &format!(r#"{{"id":1,"result":{{"other":{{"a":"{KEY}"}}}}}}"#));
    assert!(whole["result"]["other"]["a"].as_str().unwrap().starts_with("[redacted:"));
}

#[test]
fn what_a_schema_spells_out_is_no_secret() {
    for constraint in [json!({"enum": ["x", KEY]}), json!({"const": KEY}), json!({"oneOf": [{"const": KEY}, {}]})] {
        let schema = json!({"properties": {"a": constraint}});
        let given = json!({"a": KEY, "n": OTHER});
        let (whole, streamed) = fitted("{}", &schema, &answer(&given));
        assert_eq!(structured(&whole)["a"], KEY);
        assert_eq!(&twin(&whole), structured(&whole));
        assert_eq!(structured(&streamed)["a"], KEY);
        assert!(!whole.to_string().contains(OTHER));
    }
}

#[test]
fn members_that_nothing_requires_can_go() {
    let schema = json!({
        "properties": {
            "a": {"pattern": "^AKIA"}, "b": {"maxLength": 20}, "c": {"maxLength": 20}, "d": {"maxLength": 20},
            "list": {"items": {"maxLength": 20}},
        },
        "required": ["d"],
    });
    let drop = r#"{"constrained":"drop"}"#;
    for (given, wanted) in [
        (r#"{"a":"@"}"#, json!({})),
        (r#"{ "a" : "@" , "x":1}"#, json!({"x": 1})),
        (r#"{"x":1,"a":"@"}"#, json!({"x": 1})),
        (r#"{"x":1 , "a" : "@" ,"b":"@ @","c":"@"}"#, json!({"x": 1})),
        (r#"{"a":"@","x\"":{"y":"\\"},"b":"@" }"#, json!({"x\"": {"y": "\\"}})),
        (r#"{"a":"\"@\"\\","x":[],"c":"@"}"#, json!({"x": []})),
    ] {
        let message = format!(r#"{{"id":1,"result":{{"structuredContent":{}}}}}"#, given.replace('@', KEY));
        let (whole, streamed) = fitted(drop, &schema, &message);
        assert_eq!(structured(&whole), &wanted, "{given}");
        assert!(!streamed.to_string().contains(KEY));
        assert!(structured(&streamed).get("a").is_none_or(Value::is_string), "nothing goes from a stream");
    }
    // Required members and elements are fitted.
    let message = format!(r#"{{"id":1,"result":{{"structuredContent":{{"d":"{KEY}","list":["{KEY}",1]}}}}}}"#);
    let (whole, _) = fitted(drop, &schema, &message);
    let mask = "XXXXX0XXXX0XXX0XXXXX";
    assert_eq!(structured(&whole), &json!({"d": mask, "list": [mask, 1]}));
}

#[test]
fn what_cannot_fit_goes_or_is_a_placeholder() {
    // No mask can keep what a pattern with look-ahead says, as far as is known here; nor a negated enumeration of kinds.
    for constraint in [json!({"pattern": "^(?=.*Q)[A-Z0-9]+$"}), json!({"pattern": "^[^X02x]+Q[^X02x]*3[^X02xaA0]+$"})]
    {
        let schema = json!({"properties": {"a": constraint}});
        let message = format!(r#"{{"id":1,"result":{{"structuredContent":{{"a":"{KEY}","b":2}}}}}}"#);
        let (whole, streamed) = fitted("{}", &schema, &message);
        assert!(!whole.to_string().contains(KEY) && !streamed.to_string().contains(KEY));
        if constraint["pattern"].as_str().unwrap().contains("?=") {
            assert_eq!(structured(&whole), &json!({"b": 2}));
            assert_eq!(structured(&streamed)["a"], "XXXXX0XXXX0XXX0XXXXX");
        }
    }
}

#[test]
fn findings_are_the_same_and_blocked_stays_blocked() {
    let schema = json!({"properties": {"a": {"pattern": "^AKIA"}}, "required": ["a"]});
    let output = OutputSchema::read(schema.to_string().as_bytes());
    let hash = hash();
    let message = answer(&json!({"a": KEY, "z": [KEY]}));
    for (policy, blocks) in [("{}", false), (r#"{"constrained":"drop"}"#, false), (r#"{"responses":"block"}"#, true)] {
        let redaction = redaction(policy);
        let plain = super::super::message(&plan(&redaction, &hash), message.as_bytes());
        let plan = Plan { output: output.as_ref(), ..plan(&redaction, &hash) };
        let fitted = super::super::message(&plan, message.as_bytes());
        assert_eq!(plain.findings, fitted.findings);
        assert_eq!((plain.blocked.is_some(), fitted.blocked.is_some()), (blocks, blocks));
    }
}

#[test]
fn a_value_that_is_found_elsewhere_is_fitted_where_it_is_swept() {
    let schema = json!({"properties": {"serial": {"pattern": "^[A-Z0-9a-z]{16}$"}}, "required": ["serial"]});
    let secret = "hQ7xV2mK9pLw4Zt8";
    let message = format!(
        r#"{{"id":1,"result":{{"content":[{{"type":"text","text":"password: {secret}"}}],"structuredContent":{{"serial":"{secret}"}}}}}}"#
    );
    let (whole, _) = fitted("{}", &schema, &message);
    let mask = "xX0xX0xX0xXx0Xx0";
    assert_eq!(structured(&whole)["serial"], mask);
    assert_eq!(whole["result"]["content"][0]["text"], format!("password: {mask}"));
}

#[test]
fn many_secrets_under_a_schema_take_bounded_time() {
    let schema =
        json!({"additionalProperties": {"items": {"pattern": "^(A|AK|AKI|AKIA)+[0-9A-Z]{16}$", "maxLength": 20}}});
    let letter = |n: usize| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[n % 32]);
    let key = |n: usize| format!("AKIAQ3EGRZ7PLM5{}{}{}WX", letter(n), letter(n / 32), letter(n / 1024));
    let keys: Vec<String> = (0..10_000).map(key).collect();
    let message = format!(r#"{{"id":1,"result":{{"structuredContent":{}}}}}"#, json!({"list": keys}));
    let output = OutputSchema::read(schema.to_string().as_bytes());
    let (redaction, hash) = (&*DEFAULT, hash());
    let out = super::super::message(&Plan { output: output.as_ref(), ..plan(redaction, &hash) }, message.as_bytes());
    let out = String::from_utf8(out.message.unwrap()).unwrap();
    let fitted = out.matches("AKIAX").count();
    assert!(fitted > 100, "{fitted}");
    assert!(!out.contains("AKIAQ3EGRZ7PLM5"));
}
