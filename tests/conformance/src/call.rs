//! Tools that answer at once, report on the way, or ask a legacy client while they run.
// See `handler`: sampling and logging are deprecated, and asked for.
#![allow(deprecated)]

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, CallToolResult, ClientResult, LoggingMessageNotificationParam, ProgressNotificationParam,
    ServerRequest,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use crate::catalogue::{PNG, WAV};
use crate::handler::{Changed, Handler, complete, model};

/// Between two reports of a tool: the suite looks whether they come while the tool runs.
const STEP: Duration = Duration::from_millis(50);
/// How long a client is to wait before it takes up a stream again.
const RETRY: Duration = Duration::from_millis(500);
/// A session of the suite has made fewer requests than this when it tries to reconnect.
const OPEN_STREAMS: u64 = 16;

/// The call of a tool.
///
/// # Errors
/// There is no such tool, or the client cannot do what it needs.
pub(crate) async fn call(
    handler: &Handler,
    name: &str,
    arguments: &Value,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let result = match name {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => content(&json!([{"type": "image", "data": PNG, "mimeType": "image/png"}])),
        "test_audio_content" => content(&json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}])),
        "test_embedded_resource" => content(&json!([{"type": "resource", "resource": {
            "uri": "test://embedded-resource",
            "mimeType": "text/plain",
            "text": "This is an embedded resource content.",
        }}])),
        "test_multiple_content_types" => content(&json!([
            {"type": "text", "text": "Multiple content types test:"},
            {"type": "image", "data": PNG, "mimeType": "image/png"},
            {"type": "resource", "resource": {
                "uri": "test://mixed-content-resource",
                "mimeType": "application/json",
                "text": json!({"test": "data", "value": 123}).to_string(),
            }},
        ])),
        "test_error_handling" => failure("This tool intentionally returns an error for testing"),
        "test_tool_with_logging" => {
            log(handler, context, &["Tool execution started", "Tool processing data", "Tool execution completed"])
                .await;
            text("Logged three times.")
        }
        "test_logging_tool" => {
            log(handler, context, &["Logged as asked"]).await;
            text("Logged if asked to.")
        }
        "test_tool_with_progress" => {
            progress(context).await;
            text("Told three times how far it was.")
        }
        "test_custom_header" => text(&format!("Region: {}", arguments["region"])),
        "test_missing_capability" => {
            require(context, "sampling")?;
            text("The client can sample.")
        }
        "test_trigger_tool_change" => changed(handler, Changed::Tools),
        "test_trigger_prompt_change" => changed(handler, Changed::Prompts),
        "test_reconnection" => {
            close_stream(handler, context).await;
            tokio::time::sleep(STEP).await;
            text("Answered after the stream was closed.")
        }
        "test_sampling" => ask(context, sampling(&arguments["prompt"])).await?,
        "test_elicitation" => ask(context, elicitation(&arguments["message"], &contact())).await?,
        "test_elicitation_sep1034_defaults" => {
            ask(context, elicitation(&json!("Please check these values."), &with_defaults())).await?
        }
        "test_elicitation_sep1330_enums" => {
            ask(context, elicitation(&json!("Please choose."), &with_choices())).await?
        }
        _ => return Err(ErrorData::invalid_params(format!("Unknown tool: {name}"), None)),
    };
    Ok(complete::<CallToolResult>(result)?.into())
}

/// A result of one text.
pub(crate) fn text(text: &str) -> Value {
    content(&json!([{"type": "text", "text": text}]))
}

/// A result that says that the tool has failed.
pub(crate) fn failure(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}], "isError": true})
}

/// A refusal of clients that have not declared `capability`.
///
/// # Errors
/// They have not: `-32021`.
pub(crate) fn require(context: &RequestContext<RoleServer>, capability: &str) -> Result<(), ErrorData> {
    if declares(context, capability) {
        return Ok(());
    }
    Err(ErrorData::missing_required_client_capability(model(json!({capability: {}}))?))
}

/// Whether the client has declared `capability`.
pub(crate) fn declares(context: &RequestContext<RoleServer>, capability: &str) -> bool {
    let declared = context.client_capabilities().and_then(|it| serde_json::to_value(it).ok());
    declared.is_some_and(|it| it.get(capability).is_some())
}

/// The parameters of an `elicitation/create`, with the request around them.
pub(crate) fn elicitation(message: &Value, schema: &Value) -> Value {
    json!({"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}})
}

/// A `sampling/createMessage` with one message.
pub(crate) fn sampling(prompt: &Value) -> Value {
    json!({"method": "sampling/createMessage", "params": {
        "messages": [{"role": "user", "content": {"type": "text", "text": prompt}}],
        "maxTokens": 100,
    }})
}

fn content(blocks: &Value) -> Value {
    json!({"content": blocks})
}

fn changed(handler: &Handler, what: Changed) -> Value {
    // It is an error only where nobody listens.
    let told = handler.shared.changes.send(what).unwrap_or(0);
    text(&format!("Told {told} subscribers."))
}

async fn log(handler: &Handler, context: &RequestContext<RoleServer>, messages: &[&str]) {
    if !handler.logs_info(context) {
        return;
    }
    for message in messages {
        let Ok(param) = model::<LoggingMessageNotificationParam>(json!({"level": "info", "data": message})) else {
            return;
        };
        // A client that has gone does not stop the tool.
        let _ = context.peer.notify_logging_message(param).await;
        tokio::time::sleep(STEP).await;
    }
}

async fn progress(context: &RequestContext<RoleServer>) {
    let token = context.meta.get_progress_token();
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = &token {
            let report = ProgressNotificationParam::new(token.clone(), done).with_total(100.0);
            // A client that has gone does not stop the tool.
            let _ = context.peer.notify_progress(report).await;
        }
        tokio::time::sleep(STEP).await;
    }
}

/// Closes every open POST stream of the session: this call's own, whose number the SDK does not tell.
async fn close_stream(handler: &Handler, context: &RequestContext<RoleServer>) {
    let parts = context.extensions.get::<http::request::Parts>();
    let Some(id) = parts.and_then(|it| it.headers.get("mcp-session-id")?.to_str().ok()) else {
        return;
    };
    let session = handler.shared.sessions.sessions.read().await.get(id).cloned();
    let Some(session) = session else {
        return;
    };
    for stream in 0..OPEN_STREAMS {
        // Most of the numbers name no stream, or one that is over.
        let _ = session.close_sse_stream(stream, Some(RETRY)).await;
    }
}

/// Sends a request to the client and waits for its answer.
async fn ask(context: &RequestContext<RoleServer>, request: Value) -> Result<Value, ErrorData> {
    let request: ServerRequest = if request["method"] == "elicitation/create" {
        ServerRequest::ElicitRequest(model(request)?)
    } else {
        ServerRequest::CreateMessageRequest(model(request)?)
    };
    Ok(match context.peer.send_request(request).await {
        Ok(ClientResult::CreateMessageResult(result)) => {
            let answer = serde_json::to_value(&result).unwrap_or_default();
            let said = answer.pointer("/content/text").or_else(|| answer.pointer("/content/0/text"));
            text(&format!("LLM response: {}", said.and_then(Value::as_str).unwrap_or_default()))
        }
        Ok(ClientResult::ElicitResult(result)) => {
            let answer = serde_json::to_value(&result).unwrap_or_default();
            text(&format!("User response: action={}, content={}", answer["action"], answer["content"]))
        }
        Ok(other) => failure(&format!("The client answered something else: {other:?}")),
        Err(error) => failure(&format!("The client did not answer: {error}")),
    })
}

fn contact() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "required": ["username", "email"],
    })
}

fn with_defaults() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    }})
}

fn with_choices() -> Value {
    let titled = |ordinal: &[&str], noun: &str| -> Vec<Value> {
        ordinal
            .iter()
            .enumerate()
            .map(|(at, ordinal)| json!({"const": format!("value{}", at + 1), "title": format!("{ordinal} {noun}")}))
            .collect()
    };
    let ordinals = ["First", "Second", "Third"];
    json!({"type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": titled(&ordinals, "Option")},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled(&ordinals, "Choice")}},
    }})
}
