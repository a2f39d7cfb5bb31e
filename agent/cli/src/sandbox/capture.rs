//! A command in the script's sandbox whose input and output are ours: for what must be read by a
//! program and must not be believed.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use karakuri_sandbox::child::{Ending, Status};
use karakuri_sandbox::monitor::{Event, Request, Sandbox};
use rustix::pipe::PipeFlags;

use super::owner::{Monitor, Named, command, gone, refused, talking};
use crate::cli::Walls;
use crate::error::CliError;

/// The one sandbox of this monitor.
const ID: u32 = 1;
/// Seconds of processor time, and the most of an answer in bytes.
const CPU_S: &str = "20";
const MAX_OUTPUT: u64 = 1024 * 1024;
const MIB: u64 = 1024 * 1024;

/// Runs `words` with `input` and gives what it printed on stdout. What it says on stderr is dropped.
///
/// # Errors
/// Where there is no sandbox, or the command did not end well.
pub(crate) fn output(words: &[String], input: Vec<u8>) -> Result<Vec<u8>, CliError> {
    let pipe =
        || rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(CliError::internal("making a pipe"));
    let cpu = ("cpu_s".to_owned(), CPU_S.to_owned());
    let walls = Walls { read_only: Vec::new(), limits: vec![cpu], environment: Vec::new() };
    let limits = Named::new(&walls.limits)?;
    let wanted = command(&walls, &limits, words)?;
    let monitor = Monitor::start()?;
    let _areas = monitor.prepare(limits.get("work_mb") * MIB)?;
    let ((stdin, feed), (out, out_end), (_err, err_end)) = (pipe()?, pipe()?, pipe()?);
    let fds = [stdin.as_fd(), out_end.as_fd(), err_end.as_fd()];
    let start = Request::Start { id: ID, sandbox: Sandbox::Command(wanted) };
    monitor.link.send(&start, &fds).map_err(talking)?;
    match monitor.link.recv::<Event>().map_err(talking)? {
        Some((Event::Started { .. }, _)) => {}
        Some((Event::Refused { failure, .. }, _)) => return Err(refused(failure)),
        _ => return Err(gone()),
    }
    drop((stdin, out_end, err_end));
    // It may answer before it has read everything; the thread ends with the command.
    std::thread::spawn(move || File::from(feed).write_all(&input));
    let mut answer = Vec::new();
    let read = File::from(out).take(MAX_OUTPUT).read_to_end(&mut answer);
    read.map_err(CliError::internal("reading the command's output"))?;
    match monitor.link.recv::<Event>().map_err(talking)? {
        Some((Event::Ended { status: Some(Status::Ended(Ending::Code(0))), .. }, _)) => Ok(answer),
        Some((Event::Ended { status: Some(Status::Refused(failure)), .. }, _)) => {
            Err(CliError::Layer(failure))
        }
        Some((Event::Ended { .. }, _)) => {
            let program = words.first().map_or("", String::as_str);
            Err(CliError::internal("a command in the sandbox")(format!("{program} failed")))
        }
        _ => Err(gone()),
    }
}
