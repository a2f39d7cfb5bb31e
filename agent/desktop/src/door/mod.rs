//! The script API on a display that is already there, one JSON-RPC 2.0 object a line on stdin and
//! stdout: `karakuri desktop`. For development alone: there is no run, so there is no grant, no
//! record, no secret and no seal; whoever starts it could move the mouse without it.
//!
//! The calls are carried out by the same code as in a run: [`karakuri_verbs`] over [`crate::serve`].

mod hands;
mod lines;
mod options;

pub use lines::serve;
pub use options::Options;
