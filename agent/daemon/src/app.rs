//! One run from the job to the exit code.
//!
//! 1. Take the inherited links, read the job, the bundle and the inputs: the last time karakurid
//!    opens anything of the requester's.
//! 2. Open the audit log and the spool, then restrict itself.
//! 3. Judge, prepare, start the sandboxes, serve the script (`stages`).
//! 4. Whatever happened: kill everything, seal log and report, sign the manifest, deliver, record
//!    the end, tell the requester (`finish`).

mod finish;
mod stages;

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use karakuri_audit::{AuditError, Log};
use karakuri_protocol::job::{Driver, Exit, Job, Progress};
use karakuri_protocol::watch::Person;
use karakuri_sandbox::link::Link;
use karakuri_sandbox::sys;
use karakuri_seal::Recipient;
use karakuri_seal::manifest::SigningIdentity;

use crate::async_link::AsyncLink;
use crate::config::Config;
use crate::confine;
use crate::evidence::{Evidence, Origin};
use crate::intake::{self, Bundle, ReadError};
use crate::script::Client;
use crate::session::{Record, Requester};
use crate::timeline::Timeline;
use crate::walls::Walls;

/// The fd of the requester's link.
const REQUESTER_FD: i32 = 3;
/// The fd of the monitor's link.
const MONITOR_FD: i32 = 4;
/// The customer and the installation, until a site is set up.
const DEVELOPMENT: &str = "development";

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
            Self::Audit(AuditError::Damaged { .. }) => Exit::NotVerified,
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

/// Runs one job.
///
/// # Errors
/// When the run cannot be recorded at all, and the requester cannot be told so.
pub fn run(config: &Config) -> Result<Exit, StartError> {
    let requester = inherited(REQUESTER_FD)?;
    let monitor = inherited(MONITOR_FD)?;
    let handed = take_over(&requester)?;
    let record = match open_record(config, &handed.job) {
        Ok(record) => record,
        Err(e) => return refuse(&requester, e),
    };
    confine::confine(config).map_err(failed("restricting karakurid"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed("starting the runtime"))?;
    runtime.block_on(async {
        let requester = AsyncLink::new(requester).map_err(failed("the requester's link"))?;
        let monitor = AsyncLink::new(monitor).map_err(failed("the monitor's link"))?;
        let requester = Requester::new(requester);
        let walls = Walls::new(monitor);
        Ok(stages::run(config, handed, record, requester, walls).await)
    })
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

fn open_record(config: &Config, job: &Job) -> Result<Record, StartError> {
    let recipient = Recipient::from_pem("karakuri", &job.recipient_name, &job.recipient_pem)
        .map_err(failed("the key that seals this run's artifacts"))?;
    let key = config.state.join("site/signing.pem");
    let pem = std::fs::read_to_string(&key).map_err(failed("reading the site's signing key"))?;
    let signer = SigningIdentity::from_pkcs8_pem(&pem).map_err(failed("the site's signing key"))?;
    let audit = Log::open(&config.state.join("audit"))?;
    let origin = Origin {
        tenant: DEVELOPMENT.to_owned(),
        site: DEVELOPMENT.to_owned(),
        run: job.run.clone(),
    };
    let evidence = Evidence::new(origin, recipient, signer, &config.state.join("spool"))
        .map_err(failed("opening the spool"))?;
    Ok(Record {
        audit: RefCell::new(audit),
        evidence: RefCell::new(evidence),
        timeline: Rc::new(RefCell::new(Timeline::start())),
        outputs: RefCell::default(),
        soft_failures: RefCell::default(),
        not_collected: RefCell::default(),
        film: RefCell::default(),
        heard: Rc::default(),
        run: job.run.clone(),
    })
}
