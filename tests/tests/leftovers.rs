//! Nothing stays behind, whatever ended the run: no process, mount or temporary directory. One test
//! in a program of its own, because it looks at the whole process table below itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use karakuri_tests::{Agent, Workflow, first_child, kill_below};

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
    when_a_client_closes();
    when_the_command_itself_is_killed();
    when_a_process_of_ours_is_killed();
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

/// An MCP client that leaves an application open.
fn when_a_client_closes() {
    let mounts = mounts();
    let agent = Agent::new();
    let workflow = Workflow::new("pass");
    let path = workflow.path().to_string_lossy().into_owned();
    let mut command = agent.command(&["mcp", "--workflow", &path]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    for message in [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"launch","arguments":{"app":"xterm"}}}"#,
    ] {
        std::io::Write::write_all(&mut input, format!("{message}\n").as_bytes()).unwrap();
    }
    assert!(lines.any(|line| line.unwrap().contains("confirmed")));
    drop(input);
    assert!(child.wait().unwrap().success());
    assert_eq!(children(), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(agent.state().join("run")).unwrap().count(), 0);
    assert_eq!(mounts, self::mounts());
}

fn when_the_command_itself_is_killed() {
    let agent = Agent::new();
    let workflow = Workflow::new("from karakuri import run\nrun.log('ready')\nwhile True: pass\n");
    let path = workflow.path().to_string_lossy().into_owned();
    let mut command: Command = agent.command(&["run", "--verbose", &path]);
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

/// karakuri, its monitor and the launcher, each killed while a command runs. No later run comes to
/// clear up.
fn when_a_process_of_ours_is_killed() {
    for depth in 0..3 {
        let agent = Agent::new();
        let words = ["sandbox", "exec", "--", "sh", "-c", "setsid sleep 1000 & echo ready; wait"];
        let mut command: Command = agent.command(&words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines =
            std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let monitor = first_child(child.id()).unwrap();
        let namespace = std::fs::metadata("/proc/self/ns/pid").unwrap().ino();
        let group = format!("karakuri-{namespace}-{monitor}");
        assert_eq!(!cgroups(&group).is_empty(), in_a_cgroup(&agent), "{depth}");
        assert!(kill_below(child.id(), depth));
        child.wait().unwrap();
        while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::empty()) {}
        assert_eq!(children(), Vec::<String>::new(), "{depth}");
        let runs = std::fs::read_dir(agent.state().join("run")).unwrap().count();
        assert_eq!(runs, 0, "{depth}");
        assert_eq!(cgroups(&group), Vec::<std::path::PathBuf>::new(), "{depth}");
    }
}

/// Whether this machine gives a run a cgroup.
fn in_a_cgroup(agent: &Agent) -> bool {
    let explained = agent.call(&["sandbox", "explain"]).stdout;
    String::from_utf8(explained).unwrap().contains("enforced by    a cgroup")
}

/// Every cgroup of that name.
fn cgroups(name: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name() == name {
                found.push(entry.path());
            } else {
                todo.push(entry.path());
            }
        }
    }
    found
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
