//! The protocol's methods, each handed to the module that knows the answer.
// Logging, sampling and roots are deprecated by 2026-07-28; the suite asks for them in the revisions that have them.
#![allow(deprecated)]

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, GetTaskParams, GetTaskResult, Implementation,
    JsonObject, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ServerConfig,
    SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
    UpdateTaskParams,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::task_manager::TaskManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::{call, catalogue, input_required, job};

/// A list that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    Tools,
    Prompts,
}

/// What all sessions, and all requests without a session, share.
pub(crate) struct Shared {
    pub(crate) sessions: Arc<LocalSessionManager>,
    pub(crate) tasks: TaskManager,
    pub(crate) changes: broadcast::Sender<Changed>,
    states: Mutex<HashSet<String>>,
    next_state: AtomicU64,
}

impl Shared {
    pub(crate) fn new(sessions: Arc<LocalSessionManager>) -> Self {
        Self {
            sessions,
            tasks: TaskManager::new(),
            changes: broadcast::Sender::new(16),
            states: Mutex::default(),
            next_state: AtomicU64::new(1),
        }
    }

    /// A new `requestState` for `step`. It is a handle that means nothing to a client, so nobody can forge what it
    /// stands for.
    pub(crate) fn issue_state(&self, step: &str) -> String {
        let state = format!("{step}#{}", self.next_state.fetch_add(1, Ordering::Relaxed));
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert(state.clone());
        state
    }

    /// Which step a `requestState` was issued for.
    ///
    /// # Errors
    /// It was never issued: `-32602`.
    pub(crate) fn step_of<'a>(&self, state: &'a str) -> Result<&'a str, ErrorData> {
        let issued = self.states.lock().unwrap_or_else(PoisonError::into_inner).contains(state);
        match state.split_once('#') {
            Some((step, _)) if issued => Ok(step),
            _ => Err(ErrorData::invalid_params("requestState was not issued by this server", None)),
        }
    }
}

/// One session, or one request without a session.
pub(crate) struct Handler {
    pub(crate) shared: Arc<Shared>,
    level: Mutex<LoggingLevel>,
}

impl Handler {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, level: Mutex::new(LoggingLevel::Debug) }
    }

    /// Whether a log message of level `info` is wanted: by `logging/setLevel` in a session, by the request itself in
    /// the modern era.
    pub(crate) fn logs_info(&self, context: &RequestContext<RoleServer>) -> bool {
        let wanted = if context.meta.protocol_version().is_some() {
            context.meta.log_level()
        } else {
            Some(*self.level.lock().unwrap_or_else(PoisonError::into_inner))
        };
        matches!(wanted, Some(LoggingLevel::Debug | LoggingLevel::Info))
    }
}

/// A value of the protocol's model from its JSON form.
pub(crate) fn model<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// A result from its JSON form. A modern client wants to be told that it is complete; for a legacy one the SDK takes
/// that out again.
pub(crate) fn complete<T: DeserializeOwned>(mut result: Value) -> Result<T, ErrorData> {
    result["resultType"] = json!("complete");
    model(result)
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = json!({
            "completions": {},
            "extensions": {"io.modelcontextprotocol/tasks": {}},
            "logging": {},
            "prompts": {"listChanged": true},
            "resources": {"listChanged": true, "subscribe": true},
            "tools": {"listChanged": true},
        });
        let mut info = ServerConfig::new(serde_json::from_value(capabilities).unwrap_or_default());
        info.server_info = Implementation::new("tidegate-conformance-fixture", env!("CARGO_PKG_VERSION"));
        info
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tools = catalogue::tools();
        let tool = tools.get("tools")?.as_array()?.iter().find(|tool| tool["name"] == name)?;
        serde_json::from_value(tool.clone()).ok()
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        complete(catalogue::tools())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.clone().unwrap_or_default());
        if let Some(response) = input_required::call(self, &request, &context)? {
            return Ok(response);
        }
        if let Some(response) = job::call(self, &request, &arguments, &context).await? {
            return Ok(response);
        }
        call::call(self, &request.name, &arguments, &context).await
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        complete(catalogue::resources())
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        complete(catalogue::resource_templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let Some(result) = catalogue::resource(&request.uri) else {
            return Err(ErrorData::resource_not_found("Resource not found", Some(json!({"uri": request.uri}))));
        };
        Ok(complete::<ReadResourceResult>(result)?.into())
    }

    async fn subscribe(
        &self,
        _request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.shared.changes.subscribe();
        loop {
            let change = tokio::select! {
                () = context.cancelled() => return Ok(()),
                change = changes.recv() => change,
            };
            // What this subscriber has not asked for is refused by the sink.
            let sent = match change {
                Ok(Changed::Tools) => context.sink().notify_tool_list_changed().await,
                Ok(Changed::Prompts) => context.sink().notify_prompt_list_changed().await,
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            };
            drop(sent);
        }
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        complete(catalogue::prompts())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if request.name == "test_input_required_result_prompt" {
            return input_required::prompt(request.input_responses.as_ref());
        }
        let arguments: JsonObject = request.arguments.unwrap_or_default();
        let argument = |name: &str| arguments.get(name).and_then(Value::as_str).map(str::to_owned).unwrap_or_default();
        let Some(result) = catalogue::prompt(&request.name, argument) else {
            return Err(ErrorData::invalid_params(format!("Unknown prompt: {}", request.name), None));
        };
        Ok(complete::<GetPromptResult>(result)?.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let begun = request.argument.value;
        let values: Vec<&str> =
            ["paris", "park", "party"].into_iter().filter(|value| value.starts_with(&begun)).collect();
        complete(json!({"completion": {"total": values.len(), "values": values, "hasMore": false}}))
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if context.meta.protocol_version().is_some() {
            return Err(ErrorData::method_not_found::<rmcp::model::SetLevelRequestMethod>());
        }
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = request.level;
        Ok(())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.shared.tasks.get_task(&request.task_id).map(GetTaskResult::new)
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.shared.tasks.update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.shared.tasks.cancel_task(&request.task_id)
    }
}
