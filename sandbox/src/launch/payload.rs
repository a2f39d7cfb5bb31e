//! After the last layer: the sandbox's first process starts the payload and reaps its tree.
//!
//! It is pid 1 of its namespace, so when it ends the kernel kills everything else in there.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, WaitOptions};

use super::{LayerError, SOCKET_FD, network, program, report};
use crate::child::{Ending, Order, Report, Status};
use crate::link::Link;
use crate::policy::{Command, Payload, Policy};
use crate::sys::{self, Fork};

/// How long a serving sandbox waits for orders before it looks for ended children, in ms. SIGCHLD
/// interrupts the wait, so this only bounds the rare case that one arrives just before it.
const REAP_MS: i64 = 200;

/// Runs the payload to its end; the exit code of the launcher.
pub(super) fn run(policy: &Policy, status: &mut File) -> u8 {
    let ended = match &policy.payload {
        Payload::Run { command, socket } => run_one(command, *socket),
        Payload::Serve => serve(policy),
    };
    match ended {
        Ok(ending) => {
            report(status, &Status::Ended(ending));
            0
        }
        Err(e) => {
            report(
                status,
                &Status::Refused(crate::child::LayerFailure {
                    layer: "payload".to_owned(),
                    reason: e.to_string(),
                    mend: "check that the program exists on this machine and is executable"
                        .to_owned(),
                }),
            );
            crate::child::EXIT_LAYER
        }
    }
}

/// Starts one program and waits for it, reaping whatever else ends meanwhile.
fn run_one(command: &Command, socket: bool) -> Result<Ending, LayerError> {
    if !socket {
        drop(sys::inherited_fd(SOCKET_FD)?);
    }
    // The program is checked before the fork, so that a missing one is told apart from a program
    // that itself returns 127.
    rustix::fs::access(command.program.as_str(), rustix::fs::Access::EXEC_OK)
        .map_err(|e| format!("{}: {e}", command.program))?;
    let pid = match sys::fork()? {
        Fork::Parent(pid) => pid,
        Fork::Child => program::become_program(command),
    };
    // The parent keeps no copy of the payload's fds: its peer must see the socket close.
    release_payload_fds(if socket { SOCKET_FD } else { SOCKET_FD - 1 })?;
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((ended, how))) if ended.as_raw_nonzero().get() == pid => {
                return Ok(ending(how));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(format!("waiting for the payload: {e}").into()),
        }
    }
}

/// Closes fds 0 to `last` in this process.
fn release_payload_fds(last: i32) -> Result<(), LayerError> {
    for number in 0..=last {
        drop(sys::inherited_fd(number)?);
    }
    Ok(())
}

/// Starts programs as ordered until the other end of fd 3 closes.
fn serve(policy: &Policy) -> Result<Ending, LayerError> {
    let link = Link::from_fd(sys::inherited_fd(SOCKET_FD)?)?;
    if let Some(socket) = network::proxy_socket(policy)? {
        link.send(&Report::Proxy, &[socket.as_fd()])?;
    }
    let mut running: HashMap<Pid, u32> = HashMap::new();
    loop {
        reap(&link, &mut running)?;
        let wait = Timespec { tv_sec: 0, tv_nsec: REAP_MS * 1_000_000 };
        let mut fds = [PollFd::new(&link, PollFlags::IN)];
        match rustix::event::poll(&mut fds, Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(e) => return Err(format!("waiting for orders: {e}").into()),
        }
        let Some((order, fds)) = link.recv::<Order>()? else {
            return Ok(Ending::Code(0));
        };
        let id = order.id;
        let pid = program::start(policy, &order, fds)?;
        running.insert(pid, id);
        link.send(&Report::Started { id }, &[])?;
    }
}

fn reap(link: &Link, running: &mut HashMap<Pid, u32>) -> Result<(), LayerError> {
    while let Ok(Some((pid, how))) = rustix::process::wait(WaitOptions::NOHANG) {
        if let Some(id) = running.remove(&pid) {
            link.send(&Report::Ended { id, ending: ending(how) }, &[])?;
        }
    }
    Ok(())
}

fn ending(status: rustix::process::WaitStatus) -> Ending {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ending::Code(code),
        (None, Some(signal)) => Ending::Signal(signal),
        (None, None) => Ending::Code(program::EXEC_FAILED),
    }
}
