//! `karakuri runs`: every run of a state directory, whatever became of it.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::PathBuf;

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Finished, Workflow, settle};
use serde_json::{Value, json};

const SCRIPT: &str = "from karakuri import run\nrun.output('result', 1)\n";

/// What is listed, what is told on stderr, and the exit code.
fn list(agent: &Agent, more: &[&str]) -> (Value, String, i32) {
    let output = agent.call(&[&["runs", "--json"], more].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
    (value, said, output.status.code().unwrap())
}

fn id(finished: &Finished) -> &str {
    finished.outcome["outcome"]["run"].as_str().unwrap()
}

fn directory(agent: &Agent, finished: &Finished) -> PathBuf {
    let prefix = finished.outcome["outcome"]["store_prefix"].as_str().unwrap();
    agent.state().join("store").join(prefix)
}

#[test]
fn runs_are_listed_the_newest_first_and_one_that_cannot_be_read_hides_no_other() {
    let agent = Agent::new();
    let none = json!({ "runs": [], "older": 0, "faults": [] });
    assert_eq!(list(&agent, &[]), (none, String::new(), 0));
    let good = agent.run(Workflow::new(SCRIPT).path(), &[]);
    good.ended(Exit::Success);
    let refused = agent.run(Workflow::new("").manifest("version = \"1.0.0\"", "").path(), &[]);
    refused.ended(Exit::InvalidWorkflow);
    let failed = agent.run(Workflow::new("raise ValueError\n").path(), &[]);
    failed.ended(Exit::ScriptFailed);

    let (listed, said, code) = list(&agent, &[]);
    assert_eq!((said.as_str(), code, &listed["older"]), ("", 0, &json!(0)));
    let workflow = json!({ "name": "test", "version": "1.0.0" });
    let expected = [
        (&failed, &workflow, "script_failed"),
        (&refused, &Value::Null, "invalid_workflow"),
        (&good, &workflow, "success"),
    ];
    for (run, (finished, workflow, outcome)) in
        listed["runs"].as_array().unwrap().iter().zip(expected)
    {
        assert_eq!(run["run"], id(finished));
        assert_eq!(run["workflow"], *workflow);
        assert_eq!(run["outcome"], outcome);
        assert_eq!(run["artifacts"], finished.outcome["outcome"]["artifacts"]);
        assert_eq!(run["place"], "delivered");
        let day: String = id(finished).chars().take(4).collect();
        assert!(run["started"].as_str().unwrap().starts_with(&day), "{run}");
    }
    let (newest, ..) = list(&agent, &["--limit", "1"]);
    assert_eq!((&newest["runs"][0], &newest["older"]), (&listed["runs"][0], &json!(2)));
    assert_eq!(newest["runs"].as_array().unwrap().len(), 1);
    let text = String::from_utf8(agent.call(&["runs"]).stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let [first, _, last] = lines[..] else { panic!("{text}") };
    assert!(first.starts_with(id(&failed)) && first.contains("script_failed"), "{text}");
    assert!(last.contains(" success ") && last.ends_with(" delivered  test 1.0.0"), "{text}");

    // One altered, one removed, and the log damaged: all is told, and the rest of it.
    fs::write(directory(&agent, &good).join("manifest.dsse.json"), "{}").unwrap();
    fs::remove_dir_all(directory(&agent, &refused)).unwrap();
    let log = agent.state().join("audit/audit.jsonl");
    let mut text = fs::read_to_string(&log).unwrap();
    text.replace_range(..1, "#");
    fs::write(&log, text).unwrap();
    let (listed, _, code) = list(&agent, &[]);
    assert_eq!(code, i32::from(Exit::NotVerified.code()), "{listed}");
    let places: Vec<&Value> =
        listed["runs"].as_array().unwrap().iter().map(|run| &run["place"]).collect();
    assert_eq!(places, ["delivered", "missing", "refused"]);
    assert_eq!(listed["runs"][2]["outcome"], "success", "the log tells of it");
    let faults: Vec<&str> =
        listed["faults"].as_array().unwrap().iter().map(|fault| fault.as_str().unwrap()).collect();
    let [log, manifest] = faults[..] else { panic!("{faults:?}") };
    assert!(log.contains("line 1 is no record, with 0 more: "), "{log}");
    assert!(manifest.starts_with(&format!("run {}: ", id(&good))), "{manifest}");
    let told = String::from_utf8(agent.call(&["runs"]).stderr).unwrap();
    assert_eq!(told.lines().count(), 2, "{told}");
}

#[test]
fn a_run_waits_until_the_store_has_it() {
    let (agent, disk) = (Agent::new(), tempfile::tempdir().unwrap());
    let away = disk.path().join("karakuri");
    let _key = settle(agent.state(), "", &format!("[store.export]\ndirectory = {away:?}\n"));
    let finished = agent.run(Workflow::new(SCRIPT).path(), &[]);
    assert_eq!(finished.code, 0, "{finished:#?}");
    let place = || {
        let (listed, _, code) = list(&agent, &[]);
        assert_eq!((code, &listed["runs"][0]["run"]), (0, &json!(id(&finished))));
        assert_eq!(listed["runs"][0]["outcome"], "success");
        assert_eq!(listed["runs"][0]["workflow"]["name"], "test");
        listed["runs"][0]["place"].clone()
    };
    assert_eq!(place(), "waiting");
    fs::create_dir(&away).unwrap();
    assert!(agent.call(&["artifacts", "deliver"]).status.success());
    assert_eq!(place(), "delivered");
}
