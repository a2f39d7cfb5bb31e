//! The life of a run as events in the tenant's bucket, opened with the official client.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use karakuri_tests::{Agent, Bucket, DAEMON, Workflow, kill_below, settle, signed};
use serde_json::{Value, json};

const STEPS: &str = "from karakuri import run\n\
                     with run.step('Read the mail of aiko@example.com'):\n    pass\n\
                     with run.step('Post'):\n    pass\n";

/// A site in this part of the bucket whose bus is told.
fn settle_with_bus(bucket: &Bucket, agent: &Agent, prefix: &str, endpoints: &[String; 3]) {
    bucket.settle(agent.state(), prefix, endpoints);
    let file = agent.state().join("site/site.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("events = false\n", "")).unwrap();
}

fn run_of(outcome: &Value) -> String {
    outcome["outcome"]["run"].as_str().unwrap().to_owned()
}

/// The names of the events of a site, and what is in them.
fn events(bucket: &Bucket, prefix: &str) -> Vec<(String, Value)> {
    let keys = bucket.list(&format!("{prefix}/events/"));
    let event = |key: &String| {
        let (json, context) = bucket.open(key);
        assert_eq!(context["class"], "event");
        (key.rsplit('/').next().unwrap().to_owned(), serde_json::from_slice(&json).unwrap())
    };
    keys.iter().map(event).collect()
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

const WHOLE: [&str; 6] = [
    "0001-accepted.esdk",
    "0002-started.esdk",
    "0003-step.esdk",
    "0004-step.esdk",
    "0005-finished.esdk",
    "uploaded.esdk",
];

#[test]
fn the_bus_is_told_of_a_run_and_last_that_it_is_in_the_store() {
    let bucket = Bucket::shared();
    let agent = Agent::new();
    settle_with_bus(bucket, &agent, "news", &bucket.endpoints());
    let finished = agent.run(Workflow::new(STEPS).path(), &[]);
    assert_eq!(finished.code, 0, "{finished:#?}");
    let run = run_of(&finished.outcome);
    let told = events(bucket, "news");
    assert_eq!(names(&told), WHOLE);
    for (_, event) in &told {
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["source"], "urn:karakuri:acme:osaka-1");
        assert_eq!(event["dataschema"], "urn:karakuri:events:1");
        assert_eq!(event["subject"], *run);
    }
    assert_eq!(told[0].1["data"]["workflow"], "test");
    let step = &told[2].1;
    assert_eq!(step["id"], format!("{run}/0003"));
    assert_eq!(step["type"], "karakuri.run.step");
    assert_eq!(step["data"], json!({ "number": 1, "name": "Read the mail of [email]" }));
    let (end, last) = (&told[4].1["data"], &told[5].1);
    assert_eq!((&end["outcome"], &end["steps"]), (&json!("success"), &json!(2)));
    assert_eq!(last["data"]["prefix"], finished.outcome["outcome"]["store_prefix"]);
    assert_eq!(last.get("time"), None);
    let log = std::fs::read_to_string(agent.state().join("audit/audit.jsonl")).unwrap();
    let delivered = |file: &str| {
        let of = |record: &str| record.contains("artifact.delivered") && record.contains(file);
        log.lines().position(of).unwrap()
    };
    assert!(delivered("manifest.dsse.json") < delivered("event-uploaded.esdk"));
    let prefix = finished.outcome["outcome"]["store_prefix"].as_str().unwrap();
    let runs = bucket.list(&format!("news/{prefix}/"));
    assert!(runs.iter().all(|key| !key.contains("event")), "{runs:?}");
}

#[test]
fn a_site_may_do_without_and_so_does_a_laptop() {
    let bucket = Bucket::shared();
    let agent = Agent::new();
    bucket.settle(agent.state(), "no-news", &bucket.endpoints());
    assert_eq!(agent.run(Workflow::new(STEPS).path(), &[]).code, 0);
    assert!(!bucket.list("no-news/runs/").is_empty());
    assert!(bucket.list("no-news/events/").is_empty());
    let laptop = Agent::new();
    assert_eq!(laptop.run(Workflow::new(STEPS).path(), &[]).code, 0);
    assert!(!laptop.state().join("store/events").exists());
}

#[test]
fn the_next_run_tells_of_one_that_was_cut_short() {
    let bucket = Bucket::shared();
    let agent = Agent::new();
    settle_with_bus(bucket, &agent, "cut", &bucket.endpoints());
    let endless =
        Workflow::new("from karakuri import run\nimport time\nrun.log('begun')\ntime.sleep(600)\n");
    let path = endless.path().to_string_lossy().into_owned();
    let mut karakuri =
        agent.command(&["run", "--verbose", &path]).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(karakuri.stderr.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("begun")));
    assert!(kill_below(karakuri.id(), DAEMON));
    karakuri.wait().unwrap();
    let next = agent.run(Workflow::new(STEPS).path(), &[]);
    assert_eq!(next.code, 0, "{next:#?}");
    let told = events(bucket, "cut");
    let of = |word: &str| {
        told.iter().find(|(name, _)| name.contains(word)).map(|(_, event)| event).unwrap()
    };
    let interrupted = of("interrupted");
    assert_eq!(interrupted["type"], "karakuri.run.interrupted");
    assert_ne!(interrupted["subject"], *run_of(&next.outcome));
    let cut: Vec<_> = told.iter().filter(|(_, e)| e["subject"] == interrupted["subject"]).collect();
    assert_eq!(cut.len(), 3, "accepted, started, interrupted: {cut:?}");
}

#[test]
fn events_are_read_where_the_key_is_and_nowhere_else() {
    let agent = Agent::new();
    let made = agent.run(Workflow::new(STEPS).path(), &[]);
    let first = run_of(&made.outcome);
    let output = agent.call(&["artifacts", "events", &first]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no news of run") && said.contains("events = false"), "{said}");

    let key = settle(agent.state(), "", "");
    let finished = agent.run(Workflow::new(STEPS).path(), &[]);
    assert_eq!(finished.code, 0, "{finished:#?}");
    let run = run_of(&finished.outcome);
    let output = agent.call(&["artifacts", "events", &run, "--key", &key]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let types: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone())
        .collect();
    let wanted = ["accepted", "started", "step", "step", "finished", "uploaded"];
    assert_eq!(types, wanted.map(|word| json!(format!("karakuri.run.{word}"))));

    let output = agent.call(&["artifacts", "events", &run]);
    assert_eq!(output.status.code(), Some(36), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn news_goes_when_its_time_is_over_and_that_is_recorded() {
    let agent = Agent::new();
    let _key = settle(agent.state(), "", "[retention]\nevent = 2\n");
    let finished = agent.run(Workflow::new(STEPS).path(), &[]);
    assert_eq!(finished.code, 0, "{finished:#?}");
    let outcome = &finished.outcome["outcome"];
    let directory = agent.state().join("store").join(outcome["store_prefix"].as_str().unwrap());
    let expire = || {
        let output = agent.call(&["artifacts", "expire", "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["removed"].clone()
    };
    assert_eq!(expire(), json!({}));
    signed::age(&directory, &signed::signer(agent.state()), 3);
    std::fs::remove_file(agent.state().join("retention.json")).unwrap();
    assert_eq!(expire(), json!({ run_of(&finished.outcome): WHOLE.len() }));
    let news = directory.to_str().unwrap().replace("/runs/", "/events/");
    assert!(!std::path::Path::new(&news).exists());
    let log = std::fs::read_to_string(agent.state().join("audit/audit.jsonl")).unwrap();
    let expired = log.lines().find(|line| line.contains("artifact.expired")).unwrap();
    assert!(
        expired.contains("event-0001-accepted") && expired.contains("event-uploaded"),
        "{expired}"
    );
    assert!(agent.call(&["artifacts", "verify", "last"]).status.success());
}
