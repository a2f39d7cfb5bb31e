//! The program that gives a courier its credentials, as the monitor starts it.
#![cfg(test)]

use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use karakuri_sandbox::link::Link;
use karakuri_sandbox::monitor::credentials::{Ask, Given, Programs, Turn};
use rustix::event::{PollFd, PollFlags, Timespec};

const LONG: Duration = Duration::from_secs(60);

struct Rig {
    programs: Programs,
    courier: Link,
}

impl Rig {
    fn new(command: &[&str], time: Duration) -> Self {
        let (ours, courier) = Link::pair().unwrap();
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let log = File::create("/dev/null").unwrap().into();
        Self { programs: Programs::new(ours, &command, log, time).unwrap(), courier }
    }

    /// Asks, and reads what is printed.
    fn ask(&mut self) -> Result<String, String> {
        self.courier.send(&Ask::Credentials, &[]).unwrap();
        assert_eq!(self.programs.turn().unwrap(), Turn::Open);
        match self.courier.recv().unwrap().unwrap() {
            (Given::Output, mut fds) => {
                let mut text = String::new();
                File::from(fds.pop().unwrap()).read_to_string(&mut text).unwrap();
                Ok(text)
            }
            (Given::Refused { message }, _) => Err(message),
        }
    }

    /// Takes turns as the monitor does until no program runs.
    fn until_idle(&mut self) {
        while let Some(until) = self.programs.until() {
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).unwrap();
            let mut fds = [PollFd::from_borrowed_fd(self.programs.waiting_for(), PollFlags::IN)];
            rustix::event::poll(&mut fds, Some(&left)).unwrap();
            assert_eq!(self.programs.turn().unwrap(), Turn::Open);
        }
    }
}

/// The monitor is root, of a user namespace of its own where it was not before: there an ordinary user's test
/// is run. Whether that was done.
fn passed_as_monitor(test: &str) -> bool {
    if rustix::process::geteuid().is_root() {
        return false;
    }
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user"]).arg(std::env::current_exe().unwrap());
    assert!(unshare.args([test, "--exact"]).status().unwrap().success(), "{test}");
    true
}

#[test]
fn it_prints_into_a_pipe_and_may_be_asked_again() {
    if passed_as_monitor("it_prints_into_a_pipe_and_may_be_asked_again") {
        return;
    }
    let mut rig = Rig::new(&["/usr/bin/printf", "%s", "{}"], LONG);
    for _ in 0..2 {
        assert_eq!(rig.ask().as_deref(), Ok("{}"));
        rig.until_idle();
    }
    drop(rig.courier);
    // A program that another test starts has a copy of that end until it is executed.
    let mut fds = [PollFd::from_borrowed_fd(rig.programs.waiting_for(), PollFlags::IN)];
    rustix::event::poll(&mut fds, None).unwrap();
    assert_eq!(rig.programs.turn().unwrap(), Turn::Closed);
}

#[test]
fn it_has_no_privilege_no_environment_and_no_fd_of_ours() {
    if passed_as_monitor("it_has_no_privilege_no_environment_and_no_fd_of_ours") {
        return;
    }
    let status = Rig::new(&["/usr/bin/cat", "/proc/self/status"], LONG).ask().unwrap();
    for line in ["CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"] {
        assert!(status.lines().any(|found| found == line), "{line}: {status}");
    }
    let environment = Rig::new(&["/usr/bin/env"], LONG).ask().unwrap();
    assert_eq!(environment, "PATH=/usr/bin:/bin\nLANG=C.UTF-8\n");
    // The fourth is the directory that is listed.
    let fds = Rig::new(&["/usr/bin/ls", "/proc/self/fd"], LONG).ask().unwrap();
    assert_eq!(fds, "0\n1\n2\n3\n");
}

#[test]
fn one_that_takes_too_long_is_ended() {
    if passed_as_monitor("one_that_takes_too_long_is_ended") {
        return;
    }
    let mut rig = Rig::new(&["/usr/bin/tail", "-f", "/dev/null"], Duration::ZERO);
    rig.courier.send(&Ask::Credentials, &[]).unwrap();
    rig.programs.turn().unwrap();
    let (given, mut fds) = rig.courier.recv::<Given>().unwrap().unwrap();
    assert_eq!(given, Given::Output);
    rig.until_idle();
    let mut text = String::new();
    File::from(fds.pop().unwrap()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "");
}

#[test]
fn one_that_is_not_there_is_named() {
    let refused = Rig::new(&["/nowhere/helper"], LONG).ask().unwrap_err();
    assert!(refused.contains("/nowhere/helper") && refused.contains("site.toml"), "{refused}");
}

#[test]
fn whoever_speaks_something_else_gets_nothing() {
    let mut rig = Rig::new(&["/usr/bin/printf", "x"], LONG);
    rig.courier.send(&"run /bin/sh", &[]).unwrap();
    assert_eq!(rig.programs.turn().unwrap(), Turn::Closed);
    assert!(rig.programs.until().is_none());
}
