//! Starting a program in a sandbox: its fds, what it gets of walls besides the sandbox's own, exec.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::process::Pid;

use super::{LayerError, c_string, confine};
use crate::child::Order;
use crate::policy::{Command, Policy};
use crate::sys::{self, Fork};

/// Exit code of a program that could not be executed, as shells use it.
pub(super) const EXEC_FAILED: i32 = 127;

/// Starts what is ordered in a serving sandbox, with `fds` from 1 on.
pub(super) fn start(policy: &Policy, order: &Order, fds: Vec<OwnedFd>) -> Result<Pid, LayerError> {
    match sys::fork()? {
        Fork::Parent(pid) => Pid::from_raw(pid).ok_or_else(|| "fork returned no pid".into()),
        Fork::Child => {
            let placed = fds.iter().zip(1..).try_for_each(|(fd, to)| sys::place_fd(fd.as_fd(), to));
            if placed.is_err() || confine_child(policy, order.nested).is_err() {
                sys::exit_now(EXEC_FAILED);
            }
            // Dropping them would close what was just placed if a number coincides.
            std::mem::forget(fds);
            become_program(&Command { program: chosen(order), ..order.command.clone() })
        }
    }
}

fn confine_child(policy: &Policy, nested: bool) -> Result<(), LayerError> {
    match (policy.nested, nested) {
        (true, nested) => confine::program(policy, nested),
        (false, false) => Ok(()),
        (false, true) => Err("this sandbox has no room for another".into()),
    }
}

/// Debian starts browsers by a shell script that asks /proc about the machine, which is not to be seen
/// here, and would end; the program itself lies in a directory of its name.
fn chosen(order: &Order) -> String {
    let program = &order.command.program;
    let name = Path::new(program).file_name().map(|name| name.to_string_lossy());
    let itself = name.map(|name| format!("/usr/lib/{name}/{name}"));
    let there = |path: &String| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    itself.filter(|path| order.nested && there(path)).unwrap_or_else(|| program.clone())
}

/// In a fresh child: own session, working directory, exec.
pub(super) fn become_program(command: &Command) -> ! {
    let failed = || -> Result<std::io::Error, LayerError> {
        // A tree of pid 1 cannot outlive it; a child with its own session gets no stray signals.
        rustix::process::setsid()?;
        rustix::process::chdir(command.directory.as_str())?;
        let program = c_string(&command.program)?;
        let mut arguments = vec![program.clone()];
        for argument in &command.arguments {
            arguments.push(c_string(argument)?);
        }
        let mut environment = Vec::new();
        for (name, value) in &command.environment {
            environment.push(c_string(&format!("{name}={value}"))?);
        }
        Ok(sys::exec(&program, &arguments, &environment))
    };
    drop(failed());
    sys::exit_now(EXEC_FAILED)
}
