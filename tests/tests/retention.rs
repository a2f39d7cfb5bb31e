//! What is past its time goes, recorded; what is not stays, whatever the clock says.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Workflow, signed};
use serde_json::{Value, json};

const WORDS: &str = "from karakuri import run\n\
                     open('/work/report.bin', 'wb').write(bytes(range(256)))\n\
                     run.attach('/work/report.bin')\n";
const RETENTION: &str = "[retention]\nevidence = 30\noutput = 60\n";
const OUTPUT: &str = "0001-output.esdk";
const EVIDENCE: [&str; 2] = ["0002-evidence.esdk", "0003-evidence.esdk"];

/// An installation with a local store and a time for what is in it.
struct Kept {
    agent: Agent,
    runs: Vec<(String, PathBuf)>,
}

impl Kept {
    fn new() -> Self {
        let agent = Agent::new();
        let finished = agent.run(Workflow::new(WORDS).path(), &[]);
        assert_eq!(finished.code, 0, "{finished:#?}");
        let key = agent.state().join("keys/development.pub.pem");
        fs::write(&key, public_half(&agent)).unwrap();
        let site = format!(
            "tenant = \"development\"\nsite = \"development\"\n\
             [[keys.raw_rsa]]\nnamespace = \"karakuri\"\nname = \"development\"\n\
             public_key = \"{}\"\n{RETENTION}",
            key.display()
        );
        fs::write(agent.state().join("site/site.toml"), site).unwrap();
        let mut kept = Self { agent, runs: Vec::new() };
        kept.add(&finished.outcome["outcome"]);
        kept
    }

    fn run(&mut self) {
        let finished = self.agent.run(Workflow::new(WORDS).path(), &[]);
        assert_eq!(finished.code, 0, "{finished:#?}");
        self.add(&finished.outcome["outcome"]);
    }

    fn add(&mut self, outcome: &Value) {
        let prefix = outcome["store_prefix"].as_str().unwrap();
        let directory = self.agent.state().join("store").join(prefix);
        self.runs.push((outcome["run"].as_str().unwrap().to_owned(), directory));
    }

    fn age(&self, run: usize, days: u64) {
        signed::age(&self.runs[run].1, &signed::signer(self.agent.state()), days);
    }

    /// What a command says with `--json`, and its exit code.
    fn said(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.agent.call(&[arguments, &["--json"]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| json!(said));
        (value, output.status.code().unwrap())
    }

    fn expire(&self, more: &[&str]) -> (Value, i32) {
        self.said(&[&["artifacts", "expire"], more].concat())
    }

    fn verify(&self, run: usize) -> (Value, i32) {
        self.said(&["artifacts", "verify", &self.runs[run].0])
    }

    fn events(&self, event: &str) -> Vec<Value> {
        let log = fs::read_to_string(self.agent.state().join("audit/audit.jsonl")).unwrap();
        let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.filter(|record| record["event"] == event).collect()
    }

    fn has(&self, run: usize, file: &str) -> bool {
        self.runs[run].1.join(file).exists()
    }
}

fn public_half(agent: &Agent) -> String {
    let private = agent.state().join("keys/development.pem");
    let mut openssl = std::process::Command::new("openssl");
    let output = openssl.args(["pkey", "-pubout", "-in"]).arg(private).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn not_verified() -> i32 {
    Exit::NotVerified.code().into()
}

fn record(directory: &Path) -> PathBuf {
    let mut all = fs::read_dir(directory.join("removed")).unwrap();
    all.next().unwrap().unwrap().path().join("record.dsse.json")
}

#[test]
fn a_class_goes_when_its_time_is_over_and_that_is_recorded() {
    let kept = Kept::new();
    let nothing = json!({ "removed": {}, "refused": [], "clock_doubted_days": null });
    assert_eq!(kept.expire(&[]), (nothing.clone(), 0));
    kept.age(0, 40);
    // Since when the run is kept is known already: its manifest cannot make it older.
    assert_eq!(kept.expire(&[]), (nothing, 0));
    fs::remove_file(kept.agent.state().join("retention.json")).unwrap();
    let (run, directory) = &kept.runs[0];
    let opened = kept.agent.state().join(format!("reports/{run}.html"));
    assert!(opened.exists());

    let (said, code) = kept.expire(&["--clock-is-right"]);
    assert_eq!((&said["removed"], code), (&json!({ run: 2 }), 0), "{said}");
    assert!(kept.has(0, OUTPUT) && !EVIDENCE.iter().any(|file| kept.has(0, file)));
    assert!(!opened.exists());
    let events = kept.events("artifact.expired");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["data"]["ids"], json!(["0002-evidence", "0003-evidence"]));
    assert_eq!(events[0]["run"], *run);
    let audit = kept.said(&["audit", "verify"]);
    assert_eq!(audit.1, 0, "{}", audit.0);

    let (found, code) = kept.verify(0);
    assert_eq!((&found["expired"], &found["erased"], code), (&json!(2), &json!(0), 0), "{found}");
    let told = kept.agent.call(&["artifacts", "verify", "last"]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("2 of them expired by retention, recorded"), "{told}");
    // The rest still opens; what is gone says why.
    let out = kept.agent.state().join("out");
    let words = ["artifacts", "decrypt", "last", "--out", out.to_str().unwrap()];
    assert!(kept.agent.call(&words).status.success());
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    let gone = kept.agent.call(&["artifacts", "decrypt", "last", "0002-evidence"]);
    assert!(String::from_utf8_lossy(&gone.stderr).contains("is gone: expired by retention"));
    assert!(directory.join("manifest.dsse.json").exists());
    // A second time there is nothing to do.
    assert_eq!(kept.expire(&[]).0["removed"], json!({}));
    assert_eq!(kept.events("artifact.expired").len(), 1);
}

#[test]
fn a_run_begins_with_a_look_at_what_is_past_its_time() {
    let mut kept = Kept::new();
    kept.age(0, 13);
    let site = kept.agent.state().join("site/site.toml");
    let text = fs::read_to_string(&site).unwrap();
    fs::write(&site, text.replace("evidence = 30", "evidence = 10")).unwrap();
    kept.run();
    assert!(!kept.has(0, EVIDENCE[0]) && kept.has(0, OUTPUT));
    assert!(kept.has(1, EVIDENCE[0]) && kept.has(1, OUTPUT));
    assert_eq!((kept.verify(0).1, kept.verify(1).1), (0, 0));
}

#[test]
fn what_is_gone_without_a_record_is_missing_and_a_record_is_not_forged() {
    let kept = Kept::new();
    kept.age(0, 40);
    assert_eq!(kept.expire(&["--clock-is-right"]).1, 0);
    let directory = &kept.runs[0].1;
    let path = record(directory);
    let genuine = fs::read(&path).unwrap();

    let output = fs::read(directory.join(OUTPUT)).unwrap();
    fs::remove_file(directory.join(OUTPUT)).unwrap();
    let (found, code) = kept.verify(0);
    assert_eq!(code, not_verified());
    assert_eq!(found["faults"][0]["fault"], "is missing");
    assert_eq!(found["faults"].as_array().unwrap().len(), 1, "{found}");
    fs::write(directory.join(OUTPUT), output).unwrap();

    for altered in [b"{}".to_vec(), genuine[..genuine.len() - 9].to_vec(), {
        let text = String::from_utf8(genuine.clone()).unwrap();
        text.replacen("\"sig\":\"", "\"sig\":\"AA", 1).into_bytes()
    }] {
        fs::write(&path, altered).unwrap();
        assert_eq!(kept.verify(0).1, not_verified());
    }
    // Without it both are missing.
    fs::remove_file(&path).unwrap();
    let (found, code) = kept.verify(0);
    assert_eq!((found["faults"].as_array().unwrap().len(), code), (2, not_verified()), "{found}");
    fs::write(&path, &genuine).unwrap();
    assert_eq!(kept.verify(0).1, 0);
}

#[test]
fn a_record_counts_for_its_own_run_alone() {
    let mut kept = Kept::new();
    kept.age(0, 40);
    assert_eq!(kept.expire(&["--clock-is-right"]).1, 0);
    kept.run();
    let from = record(&kept.runs[0].1);
    let to = kept.runs[1].1.join("removed/x");
    fs::create_dir_all(&to).unwrap();
    fs::copy(from, to.join("record.dsse.json")).unwrap();
    fs::remove_file(kept.runs[1].1.join(EVIDENCE[0])).unwrap();
    let (said, code) = kept.verify(1);
    assert_eq!(code, not_verified(), "{said}");
    assert!(said.as_str().unwrap().contains("it is of another run"), "{said}");
}

#[test]
fn what_a_kill_left_or_somebody_brought_back_is_named_and_goes() {
    let kept = Kept::new();
    let directory = &kept.runs[0].1;
    let sealed = fs::read(directory.join(EVIDENCE[0])).unwrap();
    kept.age(0, 40);
    assert_eq!(kept.expire(&["--clock-is-right"]).1, 0);
    // As after a kill between the record and the last file; one in a rewrapping that was not finished.
    fs::write(directory.join(EVIDENCE[0]), &sealed).unwrap();
    fs::create_dir_all(directory.join("rewrap/x")).unwrap();
    fs::write(directory.join("rewrap/x").join(EVIDENCE[0]), &sealed).unwrap();
    let (found, code) = kept.verify(0);
    assert_eq!((found["faults"].as_array().unwrap().len(), code), (2, not_verified()), "{found}");
    let fault = found["faults"][0]["fault"].as_str().unwrap();
    assert!(fault.starts_with("is recorded as removed and is there all the same"), "{fault}");
    assert_eq!(kept.expire(&[]).1, 0);
    assert!(!kept.has(0, EVIDENCE[0]) && !directory.join("rewrap/x").join(EVIDENCE[0]).exists());
    assert_eq!(kept.verify(0).1, 0);
}

#[test]
fn a_clock_that_jumped_ahead_wipes_nothing() {
    let mut kept = Kept::new();
    // Seen from the run, it is twenty years later.
    kept.age(0, 20 * 365);
    let (said, code) = kept.expire(&[]);
    assert_eq!((&said["clock_doubted_days"], code), (&json!(20 * 365), not_verified()), "{said}");
    assert_eq!(said["removed"], json!({}));
    // No run that is made meanwhile makes it believable; each begins with a look of its own.
    kept.run();
    let (said, code) = kept.expire(&[]);
    assert_eq!((&said["clock_doubted_days"], code), (&json!(20 * 365), not_verified()), "{said}");
    assert!(kept.has(0, EVIDENCE[0]) && kept.has(0, OUTPUT));
    assert_eq!(kept.events("retention.clock_doubted").len(), 3);
    assert_eq!(kept.events("artifact.expired").len(), 0);
    // A person says that it was no jump.
    assert_eq!(kept.expire(&["--clock-is-right"]).0["removed"], json!({ &kept.runs[0].0: 3 }));
    assert!(!kept.has(0, OUTPUT) && kept.has(1, EVIDENCE[0]));
}

#[test]
fn a_clock_that_was_behind_makes_no_run_old() {
    let mut kept = Kept::new();
    assert_eq!(kept.expire(&[]).1, 0);
    kept.run();
    // It says that it ended in the seventies; it was not there at the look before.
    kept.age(1, 50 * 365);
    assert_eq!(kept.expire(&[]).0["removed"], json!({}));
    assert!(kept.has(1, EVIDENCE[0]) && kept.has(1, OUTPUT));
}
