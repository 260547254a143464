//! What the fixture lists: the names that the suite asks for, and their schemas.

use serde_json::{Value, json};

/// A picture of one pixel, as base64.
pub(crate) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The head of a sound file without a sample, as base64.
pub(crate) const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// `tools/list`. The suite tries headers on the first tool, without arguments.
pub(crate) fn tools() -> Value {
    let mut tools: Vec<Value> = [
        ("test_simple_text", "Answers with one text."),
        ("test_image_content", "Answers with a picture."),
        ("test_audio_content", "Answers with a sound."),
        ("test_embedded_resource", "Answers with an embedded resource."),
        ("test_multiple_content_types", "Answers with a text, a picture and a resource."),
        ("test_tool_with_logging", "Logs three times while it runs."),
        ("test_error_handling", "Always fails."),
        ("test_tool_with_progress", "Tells three times how far it is."),
        ("test_elicitation_sep1034_defaults", "Asks the user for values that have defaults."),
        ("test_elicitation_sep1330_enums", "Asks the user to choose, in five kinds of schema."),
        ("test_reconnection", "Closes the event stream before it answers."),
        ("test_missing_capability", "Needs a client that can sample."),
        ("test_streaming_elicitation", "Asks for input in its result, never by a request of its own."),
        ("test_logging_tool", "Logs if the request asked for a log level."),
        ("test_trigger_tool_change", "Tells subscribers that the tools have changed."),
        ("test_trigger_prompt_change", "Tells subscribers that the prompts have changed."),
        ("test_input_required_result_elicitation", "Asks for a name."),
        ("test_input_required_result_sampling", "Asks for the capital of France."),
        ("test_input_required_result_list_roots", "Asks for the client's roots."),
        ("test_input_required_result_request_state", "Asks for a confirmation, with a state to send back."),
        ("test_input_required_result_multiple_inputs", "Asks three things at once."),
        ("test_input_required_result_multi_round", "Asks twice, one after the other."),
        ("test_input_required_result_tampered_state", "Refuses a state that it has not issued."),
        ("test_input_required_result_capabilities", "Asks only what the client can answer."),
        ("failing_job", "A task that fails as a tool does. Needs the tasks extension."),
        ("protocol_error_job", "A task that fails as a request does."),
        ("multi_input", "A task that asks two things at once."),
        ("test_tool_with_task", "Asks for a name, then becomes a task."),
    ]
    .into_iter()
    .map(|(name, description)| tool(name, description, &json!({}), &[]))
    .collect();
    tools.extend([
        tool("test_sampling", "Lets the client's model answer.", &json!({"prompt": {"type": "string"}}), &["prompt"]),
        tool("test_elicitation", "Asks the user.", &json!({"message": {"type": "string"}}), &["message"]),
        tool(
            "test_custom_header",
            "Takes its region from a header too (SEP-2243).",
            &json!({"region": {"type": "string", "x-mcp-header": "Region"}}),
            &[],
        ),
        tool("greet", "Greets.", &json!({"name": {"type": "string"}}), &["name"]),
        tool(
            "slow_compute",
            "Sleeps; a task where the client knows tasks.",
            &json!({"seconds": {"type": "integer", "minimum": 0}, "label": {"type": "string"}}),
            &["seconds"],
        ),
        tool("confirm_delete", "A task that asks for a confirmation.", &json!({"filename": {"type": "string"}}), &[]),
        json!({
            "name": "json_schema_2020_12_tool",
            "description": "Has a schema with the keywords of JSON Schema 2020-12.",
            "inputSchema": json_schema_2020_12(),
        }),
    ]);
    json!({"tools": tools})
}

fn tool(name: &str, description: &str, properties: &Value, required: &[&str]) -> Value {
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    json!({"name": name, "description": description, "inputSchema": schema})
}

fn json_schema_2020_12() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

/// `resources/list`.
pub(crate) fn resources() -> Value {
    json!({"resources": [
        {"uri": "test://static-text", "name": "static-text", "description": "A text.", "mimeType": "text/plain"},
        {"uri": "test://static-binary", "name": "static-binary", "description": "A picture.", "mimeType": "image/png"},
        {"uri": "test://watched-resource", "name": "watched-resource", "description": "A text to subscribe to.",
         "mimeType": "text/plain"},
    ]})
}

/// `resources/templates/list`.
pub(crate) fn resource_templates() -> Value {
    json!({"resourceTemplates": [{
        "uriTemplate": "test://template/{id}/data",
        "name": "template",
        "description": "Data by id.",
        "mimeType": "application/json",
    }]})
}

/// `resources/read`; nothing where the URI names no resource.
pub(crate) fn resource(uri: &str) -> Option<Value> {
    let content = match uri {
        "test://static-text" => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."})
        }
        "test://static-binary" => json!({"uri": uri, "mimeType": "image/png", "blob": PNG}),
        "test://watched-resource" => json!({"uri": uri, "mimeType": "text/plain", "text": "Watched."}),
        _ => {
            let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let data = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            json!({"uri": uri, "mimeType": "application/json", "text": data.to_string()})
        }
    };
    Some(json!({"contents": [content]}))
}

/// `prompts/list`.
pub(crate) fn prompts() -> Value {
    let argument =
        |name: &str| json!({"name": name, "description": format!("The {name} of the test."), "required": true});
    json!({"prompts": [
        {"name": "test_simple_prompt", "description": "One text."},
        {"name": "test_prompt_with_arguments", "description": "A text with two arguments.",
         "arguments": [argument("arg1"), argument("arg2")]},
        {"name": "test_prompt_with_embedded_resource", "description": "A resource and a text.",
         "arguments": [argument("resourceUri")]},
        {"name": "test_prompt_with_image", "description": "A picture and a text."},
        {"name": "test_input_required_result_prompt", "description": "Asks for a context."},
    ]})
}

/// `prompts/get`; nothing where there is no such prompt.
pub(crate) fn prompt(name: &str, argument: impl Fn(&str) -> String) -> Option<Value> {
    let text = |text: &str| json!({"type": "text", "text": text});
    let contents = match name {
        "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            vec![text(&format!("Prompt with arguments: arg1='{}', arg2='{}'", argument("arg1"), argument("arg2")))]
        }
        "test_prompt_with_embedded_resource" => vec![
            json!({"type": "resource", "resource": {
                "uri": argument("resourceUri"),
                "mimeType": "text/plain",
                "text": "Embedded resource content for testing.",
            }}),
            text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image" => {
            vec![
                json!({"type": "image", "data": PNG, "mimeType": "image/png"}),
                text("Please analyze the image above."),
            ]
        }
        _ => return None,
    };
    let messages: Vec<Value> =
        contents.into_iter().map(|content| json!({"role": "user", "content": content})).collect();
    Some(json!({"messages": messages}))
}
