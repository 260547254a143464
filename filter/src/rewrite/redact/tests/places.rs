//! What is looked at, what never is, and what becomes of it.

use super::*;

#[test]
fn strings_are_looked_at_wherever_they_are() {
    for place in [
        r#"{"result":{"content":[{"type":"text","text":"@"}]}}"#,
        r#"{"result":{"structuredContent":{"type":"@","id":["@"],"name":{"cursor":"@"}}}}"#,
        r#"{"result":{"content":[{"type":"resource","resource":{"uri":"file:///x","text":"@"}}]}}"#,
        r#"{"result":{"contents":[{"uri":"file:///x","text":"@"}]}}"#,
        r#"{"result":{"messages":[{"role":"user","content":{"type":"text","text":"@"}}]}}"#,
        r#"{"result":{"completion":{"values":["@"]}}}"#,
        r#"{"result":{"tools":[{"name":"a","description":"@","inputSchema":{"properties":{"x":{"default":"@"}}}}]}}"#,
        r#"{"error":{"code":1,"message":"@","data":{"type":"@"}}}"#,
        r#"{"method":"notifications/progress","params":{"progressToken":"t","message":"@"}}"#,
        r#"{"method":"notifications/message","params":{"level":"info","data":"@","logger":"@"}}"#,
        r#"{"method":"notifications/message","params":{"level":"info","data":{"id":"@","type":"@"}}}"#,
        r#"{"method":"elicitation/create","params":{"message":"@","requestedSchema":{"properties":{"x":{"title":"@"}}}}}"#,
        r#"{"method":"sampling/createMessage","params":{"systemPrompt":"@","messages":[{"role":"user","content":{"type":"text","text":"@"}}]}}"#,
        r#"{"result":{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"@"}}}}}"#,
        r#"{"method":"tools/call","params":{"name":"a","arguments":{"name":"@","uri":"@","data":"@"}}}"#,
        r#"{"method":"tools/call","params":{"name":"a","inputResponses":{"a":{"action":"accept","content":{"x":"@"}}}}}"#,
        r#"{"result":{"action":"accept","content":{"name":"@","data":"@","type":"@"}}}"#,
        r#"{"params":{"inputResponses":{"a":{"action":"accept","content":{"id":"@","data":["@"]}}}}}"#,
        r#"{"result":{"task":{"taskId":"t","status":"failed","statusMessage":"@"}}}"#,
        r#"{"result":{"_meta":{"note":"@"},"instructions":"@","other":["@",{"method":"@"}]}}"#,
    ] {
        let given = place.replacen('{', r#"{"jsonrpc":"2.0","id":"7","#, 1).replace('@', KEY);
        let wanted = given.replace(KEY, &placeholder(KEY));
        assert_eq!(whole(&given), wanted, "{place}");
    }
}

#[test]
fn what_the_protocol_compares_is_never_touched() {
    for place in [
        r#"{"id":"@","result":{}}"#,
        r#"{"method":"@","params":{}}"#,
        r#"{"params":{"name":"@","cursor":"@","taskId":"@","requestState":"@"}}"#,
        r#"{"params":{"uri":"@","_meta":{"progressToken":"@","traceparent":"@"}}}"#,
        r#"{"params":{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"@"}}}}"#,
        r#"{"result":{"nextCursor":"@","requestState":"@","protocolVersion":"@"}}"#,
        r#"{"result":{"next\u0043ursor":"@"}}"#,
        r#"{"result":{"content":[{"type":"image","data":"@","mimeType":"@"}]}}"#,
        r#"{"result":{"messages":[{"role":"@","content":[{"data":"@","type":"audio"}]}]}}"#,
        r#"{"result":{"contents":[{"mimeType":"@","text":""}]}}"#,
        r#"{"result":{"tools":[{"name":"@","inputSchema":{"properties":{"x":{"pattern":"@","enum":["@"]}}}}]}}"#,
        r#"{"result":{"resources":[{"name":"@","uri":"@","mimeType":"@"}]}}"#,
    ] {
        let given = place.replace('@', KEY);
        assert_eq!(whole(&given), given);
    }
}

#[test]
fn numbers_that_peers_compare_are_never_touched() {
    // The same digits are a secret beside a name, and swept from where nobody compares them.
    for (given, wanted) in [
        (r#"{"id":8264073915,"result":{"a":"password=8264073915","b":8264073915}}"#, r#""b":0"#),
        (r#"{"id":1,"result":{"_meta":{"progressToken":8264073915},"a":"password=8264073915"}}"#, "8264073915}"),
        (r#"{"method":"x","params":{"progressToken":8264073915,"a":"password=8264073915"}}"#, "8264073915,"),
    ] {
        let out = whole(given);
        assert!(out.contains("password=[redacted:") && out.contains(wanted), "{out}");
        let (given, out): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(given).unwrap(), serde_json::from_str(&out).unwrap());
        for kept in ["/id", "/result/_meta", "/params/progressToken"] {
            assert_eq!(given.pointer(kept), out.pointer(kept), "{out}");
        }
    }
}

#[test]
fn the_same_secret_has_the_same_placeholder_and_two_have_two() {
    assert_ne!(placeholder(KEY), placeholder(OTHER));
    let shape = placeholder(KEY);
    let suffix = shape.strip_prefix("[redacted:aws-access-key-id:").unwrap().strip_suffix(']').unwrap();
    assert!(suffix.len() == 4 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{shape}");
    assert_ne!(SecretHash::new(b"a").of(KEY.as_bytes()), SecretHash::new(b"b").of(KEY.as_bytes()));
}

#[test]
fn the_hash_is_hmac_sha256() {
    // RFC 4231, test case 2.
    assert_eq!(SecretHash::new(b"Jefe").of(b"what do ya want for nothing?"), 0x5bdc_c146_bf60_754e);
}

#[test]
fn keys_of_objects_stay_apart() {
    let given = format!(r#"{{"result":{{"structuredContent":{{"{KEY}":1,"{OTHER}":2}}}}}}"#);
    let out = whole(&given);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    let keys: Vec<&String> = value["result"]["structuredContent"].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key.starts_with("[redacted:aws-access-key-id:") && key.len() == 45), "{keys:?}");
}

#[test]
fn clean_messages_are_left_as_they_are() {
    let (redaction, hash) = (redaction("{}"), hash());
    let clean =
        br#"{ "jsonrpc" :"2.0","id":1, "result":{"content":[{"type":"text","text":"nothing \u0041KIA here"}]}}"#;
    let outcome = message(&plan(&redaction, &hash), clean);
    assert!(outcome.message.is_none() && outcome.findings.is_empty() && outcome.blocked.is_none());
}

#[test]
fn findings_name_detector_place_and_count() {
    let (redaction, hash) = (redaction("{}"), hash());
    let given = format!(
        r#"{{"result":{{"content":[{{"type":"text","text":"{KEY} {KEY}"}},{{"type":"text","text":"{OTHER}"}}],"a/b":"{KEY}"}}}}"#
    );
    let outcome = message(&plan(&redaction, &hash), given.as_bytes());
    let found: Vec<(&str, &str, u64)> =
        outcome.findings.list().iter().map(|it| (&*it.detector, &*it.pointer, it.count)).collect();
    let name = "aws-access-key-id";
    assert_eq!(
        found,
        [(name, "/result/content/0/text", 2), (name, "/result/content/1/text", 1), (name, "/result/a~1b", 1)]
    );
    assert_eq!(outcome.findings.by_detector(), [(name, 4)]);
}

#[test]
fn strategies_and_allowances_are_followed() {
    let hash = hash();
    let given = format!(r#"{{"result":{{"structuredContent":{{"sha":"{KEY}","x":"{OTHER}"}}}}}}"#);
    let out = |text: &str| {
        let redaction = redaction(text);
        let outcome = message(&plan(&redaction, &hash), given.as_bytes());
        (outcome.message.map(|out| String::from_utf8(out).unwrap()), outcome.blocked)
    };
    let (masked, _) = out(r#"{"responses":"mask"}"#);
    assert_eq!(masked.unwrap(), given.replace(KEY, "********WXTD").replace(OTHER, "********BTHW"));
    let (hashed, _) = out(r#"{"strategies":{"cloud":"mask","aws-access-key-id":{"responses":"hash"}}}"#);
    let hashed = hashed.unwrap();
    assert!(hashed.contains(&format!("[redacted:hash:{:016x}]", hash.of(KEY.as_bytes()))), "{hashed}");
    let (_, blocked) = out(r#"{"responses":"block"}"#);
    let wanted =
        Blocked { detector: "aws-access-key-id".to_owned(), pointer: "/result/structuredContent/sha".to_owned() };
    assert_eq!(blocked, Some(wanted));
    for none in [
        r#"{"detectors":"none"}"#,
        r#"{"responses":"allow"}"#,
        r#"{"detectors":["default","!cloud"]}"#,
        r#"{"allow":[{"tools":["crm/read_*"]}]}"#,
        r#"{"allow":[{"paths":["/result/structuredContent/*"],"detectors":["cloud"]}]}"#,
    ] {
        assert_eq!(out(none).0, None, "{none}");
    }
    let (partly, _) = out(r#"{"allow":[{"tools":["read_file"],"paths":["*/sha"],"detectors":["aws-access-key-id"]}]}"#);
    assert_eq!(partly.unwrap(), given.replace(OTHER, &placeholder(OTHER)));
    for other in [r#"{"allow":[{"tools":["write_*"]}]}"#, r#"{"allow":[{"tools":["crm/read_file"],"paths":["*/y"]}]}"#]
    {
        assert!(out(other).0.unwrap().contains(&placeholder(KEY)), "{other}");
    }
}
