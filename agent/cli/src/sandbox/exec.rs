//! `karakuri sandbox exec`: stdin, stdout, stderr and the exit code pass through; nothing else does.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use karakuri_sandbox::child::{Ending, Status};
use karakuri_sandbox::monitor::{Event, Request, Sandbox, Usage};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::pipe::PipeFlags;

use super::files::Directory;
use super::owner::{Monitor, Named, command, gone, refused, talking};
use super::{EXIT_LIMIT, EXIT_NOT_FOUND, EXIT_OWN, EXIT_SIGNAL};
use crate::cli::Exec;
use crate::error::CliError;
use crate::{doctor, run};

/// The one sandbox of this monitor.
const ID: u32 = 1;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const SIGKILL: i32 = 9;
const INTERRUPTED: u8 = 130;

/// Runs the command; its exit code.
pub(super) fn run(arguments: &Exec) -> Result<u8, CliError> {
    doctor::require_platform()?;
    let limits = Named::new(&arguments.walls.limits)?;
    let wanted = command(&arguments.walls, &limits, &arguments.words)?;
    let directory = arguments.work.as_deref().map(Directory::open).transpose()?;
    let stop = run::stop_signals()?;
    let monitor = Monitor::start()?;
    let (_, areas) = monitor.prepare(limits.get("work_mb") * MIB)?;
    let work = areas.first().ok_or_else(|| CliError::internal("preparing")("no /work came"))?;
    if let Some(directory) = &directory {
        directory.copy_into(work.as_fd())?;
    }
    let streams =
        Streams::start(&monitor, Sandbox::Command(wanted), limits.get("output_kb") * KIB)?;
    let wall = Duration::from_secs(limits.get("wall_s"));
    let ended = streams.follow(&monitor, &stop, wall)?;
    // Everything in the sandbox is dead: what lies in /work holds still.
    if let Some(directory) = &directory {
        for line in directory.copy_back(work.as_fd())? {
            eprintln!("karakuri: {line}");
        }
    }
    monitor.end();
    ended.exit()
}

/// How the command ended.
struct Ended {
    status: Option<Status>,
    usage: Usage,
    stopped: Option<Stopped>,
}

/// Why it was killed.
#[derive(Clone, Copy)]
enum Stopped {
    Wall(Duration),
    Output(u64),
    Person,
}

impl Ended {
    /// The exit code, with a word on stderr where the code alone does not say it.
    fn exit(self) -> Result<u8, CliError> {
        if self.usage.memory_kills > 0 {
            eprintln!("karakuri: memory was used up (--limit memory_mb)");
        }
        if self.usage.processes_refused > 0 {
            eprintln!("karakuri: processes were refused (--limit processes)");
        }
        match (self.stopped, self.status) {
            (Some(Stopped::Wall(wall)), _) => {
                eprintln!("karakuri: stopped after {} s (--limit wall_s)", wall.as_secs());
                Ok(EXIT_LIMIT)
            }
            (Some(Stopped::Output(room)), _) => {
                eprintln!(
                    "karakuri: stopped after {} KiB of output (--limit output_kb)",
                    room / KIB
                );
                Ok(EXIT_LIMIT)
            }
            (Some(Stopped::Person), _) => Ok(INTERRUPTED),
            (None, Some(Status::Refused(failure))) if failure.layer == "payload" => {
                eprintln!("karakuri: {}", failure.reason);
                Ok(EXIT_NOT_FOUND)
            }
            (None, Some(Status::Refused(failure))) => Err(CliError::Layer(failure)),
            (None, Some(Status::Ended(Ending::Code(code)))) => {
                Ok(u8::try_from(code).unwrap_or(EXIT_OWN))
            }
            (None, Some(Status::Ended(Ending::Signal(signal)))) => Ok(by_signal(signal)),
            // The first process of the sandbox was killed with the rest.
            (None, None) => Ok(by_signal(SIGKILL)),
        }
    }
}

fn by_signal(signal: i32) -> u8 {
    u8::try_from(signal).map_or(EXIT_OWN, |signal| EXIT_SIGNAL.saturating_add(signal))
}

/// The command's output on its way to ours.
struct Streams {
    out: File,
    err: File,
    room: u64,
    limit: u64,
}

impl Streams {
    /// Starts the sandbox with pipes for its input and output.
    fn start(monitor: &Monitor, sandbox: Sandbox, limit: u64) -> Result<Self, CliError> {
        let pipe = || {
            rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(CliError::internal("making a pipe"))
        };
        let ((input, feed), (out, out_end), (err, err_end)) = (pipe()?, pipe()?, pipe()?);
        let fds = [input.as_fd(), out_end.as_fd(), err_end.as_fd()];
        monitor.link.send(&Request::Start { id: ID, sandbox }, &fds).map_err(talking)?;
        match monitor.link.recv::<Event>().map_err(talking)? {
            Some((Event::Started { .. }, _)) => {}
            Some((Event::Refused { failure, .. }, _)) => return Err(refused(failure)),
            _ => return Err(gone()),
        }
        feed_stdin(feed);
        Ok(Self { out: out.into(), err: err.into(), room: limit, limit })
    }

    /// Passes output on until the sandbox has ended.
    fn follow(
        mut self,
        monitor: &Monitor,
        stop: &UnixStream,
        wall: Duration,
    ) -> Result<Ended, CliError> {
        let deadline = Instant::now() + wall;
        let mut stopped = None;
        let mut open = [true; 2];
        loop {
            let closed = PollFlags::empty();
            let wanted = |open: bool| if open { PollFlags::IN } else { closed };
            let mut fds = [
                PollFd::new(&monitor.link, PollFlags::IN),
                PollFd::new(stop, wanted(stopped.is_none())),
                PollFd::new(&self.out, wanted(open[0])),
                PollFd::new(&self.err, wanted(open[1])),
            ];
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
            match rustix::event::poll(&mut fds, stopped.is_none().then_some(&left)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(CliError::internal("waiting for the command")(e)),
            }
            let ready = fds.each_ref().map(|fd| !fd.revents().is_empty());
            let reason = if stopped.is_some() {
                None
            } else if ready[1] && run::drain(stop) {
                Some(Stopped::Person)
            } else {
                (Instant::now() >= deadline).then_some(Stopped::Wall(wall))
            };
            let mut overrun = None;
            for (index, is_open) in open.iter_mut().enumerate() {
                if *is_open && ready[index + 2] {
                    *is_open = self.pass(index)?;
                    if self.room == 0 && stopped.is_none() {
                        overrun = Some(Stopped::Output(self.limit));
                    }
                }
            }
            if let Some(reason) = reason.or(overrun) {
                stopped = Some(reason);
                monitor.link.send(&Request::Kill { id: ID }, &[]).map_err(talking)?;
            }
            if ready[0] {
                match monitor.link.recv::<Event>().map_err(talking)? {
                    Some((Event::Ended { status, usage, .. }, _)) => {
                        // Nobody writes any more: what the pipes hold ends with them.
                        while open[0] && self.pass(0)? {}
                        while open[1] && self.pass(1)? {}
                        return Ok(Ended { status, usage, stopped });
                    }
                    Some(_) => {}
                    None => return Err(gone()),
                }
            }
        }
    }

    /// Passes on what one stream holds, as far as there is room; false at its end.
    fn pass(&mut self, index: usize) -> Result<bool, CliError> {
        let mut buffer = [0u8; 64 * 1024];
        let passing = || CliError::internal("passing output on");
        let stream = if index == 0 { &mut self.out } else { &mut self.err };
        let count = stream.read(&mut buffer).map_err(passing())?;
        let fits = usize::try_from(self.room).unwrap_or(usize::MAX).min(count);
        self.room -= fits as u64;
        let text = &buffer[..fits];
        // Our own reader may be gone; the command's end still counts.
        let _written = if index == 0 {
            std::io::stdout().write_all(text).and_then(|()| std::io::stdout().flush())
        } else {
            std::io::stderr().write_all(text)
        };
        Ok(count > 0)
    }
}

/// Copies our stdin to the command for as long as both are there. The thread ends with us.
fn feed_stdin(pipe: OwnedFd) {
    std::thread::spawn(move || {
        // A command that does not read its input is no error.
        let _copied = std::io::copy(&mut std::io::stdin().lock(), &mut File::from(pipe));
    });
}
