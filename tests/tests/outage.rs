//! Stores that are away for long: slowness, never loss.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use karakuri_tests::{Agent, Bucket, Gate, Workflow};
use serde_json::Value;

const SMALL: &str = "from karakuri import run\nrun.log('begun')\n";

fn outcome(json: &[u8]) -> Value {
    serde_json::from_slice::<Value>(json).unwrap()["outcome"].take()
}

/// Attaches a small file so many times.
fn attaching(times: u32) -> Workflow {
    Workflow::new(&format!(
        "from karakuri import run\n\
         open('/work/report.bin', 'wb').write(bytes(range(256)))\n\
         for n in range({times}):\n    run.attach('/work/report.bin')\n",
    ))
}

#[test]
fn a_spool_that_is_full_slows_a_run_down_and_loses_nothing() {
    let (bucket, agent) = (Bucket::shared(), Agent::new());
    let [s3, sts, kms] = bucket.endpoints();
    let gate = Gate::before(&s3);
    bucket.settle(agent.state(), "full", &[gate.url(), sts, kms]);
    Bucket::resettle(agent.state(), "[spool]\n", "[spool]\ninodes = 256\n");
    let many = attaching(300);
    let path = many.path().to_string_lossy().into_owned();
    let words = ["run", &path, "--json", "--log", "warn"];
    let mut running =
        agent.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("the spool is full; the run waits")));
    assert_eq!(running.try_wait().unwrap(), None, "it ended");
    gate.open();
    let rest = std::thread::spawn(move || lines.collect::<Vec<_>>());
    let output = running.wait_with_output().unwrap();
    let said = rest.join().unwrap().join("\n");
    assert!(output.status.success(), "{said}");
    let outcome = outcome(&output.stdout);
    assert_eq!(outcome["waiting"], 0, "{said}");
    let run = outcome["run"].as_str().unwrap();
    let there = bucket.list("full/runs/");
    let of = |class: &str| {
        there
            .iter()
            .filter(|key| key.contains(run) && key.ends_with(&format!("-{class}.esdk")))
            .count()
    };
    assert_eq!((of("output"), of("evidence")), (300, 2));
    assert!(there.iter().any(|key| key.ends_with("manifest.dsse.json")));
}

#[test]
fn a_run_that_ends_while_the_spool_is_full_still_has_its_report() {
    let (bucket, agent) = (Bucket::shared(), Agent::new());
    let [s3, sts, kms] = bucket.endpoints();
    let gate = Gate::before(&s3);
    bucket.settle(agent.state(), "filled", &[gate.url(), sts, kms]);
    Bucket::resettle(agent.state(), "[spool]\n", "[spool]\ninodes = 256\n");
    // The last of them reaches the mark, and no call of the script follows that would wait.
    let many = attaching(229);
    let path = many.path().to_string_lossy().into_owned();
    let output = agent.call(&["run", &path, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let outcome = outcome(&output.stdout);
    assert_eq!(outcome["waiting"], 232, "229 files, log, report, manifest: {outcome:#}");
    assert_ne!(outcome["report_key"], Value::Null);
    // The next one waits for room from its beginning on; somebody gives up on it.
    gate.open();
    let next = agent.run(Workflow::new(SMALL).path(), &[]);
    assert_eq!(next.code, 0, "{next:#?}");
    assert_eq!(next.outcome["outcome"]["waiting"], 0, "{next:#?}");
}

#[test]
fn outside_the_sites_hours_nothing_is_sent_and_inside_everything() {
    let (bucket, agent) = (Bucket::shared(), Agent::new());
    bucket.settle(agent.state(), "hours", &bucket.endpoints());
    let now = hour();
    let window = |from: u32, to: u32| {
        format!(
            "[network]\nwindow = {{ from = \"{:02}:00\", to = \"{:02}:00\" }}\n",
            from % 24,
            to % 24
        )
    };
    let later = window(now + 3, now + 5);
    Bucket::resettle(agent.state(), "[network]\n", &later);
    let finished = agent.run(Workflow::new(SMALL).path(), &[]);
    assert_eq!(finished.code, 0, "{finished:#?}");
    assert_eq!(finished.outcome["outcome"]["waiting"], 3, "{finished:#?}");
    assert!(bucket.list("hours/").is_empty());
    Bucket::resettle(agent.state(), &later, &window(now + 23, now + 2));
    let output = agent.call(&["artifacts", "deliver", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["delivered"], &said["waiting"]), (&3.into(), &0.into()), "{said}");
    assert_eq!(bucket.list("hours/runs/").len(), 3);
}

/// The hour of the day here.
fn hour() -> u32 {
    let output = std::process::Command::new("date").arg("+%H").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}
