//! The owner's end of a monitor started for one command.

use std::ffi::CString;
use std::fs::{self, DirBuilder, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use karakuri_sandbox::child::LayerFailure;
use karakuri_sandbox::link::{Link, LinkError};
use karakuri_sandbox::monitor::{self, Capacities, Event, REQUEST, Request, Script};
use karakuri_sandbox::policy::Limits;
use karakuri_sandbox::sys::{Join, Namespaces, Privilege, Spawn, Spawned};
use karakuri_workflow::limits::{CEILINGS, DEFAULTS};

use crate::cli::Walls;
use crate::error::{CliError, at};
use crate::site::Site;

/// Where a program is looked for that is named without a directory.
const PATH: [&str; 5] = ["/usr/local/bin", "/usr/bin", "/usr/sbin", "/usr/local/sbin", "/bin"];

/// A monitor that waits for requests.
///
/// Dropped, it is ended with everything it started, and nothing is left.
#[derive(Debug)]
pub(super) struct Monitor {
    pub(super) link: Link,
    process: Spawned,
    state: PathBuf,
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // One that is closed already has ended.
        let _closed = rustix::net::shutdown(&self.link, rustix::net::Shutdown::Both);
        let _status = monitor::wait_and_tidy(&self.process, &self.state);
    }
}

impl Monitor {
    /// Starts it.
    pub(super) fn start() -> Result<Self, CliError> {
        let site = Site::find()?;
        let run = site.path().join("run");
        DirBuilder::new().recursive(true).mode(0o700).create(&run).map_err(at(&run))?;
        let programs =
            std::env::current_exe().map_err(CliError::internal("finding our programs"))?;
        let program = programs.with_file_name("karakuri-monitor");
        let file = File::open(&program).map_err(at(&program))?;
        let words = ["karakuri-monitor".into(), "--exec".into(), site.path().to_string_lossy()];
        let words: Result<Vec<CString>, _> =
            words.into_iter().map(|w| CString::new(w.into_owned())).collect();
        let words = words.map_err(|_| CliError::Usage("a path contains a NUL byte".to_owned()))?;
        let (link, theirs) = Link::pair().map_err(CliError::internal("making a socket pair"))?;
        let null = File::open("/dev/null").map_err(at(Path::new("/dev/null")))?;
        let err = std::io::stderr();
        monitor::adopt_orphans().map_err(CliError::internal("becoming a subreaper"))?;
        let process = Spawn {
            program: file.as_fd(),
            arguments: &words,
            environment: &[],
            fds: &[null.as_fd(), err.as_fd(), err.as_fd(), theirs.as_fd()],
            namespaces: Namespaces::None,
            privilege: Privilege::Keep,
            cgroup: Join::Inherit,
        }
        .start()
        .map_err(at(&program))?;
        Ok(Self { link, process, state: site.path().to_owned() })
    }

    /// Asks, and takes the answer and its fds.
    pub(super) fn ask(&self, request: &Request) -> Result<(Event, Vec<OwnedFd>), CliError> {
        self.link.send(request, &[]).map_err(talking)?;
        match self.link.recv::<Event>().map_err(talking)? {
            Some((Event::Refused { failure, .. }, _)) => Err(refused(failure)),
            Some(answer) => Ok(answer),
            None => Err(gone()),
        }
    }

    /// Has the file systems made; the directories behind `/work` and `/files`.
    pub(super) fn prepare(&self, work_bytes: u64) -> Result<(Event, Vec<OwnedFd>), CliError> {
        self.ask(&Request::Prepare(Capacities { work_bytes, files_bytes: work_bytes }))
    }
}

/// The monitor did not do it.
pub(super) fn refused(failure: LayerFailure) -> CliError {
    if failure.layer == REQUEST {
        CliError::Usage(failure.reason)
    } else {
        CliError::Layer(failure)
    }
}

/// The link failed.
pub(super) fn talking(error: LinkError) -> CliError {
    CliError::internal("talking to karakuri-monitor")(error)
}

/// The monitor ended in the middle. It has said why on stderr.
pub(super) fn gone() -> CliError {
    CliError::internal("talking to karakuri-monitor")("it ended")
}

/// The limits of a command, by the names that stand in a manifest.
#[derive(Debug)]
pub(super) struct Named(karakuri_workflow::limits::Limits);

impl Named {
    /// The defaults with what was given on the command line.
    pub(super) fn new(given: &[(String, String)]) -> Result<Self, CliError> {
        let fits = |name: &'static str, default: u32| {
            let Some((_, value)) = given.iter().rev().find(|(given, _)| given == name) else {
                return Ok(default);
            };
            let ceiling = CEILINGS.get(name).copied().unwrap_or(u32::MAX);
            value.parse().ok().filter(|n| (1..=ceiling).contains(n)).ok_or_else(|| {
                CliError::Usage(format!("--limit {name}={value}: must be from 1 to {ceiling}"))
            })
        };
        for (name, _) in given {
            if DEFAULTS.get(name).is_none() {
                let known = karakuri_workflow::limits::NAMES.join(", ");
                return Err(CliError::Usage(format!("--limit {name}: known are {known}")));
            }
        }
        DEFAULTS.try_map(fits).map(Self)
    }

    /// Those of a manifest.
    pub(super) fn asked(limits: karakuri_workflow::limits::Limits) -> Self {
        Self(limits)
    }

    pub(super) fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().map_or(0, u64::from)
    }
}

/// The request for a command.
pub(super) fn command(
    walls: &Walls,
    limits: &Named,
    words: &[String],
) -> Result<monitor::Command, CliError> {
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| CliError::Usage("name a command after `--`".to_owned()))?;
    let absolute = |path: &PathBuf| std::path::absolute(path).map_err(at(path));
    Ok(monitor::Command {
        script: Script {
            program: find(program),
            arguments: arguments.to_vec(),
            limits: Limits::of(|name| limits.get(name)),
            files: None,
        },
        environment: walls.environment.clone(),
        read_only: walls.read_only.iter().map(absolute).collect::<Result<_, _>>()?,
    })
}

/// The path of a program. One that is not found keeps its name, which the launcher reports.
fn find(program: &str) -> String {
    if program.contains('/') {
        return program.to_owned();
    }
    let mut places = PATH.iter().map(|directory| format!("{directory}/{program}"));
    places.find(|path| fs::metadata(path).is_ok()).unwrap_or_else(|| program.to_owned())
}
