//! The monitor's loop: requests of karakurid, ends of children.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Signal, WaitId, WaitIdOptions};

use super::cgroup::{Leaf, RunGroup};
use super::couriers::Couriers;
use super::credentials::{Programs, Turn};
use super::host::RunRoot;
use super::templates::{self, Templates};
use super::{Capacities, Courier, Event, Request, Sandbox, Usage};
use crate::child::{LayerFailure, Status};
use crate::launch::{LayerError, at, c_string};
use crate::link::Link;
use crate::memfd;
use crate::policy::Policy;
use crate::sys::{Join, Namespaces, Privilege, Spawn};

/// What stands for the layer where no layer failed.
pub const REQUEST: &str = "request";
/// Our program that restricts itself, and needs no argument for it.
const EGRESS: &str = "karakuri-egress";
/// The most a sandbox's first process says on its status pipe.
const MAX_STATUS: u64 = 64 * 1024;

/// A running child.
#[derive(Debug)]
struct Child {
    pidfd: OwnedFd,
    status: Option<File>,
    leaf: Option<Leaf>,
}

impl Child {
    /// Kills it, and with the first process of its namespace everything in there.
    fn kill(&self) {
        // A child that has ended already cannot be killed and need not be.
        let _sent = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        if let Some(leaf) = &self.leaf {
            leaf.give_processors();
        }
    }
}

/// Everything the loop knows.
#[derive(Debug)]
pub(super) struct Server<'a> {
    pub(super) link: Link,
    pub(super) root: &'a RunRoot,
    pub(super) templates: Templates,
    /// Whether the other end is the person who started this process, and what couriers need.
    pub(super) peer: Peer<'a>,
    pub(super) group: Option<RunGroup>,
    children: HashMap<u32, Child>,
    /// Links of couriers whose credentials come from a program.
    programs: Vec<Programs>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer<'a> {
    /// karakurid: it may start what a run consists of, and these couriers.
    Daemon(Couriers<'a>),
    /// The person who started the monitor: commands in the script's sandbox, with additions.
    Owner,
}

impl<'a> Server<'a> {
    pub(super) fn new(
        link: Link,
        root: &'a RunRoot,
        templates: Templates,
        peer: Peer<'a>,
        group: Option<RunGroup>,
    ) -> Self {
        let (children, programs) = (HashMap::new(), Vec::new());
        Self { link, root, templates, peer, group, children, programs }
    }

    /// Serves until the other end is closed or the process behind `peer` ends, then kills what is
    /// left.
    pub(super) fn run(&mut self, peer: Option<BorrowedFd<'_>>) -> Result<(), LayerError> {
        let result = self.until_closed(peer);
        self.kill_all();
        result
    }

    fn until_closed(&mut self, peer: Option<BorrowedFd<'_>>) -> Result<(), LayerError> {
        loop {
            let ids: Vec<u32> = self.children.keys().copied().collect();
            let mut fds = vec![PollFd::new(&self.link, PollFlags::IN)];
            fds.extend(ids.iter().filter_map(|id| {
                self.children.get(id).map(|child| PollFd::new(&child.pidfd, PollFlags::IN))
            }));
            let programs = self.programs.iter().map(Programs::waiting_for);
            fds.extend(programs.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            fds.extend(peer.as_ref().map(|peer| PollFd::new(peer, PollFlags::IN)));
            let time = self.programs.iter().filter_map(Programs::until).min();
            let time = time.map(|until| until.saturating_duration_since(Instant::now()));
            let time = time.map(Timespec::try_from).transpose()?;
            rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, time.as_ref()))?;
            let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            let ended = ids.iter().zip(ready.iter().skip(1)).filter(|(_, ready)| **ready);
            for (id, _) in ended {
                self.reap(*id)?;
            }
            self.turn_programs()?;
            if ready.first() == Some(&true) {
                let Some((request, fds)) = self.link.recv::<Request>()? else {
                    return Ok(());
                };
                self.handle(request, fds)?;
            }
            if peer.is_some() && ready.last() == Some(&true) {
                return Ok(());
            }
        }
    }

    /// One turn for every program, as each says itself what is due.
    fn turn_programs(&mut self) -> Result<(), LayerError> {
        let mut open = Vec::new();
        for mut programs in self.programs.drain(..) {
            if programs.turn()? == Turn::Open {
                open.push(programs);
            }
        }
        self.programs = open;
        Ok(())
    }

    fn handle(&mut self, request: Request, fds: Vec<OwnedFd>) -> Result<(), LayerError> {
        let (id, done) = match request {
            Request::Prepare(capacities) => match self.prepare(capacities) {
                Ok((event, areas)) => {
                    return Ok(self.link.send(&event, &areas.each_ref().map(AsFd::as_fd))?);
                }
                Err(e) => (None, Err(namespaces(e))),
            },
            Request::Explain(sandbox) => {
                let policy = self.policy(sandbox);
                (None, policy.map(|policy| Event::Explained(Box::new(policy))))
            }
            Request::Start { id, sandbox } => {
                (Some(id), self.start(id, sandbox, &fds).map(|()| Event::Started { id }))
            }
            Request::Kill { id } => {
                if let Some(child) = self.children.get(&id) {
                    child.kill();
                }
                return Ok(());
            }
        };
        let event = done.unwrap_or_else(|failure| Event::Refused { id, failure });
        Ok(self.link.send(&event, &[])?)
    }

    fn prepare(&self, capacities: Capacities) -> Result<(Event, [OwnedFd; 2]), LayerError> {
        self.root.prepare(capacities)?;
        let control = self.templates.control.clone();
        Ok((Event::Prepared { control }, self.root.areas()?))
    }

    fn start(&mut self, id: u32, sandbox: Sandbox, fds: &[OwnedFd]) -> Result<(), LayerFailure> {
        if self.children.contains_key(&id) {
            return Err(request(format!("sandbox {id} exists already")));
        }
        let wanted = match sandbox {
            Sandbox::Script(_) => 4,
            Sandbox::Command(_) => 3,
            _ => 2,
        };
        if fds.len() != wanted {
            return Err(request(format!("{wanted} fds are needed, {} came", fds.len())));
        }
        let child = match (sandbox, self.peer) {
            (Sandbox::Courier(which), Peer::Daemon(couriers)) => {
                self.start_courier(which, &couriers, fds)
            }
            (Sandbox::Egress, Peer::Daemon(_)) => {
                let name = [c_string(EGRESS).map_err(namespaces)?];
                self.start_own(&name, Namespaces::Ipc, fds, None)
            }
            (sandbox, _) => self.launch(id, &self.policy(sandbox)?, fds),
        };
        self.children.insert(id, child.map_err(namespaces)?);
        Ok(())
    }

    /// What a sandbox is made of.
    fn policy(&self, sandbox: Sandbox) -> Result<Policy, LayerFailure> {
        Ok(match (sandbox, self.peer) {
            (Sandbox::Display { proxy, nested }, _) => self.templates.display(proxy, nested),
            (Sandbox::Desktop { display }, _) => self.templates.desktop(display),
            (Sandbox::Script(script), _) => {
                if let Some(name) = templates::own_program(&script) {
                    let copied = self.root.copy_program(&self.templates.programs, name);
                    copied.map_err(namespaces)?;
                }
                self.templates.script(script).map_err(request)?
            }
            (Sandbox::Command(command), Peer::Owner) => {
                self.templates.command(command).map_err(request)?
            }
            (Sandbox::Command(_), Peer::Daemon(_)) => {
                return Err(request("karakurid may start scripts, not commands".to_owned()));
            }
            (Sandbox::Courier(_) | Sandbox::Egress, _) => {
                return Err(request("the process restricts itself; it has no policy".to_owned()));
            }
        })
    }

    /// Starts the launcher in new namespaces and a cgroup of its own. `fds`: the socket and the
    /// log, or stdin, stdout, stderr and the socket.
    fn launch(&self, id: u32, policy: &Policy, fds: &[OwnedFd]) -> Result<Child, LayerError> {
        let leaf = self.group.as_ref().map(|group| group.leaf(&id.to_string(), &policy.limits));
        let leaf = leaf.transpose().map_err(|e| format!("cgroup: {e}"))?;
        let policy = memfd::sealed("karakuri-policy", &serde_json::to_vec(policy)?)?;
        let (status_read, status_write) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let null = File::open("/dev/null")?;
        let null = OwnedFd::from(null);
        let [input, out, err, socket] = match fds {
            [socket, log] => [&null, log, log, socket],
            [input, out, err] => [input, out, err, &null],
            [input, out, err, socket] => [input, out, err, socket],
            _ => return Err("fds are missing".into()),
        };
        let program = File::open(self.templates.programs.join("karakuri-sandbox"))
            .map_err(|e| format!("karakuri-sandbox next to karakuri-monitor: {e}"))?;
        let spawned = Spawn {
            program: program.as_fd(),
            arguments: &[c_string("karakuri-sandbox")?],
            environment: &[],
            fds: &[
                input.as_fd(),
                out.as_fd(),
                err.as_fd(),
                socket.as_fd(),
                policy.as_fd(),
                status_write.as_fd(),
            ],
            namespaces: Namespaces::All,
            privilege: Privilege::Keep,
            cgroup: leaf.as_ref().map_or(Join::Inherit, Leaf::join),
        }
        .start()?;
        Ok(Child { pidfd: spawned.pidfd, status: Some(File::from(status_read)), leaf })
    }

    fn start_courier(
        &mut self,
        which: Courier,
        couriers: &Couriers<'_>,
        fds: &[OwnedFd],
    ) -> Result<Child, LayerError> {
        let [_, log] = fds else { return Err("fds are missing".into()) };
        let programs = couriers.programs(which, log)?;
        let theirs = programs.as_ref().map(|(_, link)| link.as_fd());
        let (arguments, namespaces) = (couriers.arguments(which)?, couriers.namespaces(which));
        let child = self.start_own(&arguments, namespaces, fds, theirs)?;
        self.programs.extend(programs.map(|(ours, _)| ours));
        Ok(child)
    }

    /// Starts one of our programs that restricts itself, without a privilege. `further` becomes its fd 4.
    fn start_own(
        &self,
        arguments: &[CString],
        namespaces: Namespaces,
        fds: &[OwnedFd],
        further: Option<BorrowedFd<'_>>,
    ) -> Result<Child, LayerError> {
        let ([link, log], [name, ..]) = (fds, arguments) else {
            return Err("fds or a name are missing".into());
        };
        let path = self.templates.programs.join(name.to_string_lossy().as_ref());
        let program = at("opening", &path, File::open(&path))?;
        let null = File::open("/dev/null")?;
        let mut inherited = vec![null.as_fd(), log.as_fd(), log.as_fd(), link.as_fd()];
        inherited.extend(further);
        let spawned = Spawn {
            program: program.as_fd(),
            arguments,
            environment: &[],
            fds: &inherited,
            namespaces,
            privilege: Privilege::None { group: self.templates.accounts.map(|a| a.group) },
            cgroup: Join::Inherit,
        }
        .start()?;
        Ok(Child { pidfd: spawned.pidfd, status: None, leaf: None })
    }

    fn reap(&mut self, id: u32) -> Result<(), LayerError> {
        let Some(child) = self.children.remove(&id) else {
            return Ok(());
        };
        let (status, usage) = wait(child)?;
        let event = Event::Ended { id, status, usage };
        // karakurid may have closed its end already; then nobody waits for the event.
        drop(self.link.send(&event, &[]));
        Ok(())
    }

    fn kill_all(&mut self) {
        for (_, child) in self.children.drain() {
            child.kill();
            drop(wait(child));
        }
    }
}

/// Waits for a child that has ended or will, and reads what its first process said. The end of pid
/// 1 is reported only after the kernel has killed and reaped all of its namespace. Its cgroup goes
/// with it.
fn wait(child: Child) -> Result<(Option<Status>, Usage), LayerError> {
    rustix::io::retry_on_intr(|| {
        rustix::process::waitid(WaitId::PidFd(child.pidfd.as_fd()), WaitIdOptions::EXITED)
    })?;
    let usage = child.leaf.as_ref().map(Leaf::usage).unwrap_or_default();
    let Some(status) = child.status else {
        return Ok((None, usage));
    };
    let mut text = Vec::new();
    status.take(MAX_STATUS).read_to_end(&mut text)?;
    Ok((serde_json::from_slice(&text).ok(), usage))
}

/// A request that is wrong in itself.
fn request(reason: String) -> LayerFailure {
    LayerFailure { layer: REQUEST.to_owned(), reason, mend: "ask for something else".to_owned() }
}

fn namespaces(error: LayerError) -> LayerFailure {
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
        cgroup: Join::Inherit,
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
