//! karakurid's end of the monitor's link: start a sandbox, kill it, hear how it ended.

use std::cell::RefCell;
use std::collections::HashSet;
use std::os::fd::{BorrowedFd, OwnedFd};

use karakuri_link::AsyncLink;
use karakuri_protocol::job::Exit;
use karakuri_sandbox::child::{LayerFailure, Status};
use karakuri_sandbox::link::LinkError;
use karakuri_sandbox::monitor::{Capacities, Event, Request, Sandbox, Usage};
use karakuri_sandbox::policy::Control;

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

/// The run's file systems, and what bounds memory and processes.
#[derive(Debug)]
pub struct Ground {
    /// The directory behind `/work`.
    pub work: OwnedFd,
    /// The directory behind `/files`.
    pub files: OwnedFd,
    /// What bounds memory and processes.
    pub control: Control,
}

/// How a sandbox ended.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub id: SandboxId,
    /// What its first process said; none if it was killed.
    pub status: Option<Status>,
    /// What it used.
    pub usage: Usage,
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
    pub async fn prepare(&self, capacities: Capacities) -> Result<Ground, WallsError> {
        self.link.send(&Request::Prepare(capacities), &[])?;
        let (event, fds) = self.next_with_fds().await?;
        match (event, <[OwnedFd; 2]>::try_from(fds)) {
            (Event::Prepared { control }, Ok([work, files])) => Ok(Ground { work, files, control }),
            (Event::Refused { failure, .. }, _) => Err(WallsError::Refused(failure)),
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
    pub async fn ended(&self) -> Result<Ended, WallsError> {
        loop {
            if let Event::Ended { id, status, usage } = self.next().await? {
                return Ok(Ended { id: SandboxId(id), status, usage });
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
        self.next_with_fds().await.map(|(event, _)| event)
    }

    async fn next_with_fds(&self) -> Result<(Event, Vec<OwnedFd>), WallsError> {
        let (event, fds) = self.link.recv::<Event>().await?.ok_or(WallsError::Gone)?;
        if let Event::Ended { id, .. } = &event {
            self.gone.borrow_mut().insert(*id);
        }
        Ok((event, fds))
    }
}
