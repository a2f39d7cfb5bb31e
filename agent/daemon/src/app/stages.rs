//! The life of a run, stage by stage; each can end it.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use karakuri_audit::{Actor, Event, Sha256};
use karakuri_link::AsyncLink;
use karakuri_protocol::egress::{Destination, Open};
use karakuri_protocol::event::RunEvent;
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::job::{Driver, Exit};
use karakuri_protocol::personal::{Masking, Settings};
use karakuri_protocol::recording;
use karakuri_protocol::script::ErrorKind;
use karakuri_sandbox::child::{Ending, Report, Status};
use karakuri_sandbox::link::Link;
use karakuri_sandbox::monitor::{Capacities, Courier, Sandbox, Script};
use karakuri_sandbox::policy::{Access, Limits};
use karakuri_site::Site;
use karakuri_workflow::grant::Grant;
use karakuri_workflow::manifest::{FilesAccess, Manifest};
use karakuri_workflow::policy::Watching;

use super::{Handed, Links, Opened, finish};
use crate::broker::Broker;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::desktop::Desktop;
use crate::display::{self, Display};
use crate::end::End;
use crate::intake::{self, Bundle, Intake};
use crate::keys::Recipients;
use crate::recording::Recording;
use crate::script::{Channel, Client, FRONT, Streams, refusal, sdk};
use crate::session::{
    Pause, Record, Requester, Running, Session, Takeover, Watch, Watched, Window, deliver_all,
    keep_all, keep_rest, record_heard,
};
use crate::walls::{Ended, Ground, SandboxId, Walls, sandbox_refused};

const MIB: u64 = 1024 * 1024;
/// The signals of signal(7) that mean a wall was hit.
const SIGSYS: i32 = 31;
const SIGXCPU: i32 = 24;
/// What has been started and must be ended.
#[derive(Debug, Default)]
pub(super) struct Started {
    pub(super) display: Option<SandboxId>,
    pub(super) desktop: Option<SandboxId>,
    pub(super) script: Option<SandboxId>,
    pub(super) courier: Option<SandboxId>,
    pub(super) delivery: Option<Delivery>,
    pub(super) personal: Settings,
    pub(super) egress: Option<(SandboxId, AsyncLink)>,
    pub(super) acts: u32,
    pub(super) screen: Option<Rect>,
    pub(super) about: Option<(String, String)>,
    pub(super) inputs: Vec<(String, String)>,
    pub(super) ground: Option<Rc<Ground>>,
    pub(super) collect: Vec<String>,
}

/// Runs all stages, then finishes whatever happened.
pub(super) async fn run(
    config: &Config,
    handed: Handed,
    Opened { record, site, recipients, personal, closed }: Opened,
    requester: Requester,
    mut walls: Walls,
) -> Exit {
    let mut started = Started { personal, ..Started::default() };
    let end = match start_couriers(&record, &site, &recipients, &mut walls, &mut started).await {
        Ok(()) => {
            let told =
                closed.iter().try_for_each(|run| record.announce_of(run, RunEvent::Interrupted {}));
            let stages =
                until_the_end(config, handed, &record, &requester, &mut walls, &mut started);
            match told {
                Ok(()) => stages.await.unwrap_or_else(|end| end),
                Err(end) => end,
            }
        }
        Err(end) => end,
    };
    finish::finish(end, record, &requester, &mut walls, started).await
}

/// Starts what takes sealed files out, and gets the data keys: without either, nothing is begun.
async fn start_couriers(
    record: &Record,
    site: &Site,
    recipients: &Recipients,
    walls: &mut Walls,
    started: &mut Started,
) -> Result<(), End> {
    let (origin, shared) = {
        let evidence = record.evidence.borrow();
        (evidence.origin().clone(), evidence.shared().clone())
    };
    let sealers = if site.keys.are_generated_by_kms() {
        let (id, courier) = start_courier(walls, Courier::Keys).await?;
        let sealers = recipients.generated(&origin, &courier).await;
        if tokio::time::timeout(finish::KILL, walls.kill(id)).await.is_err() {
            tracing::warn!("the courier of the keys did not end in time");
        }
        sealers?
    } else {
        recipients.sealers(&origin)?
    };
    record.evidence.borrow_mut().unlock(sealers);
    let key = record.evidence.borrow().index_key();
    let key = key.map_err(|e| End::evidence("making the key of the index", e))?;
    record.values.borrow_mut().unlock(key);
    let (id, courier) = start_upload(walls).await?;
    started.courier = Some(id);
    started.delivery = Some(Delivery::new(courier, shared));
    Ok(())
}

async fn until_the_end(
    config: &Config,
    handed: Handed,
    record: &Record,
    requester: &Requester,
    walls: &mut Walls,
    started: &mut Started,
) -> Result<End, End> {
    requester.step("check the workflow");
    let invalid = |e| End::new(Exit::InvalidWorkflow, format!("reading the workflow: {e}"));
    let bundle = handed.bundle.map_err(invalid)?;
    let files = handed.files.map_err(|e| End::new(Exit::InvalidInput, e.to_string()))?;
    let intake = judge(&bundle, &handed.job, record, started)?;
    let limits = intake.grant.limits().clone();

    requester.step("prepare the sandboxes");
    let work_bytes = u64::from(limits.work_mb) * MIB;
    let ground = walls.prepare(Capacities { work_bytes, files_bytes: work_bytes }).await?;
    let ground = Rc::new(ground);
    started.ground = Some(Rc::clone(&ground));
    started.collect = intake.manifest.collect.clone();
    let root = &config.run_root;
    bundle.unpack(&root.join("bundle"))?;
    sdk::unpack(&root.join("sdk"))?;
    intake::place_inputs(&intake.inputs, &bundle, &files, &root.join("files"))?;
    display::configure(&root.join("config"))?;

    requester.step("start the desktop");
    let recorded = intake.grant.recording().then(Recording::pair).transpose()?;
    let (recording, segments) = recorded.unzip();
    let began = monotonic().saturating_sub(record.timeline.borrow().elapsed());
    let began_ms = u64::try_from(began.as_millis()).unwrap_or(u64::MAX);
    let recorder = segments.map(|link| (recording::Recording { began_ms }, link));
    let (window, links) = handed.window.map(window).transpose()?.unzip();
    let ends = (links, recorder);
    let screen = start_desktop(config, &bundle, &intake.grant, ends, walls, started).await?;

    requester.step(match intake.grant.driver() {
        Driver::Bundle => "run the script",
        Driver::Client => "serve the client",
    });
    let ends = (screen, recording, handed.client, window);
    serve(ground, intake, ends, record, requester, walls, started).await
}

/// Judges the job and records what it may do.
fn judge(
    bundle: &Bundle,
    job: &karakuri_protocol::job::Job,
    record: &Record,
    started: &mut Started,
) -> Result<Intake, End> {
    let intake = match intake::judge(bundle, job) {
        Ok(intake) => intake,
        Err(end) => {
            // It may quote the value of an input.
            let reason = record.timeline.borrow_mut().personal().text("message", &end.message);
            let rule = end.exit.word().to_owned();
            record.note(Actor::Daemon, Event::RunRefused { rule, reason })?;
            return Err(end);
        }
    };
    let Manifest { name, version, .. } = &intake.manifest;
    started.about = Some((name.clone(), version.to_string()));
    started.inputs = intake.inputs.iter().map(|(n, i)| (n.clone(), i.value.clone())).collect();
    record.note(
        Actor::Daemon,
        Event::RunStarted {
            workflow: name.clone(),
            version: version.to_string(),
            bundle: Sha256::from_bytes(bundle.digest()),
        },
    )?;
    let grant = serde_json::to_string(&intake.grant).map_err(|e| End::internal("the grant", e))?;
    record.note(Actor::Daemon, Event::RunGranted { permissions: vec![grant] })?;
    Ok(intake)
}

/// Starts the courier that carries sealed files to the store.
pub(super) async fn start_upload(walls: &mut Walls) -> Result<(SandboxId, AsyncLink), End> {
    start_courier(walls, Courier::Upload).await
}

async fn start_courier(walls: &mut Walls, which: Courier) -> Result<(SandboxId, AsyncLink), End> {
    let (ours, theirs) = link_pair()?;
    // It has no output but what it says of its own failure.
    let log = std::io::stderr().as_fd().try_clone_to_owned();
    let log = log.map_err(|e| End::internal("the log", e))?;
    let id = walls.start(Sandbox::Courier(which), &[theirs.as_fd(), log.as_fd()]).await?;
    Ok((id, ours))
}

/// Starts the proxy on a socket of the display's network namespace.
async fn start_egress(
    walls: &mut Walls,
    allowed: BTreeSet<Destination>,
    socket: &OwnedFd,
) -> Result<(SandboxId, AsyncLink), End> {
    let (ours, theirs) = link_pair()?;
    // It has no output but what it says of its own failure.
    let log = std::io::stderr().as_fd().try_clone_to_owned();
    let log = log.map_err(|e| End::internal("the log", e))?;
    let id = walls.start(Sandbox::Egress, &[theirs.as_fd(), log.as_fd()]).await?;
    let open = Open { allowed: allowed.into_iter().collect() };
    ours.send(&open, &[socket.as_fd()]).map_err(|e| End::internal("starting the proxy", e))?;
    Ok((id, ours))
}

async fn start_desktop(
    config: &Config,
    bundle: &Bundle,
    grant: &Grant,
    (window, recorder): (Option<[Link; 2]>, Option<(recording::Recording, Link)>),
    walls: &mut Walls,
    started: &mut Started,
) -> Result<(Desktop, Display), End> {
    let log = log_fd()?;
    let (ours, theirs) = link_pair()?;
    let (network, nested) = (grant.network().clone(), grant.nested_sandbox().clone());
    let proxy = !network.is_empty();
    let sandbox = Sandbox::Display { proxy, nested: !nested.is_empty() };
    let id = walls.start(sandbox, &[theirs.as_fd(), log.as_fd()]).await?;
    started.display = Some(id);
    drop(theirs);
    if proxy {
        let socket = match ours.recv::<Report>().await {
            Ok(Some((Report::Proxy, mut fds))) => fds.pop(),
            _ => None,
        };
        let Some(socket) = socket else {
            let end = End::desktop("the display", "its network could not be prepared");
            return Err(refused_or(walls, id, end).await);
        };
        started.egress = Some(start_egress(walls, network, &socket).await?);
    }
    let copy = log.try_clone().map_err(|e| End::internal("the log", e))?;
    let display = match Display::start(ours, copy, proxy, nested).await {
        Ok(display) => display,
        Err(end) => return Err(refused_or(walls, id, end).await),
    };
    let (ours, theirs) = link_pair()?;
    let sandbox = Sandbox::Desktop { display: display.number() };
    let id = walls.start(sandbox, &[theirs.as_fd(), log.as_fd()]).await?;
    started.desktop = Some(id);
    drop(theirs);
    let masking = Some(Masking { settings: started.personal.clone(), script: grant.language() });
    let images = bundle.images()?;
    match Desktop::open(ours, &config.assets, &images, window, recorder, masking).await {
        Ok(desktop) => {
            started.screen = Some(desktop.screen());
            Ok((desktop, display))
        }
        Err(end) => Err(refused_or(walls, id, end).await),
    }
}

/// If the sandbox could not be put up, that is why it does not answer.
async fn refused_or(walls: &Walls, id: SandboxId, end: End) -> End {
    let soon = Duration::from_millis(500);
    match tokio::time::timeout(soon, walls.ended()).await {
        Ok(Ok(Ended { id: ended, status: Some(Status::Refused(failure)), .. })) if ended == id => {
            sandbox_refused(&failure)
        }
        _ => end,
    }
}

/// The desktop, and what stands beside it where a run has it: recording, client, window.
type Ends = ((Desktop, Display), Option<Recording>, Option<Client>, Option<Window>);

async fn serve(
    ground: Rc<Ground>,
    intake: Intake,
    (screen, recording, client, window): Ends,
    record: &Record,
    requester: &Requester,
    walls: &mut Walls,
    started: &mut Started,
) -> Result<End, End> {
    let plumbing = |e: std::io::Error| End::internal("making the script's pipes", e);
    let (mut channel, socket) = Channel::pair().map_err(plumbing)?;
    let Streams { theirs, ours } = Streams::new(client).map_err(plumbing)?;
    let sandbox = Sandbox::Script(script(&intake.manifest, &intake.grant));
    let [stdin, stdout, stderr] = theirs.each_ref().map(AsFd::as_fd);
    let id = walls.start(sandbox, &[stdin, stdout, stderr, socket.as_fd()]).await?;
    started.script = Some(id);
    drop((theirs, socket));
    let limits = intake.grant.limits();
    let pause = Rc::new(Pause::default());
    let mut watch = Watch {
        walls,
        running: running(started, id)?,
        outputs: ours,
        output_room: u64::from(limits.output_kb) * 1024,
        wall: Duration::from_secs(u64::from(limits.wall_s)),
        requester: requester.clone(),
        egress: started.egress.as_ref().map(|(_, link)| link),
        heard: record.heard.clone(),
        pause: Rc::clone(&pause),
        timeline: record.timeline.clone(),
        last_words: None,
    };
    let may_take_over = intake.grant.watching() == Watching::TakeOver;
    let told = |window| {
        let about = (intake.manifest.name.as_str(), may_take_over);
        Takeover::new(window, about, record, requester.clone(), Rc::clone(&pause))
    };
    let mut takeover = window.map(told);
    let files = intake.grant.files();
    let broker = Broker::new(intake.grant);
    let mut session =
        Session::new(record, broker, screen, requester.clone(), intake.inputs, ground, pause);
    record.announce(RunEvent::Started {})?;
    let ended = tokio::select! {
        watched = watch.wait() => watched,
        end = session.serve(&mut channel) => Watched::Run(end),
        end = keep_all(record, recording.as_ref()) => Watched::Run(end),
        end = deliver_all(record, started.delivery.as_mut()) => Watched::Run(end),
        end = Takeover::serve(takeover.as_mut()) => Watched::Run(end),
        end = record_heard(record) => Watched::Run(end),
    };
    takeover.as_mut().map_or(Ok(()), Takeover::close)?;
    if let Some(recording) = recording.as_ref().filter(|_| session.used_desktop()) {
        keep_rest(record, recording).await?;
    }
    started.acts = session.acts();
    let end = match ended {
        Watched::Run(end) => end,
        Watched::Script(ending) => {
            watch.drain().await;
            let words = watch.last_words.take();
            let hint = words.as_ref().and_then(|w| refusal::hint(w.danger_raw(), files));
            let mut end = script_end(ending, session.unhandled(), words.map(|w| w.escaped(300)));
            if let (Exit::ScriptFailed, Some(hint)) = (end.exit, hint) {
                end.message = format!("{}; {hint}", end.message);
            }
            end
        }
    };
    if end.exit == Exit::Success {
        let set = record.outputs.borrow();
        let never = intake.manifest.outputs.keys().filter(|name| !set.contains_key(*name));
        let told = |name| format!("output {name} of workflow.toml was never set");
        record.warnings.borrow_mut().extend(never.map(told));
    }
    if matches!(end.exit, Exit::SandboxViolation) {
        record.note(
            Actor::Daemon,
            Event::SandboxViolation {
                process: "script".to_owned(),
                layer: "seccomp".to_owned(),
                detail: end.message.clone(),
            },
        )?;
    }
    Ok(end)
}

/// The window as the session has it, and the two links that karakuri-desktop gets.
fn window(links: Links) -> Result<(Window, [Link; 2]), End> {
    let (hands, theirs) = link_pair()?;
    let link = AsyncLink::new(links.window).map_err(|e| End::internal("the window's link", e))?;
    Ok((Window { person: links.person, link, hands }, [links.view, theirs]))
}

fn running(started: &Started, script: SandboxId) -> Result<Running, End> {
    match (started.display, started.desktop, started.courier) {
        (Some(display), Some(desktop), Some(courier)) => {
            let egress = started.egress.as_ref().map(|(id, _)| *id);
            Ok(Running { display, desktop, courier, egress, script })
        }
        _ => Err(End::internal("starting the script", "the desktop is not there")),
    }
}

fn script(manifest: &Manifest, grant: &Grant) -> Script {
    let limits = grant.limits();
    let (program, arguments) = match grant.driver() {
        Driver::Bundle => {
            let (program, entry) = manifest.command();
            (program, vec![entry])
        }
        Driver::Client => (FRONT.to_owned(), Vec::new()),
    };
    Script {
        program,
        arguments,
        limits: Limits::of(|name| limits.get(name).copied().map_or(0, u64::from)),
        files: match grant.files() {
            FilesAccess::None => None,
            FilesAccess::Read => Some(Access::Read),
            FilesAccess::Write => Some(Access::ReadWrite),
        },
    }
}

/// What the end of the script means for the run.
fn script_end(ending: Ending, unhandled: Option<ErrorKind>, last_words: Option<String>) -> End {
    let said = last_words.map(|w| format!("; it printed last: {w}")).unwrap_or_default();
    match ending {
        Ending::Code(0) => End::success(),
        Ending::Code(code) => {
            let exit = match unhandled {
                Some(ErrorKind::NotFound) => Exit::NotFound,
                Some(ErrorKind::AmbiguousTarget) => Exit::Ambiguous,
                Some(ErrorKind::Timeout) => Exit::Timeout,
                Some(ErrorKind::Denied | ErrorKind::NotApproved | ErrorKind::Unsupported) => {
                    Exit::Denied
                }
                Some(ErrorKind::BudgetExceeded) => Exit::BudgetExceeded,
                Some(ErrorKind::AppFailed) => Exit::DesktopFailed,
                _ => Exit::ScriptFailed,
            };
            End::new(exit, format!("the script ended with exit code {code}{said}"))
        }
        Ending::Signal(SIGSYS) => End::new(
            Exit::SandboxViolation,
            format!("the kernel killed the script for a forbidden system call {said}"),
        ),
        Ending::Signal(SIGXCPU) => End::new(
            Exit::Timeout,
            format!("the script used more processor time than limits.cpu_s allows{said}"),
        ),
        Ending::Signal(signal) => {
            End::new(Exit::ScriptFailed, format!("the script was killed by signal {signal}{said}"))
        }
    }
}

fn link_pair() -> Result<(AsyncLink, Link), End> {
    let (ours, theirs) = Link::pair().map_err(|e| End::internal("making a socket pair", e))?;
    Ok((AsyncLink::new(ours).map_err(|e| End::internal("making a socket pair", e))?, theirs))
}

/// What `CLOCK_MONOTONIC` shows, which is the same in every process of the machine.
fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(now).unwrap_or_default()
}

/// Where third-party programs print to: our own stderr when it is asked for, else nowhere.
fn log_fd() -> Result<OwnedFd, End> {
    let wanted = tracing::enabled!(tracing::Level::DEBUG);
    let fd = if wanted {
        std::io::stderr().as_fd().try_clone_to_owned()
    } else {
        std::io::stdin().as_fd().try_clone_to_owned()
    };
    fd.map_err(|e| End::internal("the log", e))
}
