//! From a run to a tenant's bucket, on good days and on bad ones, with real servers.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Bucket, DAEMON, Workflow, kill_below};
use serde_json::{Value, json};

const WORDS: &str = "from karakuri import run\n\
                     open('/work/report.bin', 'wb').write(bytes(range(256)))\n\
                     run.attach('/work/report.bin')\n";

/// An address at which nobody answers.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn run_of(outcome: &Value) -> String {
    outcome["outcome"]["run"].as_str().unwrap().to_owned()
}

fn waiting(outcome: &Value) -> u64 {
    outcome["outcome"]["waiting"].as_u64().unwrap()
}

/// What `artifacts deliver` says, and its exit code.
fn deliver(agent: &Agent, more: &[&str]) -> (Value, i32) {
    let arguments = [&["artifacts", "deliver", "--json"], more].concat();
    let output = agent.call(&arguments);
    let said = serde_json::from_slice(&output.stdout);
    let said = said.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    (said, output.status.code().unwrap())
}

/// Names of the files of a run in the bucket.
fn files(bucket: &Bucket, site: &str, run: &str) -> Vec<String> {
    let all = bucket.list(&format!("{site}/runs/"));
    let of_run = all.iter().filter(|key| key.contains(run));
    of_run.map(|key| key.rsplit('/').next().unwrap().to_owned()).collect()
}

const WHOLE: [&str; 4] =
    ["0001-output.esdk", "0002-evidence.esdk", "0003-evidence.esdk", "manifest.dsse.json"];

#[test]
fn artifacts_reach_the_bucket_and_the_tenant_opens_them() {
    let bucket = Bucket::shared();
    let agent = Agent::new();
    bucket.settle(agent.state(), "good", &bucket.endpoints());
    let finished = agent.run(Workflow::new(WORDS).path(), &[]);
    assert_eq!(finished.code, 0, "{finished:#?}");
    assert_eq!(waiting(&finished.outcome), 0);
    let run = run_of(&finished.outcome);
    assert_eq!(files(bucket, "good", &run), WHOLE);
    let prefix = finished.outcome["outcome"]["store_prefix"].as_str().unwrap();
    let key = format!("good/{prefix}/0001-output.esdk");
    let (plaintext, bound) = bucket.open(&key);
    let context = json!({ "tenant": "acme", "site": "osaka-1", "run": run, "class": "output" });
    assert_eq!(bound, context);
    assert_eq!(plaintext, (0..=255).collect::<Vec<u8>>());
    // Nothing is left behind but the journal.
    let left = std::fs::read_dir(agent.state().join("spool")).unwrap();
    assert_eq!(left.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(), 0);
    let log = std::fs::read_to_string(agent.state().join("audit/audit.jsonl")).unwrap();
    assert_eq!(log.matches("artifact.delivered").count(), WHOLE.len(), "{log}");
    let output = agent.call(&["audit", "verify"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_store_that_is_away_costs_the_run_nothing_and_loses_nothing() {
    let bucket = Bucket::shared();
    let agent = Agent::new();
    let [_, sts, kms] = bucket.endpoints();
    bucket.settle(agent.state(), "away", &[nobody(), sts, kms]);
    let workflow = Workflow::new(WORDS);
    let first = agent.run(workflow.path(), &[]);
    assert_eq!(first.code, 0, "{first:#?}");
    assert_eq!(waiting(&first.outcome), 4);
    let second = agent.run(workflow.path(), &[]);
    assert_eq!(waiting(&second.outcome), 8);

    bucket.settle(agent.state(), "away", &bucket.endpoints());
    let (said, code) = deliver(&agent, &[]);
    assert_eq!((said["delivered"].as_u64(), said["waiting"].as_u64(), code), (Some(8), Some(0), 0));
    for run in [run_of(&first.outcome), run_of(&second.outcome)] {
        assert_eq!(files(bucket, "away", &run), WHOLE);
    }
    // A second time there is nothing to do.
    assert_eq!(deliver(&agent, &[]).0["delivered"], 0);
}

#[test]
fn no_run_begins_while_kms_is_away() {
    let bucket = Bucket::shared();
    let agent = Agent::new();
    let [s3, sts, _] = bucket.endpoints();
    bucket.settle(agent.state(), "no-kms", &[s3, sts, nobody()]);
    let finished = agent.run(Workflow::new(WORDS).path(), &[]);
    assert_eq!(finished.code, i32::from(Exit::EvidenceFailed.code()), "{finished:#?}");
    assert!(finished.message().contains("data keys"), "{}", finished.message());
    assert!(bucket.list("no-kms/").is_empty());
    let log = std::fs::read_to_string(agent.state().join("audit/audit.jsonl")).unwrap();
    assert!(log.contains("run.finished") && !log.contains("run.started"), "{log}");
}

#[test]
fn a_file_that_the_store_cannot_take_is_parked_and_holds_up_no_other_run() {
    let bucket = Bucket::shared();
    let agent = Agent::new();
    let [_, sts, kms] = bucket.endpoints();
    bucket.settle(agent.state(), "taken", &[nobody(), sts, kms]);
    let workflow = Workflow::new(WORDS);
    let first = agent.run(workflow.path(), &[]);
    assert_eq!(waiting(&first.outcome), 4, "{first:#?}");
    let prefix = first.outcome["outcome"]["store_prefix"].as_str().unwrap();
    let key = format!("taken/{prefix}/0002-evidence.esdk");
    bucket.ask(&json!({ "put": key, "content": "in the way", "checksum": "SHA256" })).unwrap();
    bucket.settle(agent.state(), "taken", &bucket.endpoints());
    let second = agent.run(workflow.path(), &[]);
    assert_eq!(second.code, i32::from(Exit::EvidenceFailed.code()), "{second:#?}");
    assert!(second.message().contains("parked"), "{}", second.message());
    assert_eq!(files(bucket, "taken", &run_of(&second.outcome)), WHOLE);
    // Its manifest says that a run is complete, and so it waits.
    let there = files(bucket, "taken", &run_of(&first.outcome));
    assert_eq!(there, &WHOLE[..3]);
    let (said, code) = deliver(&agent, &["--parked"]);
    assert_eq!((said["parked"].as_u64(), said["waiting"].as_u64()), (Some(1), Some(2)), "{said}");
    assert_eq!(code, i32::from(Exit::EvidenceFailed.code()));
}

#[test]
fn a_run_that_was_killed_is_closed_as_interrupted_and_delivered() {
    let bucket = Bucket::shared();
    let agent = Agent::new();
    bucket.settle(agent.state(), "killed", &bucket.endpoints());
    let workflow = Workflow::new(
        "from karakuri import run\nimport time\n\
         open('/work/report.bin', 'wb').write(bytes(range(256)))\n\
         run.attach('/work/report.bin')\nrun.log('attached')\ntime.sleep(600)\n",
    );
    let path = workflow.path().to_string_lossy().into_owned();
    let mut karakuri =
        agent.command(&["run", "--verbose", &path]).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(karakuri.stderr.take().unwrap()).lines();
    let mut attached = lines.map_while(Result::ok).skip_while(|line| !line.contains("attached"));
    assert!(attached.next().is_some());
    assert!(kill_below(karakuri.id(), DAEMON));
    karakuri.wait().unwrap();
    let (said, code) = deliver(&agent, &[]);
    assert_eq!((said["waiting"].as_u64(), code), (Some(0), 0), "{said}");
    let keys = bucket.list("killed/runs/");
    let manifest = keys.iter().find(|key| key.ends_with("manifest.dsse.json")).unwrap();
    assert!(keys.iter().any(|key| key.ends_with("0001-output.esdk")), "{keys:?}");
    let head = bucket.ask(&json!({ "head": manifest })).unwrap();
    assert!(head["length"].as_u64().unwrap() > 0);
    let log = std::fs::read_to_string(agent.state().join("audit/audit.jsonl")).unwrap();
    assert!(log.contains("\"outcome\":\"interrupted\""), "{log}");
}
