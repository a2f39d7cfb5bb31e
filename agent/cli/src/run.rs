//! `karakuri run`: hand the job to a monitor of its own, show what happens, open the report.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use karakuri_protocol::job::{Control, Drained, Driver, Exit, FileInput, Job, Outcome, Progress};
use karakuri_sandbox::link::Link;
use karakuri_sandbox::monitor::{adopt_orphans, wait_and_tidy};
use karakuri_sandbox::sys::{Join, Namespaces, Privilege, Spawn, Spawned};
use karakuri_workflow::inputs::InputKind;
use karakuri_workflow::manifest::{FILE_NAME, Manifest};
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Signal, WaitIdStatus};
use time::OffsetDateTime;

use crate::cli;
use crate::cli::Opening;
use crate::control::ControlSocket;
use crate::error::{CliError, at};
use crate::kept::MANIFEST;
use crate::progress::{Display, Ending};
use crate::site::{KEY_NAME, Site};
use crate::window::{self, Window};
use crate::{assets, audit, doctor, installation, retention, workflow};

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// The workflow's directory.
    pub(crate) dir: &'a Path,
    /// Name and value of each input.
    pub(crate) inputs: &'a [(String, String)],
    /// What the daemon logs.
    pub(crate) log: &'a str,
    /// Who is the script.
    pub(crate) driver: Driver,
    /// Whether a window shows the run.
    pub(crate) watch: bool,
}

/// Runs the workflow to its end.
pub(crate) fn run(arguments: &cli::Run) -> Result<Exit, CliError> {
    let cli::Run { dir, inputs, watch, verbose, json, log } = arguments;
    let ending = if *json { Ending::Json } else { Ending::Summary };
    let wanted = Wanted { dir, inputs, log, driver: Driver::Bundle, watch: *watch };
    run_wanted(&wanted, Vec::new(), Display::new(*verbose, ending))
}

/// Runs a workflow to its end; `ends` are the fds of its driver.
pub(crate) fn run_wanted(
    wanted: &Wanted<'_>,
    ends: Vec<OwnedFd>,
    mut display: Display,
) -> Result<Exit, CliError> {
    doctor::require_platform()?;
    assets::require()?;
    let site = Site::find()?;
    site.prepare()?;
    installation::check(&site)?;
    audit::require_whole_log(&site)?;
    retention::before_a_run(&site);
    let (job, mut fds) = job(wanted, &site)?;
    fds.extend(ends);
    let window = if wanted.watch {
        let (window, links) = Window::open()?;
        fds.extend(links);
        Some(window)
    } else {
        None
    };
    let (link, theirs) = Link::pair().map_err(CliError::internal("making a socket pair"))?;
    let stop = stop_signals()?;
    adopt_orphans().map_err(CliError::internal("becoming a subreaper"))?;
    let control = ControlSocket::open(&site)?;
    let monitor = start_monitor("--once", wanted.log, &site, &theirs)?;
    drop(theirs);
    let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    link.send(&job, &borrowed).map_err(CliError::internal("handing over the job"))?;
    drop(fds);
    let ended = follow(&link, (&stop, control.as_ref()), &monitor, &mut display)?;
    drop((control, window));
    let status = wait_and_tidy(&monitor, site.path());
    let outcome = match ended {
        Ended::Finished(outcome) => outcome,
        Ended::Refused { exit, message } => return Err(CliError::Refused { exit, message }),
        Ended::Gone | Ended::Drained(_) => return Ok(exit_of(status)),
    };
    let report = open_report(&site, &outcome)?;
    display.finished(&outcome, &site, report.as_deref());
    Ok(outcome.exit)
}

/// What a karakurid that ended without a word means by its exit code.
pub(crate) fn exit_of(status: Option<WaitIdStatus>) -> Exit {
    let code = status.and_then(|s| s.exit_status());
    let exit = Exit::ALL.iter().copied().find(|e| Some(i32::from(e.code())) == code);
    exit.filter(|e| *e != Exit::Success).unwrap_or(Exit::Internal)
}

/// The job, and the fds that travel with it: the bundle's directory, then the input files.
fn job(wanted: &Wanted<'_>, site: &Site) -> Result<(Job, Vec<OwnedFd>), CliError> {
    let mut fds: Vec<OwnedFd> = vec![workflow::open(wanted.dir)?.into()];
    let (mut values, mut files) = (BTreeMap::new(), Vec::new());
    for (name, value) in wanted.inputs {
        if is_file(wanted.dir, name) {
            let path = PathBuf::from(value);
            fds.push(File::open(&path).map_err(|e| no_input(name, at(&path)(e)))?.into());
            let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push(FileInput { input: name.clone(), file_name: file_name.into() });
        } else if values.insert(name.clone(), value.clone()).is_some() {
            return Err(CliError::Usage(format!("input {name} is given twice")));
        }
    }
    let recipient = site
        .identity()?
        .recipient()
        .and_then(|r| r.to_pem())
        .map_err(CliError::internal("the development key"))?;
    let job = Job {
        run: run_id()?,
        driver: wanted.driver,
        origin: wanted.dir.to_string_lossy().into_owned().into(),
        values,
        files,
        recipient_pem: recipient,
        recipient_name: KEY_NAME.to_owned(),
        watched_by: wanted.watch.then(window::person),
    };
    Ok((job, fds))
}

/// The file of an input cannot be opened.
fn no_input(name: &str, why: CliError) -> CliError {
    let message = format!("input {name:?} must be a file: {why}");
    CliError::Refused { exit: Exit::InvalidInput, message }
}

/// Whether the manifest declares `name` as a file. A manifest that cannot be read is reported by
/// the daemon, which judges it anyway.
fn is_file(directory: &Path, name: &str) -> bool {
    let text = fs::read_to_string(directory.join(FILE_NAME)).unwrap_or_default();
    Manifest::parse(&text, FILE_NAME)
        .ok()
        .and_then(|manifest| manifest.inputs.get(name).map(|input| input.kind))
        .is_some_and(|kind| kind == InputKind::File)
}

/// `<UTC date and time to the ms>-<8 random hexadecimal digits>`.
fn run_id() -> Result<String, CliError> {
    let format = time::macros::format_description!(
        "[year][month][day]T[hour][minute][second][subsecond digits:3]Z"
    );
    let now = OffsetDateTime::now_utc().format(&format).map_err(CliError::internal("the clock"))?;
    let mut random = [0u8; 4];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
        .map_err(CliError::internal("random numbers"))?;
    Ok(format!("{now}-{}", hex::encode(random)))
}

/// A stream that becomes readable when the user wants to stop.
pub(crate) fn stop_signals() -> Result<UnixStream, CliError> {
    let failed = CliError::internal("handling signals");
    let register = || {
        let (read, write) = UnixStream::pair()?;
        for signal in
            [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP]
        {
            signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
        }
        read.set_nonblocking(true)?;
        Ok(read)
    };
    register().map_err(|e: std::io::Error| failed(e))
}

/// One of our programs: they lie beside this one.
pub(crate) fn program(name: &str) -> PathBuf {
    let programs = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    programs.unwrap_or_default().join(name)
}

/// Starts a monitor for one `task`, `--once` or `--deliver`.
pub(crate) fn start_monitor(
    task: &str,
    log: &str,
    site: &Site,
    link: &Link,
) -> Result<Spawned, CliError> {
    let program = program("karakuri-monitor");
    let file = File::open(&program).map_err(at(&program))?;
    let assets = assets::directory()?;
    let mut words = vec![
        "karakuri-monitor".into(),
        task.into(),
        site.path().to_string_lossy(),
        "--assets".into(),
        assets.to_string_lossy(),
        "--log".into(),
        log.into(),
    ];
    let file_of_site = site.file();
    if let Some(file) = &file_of_site {
        words.extend(["--site".into(), file.to_string_lossy()]);
    }
    let words: Result<Vec<CString>, _> =
        words.into_iter().map(|w| CString::new(w.into_owned())).collect();
    let words = words.map_err(|_| CliError::Usage("a path contains a NUL byte".to_owned()))?;
    let null = File::open("/dev/null").map_err(at(Path::new("/dev/null")))?;
    let log = std::io::stderr();
    Spawn {
        program: file.as_fd(),
        arguments: &words,
        environment: &[],
        // Nothing but the outcome, or the client's conversation, is on stdout.
        fds: &[null.as_fd(), log.as_fd(), log.as_fd(), link.as_fd()],
        namespaces: Namespaces::None,
        privilege: Privilege::Keep,
        cgroup: Join::Inherit,
    }
    .start()
    .map_err(at(&program))
}

/// The last that was heard of a run, or of a delivery.
pub(crate) enum Ended {
    Finished(Box<Outcome>),
    Drained(Drained),
    Refused {
        exit: Exit,
        message: String,
    },
    /// karakurid ended without a word; its exit code says why.
    Gone,
}

/// Shows progress until the run is over, and passes on what its person says. The first stop asks the run,
/// the second kills it.
pub(crate) fn follow(
    link: &Link,
    (signals, socket): (&UnixStream, Option<&ControlSocket>),
    monitor: &Spawned,
    display: &mut Display,
) -> Result<Ended, CliError> {
    let mut asked = 0;
    loop {
        let mut fds = vec![PollFd::new(link, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
        fds.extend(socket.map(|socket| PollFd::new(socket, PollFlags::IN)));
        let tick = rustix::time::Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
        match rustix::event::poll(&mut fds, Some(&tick)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(CliError::internal("waiting")(e)),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let (link_ready, signal) = (ready[0], ready[1] && drain(signals));
        let said = socket.filter(|_| ready.get(2) == Some(&true)).and_then(ControlSocket::receive);
        display.tick();
        for control in signal.then_some(Control::Stop).into_iter().chain(said) {
            // The daemon may be gone already; then its end is what comes next on the link.
            let _sent = link.send(&control, &[]);
            if control == Control::Stop {
                asked += 1;
                display.stopping(asked);
            }
            if asked > 1 {
                let _killed = rustix::process::pidfd_send_signal(&monitor.pidfd, Signal::KILL);
            }
        }
        if link_ready {
            match link.recv::<Progress>().map_err(CliError::internal("following the run"))? {
                Some((Progress::Finished(outcome), _)) => return Ok(Ended::Finished(outcome)),
                Some((Progress::Drained(drained), _)) => return Ok(Ended::Drained(drained)),
                Some((Progress::Refused { exit, message }, _)) => {
                    return Ok(Ended::Refused { exit, message });
                }
                Some((progress, _)) => display.show(&progress),
                None => return Ok(Ended::Gone),
            }
        }
    }
}

pub(crate) fn drain(mut stop: &UnixStream) -> bool {
    let mut bytes = [0u8; 16];
    matches!(std::io::Read::read(&mut stop, &mut bytes), Ok(count) if count > 0)
}

/// Writes an opened copy of the report for the holder of the key.
fn open_report(site: &Site, outcome: &Outcome) -> Result<Option<PathBuf>, CliError> {
    let directory = site.store().join(&outcome.store_prefix);
    if outcome.report_key.is_none() || !directory.join(MANIFEST).exists() {
        return Ok(None);
    }
    match crate::report::write_opened(site, &directory, &site.keyrings(&Opening::default())?) {
        // It is sealed for a site's key, which is not here.
        Err(CliError::NoKey(_)) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Makes a directory that was named for what is opened, with those above it, unless it is there. New ones are
/// the user's alone.
pub(crate) fn make_private_directory(path: &Path) -> Result<(), CliError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))
}

/// Writes a file only the user can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    // A new file takes the name: what bore it, a link perhaps, is not written to.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|e| {
        // It may not be there.
        let _removed = fs::remove_file(&temporary);
        at(path)(e)
    })
}
