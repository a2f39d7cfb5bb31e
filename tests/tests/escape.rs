//! The escape suite: every probe of `tests/escape` meets its wall in a command's sandbox and in a
//! script's, for root and for an ordinary user, and where that does no harm works outside.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Outside, Workflow, programs};
use serde::Deserialize;
use serde_json::Value;

/// A row of the table.
#[derive(Debug, Deserialize)]
struct Probe {
    name: String,
    inside: String,
    outside: Option<String>,
    root: Option<String>,
}

/// What one run of the probes found.
#[derive(Debug, Deserialize)]
struct Report {
    answers: BTreeMap<String, String>,
    facts: Value,
}

/// uid and gid of an ordinary user; it needs no name.
const USER: u32 = 54_321;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs the probes outside; the arguments are those of `probe.py`.
fn outside(outside: &Outside, arguments: &[&str]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    outside.equip(directory.path()).unwrap();
    let mut command = Command::new("/usr/bin/python3");
    command.env("TMPDIR", directory.path()).arg(directory.path().join("probe.py"));
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

fn table() -> Vec<Probe> {
    serde_json::from_slice(&outside(&Outside::new().unwrap(), &["table"])).unwrap()
}

/// Runs all probes by `karakuri sandbox exec`, with the probes in its `/work`.
fn command(machine: &Outside, mut karakuri: Command, work: &Path) -> Report {
    machine.equip(work).unwrap();
    karakuri.args(["sandbox", "exec", "--work"]).arg(work);
    let output = karakuri.args(["--", "python3", "probe.py", "run"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:#?}"))
}

/// Runs all probes in a script of a run.
fn script(machine: &Outside) -> Report {
    let text = "import probe\nfrom karakuri import run\nrun.output('result', probe.report())\n";
    let workflow = Workflow::new(text);
    machine.equip(workflow.path()).unwrap();
    let finished = Agent::new().run(workflow.path(), &[]);
    finished.ended(Exit::Success);
    serde_json::from_value(finished.result().clone()).unwrap()
}

fn differences(found: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> Vec<String> {
    let wrong = wanted.iter().filter(|(name, answer)| found.get(*name) != Some(*answer));
    wrong.map(|(name, answer)| format!("{name}: {:?}, not {answer}", found.get(name))).collect()
}

fn meets_its_walls(table: &[Probe], report: &Report, machine: &Outside) {
    let walls = table.iter().map(|probe| (probe.name.clone(), probe.inside.clone()));
    assert_eq!(differences(&report.answers, &walls.collect()), Vec::<String>::new());
    assert_eq!(report.answers.len(), table.len());
    assert_eq!(machine.reached().unwrap(), Vec::<&str>::new());
}

#[test]
fn a_command_and_a_script_meet_the_same_walls() {
    let machine = Outside::new().unwrap();
    let (agent, work) = (Agent::new(), tempfile::tempdir().unwrap());
    let (table, command) = (table(), command(&machine, agent.command(&[]), work.path()));
    assert!(table.len() > 400, "{}", table.len());
    meets_its_walls(&table, &command, &machine);
    let script = script(&machine);
    meets_its_walls(&table, &script, &machine);
    sees_only_itself(&command.facts, &["0", "1", "2"]);
    sees_only_itself(&script.facts, &["0", "1", "2", "3"]);
    for fact in ["environment", "status", "cgroups", "host name", "interfaces"] {
        assert_eq!(command.facts[fact], script.facts[fact], "{fact}");
    }
}

/// As root the programs run a second time as somebody without privilege, in a user namespace.
#[test]
fn an_ordinary_user_has_the_same_walls() {
    let (machine, home) = (Outside::new().unwrap(), tempfile::tempdir().unwrap());
    let (work, bin, state) = (home.path().join("w"), home.path().join("b"), home.path().join("s"));
    for directory in [&work, &bin, &state] {
        fs::create_dir(directory).unwrap();
    }
    let mut karakuri = Command::new(bin.join("karakuri"));
    karakuri.env("KARAKURI_STATE", &state);
    if is_root() {
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for directory in [&work, &state] {
            chown(directory, Some(USER), Some(USER)).unwrap();
        }
        karakuri.uid(USER).gid(USER);
    }
    for name in ["karakuri", "karakuri-monitor", "karakuri-sandbox"] {
        fs::copy(programs().join(name), bin.join(name)).unwrap();
    }
    let report = command(&machine, karakuri, &work);
    meets_its_walls(&table(), &report, &machine);
    sees_only_itself(&report.facts, &["0", "1", "2"]);
}

#[test]
fn the_harmless_probes_work_outside() {
    let machine = Outside::new().unwrap();
    let control = |probe: &Probe| {
        let root = probe.root.clone().filter(|_| is_root());
        root.or_else(|| probe.outside.clone()).map(|answer| (probe.name.clone(), answer))
    };
    let controls: BTreeMap<String, String> = table().iter().filter_map(control).collect();
    let mut arguments = vec!["run"];
    arguments.extend(controls.keys().map(String::as_str));
    let report: Report = serde_json::from_slice(&outside(&machine, &arguments)).unwrap();
    assert_eq!(differences(&report.answers, &controls), Vec::<String>::new());
    assert_eq!(report.answers.len(), controls.len());
    // The listeners hear who reaches them, so their silence inside means something.
    assert_eq!(machine.reached().unwrap(), ["tcp", "udp", "unix", "abstract", "file"]);
}

fn sees_only_itself(facts: &Value, fds: &[&str]) {
    let list = |name: &str| -> Vec<String> {
        let values = facts[name].as_array().unwrap();
        values.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect()
    };
    let environment = [
        "HOME",
        "LANG",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPATH",
        "PYTHONUNBUFFERED",
        "TMPDIR",
    ];
    assert_eq!(list("environment"), environment);
    assert_eq!(list("fds"), fds);
    assert_eq!(list("processes").len(), 1, "{:?}", list("processes"));
    assert_eq!(list("cgroups"), ["/"]);
    assert_eq!(list("interfaces"), ["lo"]);
    assert_eq!(facts["host name"], "sandbox");
    assert_eq!(facts["status"]["NoNewPrivs"], "1");
    assert_eq!(facts["status"]["Seccomp"], "2");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(facts["status"][set], "0000000000000000", "{set}");
    }
    for mount in facts["mounts"].as_array().unwrap() {
        // What is mounted lies on the machine where it lies here, or on a file system of the run.
        let (source, target) = (mount[0].as_str().unwrap(), mount[1].as_str().unwrap());
        let of_the_run = ["/", "/bundle", "/sdk", "/work", "/files"].contains(&source);
        assert!(
            of_the_run || source.ends_with(target) || target.ends_with(source),
            "{source} on {target}"
        );
    }
}
