//! Nothing stays behind, whatever ended the run: no process, mount or temporary directory. One test
//! in a program of its own, because it looks at the whole process table below itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::{Command, Stdio};

use karakuri_tests::{Agent, Workflow};

const ENDINGS: &[(&str, &str)] = &[
    ("an orderly end", "pass"),
    ("an exception", "raise ValueError('x')"),
    (
        "orphans",
        "import subprocess\nfor _ in range(5): subprocess.Popen(['sleep', '1000'], start_new_session=True)",
    ),
    ("a fork that goes on", "import os, time\nif os.fork() == 0: time.sleep(1000)"),
    ("a hang", "import time\ntime.sleep(1000)"),
    ("an application left open", "from karakuri import desktop as d\nd.launch('xterm')"),
];

#[test]
fn nothing_is_left() {
    // Orphans of whatever we start become our children, so that they can be seen.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    after_each_ending();
    when_the_command_itself_is_killed();
}

fn after_each_ending() {
    let mounts = mounts();
    for (name, script) in ENDINGS {
        let agent = Agent::new();
        let workflow = Workflow::new(script).manifest("wall_s = 60", "wall_s = 5");
        let finished = agent.run(workflow.path(), &[]);
        assert!(!finished.outcome.is_null(), "{name}: {finished:#?}");
        assert_eq!(children(), Vec::<String>::new(), "{name}");
        assert_eq!(std::fs::read_dir(agent.state().join("run")).unwrap().count(), 0, "{name}");
    }
    assert_eq!(mounts, self::mounts());
}

fn when_the_command_itself_is_killed() {
    let agent = Agent::new();
    let workflow = Workflow::new("from karakuri import run\nrun.log('ready')\nwhile True: pass\n");
    let path = workflow.path().to_string_lossy().into_owned();
    let mut command: Command = agent.command(&["run", "--watch", &path]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().contains("ready")));
    child.kill().unwrap();
    child.wait().unwrap();
    // The monitor goes on to seal the evidence; it is our child now, and ends by itself.
    while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::empty()) {}
    assert_eq!(children(), Vec::<String>::new());
    let output = agent.call(&["artifacts", "list", "last"]);
    assert!(output.status.success(), "the evidence of the killed run is not there");
}

/// Command lines of the living processes below this one.
fn children() -> Vec<String> {
    while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {}
    let me = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| {
            let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
            let parent = status.lines().find_map(|l| l.strip_prefix("PPid:"))?.trim().to_owned();
            let name = status.lines().next()?.to_owned();
            (parent == me).then_some(name)
        })
        .collect()
}

fn mounts() -> String {
    std::fs::read_to_string("/proc/self/mounts").unwrap()
}
