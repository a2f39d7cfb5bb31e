//! The monitor's link to a courier: on [`Ask::Credentials`] it starts the program that the site's
//! `identity.base.process` names and passes on the pipe it prints into. The courier says nothing of
//! what is started; karakurid has no part in it.
//!
//! The program has no privilege, no fd but its output and the log, a minimal environment and little
//! time. It can print no more than the courier reads.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::process::{Signal, WaitId, WaitIdOptions};
use serde::{Deserialize, Serialize};

use crate::launch::{LayerError, c_string};
use crate::link::{Link, LinkError};
use crate::sys::{Join, Namespaces, Privilege, Spawn};

/// How long a program may take.
pub(super) const TIME: Duration = Duration::from_secs(30);

/// What a courier asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Credentials.
    Credentials,
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Given {
    /// The program runs. Fd: the read end of the pipe it prints into.
    Output,
    /// It could not be started.
    Refused {
        /// Why, and what to do.
        message: String,
    },
}

/// The monitor's end of one courier's link.
#[derive(Debug)]
pub struct Programs {
    link: Link,
    command: Vec<CString>,
    log: OwnedFd,
    time: Duration,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    pidfd: OwnedFd,
    until: Instant,
}

/// Whether a courier may ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may.
    Open,
    /// It has closed its end.
    Closed,
}

impl Programs {
    /// Serves `link` with `command`, whose stderr is `log` and which may take `time`.
    ///
    /// # Errors
    /// When a word of the command has a NUL.
    pub fn new(
        link: Link,
        command: &[String],
        log: OwnedFd,
        time: Duration,
    ) -> Result<Self, LayerError> {
        let command = command.iter().map(|word| c_string(word)).collect::<Result<_, _>>()?;
        Ok(Self { link, command, log, time, running: None })
    }

    /// What to wait for: the end of the program if one runs, else a question.
    #[must_use]
    pub fn waiting_for(&self) -> BorrowedFd<'_> {
        self.running.as_ref().map_or(self.link.as_fd(), |running| running.pidfd.as_fd())
    }

    /// And when at the latest [`Programs::turn`] must be called.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.running.as_ref().map(|running| running.until)
    }

    /// Does what is due: reaps, ends or starts a program. It never waits for anybody.
    ///
    /// # Errors
    /// When the kernel refuses what it never refuses.
    pub fn turn(&mut self) -> Result<Turn, LayerError> {
        if let Some(running) = &self.running {
            if running.until <= Instant::now() {
                // One that has ended already cannot be killed and need not be.
                let _sent = rustix::process::pidfd_send_signal(&running.pidfd, Signal::KILL);
            }
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            match rustix::process::waitid(WaitId::PidFd(running.pidfd.as_fd()), options)? {
                Some(_) => self.running = None,
                None => return Ok(Turn::Open),
            }
        }
        match self.link.try_recv::<Ask>() {
            Ok(Some((Ask::Credentials, _))) => self.answer(),
            Ok(None) => Ok(Turn::Closed),
            Err(LinkError::Io(Errno::AGAIN)) => Ok(Turn::Open),
            // It speaks something else: a courier that is taken over. It gets no more.
            Err(_) => Ok(Turn::Closed),
        }
    }

    fn answer(&mut self) -> Result<Turn, LayerError> {
        let sent = match self.start() {
            Ok(output) => self.link.send(&Given::Output, &[output.as_fd()]),
            Err(e) => {
                let name = self.command.first().map(|name| name.to_string_lossy());
                let name = name.unwrap_or_default();
                let message = format!("identity.base.process: {name}: {e}; correct site.toml");
                self.link.send(&Given::Refused { message }, &[])
            }
        };
        // A courier that is gone is noticed at the next turn.
        drop(sent);
        Ok(Turn::Open)
    }

    fn start(&mut self) -> Result<OwnedFd, LayerError> {
        let path = self.command.first().ok_or("the command is empty")?;
        let program = File::open(path.to_str()?)?;
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let null = File::open("/dev/null")?;
        let spawned = Spawn {
            program: program.as_fd(),
            arguments: &self.command,
            environment: &[c_string("PATH=/usr/bin:/bin")?, c_string("LANG=C.UTF-8")?],
            fds: &[null.as_fd(), write.as_fd(), self.log.as_fd()],
            namespaces: Namespaces::Ipc,
            privilege: Privilege::None { group: None },
            cgroup: Join::Inherit,
        }
        .start()?;
        self.running = Some(Running { pidfd: spawned.pidfd, until: Instant::now() + self.time });
        Ok(read)
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            let _sent = rustix::process::pidfd_send_signal(&running.pidfd, Signal::KILL);
            let pidfd = WaitId::PidFd(running.pidfd.as_fd());
            let _ended = rustix::process::waitid(pidfd, WaitIdOptions::EXITED);
        }
    }
}
