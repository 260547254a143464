use super::compile;

#[test]
fn refused_schemas() {
    for (schema, pointer, keyword, message) in [
        ("1", "", "", "object or a boolean"),
        (r#"{"properties": {"a": []}}"#, "/properties/a", "", "object or a boolean"),
        (
            r#"{"properties": {"a": {"unevaluatedProperties": false}}}"#,
            "/properties/a/unevaluatedProperties",
            "unevaluatedProperties",
            "not supported",
        ),
        (r##"{"$dynamicRef": "#a"}"##, "/$dynamicRef", "$dynamicRef", "not supported"),
        (r#"{"$anchor": "a"}"#, "/$anchor", "$anchor", "not supported"),
        (r#"{"$id": "https://example.com"}"#, "/$id", "$id", "not supported"),
        (r#"{"contentEncoding": "base64"}"#, "/contentEncoding", "contentEncoding", "not supported"),
        (r#"{"definitions": {}}"#, "/definitions", "definitions", "not supported"),
        (r#"{"allOf": [true, {"a/b~": 1}]}"#, "/allOf/1/a~1b~0", "a/b~", "not supported"),
        (r#"{"maxlength": 1}"#, "/maxlength", "maxlength", "not supported"),
        (r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#, "/$schema", "$schema", "2020-12"),
        (r#"{"type": "strin"}"#, "/type", "type", "no type"),
        (r#"{"type": []}"#, "/type", "type", "empty"),
        (r#"{"type": ["string", "string"]}"#, "/type", "type", "twice"),
        (r#"{"type": 1}"#, "/type", "type", "must be an array"),
        (r#"{"enum": []}"#, "/enum", "enum", "empty"),
        (r#"{"enum": "a"}"#, "/enum", "enum", "must be an array"),
        (r#"{"const": {"a": [1e999999999999999999]}}"#, "/const", "const", "exponent"),
        (r#"{"multipleOf": 0}"#, "/multipleOf", "multipleOf", "above 0"),
        (r#"{"multipleOf": -1}"#, "/multipleOf", "multipleOf", "above 0"),
        (r#"{"multipleOf": 0.1234567890123456789}"#, "/multipleOf", "multipleOf", "18 digits"),
        (r#"{"maximum": "1"}"#, "/maximum", "maximum", "must be a number"),
        (r#"{"minLength": -1}"#, "/minLength", "minLength", "whole number"),
        (r#"{"maxItems": 1.5}"#, "/maxItems", "maxItems", "whole number"),
        (r#"{"maxProperties": "1"}"#, "/maxProperties", "maxProperties", "whole number"),
        (r#"{"uniqueItems": 1}"#, "/uniqueItems", "uniqueItems", "boolean"),
        (r#"{"required": "a"}"#, "/required", "required", "array of keys"),
        (r#"{"required": ["a", "a"]}"#, "/required", "required", "twice"),
        (r#"{"required": [1]}"#, "/required", "required", "must be a string"),
        (r#"{"dependentRequired": {"a": "b"}}"#, "/dependentRequired/a", "dependentRequired", "array of keys"),
        (r#"{"properties": []}"#, "/properties", "properties", "object of schemas"),
        (r#"{"items": [true]}"#, "/items", "items", "older drafts"),
        (r#"{"prefixItems": []}"#, "/prefixItems", "prefixItems", "empty"),
        (r#"{"anyOf": {}}"#, "/anyOf", "anyOf", "must be an array"),
        (r#"{"format": "idn-email"}"#, "/format", "format", "not asserted"),
        (r#"{"pattern": "(a"}"#, "/pattern", "pattern", "`(` without"),
        (r#"{"pattern": 1}"#, "/pattern", "pattern", "must be a string"),
        (r#"{"patternProperties": {"a(?=b)": true}}"#, "/patternProperties/a(?=b)", "patternProperties", "look-around"),
        (r#"{"tidegate:equals": "principal.groups"}"#, "/tidegate:equals", "tidegate:equals", "no single fact"),
        (r#"{"tidegate:equals": "principal.tema"}"#, "/tidegate:equals", "tidegate:equals", "no single fact"),
        (r#"{"tidegate:in": "sets.other"}"#, "/tidegate:in", "tidegate:in", "no set"),
        (r#"{"tidegate:in": ["a"]}"#, "/tidegate:in", "tidegate:in", "must be a string"),
        (r#"{"$ref": "https://example.com/a"}"#, "/$ref", "$ref", "leaves the document"),
        (r##"{"$ref": "#a"}"##, "/$ref", "$ref", "no JSON pointer"),
        (r##"{"$ref": "#/$defs/%zz"}"##, "/$ref", "$ref", "no JSON pointer"),
        (r##"{"$ref": "#/$defs/a"}"##, "/$ref", "$ref", "points at nothing"),
        (r##"{"$ref": "#/$defs", "$defs": {"a": true}}"##, "/$ref", "$ref", "no schema"),
        (r##"{"$ref": "#/const", "const": {}}"##, "/$ref", "$ref", "no schema"),
        (r##"{"$ref": "#"}"##, "/$ref", "$ref", "comes back to itself"),
        (
            r##"{"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"anyOf": [true, {"not": {"$ref": "#/$defs/b"}}]}}}"##,
            "/$defs/b/anyOf/1/not/$ref",
            "$ref",
            "comes back to itself",
        ),
        (r##"{"dependentSchemas": {"a": {"$ref": "#"}}}"##, "/dependentSchemas/a/$ref", "$ref", "comes back to itself"),
    ] {
        let fault = compile(schema).map(|_| ()).expect_err(schema);
        assert_eq!((fault.pointer.as_str(), fault.keyword.as_str()), (pointer, keyword), "{schema}");
        assert!(fault.message.contains(message), "{schema}: {fault}");
        assert!(fault.message.contains(keyword), "{schema}: {fault} names the keyword");
        assert!(fault.suggestion.is_some(), "{schema}: {fault}");
    }
}

#[test]
fn a_fault_in_one_line() {
    let fault = compile(r#"{"properties": {"a": {"maxlength": 1}}}"#).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the keyword `maxlength` is not supported at /properties/a/maxlength; did you mean `maxLength`?"
    );
    let fault = compile(r#"{"tidegate:in": "sets.our-repo"}"#).unwrap_err();
    assert_eq!(fault.suggestion.unwrap(), "there are sets.none, sets.our-repos, principal.groups, principal.scopes");
}
