//! A person pauses a run, lets it go on, and stops it, with a word from another terminal.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use karakuri_tests::{Agent, Workflow};

/// Acts for ever, with a line before each act.
const ACTS: &str = "from karakuri import desktop as d\n\
                    n = 0\n\
                    while True:\n    n += 1\n    print('act', n, flush=True)\n    d.hover(d.point(n % 50, 9))\n";

#[test]
fn a_paused_run_acts_no_more_until_it_is_resumed() {
    let agent = Agent::new();
    let workflow = Workflow::new(ACTS);
    let path = workflow.path().to_string_lossy().into_owned();
    let none = agent.call(&["pause"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no run goes on"), "{none:?}");

    let mut command = agent.command(&["run", "--verbose", &path]);
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut wait = |part: &str| lines.by_ref().find(|line| line.contains(part)).is_some();
    assert!(wait("hover"));
    assert!(agent.call(&["pause"]).status.success());
    assert!(wait("paused"));
    // To say it again changes nothing, and gives the script time for acts that must not be.
    for _ in 0..10 {
        assert!(agent.call(&["pause"]).status.success());
    }
    assert!(agent.call(&["resume"]).status.success());
    let mut acts = 0;
    for line in lines.by_ref().take_while(|line| !line.contains("resumed")) {
        acts += usize::from(line.contains("hover"));
    }
    // The act that was being carried out when the word came.
    assert!(acts <= 1, "{acts}");
    assert!(lines.by_ref().any(|line| line.contains("hover")));
    assert!(agent.call(&["stop"]).status.success());
    for _ in lines {}
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let audit: String = std::fs::read_dir(agent.state().join("audit"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default())
        .collect();
    let order = ["run.paused", "run.resumed", "run.finished"].map(|event| audit.find(event));
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
    assert!(!agent.state().join("control.sock").exists());
}
