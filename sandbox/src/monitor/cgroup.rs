//! The cgroups of a run: one directory for the run, one leaf in it for each sandbox, made before
//! the sandbox starts and removed when nothing lives in it any more. See cgroups(7).
//!
//! Version 2 is used where it has the controllers, version 1 where the host binds them there. The
//! run's directory is made in the nearest place that may have it: the cgroup that systemd delegated
//! to this service, else the nearest one above that hands out memory, pids and, if there is such a
//! one, cpu, and that this process may write to.

mod place;

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::launch::{LayerError, at};
use crate::policy::Limits;
use crate::sys::Join;

use super::Usage;
use place::{Controller, Place};

/// The period over which processor time is shared out, in µs; the kernel's own default.
const PERIOD_US: u64 = 100_000;
/// How often removing an emptied cgroup is tried: the kernel lets go of it shortly after the last
/// process was waited for.
const REMOVALS: u32 = 200;
/// The time between two tries.
const REMOVAL_PAUSE: Duration = Duration::from_millis(1);

/// The run's directory in each hierarchy. Removed when dropped.
#[derive(Debug)]
pub(super) struct RunGroup {
    places: Vec<Place>,
}

impl RunGroup {
    /// Makes the directory for the monitor `pid`; the error says why there is no place for one.
    pub(super) fn make(pid: i32) -> Result<Self, LayerError> {
        let mut places = place::find()?;
        let prefix = prefix()?;
        for place in &mut places {
            remove_stale(&place.directory, &prefix);
            place.directory.push(format!("{prefix}{pid}"));
            at("making", &place.directory, fs::create_dir(&place.directory))?;
        }
        let group = Self { places };
        for place in &group.places {
            place.hand_out()?;
        }
        Ok(group)
    }

    /// The version in use.
    pub(super) fn version(&self) -> u8 {
        if self.places.iter().all(|place| place.unified) { 2 } else { 1 }
    }

    /// Whether the processors are bounded.
    pub(super) fn bounds_processors(&self) -> bool {
        self.places.iter().any(|place| place.controllers.contains(&Controller::Cpu))
    }

    /// Makes a leaf with its limits in force.
    pub(super) fn leaf(&self, name: &str, limits: &Limits) -> Result<Leaf, LayerError> {
        let mut leaf = Leaf { directories: Vec::new(), join: Joining::None };
        let mut lists = Vec::new();
        for place in &self.places {
            let directory = place.directory.join(name);
            at("making", &directory, fs::create_dir(&directory))?;
            leaf.directories.push(directory.clone());
            for (file, value, needed) in settings(place, limits) {
                let path = directory.join(file);
                if needed || path.exists() {
                    at("writing", &path, fs::write(&path, value))?;
                }
            }
            if place.unified {
                leaf.join =
                    Joining::Into(at("opening", &directory, File::open(&directory))?.into());
            } else {
                let list = directory.join("cgroup.procs");
                let file = OpenOptions::new().write(true).open(&list);
                lists.push(OwnedFd::from(at("opening", &list, file)?));
            }
        }
        if !lists.is_empty() {
            leaf.join = Joining::Move(lists);
        }
        Ok(leaf)
    }
}

/// The files of a leaf, what to write, and whether a kernel must have them.
fn settings(place: &Place, limits: &Limits) -> Vec<(&'static str, String, bool)> {
    let quota = limits.cpu_percent * PERIOD_US / 100;
    let (memory, pids) = (limits.memory_bytes.to_string(), limits.processes.to_string());
    let mut files = Vec::new();
    for controller in &place.controllers {
        match (controller, place.unified) {
            (Controller::Memory, true) => files.extend([
                ("memory.max", memory.clone(), true),
                ("memory.swap.max", "0".to_owned(), false),
                ("memory.oom.group", "1".to_owned(), true),
            ]),
            (Controller::Memory, false) => files.extend([
                ("memory.limit_in_bytes", memory.clone(), true),
                ("memory.memsw.limit_in_bytes", memory.clone(), false),
                ("memory.swappiness", "0".to_owned(), false),
            ]),
            (Controller::Pids, _) => files.push(("pids.max", pids.clone(), true)),
            (Controller::Cpu, true) => {
                files.push(("cpu.max", format!("{quota} {PERIOD_US}"), true))
            }
            (Controller::Cpu, false) => files.extend([
                ("cpu.cfs_period_us", PERIOD_US.to_string(), true),
                ("cpu.cfs_quota_us", quota.to_string(), true),
            ]),
        }
    }
    files
}

impl Drop for RunGroup {
    fn drop(&mut self) {
        for place in &self.places {
            // One that cannot be removed now goes with the next run.
            drop(remove(&place.directory));
        }
    }
}

/// A cgroup without children. Removed when dropped.
#[derive(Debug)]
pub(super) struct Leaf {
    directories: Vec<PathBuf>,
    join: Joining,
}

#[derive(Debug)]
enum Joining {
    None,
    Into(OwnedFd),
    Move(Vec<OwnedFd>),
}

impl Leaf {
    /// How a child starts in it.
    pub(super) fn join(&self) -> Join<'_> {
        match &self.join {
            Joining::None => Join::Inherit,
            Joining::Into(directory) => Join::Into(directory.as_fd()),
            Joining::Move(lists) => Join::Move(lists),
        }
    }

    /// Lets its processes use all processors: those that have used up their share could not even
    /// die before the next period.
    pub(super) fn give_processors(&self) {
        for directory in &self.directories {
            for (file, all) in [("cpu.max", "max"), ("cpu.cfs_quota_us", "-1")] {
                let path = directory.join(file);
                if path.exists() {
                    // They die in time or a little later.
                    drop(fs::write(&path, all));
                }
            }
        }
    }

    /// What was used and refused in it. What the kernel does not count is 0.
    pub(super) fn usage(&self) -> Usage {
        let number = |names: &[&str], key: Option<&str>| {
            let files = self.directories.iter().flat_map(|d| names.iter().map(|n| d.join(n)));
            files.filter_map(|file| read_number(&file, key)).max().unwrap_or(0)
        };
        Usage {
            memory_peak_bytes: number(&["memory.peak", "memory.max_usage_in_bytes"], None),
            memory_kills: number(&["memory.events", "memory.oom_control"], Some("oom_kill")),
            processes_refused: number(&["pids.events"], Some("max")),
        }
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        for directory in &self.directories {
            drop(remove(directory));
        }
    }
}

/// The number a control file holds, after `key` where it holds several.
fn read_number(file: &Path, key: Option<&str>) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let mut lines = text.lines();
    match key {
        None => lines.next()?.trim().parse().ok(),
        Some(key) => lines.find_map(|line| {
            let (name, value) = line.split_once(' ')?;
            (name == key).then(|| value.trim().parse().ok())?
        }),
    }
}

/// Removes an empty cgroup and its empty children.
fn remove(directory: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)?.flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            remove(&entry.path())?;
        }
    }
    let mut tries = 0;
    loop {
        match fs::remove_dir(directory) {
            Err(e) if e.kind() == std::io::ErrorKind::ResourceBusy && tries < REMOVALS => {
                tries += 1;
                std::thread::sleep(REMOVAL_PAUSE);
            }
            other => return other,
        }
    }
}

/// What the directories of runs are called before the monitor's pid: a pid says who lives only in
/// its own namespace, and containers of one machine may share a hierarchy.
fn prefix() -> Result<String, LayerError> {
    let namespace = Path::new("/proc/self/ns/pid");
    Ok(format!("karakuri-{}-", at("looking at", namespace, fs::metadata(namespace))?.ino()))
}

/// Removes what monitors that were killed have left, wherever a run's directory could be.
pub(super) fn tidy() -> Result<(), LayerError> {
    let prefix = prefix()?;
    place::find()?.iter().for_each(|place| remove_stale(&place.directory, &prefix));
    Ok(())
}

/// Removes what monitors that were killed have left: with them their processes died.
fn remove_stale(directory: &Path, prefix: &str) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(prefix));
        let is_pid = |pid: &&str| pid.parse::<u32>().is_ok();
        if pid.filter(is_pid).is_some_and(|pid| !super::belongs_to_the_living(pid.as_ref())) {
            drop(remove(&entry.path()));
        }
    }
}

/// Why there is no cgroup, with what was looked at.
fn nowhere(tried: &[String]) -> LayerError {
    let mut text = "no cgroup that hands out memory and pids can be written to".to_owned();
    for reason in tried {
        // Writing to a String cannot fail.
        let _ = write!(text, "; {reason}");
    }
    text.into()
}
