//! The lists of system calls, one JSON file per kind of process, in seccompiler's format.
//!
//! Every list allows what it names and answers everything else with `EPERM`; a call made for
//! another architecture kills the process. A rule that carries `"only": "x86_64"` names a call that
//! newer architectures do not have; its twin stands beside it.
//!
//! Every list but the monitor's has a last filter that answers newer calls with `ENOSYS` so that
//! libraries fall back. It also takes away the calls that install filters. The lists for other
//! people's programs answer the setting of extended attributes with `ENOTSUP`, without which `cp -p`
//! fails. Where several filters answer with an error the kernel takes the newest one's (seccomp(2),
//! "the most recently installed"). The monitor's list is inherited by everything it starts, so it allows
//! whatever one of the others does.

mod list;

pub use list::{Compiled, List, SeccompError};

/// For karakuri-monitor, and with it for everything of a run.
pub const MONITOR: List = List { json: include_str!("monitor.json"), filters: &["monitor"] };
/// For the customer's script.
pub const SCRIPT: List = List {
    json: include_str!("script.json"),
    filters: &["script", "script_enotsup", "script_enosys"],
};
/// For applications, the X server and the window manager.
pub const APPLICATION: List = List {
    json: include_str!("app.json"),
    filters: &["app", "app_offline", "app_enotsup", "app_enosys"],
};
/// The same where the grant names hosts: sockets for the connection to the proxy remain.
pub const APPLICATION_ONLINE: List =
    List { json: include_str!("app.json"), filters: &["app", "app_enotsup", "app_enosys"] };
/// For karakuri-desktop until it has connected and restricts itself to [`DESKTOP`].
pub const START: List =
    List { json: include_str!("start.json"), filters: &["start", "start_enotsup", "start_enosys"] };
/// For karakurid.
pub const DAEMON: List =
    List { json: include_str!("daemon.json"), filters: &["daemon", "daemon_enosys"] };
/// For karakuri-desktop.
pub const DESKTOP: List =
    List { json: include_str!("desktop.json"), filters: &["desktop", "desktop_enosys"] };
/// For karakuri-courier.
pub const COURIER: List =
    List { json: include_str!("courier.json"), filters: &["courier", "courier_enosys"] };

/// For karakuri-egress.
pub const EGRESS: List =
    List { json: include_str!("egress.json"), filters: &["egress", "egress_enosys"] };

/// Every list.
pub const ALL: [List; 9] =
    [MONITOR, SCRIPT, APPLICATION, APPLICATION_ONLINE, START, DAEMON, DESKTOP, COURIER, EGRESS];
