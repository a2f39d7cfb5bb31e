//! The lists of system calls, one JSON file per kind of process, in seccompiler's format.
//!
//! Every list allows what it names and answers everything else with `EPERM`; a call made for
//! another architecture kills the process. A rule that carries `"only": "x86_64"` names a call that
//! newer architectures do not have; its twin stands beside it. A filter that `"extends"` another of its
//! file has that one's rules too.
//!
//! Every list but the monitor's has filters at its end that answer newer calls with `ENOSYS` so that
//! libraries fall back. They also take away the calls that install filters. The lists for other
//! people's programs answer the setting of extended attributes with `ENOTSUP`, without which `cp -p`
//! fails. Applications that bring a sandbox of their own may put it up (`app_nested`). Where several
//! filters answer with an error the kernel takes the newest one's (seccomp(2), "the most recently
//! installed"). The monitor's list is inherited by everything it starts, so it allows whatever one of
//! the others does.

mod list;
mod program;
mod rules;

pub use list::{List, SeccompError};
pub use program::{CompileError, compile};

/// A list: its text, its filters in the order of installation, and their programs from the build.
macro_rules! list {
    ($file:literal: $($filter:literal),*) => {
        List {
            json: include_str!($file),
            filters: &[$($filter),*],
            programs: &[$(include_bytes!(concat!(env!("OUT_DIR"), "/", $filter, ".bpf"))),*],
        }
    };
}

/// For karakuri-monitor, and with it for everything of a run.
pub const MONITOR: List = list!("monitor.json": "monitor");
/// For the customer's script.
pub const SCRIPT: List = list!("script.json": "script", "script_enotsup", "script_enosys");
/// For applications, the X server and the window manager.
pub const APPLICATION: List = list!(
    "app.json": "app", "app_offline", "app_enotsup", "app_enosys", "app_final");
/// The same where the grant names hosts: sockets for the connection to the proxy remain.
pub const APPLICATION_ONLINE: List =
    list!("app.json": "app", "app_enotsup", "app_enosys", "app_final");
/// For the first process of a display where applications with a sandbox of their own are started,
/// and for these applications. All others get their own list on top.
pub const NESTED: List =
    list!("app.json": "app_nested", "app_offline", "app_enotsup", "app_enosys");
/// The same where the grant names hosts: sockets for the connection to the proxy remain.
pub const NESTED_ONLINE: List =
    list!("app.json": "app_nested", "app_nested_online", "app_enotsup", "app_enosys");
/// For karakuri-desktop until it has connected and restricts itself to [`DESKTOP`].
pub const START: List = list!("start.json": "start", "start_enotsup", "start_enosys");
/// For karakurid.
pub const DAEMON: List = list!("daemon.json": "daemon", "daemon_enosys");
/// For karakuri-desktop.
pub const DESKTOP: List = list!("desktop.json": "desktop", "desktop_enosys");
/// For karakuri-courier whose store is a directory.
pub const COURIER: List = list!("courier.json": "courier", "courier_enosys");
/// For karakuri-courier whose store or key is a service: connections, and no file to be written.
pub const COURIER_ONLINE: List =
    list!("courier_online.json": "courier_online", "courier_online_enosys");

/// For karakuri-egress.
pub const EGRESS: List = list!("egress.json": "egress", "egress_enosys");

/// Every list.
pub const ALL: [List; 12] = [
    MONITOR,
    SCRIPT,
    APPLICATION,
    APPLICATION_ONLINE,
    NESTED,
    NESTED_ONLINE,
    START,
    DAEMON,
    DESKTOP,
    COURIER,
    COURIER_ONLINE,
    EGRESS,
];
