//! A store on a disk that is carried away, and the import on the other side.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use karakuri_protocol::job::Exit;
use karakuri_seal::manifest::{self, Removal, sign};
use karakuri_tests::{Agent, Workflow, settle, signed};
use serde_json::{Value, json};
use tempfile::TempDir;

const WORDS: &str = "from karakuri import run\n\
                     open('/work/report.bin', 'wb').write(bytes(range(256)))\n\
                     run.attach('/work/report.bin')\n";
const WHOLE: [&str; 4] =
    ["0001-output.esdk", "0002-evidence.esdk", "0003-evidence.esdk", "manifest.dsse.json"];

/// A disk with one run on it, and the machine that exported it.
struct Exported {
    agent: Agent,
    disk: TempDir,
    run: String,
    /// The run's directory, on the disk.
    directory: PathBuf,
    /// What opens it.
    key: String,
}

impl Exported {
    fn new() -> Self {
        Self::with("events = false\n")
    }

    /// One whose `site.toml` says this first.
    fn with(first: &str) -> Self {
        let (agent, disk) = (Agent::new(), tempfile::tempdir().unwrap());
        let more = format!(
            "[store.export]\ndirectory = \"{}\"\n[spool]\nkeep_delivered_minutes = 0\n",
            disk.path().display()
        );
        let key = settle(agent.state(), first, &more);
        let finished = agent.run(Workflow::new(WORDS).path(), &[]);
        assert_eq!(finished.code, 0, "{finished:#?}");
        let outcome = &finished.outcome["outcome"];
        assert_eq!(outcome["waiting"], 0);
        let directory = disk.path().join(outcome["store_prefix"].as_str().unwrap());
        Self { agent, run: outcome["run"].as_str().unwrap().to_owned(), directory, disk, key }
    }

    /// The public key of the machine, in a file of another.
    fn key_for(&self, other: &Agent) -> String {
        let file = other.state().join("osaka-1.pub.pem");
        fs::copy(self.agent.state().join("site/signing.pub.pem"), &file).unwrap();
        file.to_string_lossy().into_owned()
    }

    /// What `karakuri import` says on `other`, and its exit code.
    fn import(&self, other: &Agent) -> (Value, i32) {
        let (disk, key) = (self.disk.path().to_string_lossy(), self.key_for(other));
        let words = ["import", &disk, "--verify", "--json", "--trust", &key];
        let output = other.call(&words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
        assert_eq!(report["runs"][0]["run"], self.run);
        (report["runs"][0].clone(), output.status.code().unwrap())
    }

    /// Where the news of the run is on the disk, or in another store.
    fn news(&self, store: &Path) -> PathBuf {
        let relative = self.directory.strip_prefix(self.disk.path()).unwrap();
        store.join("events").join(relative.strip_prefix("runs").unwrap())
    }

    /// Where the run is in the store of `other`.
    fn imported(&self, other: &Agent) -> PathBuf {
        let relative = self.directory.strip_prefix(self.disk.path()).unwrap();
        other.state().join("store").join(relative)
    }

    /// Imports what has a fault, and asserts that it is named and nothing of it became a run.
    fn assert_refused(&self, other: &Agent, file: &str, fault: &str) {
        let (report, code) = self.import(other);
        assert_eq!(code, i32::from(Exit::NotVerified.code()), "{report}");
        assert_eq!(report["state"], "refused");
        let named = report["faults"][0]["path"].as_str().unwrap();
        assert!(named.ends_with(file), "{report}");
        let said = report["faults"][0]["fault"].as_str().unwrap();
        assert!(said.contains(fault), "{report}");
        assert!(!self.imported(other).exists(), "{report}");
        assert!(!other.state().join("trusted").exists());
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn assert_same(one: &Path, other: &Path) {
    for name in WHOLE {
        assert_eq!(
            fs::read(one.join(name)).unwrap(),
            fs::read(other.join(name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn a_key_is_believed_for_the_site_of_its_first_run() {
    let first = Exported::new();
    let other = Agent::new();
    assert_eq!(first.import(&other).1, 0);
    // The same key, in the name of another site.
    let settings = first.agent.state().join("site/site.toml");
    let renamed = fs::read_to_string(&settings).unwrap().replace("osaka-1", "tokyo-1");
    fs::write(&settings, renamed).unwrap();
    let finished = first.agent.run(Workflow::new(WORDS).path(), &[]);
    assert_eq!(finished.code, 0, "{finished:#?}");
    let (disk, key) = (first.disk.path().to_string_lossy(), first.key_for(&other));
    for more in [&["--trust", &key][..], &[]] {
        let output = other.call(&[&["import", &disk, "--verify", "--json"], more].concat());
        assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let states: Vec<_> =
            report["runs"].as_array().unwrap().iter().map(|r| &r["state"]).collect();
        assert_eq!(states, ["present", "refused"], "{report}");
        let fault = report["runs"][1]["faults"][0]["fault"].as_str().unwrap();
        let (says, only) = ("of site \"tokyo-1\" of tenant \"acme\"", "is of site \"osaka-1\"");
        assert!(fault.contains(says) && fault.contains(only), "{fault}");
    }
    // Whoever trusted nobody before takes either, but not both.
    let third = Agent::new();
    let words = ["import", &disk, "--verify", "--trust", &first.key_for(&third)];
    let said = String::from_utf8(third.call(&words).stdout).unwrap();
    assert_eq!(said.matches("NOT taken").count(), 1, "{said}");
}

#[test]
fn while_the_disk_is_away_its_files_wait() {
    let (agent, disk) = (Agent::new(), tempfile::tempdir().unwrap());
    let directory = disk.path().join("karakuri");
    let _key = settle(agent.state(), "", &format!("[store.export]\ndirectory = {directory:?}\n"));
    let finished = agent.run(Workflow::new(WORDS).path(), &[]);
    assert_eq!(finished.code, 0, "{finished:#?}");
    assert!(finished.outcome["outcome"]["waiting"].as_u64().unwrap() > 3, "{finished:#?}");
    assert!(!directory.exists());
    fs::create_dir(&directory).unwrap();
    let output = agent.call(&["artifacts", "deliver"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(directory.join("runs").exists());
}

#[test]
fn a_run_goes_to_the_disk_and_from_there_into_another_store() {
    let exported = Exported::new();
    assert_eq!(names(&exported.directory), WHOLE);
    // Nothing of it is left on the machine that made it.
    assert!(fs::read_dir(exported.agent.state().join("store")).unwrap().next().is_none());
    let egress = exported.agent.call(&["doctor", "--egress", "--json"]);
    let egress: Value = serde_json::from_slice(&egress.stdout).unwrap();
    assert_eq!(egress, json!({ "destinations": [], "program": null }));

    let other = Agent::new();
    fs::write(exported.directory.join("note.txt"), "more").unwrap();
    let (report, code) = exported.import(&other);
    assert_eq!((code, &report["state"], &report["copied"]), (0, &json!("taken"), &json!(4)));
    assert_eq!(report["unsigned"], json!([exported.directory.join("note.txt")]));
    let imported = exported.imported(&other);
    assert_eq!(names(&imported), WHOLE);
    assert_same(&exported.directory, &imported);
    // The commands that read a store believe it from now on.
    let verify = other.call(&["artifacts", "verify", &exported.run]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
    let key = &exported.key;
    let out = other.state().join("out");
    let words =
        ["artifacts", "decrypt", &exported.run, "--out", out.to_str().unwrap(), "--key", key];
    let opened = other.call(&words);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let bytes: Vec<u8> = (0..=255).collect();
    assert!(names(&out).iter().any(|name| fs::read(out.join(name)).unwrap() == bytes));
    // A second time there is nothing to do.
    let (report, code) = exported.import(&other);
    assert_eq!((code, &report["state"], &report["copied"]), (0, &json!("present"), &json!(0)));
}

#[test]
fn what_was_imported_is_no_fault_of_the_own_log() {
    let exported = Exported::new();
    let other = Agent::new();
    let own = other.run(Workflow::new(WORDS).path(), &[]);
    assert_eq!(own.code, 0, "{own:#?}");
    assert_eq!(exported.import(&other).1, 0);
    let output = other.call(&["audit", "verify", "--json"]);
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{verdict}");
    assert_eq!(
        (&verdict["imported_runs"], &verdict["agreeing"]),
        (&json!([exported.run]), &json!(1))
    );
    // Its own run, signed by the other site instead, would be a fault: the log tells of it.
    let run = own.outcome["outcome"]["run"].as_str().unwrap();
    let prefix = own.outcome["outcome"]["store_prefix"].as_str().unwrap();
    fs::rename(exported.imported(&other), other.state().join("moved")).unwrap();
    fs::remove_dir_all(other.state().join("store").join(prefix)).unwrap();
    fs::rename(other.state().join("moved"), other.state().join("store").join(prefix)).unwrap();
    let output = other.call(&["audit", "verify", "--json"]);
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())), "{verdict}");
    let refused = verdict["refused_manifests"][0].as_str().unwrap();
    assert!(refused.contains(run) && refused.contains("place of another"), "{verdict}");
}

#[test]
fn a_run_that_is_not_whole_is_not_taken() {
    let exported = Exported::new();
    let other = Agent::new();
    let [output, evidence, log, manifest] = WHOLE.map(|name| exported.directory.join(name));
    let damaged = |path: &Path, change: &dyn Fn(), name: &str, fault: &str| {
        let before = fs::read(path).unwrap();
        change();
        exported.assert_refused(&other, name, fault);
        let _gone = fs::remove_file(path);
        fs::write(path, before).unwrap();
    };
    let altered = || {
        let mut bytes = fs::read(&evidence).unwrap();
        bytes[100] ^= 1;
        fs::write(&evidence, bytes).unwrap();
    };
    damaged(&evidence, &altered, WHOLE[1], "its SHA-256 is not the one that was signed");
    let cut = || fs::write(&log, &fs::read(&log).unwrap()[1..]).unwrap();
    damaged(&log, &cut, WHOLE[2], "it is shorter");
    let missing = || fs::remove_file(&output).unwrap();
    damaged(&output, &missing, WHOLE[0], "is missing");
    // What a link leads to is not read: it could have no end.
    let linked = || {
        fs::remove_file(&output).unwrap();
        symlink("/dev/zero", &output).unwrap();
    };
    damaged(&output, &linked, WHOLE[0], "neither a file nor a directory");
    let unfinished = || fs::remove_file(&manifest).unwrap();
    damaged(&manifest, &unfinished, WHOLE[3], "the export was not finished");
    let run = exported.run.as_str();
    let another = || {
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replacen("\"sig\":\"", "\"sig\":\"AA", 1)).unwrap();
    };
    damaged(&manifest, &another, run, "signature");
    assert_eq!(exported.import(&other).1, 0);
}

#[test]
fn who_is_not_trusted_is_not_believed() {
    let exported = Exported::new();
    let (stranger, other) = (Exported::new(), Agent::new());
    let (disk, key) = (exported.disk.path().to_string_lossy(), stranger.key_for(&other));
    let output = other.call(&["import", &disk, "--verify", "--trust", &key]);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("FAULT") && said.contains("NOT taken"), "{said}");
    assert!(!exported.imported(&other).exists() && !other.state().join("trusted").exists());
    // A run in the place of another is not that run.
    let place = exported.directory.with_file_name("20200101T000000Z-000000000000");
    fs::rename(&exported.directory, &place).unwrap();
    let key = exported.key_for(&other);
    let output = other.call(&["import", &disk, "--verify", "--trust", &key]);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
    assert!(String::from_utf8_lossy(&output.stdout).contains("place of another"));
    // Nor does it come a second time, out of the directory of no day.
    fs::rename(&place, &exported.directory).unwrap();
    let day = exported.directory.parent().unwrap();
    fs::rename(day, day.with_file_name("undated")).unwrap();
    let output = other.call(&["import", &disk, "--verify", "--trust", &key]);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
    assert!(String::from_utf8_lossy(&output.stdout).contains("is of another run"));
}

#[test]
fn an_interrupted_import_is_taken_up_and_nothing_is_overwritten() {
    let exported = Exported::new();
    let other = Agent::new();
    // As it is left when the process is killed in the second file.
    let place = exported.imported(&other);
    fs::create_dir_all(&place).unwrap();
    fs::copy(exported.directory.join(WHOLE[0]), place.join(WHOLE[0])).unwrap();
    fs::write(place.join(format!("{}.part", WHOLE[1])), "half").unwrap();
    let (report, code) = exported.import(&other);
    assert_eq!((code, &report["state"], &report["copied"]), (0, &json!("taken"), &json!(3)));
    assert_eq!(names(&place), WHOLE);
    assert_same(&exported.directory, &place);

    fs::write(place.join(WHOLE[0]), "something else").unwrap();
    fs::remove_file(place.join(WHOLE[3])).unwrap();
    let (report, code) = exported.import(&other);
    assert_eq!(code, i32::from(Exit::NotVerified.code()), "{report}");
    let named = report["faults"][0]["path"].as_str().unwrap();
    assert_eq!(named, place.join(WHOLE[0]).to_str().unwrap());
    assert_eq!(fs::read(place.join(WHOLE[0])).unwrap(), b"something else");
    assert_eq!(names(&place), &WHOLE[..3]);
}

#[test]
fn what_was_removed_since_does_not_come_back_and_goes_on_both_sides() {
    let exported = Exported::new();
    // It ended forty days ago, as the other machine told.
    signed::age(&exported.directory, &signed::signer(exported.agent.state()), 40);
    let other = Agent::new();
    assert_eq!(exported.import(&other).1, 0);
    assert!(other.call(&["subject", "find", "nobody"]).status.code().is_some(), "makes the keys");
    let text = format!(
        "tenant = \"acme\"\nsite = \"osaka-2\"\n[[keys.raw_rsa]]\nnamespace = \"acme\"\n\
         name = \"offline\"\npublic_key = \"{}\"\n[retention]\nevidence = 30\n",
        exported.agent.state().join("site/rsa.pub.pem").display()
    );
    fs::write(other.state().join("site/site.toml"), text).unwrap();
    let expired = other.call(&["artifacts", "expire", "--clock-is-right"]);
    assert!(expired.status.success(), "{}", String::from_utf8_lossy(&expired.stderr));
    let place = exported.imported(&other);
    let left = [WHOLE[0], WHOLE[3], "removed"];
    assert_eq!(names(&place), left);
    // The disk still has all of it.
    let (report, code) = exported.import(&other);
    assert_eq!((code, &report["state"], &report["copied"]), (0, &json!("present"), &json!(0)));
    assert_eq!(names(&place), left);
    let verify = other.call(&["artifacts", "verify", &exported.run]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));

    // The other way: what was removed on the disk goes where it was imported before, if the run's own site
    // says so: no other site erases it, trusted or not.
    let third = Agent::new();
    assert_eq!(exported.import(&third).1, 0);
    let (from, to) = (place.join("removed"), exported.directory.join("removed"));
    let record = names(&from).pop().unwrap();
    fs::create_dir_all(to.join(&record)).unwrap();
    let file = Path::new(&record).join("record.dsse.json");
    fs::copy(from.join(&file), to.join(&file)).unwrap();
    let key = exported.key_for(&third);
    let second = other.state().join("site/signing.pub.pem");
    let (disk, second) = (exported.disk.path().to_string_lossy(), second.to_string_lossy());
    let words = ["import", &disk, "--verify", "--trust", &key, "--trust", &second];
    let output = third.call(&words);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        !output.status.success() && said.contains("not signed with the key of the run"),
        "{said}"
    );
    assert_eq!(names(&exported.imported(&third)), WHOLE);
    let theirs = [signed::signer(other.state()).verifying_key().unwrap()];
    let removal: Removal = manifest::verify(&fs::read(to.join(&file)).unwrap(), &theirs).unwrap();
    let record = sign(&removal, &signed::signer(exported.agent.state())).unwrap();
    fs::write(to.join(&file), record).unwrap();
    let output = third.call(&words[..5]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(names(&exported.imported(&third)), left);
    let verify = third.call(&["artifacts", "verify", &exported.run]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
}

#[test]
fn the_news_of_a_run_comes_with_it_and_nothing_else() {
    let (exported, stranger) = (Exported::with(""), Exported::with(""));
    let [disk, strange] = [&exported, &stranger].map(|one| one.news(one.disk.path()));
    let own = names(&disk);
    assert_eq!(own.last().map(String::as_str), Some("uploaded.esdk"));
    // No event, one of another run, one that is too large for an event.
    fs::write(disk.join("note.txt"), "more").unwrap();
    fs::copy(strange.join(&own[0]), disk.join("0098-step.esdk")).unwrap();
    let mut large = fs::read(disk.join(&own[0])).unwrap();
    large.resize(64 * 1024 + 1, 0);
    fs::write(disk.join("0099-step.esdk"), large).unwrap();

    let other = Agent::new();
    let (report, code) = exported.import(&other);
    assert_eq!((code, &report["state"]), (0, &json!("taken")), "{report}");
    assert_eq!(report["copied"], json!(WHOLE.len() + own.len()));
    let foreign = ["0098-step.esdk", "0099-step.esdk", "note.txt"];
    assert_eq!(report["unsigned"], json!(foreign.map(|name| disk.join(name))));
    let imported = exported.news(&other.state().join("store"));
    assert_eq!(names(&imported), own);
    let words = ["artifacts", "events", &exported.run, "--key", &exported.key];
    let told = other.call(&words);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.lines().count(), own.len());
    assert!(told.lines().last().unwrap().contains("karakuri.run.uploaded"), "{told}");
    let (report, code) = exported.import(&other);
    assert_eq!((code, &report["state"], &report["copied"]), (0, &json!("present"), &json!(0)));

    let listed: Value = serde_json::from_slice(&other.call(&["runs", "--json"]).stdout).unwrap();
    assert_eq!(listed["runs"][0]["run"], exported.run);
    assert_eq!(listed["runs"][0]["place"], "imported");

    // What is there is not overwritten, and what a link leads to is not read.
    fs::write(imported.join(&own[0]), "something else").unwrap();
    let (report, code) = exported.import(&other);
    assert_eq!(code, i32::from(Exit::NotVerified.code()), "{report}");
    assert_eq!(report["faults"][0]["path"], json!(imported.join(&own[0])));
    assert_eq!(fs::read(imported.join(&own[0])).unwrap(), b"something else");
    symlink("/dev/zero", disk.join("0100-step.esdk")).unwrap();
    exported.assert_refused(&Agent::new(), "0100-step.esdk", "not a regular file");
    fs::remove_file(disk.join("0100-step.esdk")).unwrap();
    fs::rename(&disk, disk.with_file_name("moved")).unwrap();
    symlink("moved", &disk).unwrap();
    exported.assert_refused(&Agent::new(), &exported.run, "not a directory");
}

#[test]
fn news_whose_time_is_over_does_not_come_back() {
    let exported = Exported::with("");
    signed::age(&exported.directory, &signed::signer(exported.agent.state()), 40);
    let other = Agent::new();
    let _key = settle(other.state(), "", "[retention]\nevent = 30\n");
    assert!(other.call(&["subject", "find", "nobody"]).status.code().is_some(), "makes the keys");
    assert_eq!(exported.import(&other).1, 0);
    let news = exported.news(&other.state().join("store"));
    assert!(news.exists());
    let expired = other.call(&["artifacts", "expire", "--clock-is-right"]);
    assert!(expired.status.success(), "{}", String::from_utf8_lossy(&expired.stderr));
    assert!(!news.exists());
    let (report, code) = exported.import(&other);
    assert_eq!((code, &report["state"], &report["copied"]), (0, &json!("present"), &json!(0)));
    assert!(!news.exists());
}
