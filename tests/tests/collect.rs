//! What is kept of what a script and its applications leave, over the real programs.

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Workflow};
use serde_json::Value;

/// Leaves honest files and traps where the manifest says files are kept.
const SCRIPT: &str = "
import os
from karakuri import run
os.makedirs('/work/out/deep')
open('/work/out/deep/a.csv', 'w').write('1,2\\n')
open('/work/elsewhere', 'w').write('not asked for')
os.symlink('/etc/passwd', '/work/out/link')
os.link('/work/elsewhere', '/work/out/hard')
open('/work/seen.txt', 'w').write('seen')
open('/files/ledger.txt', 'w').write('ledger')
try:
    run.attach('/work/out/link')
except Exception as e:
    print('refused:', e)
run.attach('/work/seen.txt')
";

#[test]
fn named_paths_become_artifacts_and_traps_are_named() {
    let workflow = Workflow::new(SCRIPT).manifest(
        "entry = \"main.py\"",
        "entry = \"main.py\"\ncollect = [\"/work/out\", \"/files/ledger.txt\", \"/work/none\"]",
    );
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[]);
    finished.ended(Exit::Success);
    let list = agent.call(&["artifacts", "list", "--json", "last"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let names: Vec<&str> =
        list.as_array().unwrap().iter().filter_map(|a| a["name"].as_str()).collect();
    for name in ["work/out/deep/a.csv", "files/ledger.txt", "seen.txt"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(!names.iter().any(|n| n.contains("link") || n.contains("hard")), "{names:?}");
    for (name, why) in [
        ("/work/out/link was not collected", "symbolic link"),
        ("/work/out/hard was not collected", "several names"),
        ("/work/none was not collected", "it is not there"),
    ] {
        assert!(finished.report.contains(name), "{name}");
        assert!(finished.report.contains(why), "{name}: {why}");
    }
    let told = finished.outcome["outcome"]["not_collected"].as_array().unwrap();
    assert!(told.contains(&"/work/none was not collected: it is not there".into()), "{told:?}");
    assert!(finished.stderr.contains("refused:"), "{}", finished.stderr);
}

#[test]
fn a_path_that_is_not_there_is_told_on_the_terminal() {
    let workflow = Workflow::new("")
        .manifest("entry = \"main.py\"", "entry = \"main.py\"\ncollect = [\"/work/none\"]");
    let output = Agent::new().call(&["run", &workflow.path().to_string_lossy()]);
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("missing    /work/none was not collected: it is not there"), "{told}");
}

#[test]
fn applications_share_a_session_bus_of_the_run() {
    let script = "
from karakuri import desktop as d, run
import os, time
call = 'dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames'
d.launch('xterm', ['-e', 'sh', '-c', call + ' > /files/names.tmp 2>&1; mv /files/names.tmp /files/names; sleep 60'])
while not os.path.exists('/files/names'): time.sleep(0.05)
run.output('result', open('/files/names').read())
";
    let finished = Agent::new().run(Workflow::new(script).path(), &[]);
    finished.ended(Exit::Success);
    let names = finished.result().as_str().unwrap();
    assert!(names.contains("org.freedesktop.DBus"), "{names}");
}
