//! An action and the calls that it comes to.

use karakuri_protocol::geometry::Point;
use karakuri_protocol::script::{Call, CallError, ErrorKind, StillParams};
use karakuri_protocol::target::{Find, Target};
use karakuri_protocol::untrusted::Untrusted;
use karakuri_protocol::wording::plain;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{METHOD, anthropic, openai};

/// The most characters of a reason that quotes an action.
const MAX_REASON: usize = 400;

/// What an action comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// To be carried out in this order until one fails; the answer to the last is the answer.
    pub calls: Vec<Call>,
    is_pause: bool,
}

/// Why an action cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// Neither kind of action.
    #[error("an action has its name in `action` (Anthropic) or in `type` (OpenAI)")]
    NoAction,
    /// An unknown name, or parameters that are missing, unknown or of another type.
    #[error("{0}")]
    Form(String),
    /// A parameter whose value makes no sense.
    #[error("{name} must be {form}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What it must be.
        form: &'static str,
    },
}

impl From<ActionError> for CallError {
    fn from(error: ActionError) -> Self {
        Self::new(ErrorKind::InvalidParams, format!("{METHOD}: {error}"))
    }
}

impl Plan {
    /// What `action` comes to.
    ///
    /// # Errors
    /// See [`ActionError`].
    pub fn of(action: &Value) -> Result<Self, ActionError> {
        if action.get("action").is_some() {
            parse::<anthropic::Action>(action)?.plan()
        } else if action.get("type").is_some() {
            parse::<openai::Action>(action)?.plan()
        } else {
            Err(ActionError::NoAction)
        }
    }

    /// The answer to the action, from the outcome of its last call: a pause is over when its time is,
    /// whether the screen held still or not.
    ///
    /// # Errors
    /// Those of the call.
    pub fn answer(&self, outcome: Result<Value, CallError>) -> Result<Value, CallError> {
        match outcome {
            Err(error) if self.is_pause && error.data.kind == ErrorKind::Timeout => Ok(Value::Null),
            Ok(_) if self.is_pause => Ok(Value::Null),
            outcome => outcome,
        }
    }

    pub(super) fn calls(calls: Vec<Call>) -> Self {
        Self { calls, is_pause: false }
    }

    /// Lets `ms` pass. The desktop waits, so that programs that paste are served meanwhile and the
    /// run's record has it.
    pub(super) fn pause(ms: u32) -> Self {
        let params = StillParams { still_ms: ms, region: None, timeout_ms: Some(ms) };
        Self { calls: vec![Call::WaitStill(params)], is_pause: true }
    }
}

impl From<Call> for Plan {
    fn from(call: Call) -> Self {
        Self::calls(vec![call])
    }
}

fn parse<T: DeserializeOwned>(action: &Value) -> Result<T, ActionError> {
    serde_json::from_value(action.clone())
        .map_err(|e| ActionError::Form(Untrusted::new(plain(&e.to_string())).escaped(MAX_REASON)))
}

/// The pixel as a target.
pub(super) fn at(point: Point) -> Target {
    Target::new(Find::Point(point))
}
