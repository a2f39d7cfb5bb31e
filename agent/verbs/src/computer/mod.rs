//! The actions that models for computer use ask for, as calls of the script API. Used by
//! `karakuri desktop` and by the MCP front; each gives an action as the model wrote it.
//!
//! An object with `action` is one of Anthropic's (`computer_20241022` to `computer_20251124`), an object
//! with `type` one of OpenAI's (`ComputerAction` of the Responses API), one with `actions` several of those. Both number pixels as we do. What
//! is not published is refused and not guessed at.

mod anthropic;
mod keys;
mod openai;
mod plan;
mod schema;
#[cfg(test)]
mod tests;

pub use plan::{ActionError, Plan};
pub use schema::schema;

/// The name under which an action is given, beside the methods of the script API.
pub const METHOD: &str = "computer";
