//! Tools and a prompt that ask their client in a result, and go on when they are called again (SEP-2322).

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, GetPromptResponse, GetPromptResult, InputRequiredResult,
    InputResponses,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Map, Value, json};

use crate::call::{declares, elicitation, sampling, text};
use crate::handler::{Handler, complete, model};

/// The call of a tool that asks; nothing where `request` names no such tool.
///
/// # Errors
/// The request's state is none that this server has issued.
pub(crate) fn call(
    handler: &Handler,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<Option<CallToolResponse>, ErrorData> {
    let step = request.request_state.as_deref().map(|state| handler.shared.step_of(state)).transpose()?;
    let responses = request.input_responses.as_ref();
    let name = || accepted(responses, "user_name", "name");
    let outcome = match &*request.name {
        "test_streaming_elicitation" => asking([("user_name", ask_name())], None),
        "test_input_required_result_elicitation" => match name() {
            Some(name) => Outcome::Text(format!("Hello, {name}!")),
            None => asking([("user_name", ask_name())], None),
        },
        "test_input_required_result_sampling" => match responses.and_then(|it| it.get("capital_question")) {
            Some(answer) => Outcome::Text(answer["content"]["text"].to_string()),
            None => asking([("capital_question", sampling(&json!("What is the capital of France?")))], None),
        },
        "test_input_required_result_list_roots" => match responses.and_then(|it| it.get("client_roots")) {
            Some(answer) => Outcome::Text(format!("Roots: {}", answer["roots"])),
            None => asking([("client_roots", list_roots())], None),
        },
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            match (step, accepted(responses, "confirm", "ok")) {
                (Some("confirm"), Some(_)) => Outcome::Text("state-ok".to_owned()),
                _ => asking([("confirm", ask_confirmation())], Some(handler.shared.issue_state("confirm"))),
            }
        }
        "test_input_required_result_multiple_inputs" => {
            let asked = [
                ("user_name", ask_name()),
                ("greeting", sampling(&json!("Generate a greeting"))),
                ("client_roots", list_roots()),
            ];
            match (step, responses) {
                (Some("all"), Some(given)) if asked.iter().all(|(key, _)| given.contains_key(*key)) => {
                    Outcome::Text("All three were answered.".to_owned())
                }
                _ => asking(asked, Some(handler.shared.issue_state("all"))),
            }
        }
        "test_input_required_result_multi_round" => match step {
            Some("second") if accepted(responses, "step2", "color").is_some() => {
                Outcome::Text("Both rounds were answered.".to_owned())
            }
            Some("first") if accepted(responses, "step1", "name").is_some() => asking(
                [("step2", ask("Step 2: What is your favorite color?", "color", "string"))],
                Some(handler.shared.issue_state("second")),
            ),
            _ => asking(
                [("step1", ask("Step 1: What is your name?", "name", "string"))],
                Some(handler.shared.issue_state("first")),
            ),
        },
        "test_input_required_result_capabilities" => {
            let possible = [
                ("elicitation", ("user_name", ask_name())),
                ("sampling", ("greeting", sampling(&json!("Generate a greeting")))),
                ("roots", ("client_roots", list_roots())),
            ];
            let asked = possible.into_iter().filter(|(capability, _)| declares(context, capability));
            asking(asked.map(|(_, question)| question), None)
        }
        // It goes on as a task.
        "test_tool_with_task" if name().is_none() => {
            asking([("user_name", ask_name())], Some(handler.shared.issue_state("name")))
        }
        _ => return Ok(None),
    };
    Ok(Some(match outcome {
        Outcome::Text(said) => complete::<CallToolResult>(text(&said))?.into(),
        Outcome::Asking(asked) => model::<InputRequiredResult>(asked)?.into(),
    }))
}

/// The prompt that asks for a context.
///
/// # Errors
/// None that a client could cause.
pub(crate) fn prompt(responses: Option<&InputResponses>) -> Result<GetPromptResponse, ErrorData> {
    let Some(given) = accepted(responses, "user_context", "context") else {
        let question = ask("What context should the prompt use?", "context", "string");
        return match asking([("user_context", question)], None) {
            Outcome::Asking(asked) => Ok(model::<InputRequiredResult>(asked)?.into()),
            Outcome::Text(said) => Err(ErrorData::internal_error(said, None)),
        };
    };
    let content = json!({"type": "text", "text": format!("Use this context: {given}")});
    Ok(complete::<GetPromptResult>(json!({"messages": [{"role": "user", "content": content}]}))?.into())
}

/// The value that the user has given for `field` in the answer to the question `key`.
pub(crate) fn accepted(responses: Option<&InputResponses>, key: &str, field: &str) -> Option<String> {
    let answer = responses?.get(key)?;
    let value = answer.get("content")?.get(field)?;
    (answer.get("action")? == "accept").then(|| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// An elicitation with one required field.
pub(crate) fn ask(message: &str, field: &str, kind: &str) -> Value {
    let schema = json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]});
    elicitation(&json!(message), &schema)
}

enum Outcome {
    Text(String),
    Asking(Value),
}

fn asking(questions: impl IntoIterator<Item = (&'static str, Value)>, state: Option<String>) -> Outcome {
    let questions: Map<String, Value> =
        questions.into_iter().map(|(key, question)| (key.to_owned(), question)).collect();
    let mut result = json!({"resultType": "input_required", "inputRequests": questions});
    if let Some(state) = state {
        result["requestState"] = json!(state);
    }
    Outcome::Asking(result)
}

fn ask_name() -> Value {
    ask("What is your name?", "name", "string")
}

fn ask_confirmation() -> Value {
    ask("Please confirm", "ok", "boolean")
}

fn list_roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}
