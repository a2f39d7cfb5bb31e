//! `karakuri-monitor --once`: one run in the foreground, started by `karakuri run`, as the caller.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use karakuri_site::Site;
use rustix::process::DumpableBehavior;

use super::cgroup::RunGroup;
use super::couriers::Couriers;
use super::host::{self, RunRoot};
use super::serve::{self, Peer, Server};
use super::templates::Templates;
use crate::launch::{LayerError, c_string};
use crate::link::Link;
use crate::policy::Control;
use crate::seccomp::SeccompError;
use crate::{seccomp, sys};

/// The inherited link to whoever asked for the run; karakurid gets it.
const REQUESTER_FD: i32 = 3;

/// Where things are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The caller's state directory.
    pub state: PathBuf,
    /// The directory with our programs.
    pub programs: PathBuf,
    /// The directory with models and ONNX Runtime.
    pub assets: PathBuf,
    /// Log filter for karakurid.
    pub log: String,
    /// Whether what waits in the spool is delivered, instead of a run.
    pub deliver: bool,
    /// The installation's site.toml; without it, everything is as during development.
    pub site: Option<PathBuf>,
}

/// Why the monitor gave up.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {reason}. {mend}")]
pub struct MonitorError {
    doing: &'static str,
    reason: String,
    mend: &'static str,
}

/// Takes every system call from this process that neither it nor anything it starts needs. Landlock
/// would be inherited as well, and a domain of any kind forbids its children to move files between
/// directories (`LANDLOCK_ACCESS_FS_REFER` in landlock(7)).
///
/// # Errors
/// Where the kernel has no seccomp.
pub fn restrict_self() -> Result<(), SeccompError> {
    seccomp::MONITOR.install()
}

impl MonitorError {
    fn because(doing: &'static str, mend: &'static str) -> impl FnOnce(LayerError) -> Self {
        move |e| Self { doing, reason: e.to_string(), mend }
    }

    pub(super) fn defect(doing: &'static str) -> impl FnOnce(LayerError) -> Self {
        Self::because(doing, "This is a defect of Karakuri; please report it")
    }
}

/// Runs karakurid and serves it to its end; the exit code is karakurid's.
///
/// # Errors
/// When this machine cannot make namespaces, or our own programs are missing.
pub fn run_once(settings: &Settings) -> Result<u8, MonitorError> {
    let site = settings.site.as_deref().map_or_else(|| Ok(Site::development()), read_site)?;
    let ground = Ground::make(&settings.state, &settings.programs)?;
    serve(settings, &site, ground).map_err(MonitorError::defect("serving karakurid"))
}

/// The installation, from the file that the owner of this process named.
fn read_site(path: &Path) -> Result<Site, MonitorError> {
    let mend = "Correct site.toml";
    let read = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    let site = read.and_then(|text| {
        Site::parse(&text, &path.display().to_string()).map_err(|e| e.to_string())
    });
    site.map_err(|e| MonitorError::because("reading the site", mend)(e.into()))
}

/// What a monitor makes before it serves: namespaces, the run's file systems and cgroups.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) root: RunRoot,
    pub(super) group: Option<RunGroup>,
    pub(super) templates: Templates,
}

impl Ground {
    /// Makes it below the state directory `state`.
    pub(super) fn make(state: &Path, programs: &Path) -> Result<Self, MonitorError> {
        restrict_self().map_err(|e| {
            let mend = "Use a kernel with CONFIG_SECCOMP_FILTER";
            MonitorError::because("restricting the monitor", mend)(e.into())
        })?;
        let accounts = host::isolate().map_err(MonitorError::because(
            "making the monitor's namespaces",
            "Allow user namespaces (sysctl user.max_user_namespaces, \
             kernel.apparmor_restrict_unprivileged_userns=0; not possible inside a chroot), \
             or run as root",
        ))?;
        let root = RunRoot::make(&state.join("run"), accounts).map_err(MonitorError::because(
            "making the run's file systems",
            "Check that the state directory is yours and that tmpfs can be mounted",
        ))?;
        let (group, control) =
            match RunGroup::make(rustix::process::getpid().as_raw_nonzero().get()) {
                Ok(group) => {
                    let (version, processors) = (group.version(), group.bounds_processors());
                    (Some(group), Control::Cgroup { version, processors })
                }
                Err(e) => (None, Control::ProcessLimits { reason: e.to_string() }),
            };
        let templates = Templates {
            run_root: root.path().to_owned(),
            programs: programs.to_owned(),
            accounts,
            control,
        };
        // Our own memory holds nothing of the run, but who can trace us can act as us.
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(|e| MonitorError::defect("restricting itself")(e.into()))?;
        Ok(Self { root, group, templates })
    }
}

fn serve(settings: &Settings, site: &Site, ground: Ground) -> Result<u8, LayerError> {
    let Ground { root, group, templates } = ground;
    let requester = sys::inherited_fd(REQUESTER_FD)?;
    let (ours, theirs) = Link::pair()?;
    let task = if settings.deliver { "--deliver" } else { "--once" };
    let mut arguments = vec![c_string("karakurid")?, c_string(task)?];
    if let Some(file) = &settings.site {
        arguments.extend([c_string("--site")?, c_string(&file.to_string_lossy())?]);
    }
    for (flag, path) in [
        ("--state", settings.state.as_path()),
        ("--run-root", root.path()),
        ("--assets", settings.assets.as_path()),
    ] {
        arguments.push(c_string(flag)?);
        arguments.push(c_string(&path.to_string_lossy())?);
    }
    arguments.push(c_string("--log")?);
    arguments.push(c_string(&settings.log)?);
    let members = templates.accounts.map(|a| a.group);
    let daemon = serve::start_daemon(
        &settings.programs,
        &arguments,
        requester.as_fd(),
        theirs.as_fd(),
        members,
    )?;
    drop((requester, theirs));
    let store = settings.state.join("store");
    let couriers = Couriers { store: &store, site, file: settings.site.as_deref() };
    let peer = Peer::Daemon(couriers);
    Server::new(ours, &root, templates, peer, group).run(Some(daemon.as_fd()))?;
    serve::exit_code(daemon.as_fd())
}
