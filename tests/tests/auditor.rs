//! A person with the right to decrypt, on a machine of their own: from the tenant's bucket to plaintext.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use karakuri_tests::{Agent, Bucket, Workflow};
use serde_json::{Value, json};

const WORDS: &str = "from karakuri import run\n\
                     with run.step('Post'):\n    pass\n\
                     open('/work/report.bin', 'wb').write(bytes(range(256)))\n\
                     run.attach('/work/report.bin')\n";

/// A run in the bucket, and an auditor who has its site's public key.
struct Audit {
    agent: Agent,
    file: PathBuf,
    public: PathBuf,
    run: String,
    day: String,
}

impl Audit {
    fn new(prefix: &str) -> Self {
        Self::of(prefix, "acme", WORDS)
    }

    fn of(prefix: &str, name: &str, words: &str) -> Self {
        let (bucket, site, agent) = (Bucket::shared(), Agent::new(), Agent::new());
        let bucket_is = |name: &str| format!("bucket = \"{name}\"");
        bucket.settle(site.state(), prefix, &bucket.endpoints());
        Bucket::resettle(site.state(), &bucket_is("acme"), &bucket_is(name));
        let own = site.state().join("site/site.toml");
        let text = fs::read_to_string(&own).unwrap();
        fs::write(&own, text.replace("events = false\n", "")).unwrap();
        let finished = site.run(Workflow::new(words).path(), &[]);
        assert_eq!(finished.code, 0, "{finished:#?}");
        let outcome = &finished.outcome["outcome"];
        let run = outcome["run"].as_str().unwrap().to_owned();
        let day = outcome["store_prefix"].as_str().unwrap().split('/').nth(1).unwrap().to_owned();
        // The auditor has a file like the site's, and credentials of their own.
        let elsewhere = Agent::new();
        bucket.settle(elsewhere.state(), prefix, &bucket.endpoints());
        Bucket::resettle(elsewhere.state(), &bucket_is("acme"), &bucket_is(name));
        let file = agent.state().join("auditor.toml");
        fs::create_dir_all(agent.state()).unwrap();
        let from = elsewhere.state().join("site");
        let text = fs::read_to_string(from.join("site.toml")).unwrap();
        let credentials = agent.state().join("credentials.json");
        fs::copy(from.join("credentials.json"), &credentials).unwrap();
        let before = from.join("credentials.json").display().to_string();
        fs::write(&file, text.replace(&before, &credentials.display().to_string())).unwrap();
        let public = agent.state().join("osaka-1.pub.pem");
        fs::copy(site.state().join("site/signing.pub.pem"), &public).unwrap();
        Self { agent, file, public, run, day }
    }

    fn call(&self, words: &[&str]) -> Output {
        let auditor = self.file.to_str().unwrap();
        self.agent.call(&[words, &["--auditor", auditor]].concat())
    }

    fn fetch(&self) -> Output {
        self.call(&["artifacts", "fetch", &self.run, "--trust", self.public.to_str().unwrap()])
    }

    fn of_run(&self, name: &str) -> PathBuf {
        self.agent.state().join("store/runs").join(&self.day).join(&self.run).join(name)
    }
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

fn whole() -> Vec<u8> {
    (0..=255).collect()
}

fn decrypted(directory: &Path) -> Vec<u8> {
    fs::read(directory.join("0001-output-report.bin")).unwrap()
}

#[test]
fn a_run_is_fetched_verified_read_and_sealed_for_a_new_key() {
    let audit = Audit::new("audited");
    let fetched = audit.fetch();
    assert!(fetched.status.success(), "{}", said(&fetched));
    assert!(said(&fetched).contains("as they were signed"), "{}", said(&fetched));
    let again = audit.fetch();
    assert!(said(&again).contains("0 files fetched"), "{}", said(&again));

    let out = audit.agent.state().join("opened");
    let (run, to) = (audit.run.as_str(), out.to_str().unwrap());
    let without = audit.agent.call(&["artifacts", "decrypt", run, "--out", to]);
    assert_eq!(without.status.code(), Some(36), "{}", said(&without));
    let opened = audit.call(&["artifacts", "decrypt", run, "--out", to]);
    assert!(opened.status.success(), "{}", said(&opened));
    assert_eq!(decrypted(&out), whole());
    let report = audit.call(&["report", run]);
    assert!(report.status.success(), "{}", said(&report));
    let html = fs::read_to_string(said(&report).trim()).unwrap();
    assert!(html.contains(run));
    let events = audit.call(&["artifacts", "events", run]);
    assert!(said(&events).contains("karakuri.run.step"), "{}", said(&events));

    let (own, public) = (audit.agent.state().join("new.pem"), audit.agent.state().join("new.pub"));
    let new = karakuri_seal::Identity::generate("acme", "2027").unwrap();
    fs::write(&own, new.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
    fs::write(&public, new.recipient().unwrap().to_pem().unwrap()).unwrap();
    let recipient = format!("acme/2027={}", public.display());
    let rewrapped = audit.call(&["artifacts", "rewrap", run, "--for", &recipient]);
    assert!(rewrapped.status.success(), "{}", said(&rewrapped));
    fs::remove_dir_all(&out).unwrap();
    let key = format!("acme/2027={}", own.display());
    let offline = audit.agent.call(&["artifacts", "decrypt", run, "--out", to, "--key", &key]);
    assert!(offline.status.success(), "{}", said(&offline));
    assert_eq!(decrypted(&out), whole());
}

#[test]
fn what_cannot_be_opened_says_why() {
    let audit = Audit::new("not-audited");
    let untrusted = audit.call(&["artifacts", "fetch", &audit.run]);
    assert_ne!(untrusted.status.code(), Some(0), "{}", said(&untrusted));
    assert!(audit.fetch().status.success());
    let text = fs::read_to_string(&audit.file).unwrap();
    let decrypt = || {
        let out = audit.agent.state().join("opened");
        audit.call(&["artifacts", "decrypt", &audit.run, "--out", out.to_str().unwrap()])
    };
    // Nobody's credentials.
    let credentials = audit.agent.state().join("credentials.json");
    let nobody = fs::read_to_string(&credentials).unwrap().replace("edgesecret", "guessed");
    fs::write(&credentials, nobody).unwrap();
    let refused = decrypt();
    assert_eq!(refused.status.code(), Some(36), "{}", said(&refused));
    assert!(said(&refused).contains("borrowing arn:aws:iam"), "{}", said(&refused));
    // A program that is not there.
    fs::write(&audit.file, text.replace("/usr/bin/cat", "/nowhere/cat")).unwrap();
    assert!(said(&decrypt()).contains("identity.base.process"), "{}", said(&decrypt()));
    // A file that is none.
    fs::write(&audit.file, "tenant = 1\n").unwrap();
    assert_eq!(decrypt().status.code(), Some(2));
}

#[test]
fn what_somebody_altered_on_the_way_is_refused_and_left() {
    let audit = Audit::new("altered");
    assert!(audit.fetch().status.success());
    let artifact = audit.of_run("0001-output.esdk");
    let mut bytes = fs::read(&artifact).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&artifact, &bytes).unwrap();
    assert_eq!(audit.fetch().status.code(), Some(36));
    bytes.push(0);
    fs::write(&artifact, &bytes).unwrap();
    let refused = audit.fetch();
    assert!(said(&refused).contains("another file than in the bucket"), "{}", said(&refused));
    assert_eq!(fs::read(&artifact).unwrap(), bytes);
}

#[test]
fn a_persons_value_is_erased_from_the_bucket_with_every_version() {
    let words = "from karakuri import run\n\
                 run.log('written to aiko@example.com')\n\
                 run.log('written to jiro@example.com')\n";
    let audit = Audit::of("erased", "versioned", words);
    let bucket = Bucket::shared();
    let versions = |below: &str| {
        let prefix = format!("erased/runs/{}/{}/{below}", audit.day, audit.run);
        let all = bucket.ask(&json!({ "versions": prefix, "bucket": "versioned" })).unwrap();
        all.as_array().unwrap().len()
    };
    let public = audit.public.to_str().unwrap();
    let fetched = audit.call(&["artifacts", "fetch", "all", "--trust", public]);
    assert!(fetched.status.success(), "{}", said(&fetched));
    let before = versions("");
    let found = audit.call(&["subject", "find", "aiko@example.com"]);
    assert!(said(&found).contains(&audit.run), "{}", said(&found));
    let erased = audit.call(&["subject", "erase", "aiko@example.com", "--json"]);
    assert!(erased.status.success(), "{}", said(&erased));
    let report: Value = serde_json::from_slice(&erased.stdout).unwrap();
    let one = &report["runs"][0];
    assert_eq!((&one["artifacts"].as_array().unwrap().len(), &one["versions"]), (&1, &json!(1)));
    let id = one["artifacts"][0].as_str().unwrap();
    assert_eq!((versions(&format!("{id}.esdk")), versions("removed/")), (0, 1));
    assert_eq!(versions(""), before, "one key went, one record came");
    let again = audit.call(&["subject", "erase", "aiko@example.com", "--json"]);
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(report["runs"][0]["versions"], 0, "{report}");
    assert_eq!(versions("removed/"), 1);

    // Whoever fetches it now is told so, and finds the other one.
    fs::remove_dir_all(audit.agent.state().join("store")).unwrap();
    let fetched = audit.fetch();
    assert!(fetched.status.success(), "{}", said(&fetched));
    assert!(said(&fetched).contains("1 of them erased, recorded"), "{}", said(&fetched));
    let found = audit.call(&["subject", "find", "jiro@example.com"]);
    assert!(said(&found).contains(&audit.run), "{}", said(&found));
}
