//! Where cgroups of runs can be made: found in `/proc/self/cgroup` and `/proc/self/mountinfo`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::launch::{LayerError, at};

/// How often a delegated cgroup is emptied: what its processes start meanwhile may be born in it.
const ROUNDS: u32 = 100;

/// The controllers that bound a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Controller {
    Memory,
    Pids,
    Cpu,
}

impl Controller {
    /// All; without the first two there is no place, the third is used where there is one.
    const ALL: [Self; 3] = [Self::Memory, Self::Pids, Self::Cpu];
    const NEEDED: [Self; 2] = [Self::Memory, Self::Pids];

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
        }
    }

    /// Those named in a list such as `cgroup.controllers`.
    fn listed(text: &str) -> Vec<Self> {
        let listed = |c: &Self| text.split_whitespace().any(|word| word == c.name());
        Self::ALL.into_iter().filter(listed).collect()
    }
}

/// A directory of a hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where.
    pub(super) directory: PathBuf,
    /// Whether it is of version 2.
    pub(super) unified: bool,
    /// What can be bounded here.
    pub(super) controllers: Vec<Controller>,
}

impl Place {
    /// Lets the cgroups below have the controllers.
    pub(super) fn hand_out(&self) -> Result<(), LayerError> {
        if !self.unified {
            return Ok(());
        }
        at("handing out the controllers of", &self.directory, self.write_subtree_control())
    }

    fn write_subtree_control(&self) -> io::Result<()> {
        let words: Vec<String> =
            self.controllers.iter().map(|c| format!("+{}", c.name())).collect();
        fs::write(self.directory.join("cgroup.subtree_control"), words.join(" "))
    }
}

/// The places for a run: one of version 2, or one for each controller of version 1.
pub(super) fn find() -> Result<Vec<Place>, LayerError> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let mut tried = Vec::new();
    match unified(&own, &mounts, &mut tried) {
        Some(place) => Ok(vec![place]),
        None => legacy(&own, &mounts, &mut tried).ok_or_else(|| super::nowhere(&tried)),
    }
}

/// The nearest place that hands out all controllers, else the nearest with the needed ones. What
/// lies above a delegated cgroup is not ours.
fn unified(own: &str, mounts: &str, tried: &mut Vec<String>) -> Option<Place> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let (top, directory) = mounted(mounts, path, |kind, _| kind == "cgroup2")?;
    let mut nearest = None;
    for directory in directory.ancestors().take_while(|d| d.starts_with(&top)) {
        let delegated = is_delegated(directory);
        match unified_place(directory, delegated) {
            Ok(place) if place.controllers == Controller::ALL => return Some(place),
            Ok(place) => nearest = nearest.or(Some(place)),
            Err(e) => tried.push(e.to_string()),
        }
        if delegated && nearest.is_some() {
            break;
        }
    }
    nearest
}

fn unified_place(directory: &Path, delegated: bool) -> Result<Place, LayerError> {
    let file = directory.join("cgroup.subtree_control");
    let handed_out = || Controller::listed(&fs::read_to_string(&file).unwrap_or_default());
    let suffice = |found: &[Controller]| Controller::NEEDED.iter().all(|c| found.contains(c));
    let mut controllers = handed_out();
    if delegated && !suffice(&controllers) {
        make_room(directory)?;
        controllers = handed_out();
    }
    if !suffice(&controllers) {
        return Err(format!("{} hands out neither", directory.display()).into());
    }
    writable(directory)?;
    Ok(Place { directory: directory.to_owned(), unified: true, controllers })
}

fn legacy(own: &str, mounts: &str, tried: &mut Vec<String>) -> Option<Vec<Place>> {
    let mut places: Vec<Place> = Vec::new();
    for controller in Controller::ALL {
        let place = legacy_place(own, mounts, controller, tried);
        match place {
            // cpu and cpuacct, or all of them, may share a hierarchy.
            Some(place) => match places.iter_mut().find(|p| p.directory == place.directory) {
                Some(same) => same.controllers.push(controller),
                None => places.push(place),
            },
            None if Controller::NEEDED.contains(&controller) => return None,
            None => {}
        }
    }
    Some(places)
}

fn legacy_place(
    own: &str,
    mounts: &str,
    controller: Controller,
    tried: &mut Vec<String>,
) -> Option<Place> {
    let has = |list: &str| list.split(',').any(|name| name == controller.name());
    let path = own.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (list, path) = rest.split_once(':')?;
        has(list).then_some(path)
    })?;
    let (_, directory) = mounted(mounts, path, |kind, options| kind == "cgroup" && has(options))?;
    match writable(&directory) {
        Ok(()) => Some(Place { directory, unified: false, controllers: vec![controller] }),
        Err(e) => {
            tried.push(e.to_string());
            None
        }
    }
}

/// The mount point of the hierarchy that `is` picks by type and super options, and the directory
/// of the cgroup `path` in it. See proc_pid_mountinfo(5).
fn mounted(
    mounts: &str,
    path: &str,
    is: impl Fn(&str, &str) -> bool,
) -> Option<(PathBuf, PathBuf)> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let mut after = after.split(' ');
        let (kind, options) = (after.next()?, after.nth(1)?);
        if !is(kind, options) {
            return None;
        }
        let below = Path::new(path).strip_prefix(root).ok()?;
        Some((PathBuf::from(point), Path::new(point).join(below)))
    })
}

/// Whether systemd left the directory to this service (`Delegate=yes`); see
/// https://systemd.io/CGROUP_DELEGATION.
fn is_delegated(directory: &Path) -> bool {
    let mut value = [0u8; 8];
    rustix::fs::getxattr(directory, "user.delegate", &mut value).is_ok_and(|n| value[..n] == *b"1")
}

/// Has a delegated cgroup hand out its controllers. As one that does may hold no process, those in
/// it are moved into a child.
fn make_room(directory: &Path) -> Result<(), LayerError> {
    let available = directory.join("cgroup.controllers");
    let controllers =
        Controller::listed(&at("reading", &available, fs::read_to_string(&available))?);
    let place = Place { directory: directory.to_owned(), unified: true, controllers };
    for _ in 0..ROUNDS {
        match place.write_subtree_control() {
            Err(e) if e.kind() == io::ErrorKind::ResourceBusy => move_processes(directory)?,
            _ => break,
        }
    }
    place.hand_out()
}

fn move_processes(directory: &Path) -> Result<(), LayerError> {
    let child = directory.join("supervisor");
    match fs::create_dir(&child) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return at("making", &child, Err(e));
        }
        _ => {}
    }
    let (from, to) = (directory.join("cgroup.procs"), child.join("cgroup.procs"));
    for pid in at("reading", &from, fs::read_to_string(&from))?.lines() {
        // One that has ended meanwhile need not be moved.
        drop(fs::write(&to, pid));
    }
    Ok(())
}

/// Whether a child can be made there.
fn writable(directory: &Path) -> Result<(), LayerError> {
    use rustix::fs::{Access, AtFlags, CWD};
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    at("writing to", directory, rustix::fs::accessat(CWD, directory, wanted, AtFlags::EACCESS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
25 1 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw
26 25 0:22 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
27 25 0:23 /pod /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
28 25 0:24 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    #[test]
    fn a_cgroup_is_found_below_its_mount() {
        let memory = mounted(MOUNTS, "/a/b", |kind, o| kind == "cgroup" && o.contains("memory"));
        let top = PathBuf::from("/sys/fs/cgroup/memory");
        assert_eq!(memory, Some((top.clone(), top.join("a/b"))));
        let unified = mounted(MOUNTS, "/", |kind, _| kind == "cgroup2").unwrap();
        assert_eq!(unified.1, PathBuf::from("/sys/fs/cgroup/unified"));
    }

    #[test]
    fn a_mount_of_a_part_is_seen_from_its_root() {
        let cpu = mounted(MOUNTS, "/pod/x", |_, options| options.contains("cpuacct")).unwrap();
        assert_eq!(cpu.1, PathBuf::from("/sys/fs/cgroup/cpu/x"));
        assert_eq!(mounted(MOUNTS, "/elsewhere", |_, options| options.contains("cpuacct")), None);
    }

    #[test]
    fn controllers_are_whole_words() {
        assert_eq!(Controller::listed("cpuset cpuacct memory"), [Controller::Memory]);
        assert_eq!(Controller::listed("pids cpu"), [Controller::Pids, Controller::Cpu]);
    }
}
