//! One run from the job to the exit code.
//!
//! 1. Take the inherited links, read the job, the bundle and the inputs: the last time karakurid
//!    opens anything of the requester's.
//! 2. Open the audit log and the spool, then restrict itself.
//! 3. Judge, prepare, start the sandboxes, serve the script (`stages`).
//! 4. Whatever happened: kill everything, seal log and report, sign the manifest, deliver, record
//!    the end, tell the requester (`finish`).

mod drain;
mod finish;
mod recover;
mod stages;

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use karakuri_audit::{AuditError, Log};
use karakuri_link::AsyncLink;
use karakuri_personal::Normaliser;
use karakuri_protocol::job::{Driver, Exit, Job, Progress};
use karakuri_protocol::personal::Settings;
use karakuri_protocol::watch::Person;
use karakuri_sandbox::link::Link;
use karakuri_sandbox::sys;
use karakuri_seal::manifest::SigningIdentity;
use karakuri_site::Site;
use tokio::runtime::Runtime;

use crate::config::Config;
use crate::confine;
use crate::evidence::{Evidence, Origin, Shared};
use crate::intake::{self, Bundle, ReadError};
use crate::keys::Recipients;
use crate::personal::{self, Personal};
use crate::script::Client;
use crate::session::{Record, Requester};
use crate::timeline::Timeline;
use crate::values::Values;
use crate::walls::Walls;

/// The fd of the requester's link.
const REQUESTER_FD: i32 = 3;
/// The fd of the monitor's link.
const MONITOR_FD: i32 = 4;

/// Why a run could not even be recorded.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Without an audit log nothing is done.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Anything else.
    #[error("{doing}: {reason}")]
    Failed {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        reason: String,
    },
}

impl StartError {
    fn exit(&self) -> Exit {
        match self {
            Self::Audit(AuditError::InUse { .. }) => Exit::Busy,
            Self::Audit(AuditError::Damaged { .. } | AuditError::NotAFile { .. }) => {
                Exit::NotVerified
            }
            Self::Audit(_) => Exit::EvidenceFailed,
            Self::Failed { .. } => Exit::Internal,
        }
    }
}

fn failed<E: std::fmt::Display>(doing: &'static str) -> impl FnOnce(E) -> StartError {
    move |e| StartError::Failed { doing, reason: e.to_string() }
}

/// What was handed over.
#[derive(Debug)]
struct Handed {
    job: Job,
    bundle: Result<Bundle, ReadError>,
    files: Result<Vec<Vec<u8>>, ReadError>,
    client: Option<Client>,
    window: Option<Links>,
}

/// What came with a job that is watched.
#[derive(Debug)]
struct Links {
    person: Person,
    /// To the window.
    window: Link,
    /// From karakuri-desktop to the window.
    view: Link,
}

/// Runs one job, or delivers what waits.
///
/// # Errors
/// When the run cannot be recorded at all, and the requester cannot be told so.
pub fn run(config: &Config) -> Result<Exit, StartError> {
    if config.deliver { drain::run(config) } else { run_job(config) }
}

fn run_job(config: &Config) -> Result<Exit, StartError> {
    let requester = inherited(REQUESTER_FD)?;
    let monitor = inherited(MONITOR_FD)?;
    let handed = take_over(&requester)?;
    let opened = match open_record(config, &handed.job) {
        Ok(opened) => opened,
        Err(e) => return refuse(&requester, e),
    };
    confine::confine(config).map_err(failed("restricting karakurid"))?;
    runtime()?.block_on(async {
        let requester = AsyncLink::new(requester).map_err(failed("the requester's link"))?;
        let monitor = AsyncLink::new(monitor).map_err(failed("the monitor's link"))?;
        let requester = Requester::new(requester);
        let walls = Walls::new(monitor);
        Ok(stages::run(config, handed, opened, requester, walls).await)
    })
}

fn runtime() -> Result<Runtime, StartError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(failed("starting the runtime"))
}

/// Tells the requester why its run is not begun; only where nobody listens it is ours to say.
fn refuse(requester: &Link, error: StartError) -> Result<Exit, StartError> {
    let refused = Progress::Refused { exit: error.exit(), message: error.to_string() };
    requester.send(&refused, &[]).map(|()| error.exit()).map_err(|_| error)
}

fn inherited(number: i32) -> Result<Link, StartError> {
    let fd = sys::inherited_fd(number).map_err(failed("taking an inherited fd"))?;
    Link::from_fd(fd).map_err(failed("karakurid is started by karakuri-monitor, not by hand"))
}

/// Reads the job and what came with it.
fn take_over(requester: &Link) -> Result<Handed, StartError> {
    let received = requester.recv::<Job>().map_err(failed("receiving the job"))?;
    let (job, fds) =
        received.ok_or("the requester is gone").map_err(failed("receiving the job"))?;
    let mut fds = fds;
    let window = job.watched_by.clone().map(|person| links(person, &mut fds)).transpose()?;
    let client = match job.driver {
        Driver::Bundle => None,
        Driver::Client => {
            let ends = fds.pop().zip(fds.pop());
            let (output, input) =
                ends.ok_or("its client is missing").map_err(failed("receiving the job"))?;
            Some(Client { input, output })
        }
    };
    let mut fds = fds.into_iter();
    let directory =
        fds.next().ok_or("no bundle came with it").map_err(failed("receiving the job"))?;
    let bundle = intake::read_bundle(directory);
    let files = job.files.iter().zip(fds).map(|(file, fd)| intake::read_input(fd, &file.input));
    let files = files.collect();
    Ok(Handed { job, bundle, files, client, window })
}

fn links(person: Person, fds: &mut Vec<OwnedFd>) -> Result<Links, StartError> {
    let ends = fds.pop().zip(fds.pop());
    let (view, window) =
        ends.ok_or("its window is missing").map_err(failed("receiving the job"))?;
    let link = |fd| Link::from_fd(fd).map_err(failed("the links of the window"));
    Ok(Links { person, window: link(window)?, view: link(view)? })
}

/// What karakurid has of its own: opened before it restricts itself.
struct Own {
    site: Site,
    signer: SigningIdentity,
    audit: Log,
    shared: Shared,
    /// Runs that had been cut short and have an end now.
    closed: Vec<String>,
}

impl Own {
    fn open(config: &Config) -> Result<Self, StartError> {
        let site = match &config.site {
            None => Site::development(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(failed("reading site.toml"))?;
                let name = path.display().to_string();
                Site::parse(&text, &name).map_err(failed("reading site.toml"))?
            }
        };
        let key = config.state.join("site/signing.pem");
        let pem =
            std::fs::read_to_string(&key).map_err(failed("reading the site's signing key"))?;
        let signer = SigningIdentity::from_pkcs8_pem(&pem);
        let signer = signer.map_err(failed("the site's signing key"))?;
        let mut audit = Log::open(&config.state.join("audit"))?;
        let (shared, closed) = recover::open(&site, config, &signer, &mut audit)?;
        Ok(Self { site, signer, audit, shared, closed })
    }
}

/// What a run needs of karakurid's own.
struct Opened {
    record: Record,
    site: Site,
    recipients: Recipients,
    personal: Settings,
    closed: Vec<String>,
}

fn open_record(config: &Config, job: &Job) -> Result<Opened, StartError> {
    let Own { site, signer, audit, shared, closed } = Own::open(config)?;
    let recipients = Recipients::of(&site, (&job.recipient_name, &job.recipient_pem))
        .map_err(failed("the keys that seal this run's artifacts"))?;
    let settings = personal::settings(&site).map_err(failed("[personal] of site.toml"))?;
    let personal = Personal::new(&settings).map_err(failed("[personal] of site.toml"))?;
    let normaliser = Normaliser::new(&settings).map_err(failed("[personal] of site.toml"))?;
    let origin =
        Origin { tenant: site.tenant.clone(), site: site.site.clone(), run: job.run.clone() };
    let record = Record {
        audit: RefCell::new(audit),
        evidence: RefCell::new(Evidence::new(origin, signer, shared, site.events)),
        timeline: Rc::new(RefCell::new(Timeline::start(personal))),
        outputs: RefCell::default(),
        soft_failures: RefCell::default(),
        not_collected: RefCell::default(),
        warnings: RefCell::default(),
        values: RefCell::new(Values::new(normaliser)),
        film: RefCell::default(),
        heard: Rc::default(),
        steps: Cell::default(),
        run: job.run.clone(),
    };
    Ok(Opened { record, site, recipients, personal: settings, closed })
}
