//! `--watch`: the window of a run, a process of its own on the user's display. It has one link to karakurid
//! and one to karakuri-desktop; neither is ours once the run has begun.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use karakuri_protocol::watch::{Person, Ready};
use karakuri_sandbox::link::Link;
use karakuri_sandbox::sys::{Join, Namespaces, Privilege, Spawn, Spawned};
use rustix::process::{Signal, WaitId, WaitIdOptions};

use crate::error::{CliError, at};
use crate::run::program;

/// What of the environment says where the user's display is.
const ENVIRONMENT: [&str; 3] = ["DISPLAY", "HOME", "XAUTHORITY"];

/// The window. It ends with this.
#[derive(Debug)]
pub(crate) struct Window(Spawned);

impl Window {
    /// Opens it; also the ends that go with the job, in their order.
    pub(crate) fn open() -> Result<(Self, [OwnedFd; 2]), CliError> {
        let pair = || Link::pair().map_err(CliError::internal("making a socket pair"));
        let ((control, theirs), (view, shown)) = (pair()?, pair()?);
        let path = program("karakuri-watch");
        let program = File::open(&path).map_err(at(&path))?;
        let null = File::open("/dev/null").map_err(at(Path::new("/dev/null")))?;
        let log = std::io::stderr();
        let given = ENVIRONMENT.iter().filter_map(|name| {
            let value = std::env::var_os(name)?;
            CString::new([name.as_bytes(), b"=", value.as_encoded_bytes()].concat()).ok()
        });
        let environment: Vec<CString> = given.collect();
        let spawned = Spawn {
            program: program.as_fd(),
            arguments: &[c"karakuri-watch".to_owned()],
            environment: &environment,
            fds: &[null.as_fd(), log.as_fd(), log.as_fd(), theirs.as_fd(), shown.as_fd()],
            namespaces: Namespaces::None,
            privilege: Privilege::Keep,
            cgroup: Join::Inherit,
        }
        .start()
        .map_err(at(&path))?;
        drop((theirs, shown));
        let window = Self(spawned);
        let ready = control.recv::<Ready>().map_err(CliError::internal("opening the window"))?;
        match ready {
            Some((Ready::Open, _)) => Ok((window, [control.into(), view.into()])),
            Some((Ready::Failed(why), _)) => Err(CliError::Platform(why)),
            None => Err(CliError::internal("opening the window")("karakuri-watch ended at once")),
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = rustix::process::pidfd_send_signal(&self.0.pidfd, Signal::KILL);
        let id = WaitId::PidFd(self.0.pidfd.as_fd());
        let _ended = rustix::io::retry_on_intr(|| {
            rustix::process::waitid(id.clone(), WaitIdOptions::EXITED)
        });
    }
}

/// Who sits before the window: whoever calls.
pub(crate) fn person() -> Person {
    let uid = rustix::process::getuid();
    let user = nix::unistd::User::from_uid(uid.as_raw().into()).ok().flatten();
    Person { uid: uid.as_raw(), user: user.map(|user| user.name) }
}
