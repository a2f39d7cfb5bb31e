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

/// The most actions of one list.
const MAX_ACTIONS: usize = 100;

/// What an action, or a list of them, comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    actions: Vec<Planned>,
}

/// What one action comes to.
#[derive(Clone, Debug, PartialEq)]
struct Planned {
    calls: Vec<Call>,
    is_pause: bool,
}

/// Why an action cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// Neither kind of action.
    #[error(
        "an action has its name in `action` (Anthropic) or in `type` (OpenAI); several of the latter are a list in `actions`"
    )]
    NoAction,
    /// One of several.
    #[error("action {number}: {source}")]
    Listed {
        /// Which, counted from 1.
        number: usize,
        /// Why.
        source: Box<ActionError>,
    },
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
    /// What `action` comes to, or the list of OpenAI's in its `actions`.
    ///
    /// # Errors
    /// See [`ActionError`]; of a list in which one is wrong, nothing is to be carried out.
    pub fn of(action: &Value) -> Result<Self, ActionError> {
        if action.get("action").is_some() {
            parse::<anthropic::Action>(action)?.plan()
        } else if action.get("type").is_some() {
            parse::<openai::Action>(action)?.plan()
        } else if action.get("actions").is_some() {
            Self::of_list(parse::<openai::Actions>(action)?)
        } else {
            Err(ActionError::NoAction)
        }
    }

    fn of_list(openai::Actions { actions }: openai::Actions) -> Result<Self, ActionError> {
        if !(1..=MAX_ACTIONS).contains(&actions.len()) {
            return Err(ActionError::Value { name: "actions", form: "from 1 to 100 actions" });
        }
        let mut planned = Vec::new();
        for (action, number) in actions.iter().zip(1..) {
            let plan = parse::<openai::Action>(action).and_then(openai::Action::plan);
            let listed = |error| ActionError::Listed { number, source: Box::new(error) };
            planned.extend(plan.map_err(listed)?.actions);
        }
        Ok(Self { actions: planned })
    }

    /// Has the calls carried out by `carry_out` in their order until one fails; the answer to the last is
    /// the answer. A pause is over when its time is, whether the screen held still or not.
    ///
    /// # Errors
    /// Those of `carry_out`.
    pub fn follow<E>(
        &self,
        mut carry_out: impl FnMut(&Call) -> Result<Result<Value, CallError>, E>,
    ) -> Result<Result<Value, CallError>, E> {
        let mut outcome = Ok(Value::Null);
        for (action, number) in self.actions.iter().zip(1..) {
            for call in &action.calls {
                outcome = action.answer(carry_out(call)?);
                if let Err(error) = outcome {
                    return Ok(Err(self.told(error, number)));
                }
            }
        }
        Ok(outcome)
    }

    /// Every call, in order.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &Call> {
        self.actions.iter().flat_map(|action| &action.calls)
    }

    /// Says how far a list came.
    fn told(&self, mut error: CallError, number: usize) -> CallError {
        if let count @ 2.. = self.actions.len() {
            error.message =
                format!("action {number} of {count}, the last tried: {}", error.message);
        }
        error
    }

    pub(super) fn calls(calls: Vec<Call>) -> Self {
        Self { actions: vec![Planned { calls, is_pause: false }] }
    }

    /// Lets `ms` pass. The desktop waits, so that programs that paste are served meanwhile and the
    /// run's record has it.
    pub(super) fn pause(ms: u32) -> Self {
        let params = StillParams { still_ms: ms, region: None, timeout_ms: Some(ms) };
        Self { actions: vec![Planned { calls: vec![Call::WaitStill(params)], is_pause: true }] }
    }
}

impl Planned {
    fn answer(&self, outcome: Result<Value, CallError>) -> Result<Value, CallError> {
        match outcome {
            Err(error) if self.is_pause && error.data.kind == ErrorKind::Timeout => Ok(Value::Null),
            Ok(_) if self.is_pause => Ok(Value::Null),
            outcome => outcome,
        }
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
