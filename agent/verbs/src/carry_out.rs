//! One call to its answer.

use karakuri_protocol::desktop::Script;
use karakuri_protocol::script::{Call, CallError, ErrorKind};
use serde_json::Value;

use crate::{Desk, act, launch, look};

/// What calls mean that do not say.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long waits last, in ms.
    pub wait_ms: u32,
    /// The script that is read.
    pub language: Script,
}

/// Carries out a call that is about the desktop alone.
///
/// # Errors
/// What the desk fails with, and errors that the script is told. A call that needs more than a
/// desktop (a record, a secret, the run's files) is answered `unsupported`.
pub async fn carry_out<D: Desk>(
    desk: &mut D,
    call: &Call,
    settings: Settings,
) -> Result<Value, D::Error> {
    match call {
        Call::Click(p)
        | Call::DoubleClick(p)
        | Call::TripleClick(p)
        | Call::RightClick(p)
        | Call::MiddleClick(p)
        | Call::MouseDown(p)
        | Call::MouseUp(p)
        | Call::Hover(p) => act::point(desk, call, p, settings).await,
        Call::Drag(p) => act::drag(desk, p, settings).await,
        Call::Scroll(p) => act::scroll(desk, p, settings).await,
        Call::TypeText(_)
        | Call::Press(_)
        | Call::Hold(_)
        | Call::Paste(_)
        | Call::SetClipboard(_)
        | Call::Close(_)
        | Call::Focus(_) => act::key(desk, call).await,
        Call::Launch(p) => launch::launch(desk, p).await,
        _ => look::look(desk, call, settings).await,
    }
}

/// The error for a call that is not offered here.
pub(crate) fn unsupported() -> CallError {
    CallError::new(ErrorKind::Unsupported, "not offered in this version")
}

/// A result as the script gets it.
pub(crate) fn to_value(result: &impl serde::Serialize) -> Result<Value, CallError> {
    serde_json::to_value(result)
        .map_err(|e| CallError::new(ErrorKind::Internal, format!("writing the answer: {e}")))
}
