//! Tools that become tasks where the client knows the tasks extension (SEP-2663).

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, CreateTaskResult, InputRequest,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::task_manager::{TaskContext, TaskExit, TaskFuture, TaskOptions};
use serde_json::{Value, json};

use crate::call::{failure, text};
use crate::handler::{Handler, complete, model};
use crate::input_required::{accepted, ask};

/// How often a client may ask for a task's state, in milliseconds.
const POLL_MS: u64 = 200;

/// The call of a tool that may become a task; nothing where `request` names no such tool.
///
/// # Errors
/// The tool must become a task, and the client does not know tasks: `-32021`.
pub(crate) async fn call(
    handler: &Handler,
    request: &CallToolRequestParams,
    arguments: &Value,
    context: &RequestContext<RoleServer>,
) -> Result<Option<CallToolResponse>, ErrorData> {
    let knows_tasks = context.client_capabilities().is_some_and(|it| it.supports_tasks());
    let name = arguments["name"].as_str().unwrap_or_default();
    let pause = Duration::from_secs(arguments["seconds"].as_u64().unwrap_or_default());
    match &*request.name {
        "greet" => return answer(text(&format!("Hello, {name}!"))).map(Some),
        "slow_compute" if !knows_tasks => {
            tokio::time::sleep(pause).await;
            return answer(text("Computed.")).map(Some);
        }
        "slow_compute"
        | "failing_job"
        | "protocol_error_job"
        | "confirm_delete"
        | "multi_input"
        | "test_tool_with_task" => {}
        _ => return Ok(None),
    }
    if !knows_tasks {
        let required = ClientCapabilities::builder().enable_tasks().build();
        return Err(ErrorData::missing_required_client_capability(required));
    }
    let options = TaskOptions::new().with_poll_interval_ms(POLL_MS);
    let name = accepted(request.input_responses.as_ref(), "user_name", "name").unwrap_or_default();
    let tool = request.name.clone();
    let task = handler.shared.tasks.spawn(options, |task| run(task, tool.into_owned(), pause, name));
    Ok(Some(CreateTaskResult::new(task).into()))
}

fn run(task: TaskContext, tool: String, pause: Duration, name: String) -> TaskFuture {
    Box::pin(async move {
        let result = match tool.as_str() {
            "failing_job" => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                failure("The job has failed.")
            }
            "protocol_error_job" => return Err(ErrorData::internal_error("The job has broken down.", None).into()),
            "confirm_delete" => {
                let answer = input(&task, "confirm", ask("Delete it?", "confirm", "boolean")).await?;
                text(&format!("Confirmed: {answer}"))
            }
            "multi_input" => {
                let (name, confirm) = tokio::try_join!(
                    input(&task, "name", ask("What is your name?", "name", "string")),
                    input(&task, "confirm", ask("Go on?", "confirm", "boolean")),
                )?;
                text(&format!("Answers: {name}, {confirm}"))
            }
            "test_tool_with_task" => text(&format!("Hello, {name}!")),
            _ => tokio::select! {
                () = task.cancelled() => return Err(TaskExit::Cancelled),
                () = tokio::time::sleep(pause) => text("Computed."),
            },
        };
        Ok(complete::<CallToolResult>(result)?)
    })
}

async fn input(task: &TaskContext, key: &str, question: Value) -> Result<Value, TaskExit> {
    let answer = task.request_input(key, model::<InputRequest>(question)?).await?;
    Ok(json!({"action": answer["action"], "content": answer["content"]}))
}

fn answer(result: Value) -> Result<CallToolResponse, ErrorData> {
    Ok(complete::<CallToolResult>(result)?.into())
}
