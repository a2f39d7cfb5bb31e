//! Many runs at once, a tenth of them killed at a random moment: nothing is left of any. 20 runs, or
//! 200 with `KARAKURI_SOAK=1`. One test in a program of its own, as it looks at all processes below
//! itself. `KARAKURI_SEED` repeats a run of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use karakuri_tests::{Agent, Numbers, Workflow, kill_below, seed, soaking};
use rustix::process::WaitOptions;

/// Runs at a time.
const ABREAST: usize = 4;
/// Every so many runs is one with a desktop.
const DESKTOP: usize = 8;
/// Every so many runs is killed.
const KILLED: usize = 10;
/// A run is killed within this time, in ms: about how long one takes.
const MOMENTS: u64 = 1500;

/// What commands do, and their exit codes.
const COMMANDS: &[(&str, i32)] = &[
    ("true", 0),
    ("for n in 1 2 3 4 5; do setsid sleep 1000 & done", 0),
    ("sleep 1000", 124),
    ("yes", 124),
    ("kill -KILL $$", 137),
    (": > /work/a; mkdir /work/b; ln -s / /work/c; head -c 9999999 /dev/zero > /dev/shm/d", 0),
];
/// What scripts do, each beside a desktop.
const SCRIPTS: &[&str] = &[
    "pass",
    "from karakuri import desktop as d\nd.launch('xterm')",
    "import os, time\nif os.fork() == 0: time.sleep(1000)",
];

#[test]
fn nothing_is_left_of_many_runs() {
    // Orphans of whatever is started become our children, so that they can be seen.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let runs = if soaking() { 200 } else { 20 };
    let seed = seed();
    // Commands share a state directory; a run has one to itself, as its audit log has one writer.
    let agents: Vec<Agent> = (0..runs).map(|_| Agent::new()).collect();
    assert!(agents[0].call(&["sandbox", "exec", "--", "true"]).status.success());
    let before = Traces::of_this_machine();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..ABREAST {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return;
                    }
                    one(&agents, number, Numbers::new(seed ^ (number as u64 + 1)));
                }
            });
        }
    });
    // A monitor whose karakuri was killed ends by itself; we are its parent now.
    while rustix::process::wait(WaitOptions::empty()).is_ok() {}
    assert_eq!(Traces::of_this_machine(), before);
    for agent in &agents {
        assert_eq!(names(&agent.state().join("run")), BTreeSet::new());
    }
}

/// Starts run `number`, and kills something of it where its turn has come.
fn one(agents: &[Agent], number: usize, mut numbers: Numbers) {
    let workflow = Workflow::new(SCRIPTS[numbers.below(SCRIPTS.len() as u64)]);
    let path = workflow.path().to_string_lossy().into_owned();
    let (script, code) = COMMANDS[numbers.below(COMMANDS.len() as u64)];
    let desktop = number % DESKTOP == DESKTOP - 1;
    let agent = if desktop { &agents[number] } else { &agents[0] };
    let arguments: &[&str] = if desktop {
        &["run", &path]
    } else {
        &["sandbox", "exec", "--limit", "wall_s=2", "--", "sh", "-c", script]
    };
    let mut command = agent.command(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    if number % KILLED == KILLED - 1 {
        std::thread::sleep(Duration::from_millis(numbers.below(MOMENTS) as u64));
        // One that is not there yet, or any more, is left out.
        kill_below(child.id(), numbers.below(3));
        child.wait().unwrap();
        return;
    }
    let wanted = if desktop { 0 } else { code };
    assert_eq!(child.wait().unwrap().code(), Some(wanted), "run {number}: {arguments:?}");
}

/// What a run could leave on the machine. Other agents may run beside the test: of the cgroups only
/// those count whose monitor is dead.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    children: usize,
    mounts: String,
    cgroups: BTreeSet<PathBuf>,
    displays: BTreeSet<PathBuf>,
    fds: usize,
}

impl Traces {
    fn of_this_machine() -> Self {
        let me = std::process::id();
        let children = fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap();
        let mut cgroups = BTreeSet::new();
        dead_cgroups(Path::new("/sys/fs/cgroup"), 4, &mut cgroups);
        Self {
            children: children.split_whitespace().count(),
            mounts: fs::read_to_string("/proc/self/mounts").unwrap(),
            cgroups,
            displays: names(Path::new("/tmp/.X11-unix")),
            fds: names(Path::new("/proc/self/fd")).len(),
        }
    }
}

fn dead_cgroups(directory: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
    // Those of another pid namespace have pids that mean nothing here.
    let namespace = fs::metadata("/proc/self/ns/pid").unwrap().ino();
    for path in names(directory).into_iter().filter(|path| path.is_dir()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match name.strip_prefix(&format!("karakuri-{namespace}-")) {
            Some(pid) if !Path::new("/proc").join(pid).exists() => drop(found.insert(path)),
            Some(_) => {}
            None if depth > 0 => dead_cgroups(&path, depth - 1, found),
            None => {}
        }
    }
}

fn names(directory: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
