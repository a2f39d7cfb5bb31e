//! The monitor's loop: requests of karakurid, ends of children.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Signal, WaitId, WaitIdOptions};

use super::host::RunRoot;
use super::templates::Templates;
use super::{Event, Request, Sandbox};
use crate::child::{LayerFailure, Status};
use crate::launch::{LayerError, c_string};
use crate::link::Link;
use crate::memfd;
use crate::policy::Policy;
use crate::sys::{Namespaces, Privilege, Spawn};

/// The most a sandbox's first process says on its status pipe.
const MAX_STATUS: u64 = 64 * 1024;

/// A running child.
#[derive(Debug)]
struct Child {
    pidfd: OwnedFd,
    status: Option<File>,
}

/// Everything the loop knows.
#[derive(Debug)]
pub(super) struct Server<'a> {
    pub(super) link: Link,
    pub(super) root: &'a RunRoot,
    pub(super) templates: Templates,
    pub(super) store: &'a Path,
    children: HashMap<u32, Child>,
}

impl<'a> Server<'a> {
    pub(super) fn new(
        link: Link,
        root: &'a RunRoot,
        templates: Templates,
        store: &'a Path,
    ) -> Self {
        Self { link, root, templates, store, children: HashMap::new() }
    }

    /// Serves until karakurid closes its end or `daemon` ends, then kills what is left.
    pub(super) fn run(&mut self, daemon: BorrowedFd<'_>) -> Result<(), LayerError> {
        let result = self.until_closed(daemon);
        self.kill_all();
        result
    }

    fn until_closed(&mut self, daemon: BorrowedFd<'_>) -> Result<(), LayerError> {
        loop {
            let ids: Vec<u32> = self.children.keys().copied().collect();
            let mut fds =
                vec![PollFd::new(&self.link, PollFlags::IN), PollFd::new(&daemon, PollFlags::IN)];
            fds.extend(ids.iter().filter_map(|id| {
                self.children.get(id).map(|child| PollFd::new(&child.pidfd, PollFlags::IN))
            }));
            rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, None))?;
            let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            let ended = ids.iter().zip(ready.iter().skip(2)).filter(|(_, ready)| **ready);
            for (id, _) in ended {
                self.reap(*id)?;
            }
            if ready.first() == Some(&true) {
                let Some((request, fds)) = self.link.recv::<Request>()? else {
                    return Ok(());
                };
                self.handle(request, fds)?;
            }
            if ready.get(1) == Some(&true) {
                return Ok(());
            }
        }
    }

    fn handle(&mut self, request: Request, fds: Vec<OwnedFd>) -> Result<(), LayerError> {
        let (id, done) = match request {
            Request::Prepare(capacities) => {
                (None, self.root.prepare(capacities).map(|()| Event::Prepared))
            }
            Request::Start { id, sandbox } => {
                (Some(id), self.start(id, sandbox, &fds).map(|()| Event::Started { id }))
            }
            Request::Kill { id } => {
                if let Some(child) = self.children.get(&id) {
                    rustix::process::pidfd_send_signal(&child.pidfd, Signal::KILL)?;
                }
                return Ok(());
            }
        };
        let event = done.unwrap_or_else(|e| Event::Refused { id, failure: namespace_failure(&*e) });
        Ok(self.link.send(&event, &[])?)
    }

    fn start(&mut self, id: u32, sandbox: Sandbox, fds: &[OwnedFd]) -> Result<(), LayerError> {
        if self.children.contains_key(&id) {
            return Err(format!("sandbox {id} exists already").into());
        }
        let wanted = if matches!(sandbox, Sandbox::Script(_)) { 3 } else { 2 };
        if fds.len() != wanted {
            return Err(format!("{wanted} fds are needed, {} came", fds.len()).into());
        }
        let child = match sandbox {
            Sandbox::Courier => self.start_courier(fds)?,
            Sandbox::Display => self.launch(&self.templates.display(), fds)?,
            Sandbox::Desktop { display } => self.launch(&self.templates.desktop(display), fds)?,
            Sandbox::Script(script) => self.launch(&self.templates.script(script)?, fds)?,
        };
        self.children.insert(id, child);
        Ok(())
    }

    /// Starts the launcher in new namespaces. `fds`: the socket, then stdout (and stderr).
    fn launch(&self, policy: &Policy, fds: &[OwnedFd]) -> Result<Child, LayerError> {
        let policy = memfd::sealed("karakuri-policy", &serde_json::to_vec(policy)?)?;
        let (status_read, status_write) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let null = File::open("/dev/null")?;
        let [socket, out, rest @ ..] = fds else {
            return Err("fds are missing".into());
        };
        let err = rest.first().unwrap_or(out);
        let program = File::open(self.templates.programs.join("karakuri-sandbox"))
            .map_err(|e| format!("karakuri-sandbox next to karakuri-monitor: {e}"))?;
        let spawned = Spawn {
            program: program.as_fd(),
            arguments: &[c_string("karakuri-sandbox")?],
            environment: &[],
            fds: &[
                null.as_fd(),
                out.as_fd(),
                err.as_fd(),
                socket.as_fd(),
                policy.as_fd(),
                status_write.as_fd(),
            ],
            namespaces: Namespaces::All,
            privilege: Privilege::Keep,
        }
        .start()?;
        Ok(Child { pidfd: spawned.pidfd, status: Some(File::from(status_read)) })
    }

    fn start_courier(&self, fds: &[OwnedFd]) -> Result<Child, LayerError> {
        let [link, log] = fds else {
            return Err("fds are missing".into());
        };
        let arguments = [
            c_string("karakuri-courier")?,
            c_string("--role")?,
            c_string("upload")?,
            c_string("--store")?,
            c_string(&self.store.to_string_lossy())?,
        ];
        let program = File::open(self.templates.programs.join("karakuri-courier"))?;
        let null = File::open("/dev/null")?;
        let spawned = Spawn {
            program: program.as_fd(),
            arguments: &arguments,
            environment: &[],
            fds: &[null.as_fd(), log.as_fd(), log.as_fd(), link.as_fd()],
            namespaces: Namespaces::NetworkAndIpc,
            privilege: Privilege::None { group: self.templates.accounts.map(|a| a.group) },
        }
        .start()?;
        Ok(Child { pidfd: spawned.pidfd, status: None })
    }

    fn reap(&mut self, id: u32) -> Result<(), LayerError> {
        let Some(child) = self.children.remove(&id) else {
            return Ok(());
        };
        let event = Event::Ended { id, status: wait(child)? };
        // karakurid may have closed its end already; then nobody waits for the event.
        drop(self.link.send(&event, &[]));
        Ok(())
    }

    fn kill_all(&mut self) {
        for (_, child) in self.children.drain() {
            // A child that has ended already cannot be killed and need not be.
            let _sent = rustix::process::pidfd_send_signal(&child.pidfd, Signal::KILL);
            drop(wait(child));
        }
    }
}

/// Waits for a child that has ended or will, and reads what its first process said. The end of pid
/// 1 is reported only after the kernel has killed and reaped all of its namespace.
fn wait(child: Child) -> Result<Option<Status>, LayerError> {
    rustix::io::retry_on_intr(|| {
        rustix::process::waitid(WaitId::PidFd(child.pidfd.as_fd()), WaitIdOptions::EXITED)
    })?;
    let Some(status) = child.status else {
        return Ok(None);
    };
    let mut text = Vec::new();
    status.take(MAX_STATUS).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).ok())
}

fn namespace_failure(error: &dyn std::error::Error) -> LayerFailure {
    LayerFailure {
        layer: "namespaces".to_owned(),
        reason: error.to_string(),
        mend: "allow user namespaces (sysctl user.max_user_namespaces, \
               kernel.apparmor_restrict_unprivileged_userns=0) or run as root"
            .to_owned(),
    }
}

/// Starts karakurid and gives it the other end of the link.
pub(super) fn start_daemon(
    programs: &Path,
    arguments: &[std::ffi::CString],
    requester: BorrowedFd<'_>,
    link: BorrowedFd<'_>,
    group: Option<u32>,
) -> Result<OwnedFd, LayerError> {
    let program = File::open(programs.join("karakurid"))
        .map_err(|e| format!("karakurid next to karakuri-monitor: {e}"))?;
    let null = File::open("/dev/null")?;
    let log = std::io::stderr();
    let spawned = Spawn {
        program: program.as_fd(),
        arguments,
        environment: &[c_string("LANG=C.UTF-8")?],
        fds: &[null.as_fd(), log.as_fd(), log.as_fd(), requester, link],
        namespaces: Namespaces::NetworkAndIpc,
        privilege: Privilege::None { group },
    }
    .start()?;
    Ok(spawned.pidfd)
}

/// The exit code of an ended child.
pub(super) fn exit_code(pidfd: BorrowedFd<'_>) -> Result<u8, LayerError> {
    let status = rustix::io::retry_on_intr(|| {
        rustix::process::waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED)
    })?;
    let code = status.and_then(|s| s.exit_status()).and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(1))
}
