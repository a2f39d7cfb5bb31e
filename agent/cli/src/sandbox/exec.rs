//! `karakuri sandbox exec`: stdin, stdout, stderr and the exit code pass through; nothing else does.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use karakuri_sandbox::child::{Ending, Status};
use karakuri_sandbox::monitor::{Event, Request, Sandbox, Usage};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::pipe::PipeFlags;

use super::files::Directory;
use super::owner::{Monitor, Named, command, gone, refused, talking};
use super::stream::Stream;
use super::{EXIT_LIMIT, EXIT_NOT_FOUND, EXIT_OWN, EXIT_SIGNAL};
use crate::cli::Exec;
use crate::error::CliError;
use crate::{doctor, run};

/// The one sandbox of this monitor.
const ID: u32 = 1;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// The signals of signal(7) that mean a limit was hit.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;
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
    let streams = start(&monitor, Sandbox::Command(wanted))?;
    let wall = Duration::from_secs(limits.get("wall_s"));
    let output = limits.get("output_kb") * KIB;
    let running = Running {
        monitor: &monitor,
        person: &stop,
        streams,
        wall,
        deadline: Instant::now() + wall,
        output,
        room: output,
        hurry: false,
        stopped: None,
        ended: None,
    };
    let ended = running.follow()?;
    // Everything in the sandbox is dead: what lies in /work holds still.
    if let Some(directory) = &directory {
        for line in directory.copy_back(work.as_fd())? {
            eprintln!("karakuri: {line}");
        }
    }
    drop(monitor);
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
            (None, Some(Status::Ended(ending))) => {
                let code = match ending {
                    Ending::Code(code) => u8::try_from(code).unwrap_or(EXIT_OWN),
                    Ending::Signal(signal) => by_signal(signal),
                };
                // The command itself was killed, or as a shell says it one that it waited for.
                if code == by_signal(SIGXCPU) {
                    eprintln!("karakuri: processor time was used up (--limit cpu_s)");
                }
                if code == by_signal(SIGXFSZ) {
                    eprintln!("karakuri: a file grew too large (--limit file_mb)");
                }
                Ok(code)
            }
            // The first process of the sandbox was killed with the rest.
            (None, None) => Ok(by_signal(SIGKILL)),
        }
    }
}

fn by_signal(signal: i32) -> u8 {
    u8::try_from(signal).map_or(EXIT_OWN, |signal| EXIT_SIGNAL.saturating_add(signal))
}

/// Starts the sandbox with pipes for its input and output.
fn start(monitor: &Monitor, sandbox: Sandbox) -> Result<[Stream; 2], CliError> {
    let pipe =
        || rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(CliError::internal("making a pipe"));
    let ((input, feed), (out, out_end), (err, err_end)) = (pipe()?, pipe()?, pipe()?);
    let fds = [input.as_fd(), out_end.as_fd(), err_end.as_fd()];
    monitor.link.send(&Request::Start { id: ID, sandbox }, &fds).map_err(talking)?;
    match monitor.link.recv::<Event>().map_err(talking)? {
        Some((Event::Started { .. }, _)) => {}
        Some((Event::Refused { failure, .. }, _)) => return Err(refused(failure)),
        _ => return Err(gone()),
    }
    feed_stdin(feed);
    Ok([Stream::new(out, std::io::stdout())?, Stream::new(err, std::io::stderr())?])
}

/// The command while it runs, and its output after that.
struct Running<'a> {
    monitor: &'a Monitor,
    person: &'a UnixStream,
    streams: [Stream; 2],
    wall: Duration,
    deadline: Instant,
    output: u64,
    room: u64,
    /// Our reader gets what it takes at once, and the rest is dropped.
    hurry: bool,
    stopped: Option<Stopped>,
    ended: Option<(Option<Status>, Usage)>,
}

/// What poll(2) found.
struct Ready {
    event: bool,
    person: bool,
    streams: [bool; 2],
}

impl Running<'_> {
    /// Passes output on until the command has ended and all it said is passed on.
    fn follow(mut self) -> Result<Ended, CliError> {
        while let Some(ready) = self.wait()? {
            if ready.person && run::drain(self.person) {
                self.hurry = true;
                self.stop(Stopped::Person)?;
            }
            let runs = self.ended.is_none() || self.stopped.is_some();
            if runs && Instant::now() >= self.deadline {
                self.hurry = true;
                self.stop(Stopped::Wall(self.wall))?;
            }
            let mut all = true;
            for (stream, ready) in self.streams.iter_mut().zip(ready.streams) {
                all &= !ready || stream.step(&mut self.room)?;
            }
            if !all {
                self.stop(Stopped::Output(self.output))?;
            }
            if ready.event {
                match self.monitor.link.recv::<Event>().map_err(talking)? {
                    Some((Event::Ended { status, usage, .. }, _)) => {
                        self.ended = Some((status, usage));
                    }
                    Some(_) => {}
                    None => return Err(gone()),
                }
            }
        }
        let (status, usage) = self.ended.ok_or_else(gone)?;
        Ok(Ended { status, usage, stopped: self.stopped })
    }

    /// Waits for something to do; none when there is nothing any more.
    fn wait(&self) -> Result<Option<Ready>, CliError> {
        let awaited = self.streams.each_ref().map(Stream::awaited);
        let over = self.ended.is_some();
        if over && awaited.iter().all(Option::is_none) {
            return Ok(None);
        }
        let left = match (self.hurry, over) {
            (true, true) => Some(Duration::ZERO),
            (true, false) => None,
            (false, true) if self.stopped.is_none() => None,
            (false, _) => Some(self.deadline.saturating_duration_since(Instant::now())),
        };
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let event = if over { PollFlags::empty() } else { PollFlags::IN };
        let places = awaited.each_ref().map(Option::is_some);
        let mut fds =
            vec![PollFd::new(&self.monitor.link, event), PollFd::new(self.person, PollFlags::IN)];
        fds.extend(awaited.into_iter().flatten());
        let count = match rustix::event::poll(&mut fds, left.as_ref()) {
            Err(rustix::io::Errno::INTR) => 0,
            other => other.map_err(CliError::internal("waiting for the command"))?,
        };
        if over && self.hurry && count == 0 {
            return Ok(None);
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut next = || ready.next().unwrap_or_default();
        let (event, person) = (next() && !over, next());
        Ok(Some(Ready { event, person, streams: places.map(|there| there && next()) }))
    }

    /// Has the command killed; the first reason counts.
    fn stop(&mut self, why: Stopped) -> Result<(), CliError> {
        if self.stopped.is_none() && self.ended.is_none() {
            self.monitor.link.send(&Request::Kill { id: ID }, &[]).map_err(talking)?;
        }
        self.stopped.get_or_insert(why);
        Ok(())
    }
}

/// Copies our stdin to the command for as long as both are there. The thread ends with us.
fn feed_stdin(pipe: OwnedFd) {
    std::thread::spawn(move || {
        // A command that does not read its input is no error.
        let _copied = std::io::copy(&mut std::io::stdin().lock(), &mut File::from(pipe));
    });
}
