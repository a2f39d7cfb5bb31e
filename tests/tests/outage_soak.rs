//! The data plane over long times: a week without a store, and processes that are killed again and again.
//! `make soak`; `KARAKURI_SEED` repeats the second.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use karakuri_spool::{ArtifactId, LocalDisk, MANIFEST, Settings, Spool, Timestamp};
use karakuri_tests::{Agent, Bucket, Gate, Numbers, Workflow, children, kill, seed, soaking};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const RUNS: usize = 200;
const OF_A_RUN: usize = 250;
/// So far a file may come from its place by age: 32 are under way at once, and those that found the store
/// away come again together.
const ABREAST: usize = 10 * 32;

/// The records of an audit log.
fn records(state: &Path) -> Vec<Value> {
    let log = std::fs::read_to_string(state.join("audit/audit.jsonl")).unwrap();
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Run and file of each record of this event, in their order.
fn files(records: &[Value], event: &str, field: &str) -> Vec<(String, String)> {
    let of_event = records.iter().filter(|record| record["event"] == event);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    of_event.map(|record| (text(&record["run"]), text(&record["data"][field]))).collect()
}

/// What a week of runs leaves in the spool; the names in the order of their age.
fn fill(spool: &Path) -> Vec<(String, String)> {
    let start = Timestamp(1_795_000_000_000);
    let (mut spool, _) =
        Spool::open(spool, Arc::new(LocalDisk), Settings::default(), start).unwrap();
    let mut names = Vec::new();
    for run in 0..RUNS {
        let run = format!("20261115T{run:06}000Z-{run:08x}");
        let file = |n: usize| {
            if n == OF_A_RUN { MANIFEST.to_owned() } else { format!("{n:04}-evidence.esdk") }
        };
        let mut written = Vec::new();
        for file in (1..=OF_A_RUN).map(file) {
            let id = ArtifactId::new(&run, &file).unwrap();
            let bytes = id.to_string().into_bytes();
            let mut draft = spool.draft(id).unwrap();
            draft.write_all(&bytes).unwrap();
            written.push(draft.finish(bytes.len() as u64, Sha256::digest(&bytes).into()).unwrap());
            names.push((run.clone(), file));
        }
        spool.commit(written, Timestamp(start.0 + names.len() as u64)).unwrap();
    }
    names
}

#[test]
#[ignore = "50,000 artifacts take minutes: make soak"]
fn a_weeks_outage_drains_in_the_order_of_age() {
    let (bucket, agent) = (Bucket::shared(), Agent::new());
    let [s3, sts, kms] = bucket.endpoints();
    let gate = Gate::before(&s3);
    bucket.settle(agent.state(), "week", &[gate.url(), sts, kms]);
    let names = fill(&agent.state().join("spool"));
    let mut deliver =
        agent.command(&["artifacts", "deliver", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(deliver.try_wait().unwrap(), None, "it gave up");
    gate.open();
    let output = deliver.wait_with_output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["delivered"], &said["waiting"]), (&json!(names.len()), &json!(0)), "{said}");
    let delivered = files(&records(agent.state()), "artifact.delivered", "file");
    assert_eq!(delivered.len(), names.len());
    let place: BTreeMap<_, _> = delivered.iter().zip(0..).collect();
    for (age, name) in names.iter().enumerate() {
        let place: usize = place[name];
        assert!(place.abs_diff(age) <= ABREAST, "{name:?} of age {age} came as {place}");
    }
    assert_eq!(bucket.list("week/runs/").len(), names.len());
}

#[test]
#[ignore = "200 runs take minutes: make soak"]
fn whatever_is_killed_what_was_acknowledged_arrives_once() {
    let (bucket, agent) = (Bucket::shared(), Agent::new());
    bucket.settle(agent.state(), "killed", &bucket.endpoints());
    Bucket::resettle(agent.state(), "bucket = \"acme\"", "bucket = \"versioned\"");
    let workflow = Workflow::new(
        "from karakuri import run\n\
         open('/work/report.bin', 'wb').write(bytes(range(256)) * 100)\n\
         for n in range(12):\n    run.attach('/work/report.bin')\n",
    );
    let path = workflow.path().to_string_lossy().into_owned();
    let mut numbers = Numbers::new(seed());
    let rounds = if soaking() { 200 } else { 5 };
    for _ in 0..rounds {
        let words: &[&str] = match numbers.below(4) {
            0 => &["artifacts", "deliver"],
            _ => &["run", &path],
        };
        let mut command = agent.command(words);
        let mut karakuri = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(numbers.below(3500) as u64));
        // karakuri, its monitor, or one of the monitor's: karakurid, couriers, display, desktop, script.
        let monitor = children(karakuri.id());
        let below: Vec<_> = monitor.iter().flat_map(|pid| children(*pid)).collect();
        let all = [vec![karakuri.id()], monitor, below].concat();
        kill(all[numbers.below(all.len() as u64)]);
        karakuri.wait().unwrap();
    }
    for _ in 0..10 {
        if agent.call(&["artifacts", "deliver"]).status.success() {
            break;
        }
    }
    let records = records(agent.state());
    let sealed = files(&records, "artifact.sealed", "id");
    let hashes = records.iter().filter(|record| record["event"] == "artifact.sealed");
    let hashes: Vec<_> = hashes.map(|record| &record["data"]["message_sha256"]).collect();
    assert!(sealed.len() > 2 * rounds, "only {} were sealed", sealed.len());
    let there: BTreeSet<String> = {
        let all = bucket.ask(&json!({ "list": "killed/runs/", "bucket": "versioned" })).unwrap();
        all.as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect()
    };
    let versions = json!({ "versions": "killed/", "bucket": "versioned" });
    let versions = bucket.ask(&versions).unwrap().as_array().unwrap().len();
    assert_eq!(versions, there.len(), "something was stored twice");
    let mut runs = BTreeSet::new();
    for ((run, id), hash) in sealed.iter().zip(hashes) {
        let day = format!("{}-{}-{}", &run[..4], &run[4..6], &run[6..8]);
        let key = format!("killed/runs/{day}/{run}/{id}.esdk");
        assert!(there.contains(&key), "{key} did not arrive");
        let head = bucket.ask(&json!({ "head": key, "bucket": "versioned" })).unwrap();
        assert_eq!(head["sha256"], *hash, "{key} is another file");
        runs.insert((day, run));
    }
    for (day, run) in &runs {
        assert!(there.contains(&format!("killed/runs/{day}/{run}/{MANIFEST}")), "{run} has no end");
    }
    println!("{} artifacts of {} runs", sealed.len(), runs.len());
    let output = agent.call(&["audit", "verify"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
