//! Answering karakurid: one request, one reply, in order, on one thread.
//!
//! [`server`] holds the conversation, `dispatch` gives each request to its part: `look` waits
//! for what can be seen, `act` acts and judges by `watch` what came of it.

mod act;
mod caret;
mod change;
pub mod confine;
pub(crate) mod dispatch;
mod error;
mod eyes;
mod glance;
mod look;
mod ready;
pub mod server;
mod watch;
