//! A call's way to the desktop where there is no run: nothing is recorded, nothing is kept.

use std::process::{Child, Command, Stdio};

use karakuri_protocol::desktop::{Act, FailureKind, Hit, Question, Reply, Request, Via};
use karakuri_protocol::script::{CallError, ErrorKind};
use karakuri_sandbox::memfd::read_sealed;
use karakuri_verbs::{Acted, Answer, Desk, Picture};

use crate::serve::dispatch::Dispatch;

/// How long an act's effect is waited for, in ms; as in a run.
const WATCH_MS: u32 = 1_500;
/// The largest picture, in bytes.
const MAX_PICTURE: usize = 64 * 1024 * 1024;

/// The desktop and the programs that were started on it.
#[derive(Debug)]
pub(super) struct Hands {
    pub(super) dispatch: Dispatch,
    programs: Vec<Child>,
}

impl Hands {
    /// On a desktop that is open.
    pub(super) fn new(dispatch: Dispatch) -> Self {
        Self { dispatch, programs: Vec::new() }
    }

    fn request(&mut self, request: Request) -> Result<Answer, CallError> {
        let answer = self.dispatch.answer(request, Vec::new());
        let internal =
            |e: &dyn std::fmt::Display| CallError::new(ErrorKind::Internal, e.to_string());
        if let Reply::Failed(failure) = answer.reply {
            let kind = match failure.kind {
                FailureKind::BadRequest => ErrorKind::InvalidParams,
                FailureKind::Unsupported => ErrorKind::Unsupported,
                _ => ErrorKind::Internal,
            };
            return Err(CallError::new(kind, failure.message));
        }
        let picture =
            answer.fds.into_iter().next().map(|fd| read_sealed(fd, MAX_PICTURE)).transpose();
        let picture = picture.map_err(|e| internal(&e))?;
        let picture = picture.map(|webp| Picture { webp, masked: Vec::new() });
        Ok(Answer { reply: answer.reply, picture })
    }
}

impl Desk for Hands {
    type Error = CallError;

    async fn ask(&mut self, question: Question) -> Result<Answer, CallError> {
        self.request(question.into())
    }

    async fn act(&mut self, act: Act, _via: Via) -> Result<Acted, CallError> {
        let request = Request::Act { act, watch_ms: WATCH_MS, picture: false };
        match self.request(request)?.reply {
            Reply::Acted { effect, changed, ms, via } => Ok(Acted { effect, changed, ms, via }),
            _ => Err(self.out_of_turn()),
        }
    }

    async fn start(&mut self, app: &str, arguments: &[String]) -> Result<u32, CallError> {
        let mut command = Command::new(app);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().map_err(|e| {
            let message = format!("{app:?} could not be started: {e}");
            CallError::new(ErrorKind::AppFailed, message)
        })?;
        self.programs.push(child);
        Ok(u32::try_from(self.programs.len() - 1).unwrap_or(u32::MAX))
    }

    async fn ended(&mut self, program: u32) -> Result<Option<String>, CallError> {
        let place = usize::try_from(program).unwrap_or(usize::MAX);
        let ended = self.programs.get_mut(place).and_then(|child| child.try_wait().ok().flatten());
        Ok(ended
            .filter(|status| !status.success())
            .map(|status| format!("ended with {status} before it showed a window")))
    }

    async fn started(&mut self, _acted: &Acted) -> Result<(), CallError> {
        let focused = self.dispatch.desktop.focus_unmanaged();
        focused.map_err(|e| CallError::new(ErrorKind::Internal, e.to_string()))
    }

    fn found(&mut self, _hit: &Hit) {}

    fn wants_pictures(&self) -> bool {
        false
    }

    fn keep(&mut self, _picture: Picture) -> Result<(), CallError> {
        Ok(())
    }

    fn out_of_turn(&self) -> CallError {
        CallError::new(ErrorKind::Internal, "the desktop answered out of turn")
    }
}
