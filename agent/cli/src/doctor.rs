//! `karakuri doctor`: is everything there, and if not, what to do.

use std::fs;
use std::path::{Path, PathBuf};

use karakuri_protocol::job::Exit;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::cli::Doctor;
use crate::error::CliError;
use crate::site::Site;
use crate::{assets, egress, installation, output};

/// The oldest kernel, major and minor.
const KERNEL: (u32, u32) = (6, 12);
/// The oldest Landlock ABI.
const LANDLOCK: u32 = 6;
/// Programs of the machine that every run needs.
const PROGRAMS: [&str; 4] = ["Xvfb", "dbus-daemon", "openbox", "xkbcomp"];
/// Our own programs, which lie side by side.
const OURS: [&str; 9] = [
    "karakuri-monitor",
    "karakuri-sandbox",
    "karakurid",
    "karakuri-desktop",
    "karakuri-courier",
    "karakuri-egress",
    "karakuri-steps",
    "karakuri-mcp",
    "karakuri-watch",
];

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    ok: bool,
    found: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    mend: String,
}

pub(crate) fn run(arguments: &Doctor) -> Result<Exit, CliError> {
    if arguments.egress {
        return egress::run(arguments.json);
    }
    let mut checks = platform();
    checks.extend(programs());
    checks.extend(pinned_files()?);
    checks.extend(site_file()?);
    let ok = checks.iter().all(|check| check.ok);
    if arguments.json {
        output::json(&checks)?;
    } else {
        for Check { what, ok, found, mend } in &checks {
            output::line(format!("{} {what:<28} {found}", if *ok { "ok  " } else { "FAIL" }));
            if !ok {
                output::line(format!("     to mend it: {mend}"));
            }
        }
    }
    Ok(if ok { Exit::Success } else { Exit::Platform })
}

/// What `karakuri run` checks before anything else.
pub(crate) fn require_platform() -> Result<(), CliError> {
    match platform().into_iter().find(|check| !check.ok) {
        None => Ok(()),
        Some(Check { what, found, mend, .. }) => {
            Err(CliError::Platform(format!("{what}: {found}. To mend it: {mend}")))
        }
    }
}

fn platform() -> Vec<Check> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let abi = karakuri_sandbox::sys::landlock_abi();
    vec![
        Check {
            what: "kernel".to_owned(),
            ok: version >= KERNEL,
            found: release,
            mend: format!(
                "Linux {}.{} or later is needed: on Debian 12 install linux-image-amd64 from \
                 bookworm-backports, or use Debian 13",
                KERNEL.0, KERNEL.1
            ),
        },
        Check {
            what: "Landlock".to_owned(),
            ok: abi >= LANDLOCK,
            found: format!("ABI {abi}"),
            mend: format!(
                "ABI {LANDLOCK} is needed: boot with lsm=landlock,… on Linux 6.12 or later"
            ),
        },
        namespaces(),
    ]
}

fn namespaces() -> Check {
    let what = "namespaces".to_owned();
    if rustix::process::geteuid().is_root() {
        return Check { what, ok: true, found: "root".to_owned(), mend: String::new() };
    }
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let most = read("/proc/sys/user/max_user_namespaces");
    let restricted = read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1";
    let clone = read("/proc/sys/kernel/unprivileged_userns_clone") == "0";
    let ok = most != "0" && !restricted && !clone;
    let found = if ok {
        format!("{most} for each user")
    } else {
        "user namespaces are forbidden".to_owned()
    };
    let mend = "sysctl -w user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1 \
                kernel.apparmor_restrict_unprivileged_userns=0 (those that exist), or run as root"
        .to_owned();
    Check { what, ok, found, mend }
}

fn programs() -> Vec<Check> {
    let theirs = PROGRAMS.iter().map(|name| {
        (*name, Path::new("/usr/bin").join(name), "run `make setup`, which installs it".to_owned())
    });
    let beside = std::env::current_exe().unwrap_or_default();
    let beside = beside.parent().unwrap_or(Path::new("/")).to_owned();
    let ours = OURS.iter().map(|name| {
        (*name, beside.join(name), "run `make build`, or reinstall the package".to_owned())
    });
    theirs
        .chain(ours)
        .map(|(name, path, mend)| Check {
            what: name.to_owned(),
            ok: path.is_file(),
            found: if path.is_file() { path.display().to_string() } else { "missing".to_owned() },
            mend,
        })
        .collect()
}

/// site.toml, where there is one, and what it names.
fn site_file() -> Result<Option<Check>, CliError> {
    let site = Site::find()?;
    let Some(path) = site.file() else { return Ok(None) };
    let checked = installation::check(&site);
    let what = "site.toml".to_owned();
    let ok = checked.is_ok();
    let found = checked.map_or_else(|e| e.to_string(), |_| path.display().to_string());
    Ok(Some(Check { what, ok, found, mend: format!("correct {}", path.display()) }))
}

fn pinned_files() -> Result<Vec<Check>, CliError> {
    let directory: PathBuf = assets::directory()?;
    let checks = assets::pinned()?.into_iter().map(|asset| {
        let path = directory.join(&asset.name);
        let digest = fs::read(&path).map(|bytes| hex::encode(Sha256::digest(bytes)));
        let (ok, found) = match digest {
            Ok(digest) if digest == asset.sha256 => (true, "as pinned".to_owned()),
            Ok(_) => (false, format!("{} is not the pinned file", path.display())),
            Err(e) => (false, format!("{}: {e}", path.display())),
        };
        let mend = "run `make setup`, which fetches it again".to_owned();
        Check { what: asset.name, ok, found, mend }
    });
    Ok(checks.collect())
}
