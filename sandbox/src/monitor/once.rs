//! `karakuri-monitor --once`: one run in the foreground, started by `karakuri run`, as the caller.

use std::os::fd::AsFd;
use std::path::PathBuf;

use rustix::process::DumpableBehavior;

use super::host::{self, RunRoot};
use super::serve::{self, Server};
use super::templates::Templates;
use crate::launch::{LayerError, c_string};
use crate::link::Link;
use crate::sys;

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
}

/// Why the monitor gave up.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {reason}. {mend}")]
pub struct MonitorError {
    doing: &'static str,
    reason: String,
    mend: &'static str,
}

/// Runs karakurid and serves it to its end; the exit code is karakurid's.
///
/// # Errors
/// When this machine cannot make namespaces, or our own programs are missing.
pub fn run_once(settings: &Settings) -> Result<u8, MonitorError> {
    let failed =
        |doing, mend| move |e: LayerError| MonitorError { doing, reason: e.to_string(), mend };
    let accounts = host::isolate().map_err(failed(
        "making the monitor's namespaces",
        "Allow user namespaces (sysctl user.max_user_namespaces, \
         kernel.apparmor_restrict_unprivileged_userns=0; not possible inside a chroot), or run as root",
    ))?;
    let root = RunRoot::make(&settings.state.join("run"), accounts).map_err(failed(
        "making the run's file systems",
        "Check that the state directory is yours and that tmpfs can be mounted",
    ))?;
    let templates = Templates {
        run_root: root.path().to_owned(),
        programs: settings.programs.clone(),
        accounts,
    };
    serve(settings, &root, templates)
        .map_err(failed("serving karakurid", "This is a defect of Karakuri; please report it"))
}

fn serve(settings: &Settings, root: &RunRoot, templates: Templates) -> Result<u8, LayerError> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let requester = sys::inherited_fd(REQUESTER_FD)?;
    let (ours, theirs) = Link::pair()?;
    let mut arguments = vec![c_string("karakurid")?, c_string("--once")?];
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
    let group = templates.accounts.map(|a| a.group);
    let daemon = serve::start_daemon(
        &settings.programs,
        &arguments,
        requester.as_fd(),
        theirs.as_fd(),
        group,
    )?;
    drop((requester, theirs));
    let store = settings.state.join("store");
    Server::new(ours, root, templates, &store).run(daemon.as_fd())?;
    serve::exit_code(daemon.as_fd())
}
