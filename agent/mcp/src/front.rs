//! From a tool's call to calls of the script API, and from their answer to the tool's.

use std::sync::Arc;

use karakuri_channel::{Channel, ChannelError};
use karakuri_protocol::script::{CallError, METHODS};
use karakuri_protocol::untrusted::Untrusted;
use karakuri_verbs::computer::{self, Plan};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer, ServerInitializeError};
use rmcp::transport::stdio;
use rmcp::{ErrorData, ServerHandler, ServiceExt};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::tools;

/// What a client is told first.
const INSTRUCTIONS: &str = "A virtual desktop, driven within a workflow's permissions; every call is \
                            recorded. Start with `launch`. Targets are texts on the screen, such as \
                            text:\"Save\", or pixels: {\"find\": {\"point\": [x, y]}}. What is refused \
                            names the permission that would allow it.";

/// Why the client could not be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrontError {
    /// The published methods are not JSON.
    #[error("workflows/openrpc.json: {0}")]
    Tools(#[from] serde_json::Error),
    /// It went away, or said something else, before it had introduced itself.
    #[error("the MCP client did not initialize the session: {0}")]
    Client(#[from] Box<ServerInitializeError>),
    /// The task that serves it failed.
    #[error("serving the MCP client: {0}")]
    Serving(#[from] tokio::task::JoinError),
}

/// Serves the client on stdin and stdout until it closes its end.
pub(crate) async fn serve(agent: Channel) -> Result<(), FrontError> {
    let front = Front { tools: tools::all()?, agent: Arc::new(Mutex::new(agent)) };
    let running = front.serve(stdio()).await.map_err(Box::new)?;
    running.waiting().await?;
    Ok(())
}

/// The MCP server: it holds the script's end of the channel, and nothing else.
#[derive(Debug)]
struct Front {
    tools: Vec<Tool>,
    /// One call at a time, in the order in which they came.
    agent: Arc<Mutex<Channel>>,
}

/// What becomes of a tool's call: the answer, the agent's refusal, or no agent.
type Outcome = Result<Result<Value, CallError>, ChannelError>;

impl Front {
    /// Carries out a tool's call. The agent is asked on a thread that nobody interrupts: a client that
    /// cancels leaves no answer behind that the next call would take for its own.
    async fn carry_out(
        &self,
        ask: impl FnOnce(&mut Channel) -> Outcome + Send + 'static,
    ) -> Result<Outcome, ErrorData> {
        let mut agent = Arc::clone(&self.agent).lock_owned().await;
        let asked = tokio::task::spawn_blocking(move || ask(&mut agent)).await;
        asked.map_err(|e| ErrorData::internal_error(e.to_string(), None))
    }
}

impl ServerHandler for Front {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("karakuri", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let params = Value::Object(request.arguments.unwrap_or_default());
        let name = request.name.into_owned();
        let outcome = if name == computer::METHOD {
            match Plan::of(&params) {
                Ok(plan) => self.carry_out(move |agent| follow(agent, &plan)).await?,
                Err(e) => Ok(Err(e.into())),
            }
        } else if METHODS.contains(&name.as_str()) {
            self.carry_out(move |agent| agent.call(&name, &params)).await?
        } else {
            // The agent would take it for a script that does not speak its protocol.
            let shown = Untrusted::new(name).escaped(60);
            return Err(ErrorData::invalid_params(format!("there is no tool {shown:?}"), None));
        };
        Ok(match outcome {
            Ok(Ok(value)) => answer(value),
            Ok(Err(refusal)) => refused(&refusal),
            Err(e @ (ChannelError::TooLarge(_) | ChannelError::TooDeep(_))) => {
                CallToolResult::error(text(e.to_string()))
            }
            Err(e) => return Err(ErrorData::internal_error(e.to_string(), None)),
        }
        .into())
    }
}

/// Carries out the calls of an action, or of a list of them, until one fails.
fn follow(agent: &mut Channel, plan: &Plan) -> Outcome {
    plan.follow(|call| {
        let request = serde_json::to_value(call).unwrap_or_default();
        let method = request["method"].as_str().unwrap_or_default();
        agent.call(method, &request["params"])
    })
}

/// The result as JSON; a picture as an image beside it.
fn answer(mut value: Value) -> CallToolResult {
    let picture = value.as_object_mut().and_then(|parts: &mut Map<_, _>| parts.remove("picture"));
    let mut content = text(value.to_string());
    if let Some(Value::String(webp)) = picture {
        content.push(ContentBlock::image(webp, "image/webp"));
    }
    CallToolResult::success(content)
}

/// An error that the model reads: the sentence, and the typed part as JSON.
fn refused(error: &CallError) -> CallToolResult {
    let mut content = text(error.message.clone());
    content.extend(text(json!(error.data).to_string()));
    CallToolResult::error(content)
}

fn text(text: String) -> Vec<ContentBlock> {
    vec![ContentBlock::text(text)]
}
