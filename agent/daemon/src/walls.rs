//! karakurid's end of the monitor's link: start a sandbox, kill it, hear how it ended.

use std::cell::RefCell;
use std::collections::HashSet;
use std::os::fd::BorrowedFd;

use karakuri_protocol::job::Exit;
use karakuri_sandbox::child::{LayerFailure, Status};
use karakuri_sandbox::link::LinkError;
use karakuri_sandbox::monitor::{Capacities, Event, Request, Sandbox};

use crate::async_link::AsyncLink;
use crate::end::End;

/// A sandbox of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxId(u32);

/// The monitor, as karakurid sees it.
#[derive(Debug)]
pub struct Walls {
    link: AsyncLink,
    last: u32,
    gone: RefCell<HashSet<u32>>,
}

/// Why the monitor did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WallsError {
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The monitor is gone.
    #[error("karakuri-monitor is gone")]
    Gone,
    /// A wall cannot be put up.
    #[error("{}: {}. {}", .0.layer, .0.reason, .0.mend)]
    Refused(LayerFailure),
    /// An answer to something else.
    #[error("karakuri-monitor answered out of turn")]
    OutOfTurn,
}

impl From<WallsError> for End {
    fn from(error: WallsError) -> Self {
        match error {
            WallsError::Refused(failure) => sandbox_refused(&failure),
            other => End::internal("talking to karakuri-monitor", other),
        }
    }
}

/// The end of a run whose sandbox could not be put up.
#[must_use]
pub fn sandbox_refused(failure: &LayerFailure) -> End {
    let LayerFailure { layer, reason, mend } = failure;
    End::new(
        Exit::Sandbox,
        format!("sandbox layer {layer} could not be put up: {reason}. To mend it: {mend}"),
    )
}

impl Walls {
    /// Takes the link.
    #[must_use]
    pub fn new(link: AsyncLink) -> Self {
        Self { link, last: 0, gone: RefCell::default() }
    }

    /// Has the run's file systems made.
    ///
    /// # Errors
    /// See [`WallsError`].
    pub async fn prepare(&self, capacities: Capacities) -> Result<(), WallsError> {
        self.link.send(&Request::Prepare(capacities), &[])?;
        match self.next().await? {
            Event::Prepared => Ok(()),
            Event::Refused { failure, .. } => Err(WallsError::Refused(failure)),
            _ => Err(WallsError::OutOfTurn),
        }
    }

    /// Starts a sandbox. Its layers are put up after this returns; if one fails the sandbox ends
    /// with [`Status::Refused`].
    ///
    /// # Errors
    /// See [`WallsError`].
    pub async fn start(
        &mut self,
        sandbox: Sandbox,
        fds: &[BorrowedFd<'_>],
    ) -> Result<SandboxId, WallsError> {
        self.last += 1;
        let id = self.last;
        self.link.send(&Request::Start { id, sandbox }, fds)?;
        match self.next().await? {
            Event::Started { id: started } if started == id => Ok(SandboxId(id)),
            Event::Refused { failure, .. } => Err(WallsError::Refused(failure)),
            // One that was started before has ended meanwhile: the run cannot go on without it.
            Event::Ended { status: Some(Status::Refused(failure)), .. } => {
                Err(WallsError::Refused(failure))
            }
            _ => Err(WallsError::OutOfTurn),
        }
    }

    /// Waits until a sandbox has ended, with everything in it.
    ///
    /// # Errors
    /// See [`WallsError`].
    pub async fn ended(&self) -> Result<(SandboxId, Option<Status>), WallsError> {
        loop {
            if let Event::Ended { id, status } = self.next().await? {
                return Ok((SandboxId(id), status));
            }
        }
    }

    /// Kills a sandbox with everything in it and waits until nothing is left.
    ///
    /// # Errors
    /// See [`WallsError`].
    pub async fn kill(&self, sandbox: SandboxId) -> Result<(), WallsError> {
        self.link.send(&Request::Kill { id: sandbox.0 }, &[])?;
        while !self.gone.borrow().contains(&sandbox.0) {
            self.next().await?;
        }
        Ok(())
    }

    async fn next(&self) -> Result<Event, WallsError> {
        let (event, _) = self.link.recv::<Event>().await?.ok_or(WallsError::Gone)?;
        if let Event::Ended { id, .. } = &event {
            self.gone.borrow_mut().insert(*id);
        }
        Ok(event)
    }
}
