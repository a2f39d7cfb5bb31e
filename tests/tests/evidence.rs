//! What a run leaves: sealed artifacts that only the key opens, a log that shows what was altered,
//! and nothing else.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Workflow};
use rustix::process::Signal;
use serde_json::Value;

/// A run that types a word it must not leave in plain text anywhere.
fn agent_with_a_run() -> (Agent, Value) {
    let workflow = Workflow::new(
        "from karakuri import run\n\
         run.log('Schmetterling')\n\
         open('/work/report.bin', 'wb').write(bytes(range(256)))\n\
         run.attach('/work/report.bin')\n\
         run.output('result', {'word': 'Schmetterling'})\n",
    );
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[]);
    finished.ended(Exit::Success);
    (agent, finished.outcome)
}

fn json(agent: &Agent, arguments: &[&str]) -> Value {
    let output = agent.call(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn artifacts_are_listed_and_decrypted_and_nothing_is_in_plain_text() {
    let (agent, outcome) = agent_with_a_run();
    let list = json(&agent, &["artifacts", "list", "last", "--json"]);
    let names: Vec<&str> =
        list.as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["report.bin", "output-result", "log", "report"]);
    let out = tempfile::tempdir().unwrap();
    let out_path = out.path().to_string_lossy();
    let output = agent.call(&["artifacts", "decrypt", "last", "--out", &out_path]);
    assert!(output.status.success());
    let id = list[0]["id"].as_str().unwrap();
    let attached = std::fs::read(out.path().join(format!("{id}-report.bin"))).unwrap();
    assert_eq!(attached, (0..=255).collect::<Vec<u8>>());
    let log = list[2]["id"].as_str().unwrap();
    let log = std::fs::read_to_string(out.path().join(format!("{log}.txt"))).unwrap();
    assert!(log.contains("Schmetterling"));
    let report = outcome["report"].as_str().unwrap();
    for file in files(agent.state()) {
        if file.to_string_lossy() != report {
            let bytes = std::fs::read(&file).unwrap();
            let found = bytes.windows(13).any(|w| w == b"Schmetterling");
            assert!(!found, "{} holds plain text", file.display());
        }
    }
    // In the spool is no run any more.
    let spool = std::fs::read_dir(agent.state().join("spool")).unwrap().flatten();
    assert_eq!(spool.filter(|entry| entry.path().is_dir()).count(), 0);
    assert_eq!(std::fs::read_dir(agent.state().join("run")).unwrap().count(), 0);
}

#[test]
fn an_artifact_that_was_altered_is_refused() {
    let (agent, outcome) = agent_with_a_run();
    let directory = std::path::PathBuf::from(outcome["artifacts"].as_str().unwrap());
    let path = directory.join("0001-output.esdk");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let out = tempfile::tempdir().unwrap();
    let out_path = out.path().to_string_lossy();
    let output = agent.call(&["artifacts", "decrypt", "last", "0001-output", "--out", &out_path]);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("the artifact was altered: its SHA-256"), "{told}");
}

#[test]
fn a_manifest_that_was_altered_is_refused() {
    let (agent, outcome) = agent_with_a_run();
    let directory = std::path::PathBuf::from(outcome["artifacts"].as_str().unwrap());
    let path = directory.join("manifest.dsse.json");
    let mut envelope: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let payload = envelope["payload"].as_str().unwrap().to_owned();
    let other = if payload.starts_with('e') { "f" } else { "e" };
    envelope["payload"] = Value::String(format!("{other}{}", &payload[1..]));
    std::fs::write(&path, envelope.to_string()).unwrap();
    let output = agent.call(&["artifacts", "list", "last"]);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
}

#[test]
fn the_audit_log_verifies_until_it_is_altered() {
    let (agent, _) = agent_with_a_run();
    let report = json(&agent, &["audit", "verify", "--json"]);
    assert_eq!(report["faults"], serde_json::json!([]));
    let path = agent.state().join("audit").join("audit.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("artifact.sealed") && text.contains("run.finished"), "{text}");
    std::fs::write(&path, text.replacen("\"seq\":2", "\"seq\":9", 1)).unwrap();
    let output = agent.call(&["audit", "verify"]);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
    assert!(String::from_utf8_lossy(&output.stdout).contains("FAULT"));
}

/// What `audit verify` prints, which must not be content.
fn faults(agent: &Agent) -> String {
    let output = agent.call(&["audit", "verify"]);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
    String::from_utf8(output.stdout).unwrap()
}

/// The log up to the end of its only run, which the manifest holds, and the place of that record. What
/// follows tells of the delivery.
fn before_the_end(log: &str) -> (String, usize) {
    let end = log.lines().position(|line| line.contains("\"run.finished\"")).unwrap();
    (log.lines().take(end).map(|line| format!("{line}\n")).collect(), end)
}

#[test]
fn a_log_without_its_end_and_a_store_without_a_run_are_found() {
    let (agent, first) = agent_with_a_run();
    let path = agent.state().join("audit").join("audit.jsonl");
    let log = std::fs::read_to_string(&path).unwrap();
    let run = first["outcome"]["run"].as_str().unwrap();
    let (rest, end) = before_the_end(&log);
    std::fs::write(&path, rest).unwrap();
    let told = faults(&agent);
    assert!(told.contains(&format!("FAULT record {end} is missing")), "{told}");
    assert!(told.contains(&format!("FAULT run {run}: its end, record {end}")), "{told}");
    std::fs::remove_file(&path).unwrap();
    let gone = agent.call(&["audit", "verify"]);
    assert_eq!(gone.status.code(), Some(i32::from(Exit::NotVerified.code())));

    std::fs::write(&path, &log).unwrap();
    std::fs::remove_dir_all(first["artifacts"].as_str().unwrap()).unwrap();
    let told = faults(&agent);
    assert!(told.contains(&format!("FAULT run {run}: the log tells of it")), "{told}");
}

#[test]
fn nothing_is_run_on_a_damaged_log() {
    let (agent, _) = agent_with_a_run();
    let path = agent.state().join("audit").join("audit.jsonl");
    let log = std::fs::read_to_string(&path).unwrap();
    let (rest, _) = before_the_end(&log);
    for damaged in [log.replacen("\"seq\":2", "\"seq\":9", 1), rest] {
        std::fs::write(&path, &damaged).unwrap();
        let finished = agent.run(Workflow::new("").path(), &[]);
        assert_eq!(finished.code, i32::from(Exit::NotVerified.code()), "{finished:#?}");
        assert!(finished.stderr.contains("move audit/ and store/ out of"), "{finished:#?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged, "something was recorded");
    }
    for name in ["audit", "store"] {
        std::fs::rename(agent.state().join(name), agent.state().join(format!("{name}.old")))
            .unwrap();
    }
    agent.run(Workflow::new("").path(), &[]).ended(Exit::Success);
    assert_eq!(json(&agent, &["audit", "verify", "--json"])["agreeing"], 1);
}

#[test]
fn a_second_run_beside_the_first_is_told_to_wait() {
    let agent = Agent::new();
    let lasting = Workflow::new("from karakuri import run\nrun.log('ready')\nwhile True: pass\n");
    let path = lasting.path().to_string_lossy().into_owned();
    let mut command = agent.command(&["run", "--verbose", &path]);
    let mut first = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(first.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("ready")));
    let second = agent.run(Workflow::new("").path(), &[]);
    assert_eq!(second.code, i32::from(Exit::Busy.code()), "{second:#?}");
    let told = second.stderr.lines().last().unwrap();
    assert!(told.starts_with("karakuri: the audit log"), "{told}");
    assert!(told.contains("another run is going on"), "{told}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&first), Signal::INT).unwrap();
    let _rest = lines.count();
    assert_eq!(first.wait().unwrap().code(), Some(i32::from(Exit::Interrupted.code())));
}

#[test]
fn before_the_first_run_there_is_nothing_to_verify_or_list() {
    let agent = Agent::new();
    for arguments in [&["audit", "verify"][..], &["artifacts", "list", "last"], &["report"]] {
        let output = agent.call(arguments);
        assert_eq!(output.status.code(), Some(i32::from(Exit::Usage.code())));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.starts_with("karakuri: there is no run yet in"), "{told}");
    }
}

#[test]
fn the_report_escapes_what_the_script_says() {
    let workflow = Workflow::new(
        "from karakuri import run\nrun.log('<script>alert(1)</script>')\n\
         run.output('result', '</pre><img src=x onerror=alert(1)>')\n",
    );
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[]);
    let html = &finished.ended(Exit::Success).report;
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!html.contains("<script") && !html.contains("<img"));
    assert!(!html.contains("http://") && !html.contains("https://"));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(finished.outcome["report"].as_str().unwrap()).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

fn files(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// Makes an RSA key with openssl: its private and its public file.
fn rsa_key(directory: &std::path::Path) -> [std::path::PathBuf; 2] {
    let [private, public] = ["new.pem", "new.pub.pem"].map(|name| directory.join(name));
    let openssl = |arguments: &[&str]| {
        let output = std::process::Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let (key, half) = (private.to_str().unwrap(), public.to_str().unwrap());
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-out", key]);
    openssl(&["pkey", "-in", key, "-pubout", "-out", half]);
    [private, public]
}

#[test]
fn a_run_is_sealed_for_another_key_and_the_old_messages_may_go() {
    let (agent, outcome) = agent_with_a_run();
    let directory = std::path::PathBuf::from(outcome["artifacts"].as_str().unwrap());
    let out = tempfile::tempdir().unwrap();
    let [private, public] = rsa_key(out.path());
    let recipient = format!("acme/2027={}", public.display());
    let output = agent.call(&["artifacts", "rewrap", "last", "--for", &recipient]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = json(&agent, &["artifacts", "verify", "last", "--json"]);
    assert_eq!(
        (&found["artifacts"], &found["rewrapped"]),
        (&Value::from(4), &Value::from(4)),
        "{found}"
    );
    for id in ["0001-output", "0002-output"] {
        std::fs::remove_file(directory.join(format!("{id}.esdk"))).unwrap();
    }
    let found = json(&agent, &["artifacts", "verify", "last", "--json"]);
    assert_eq!(found["faults"], serde_json::json!([]));

    // The old key opens nothing any more, the new one all.
    let out_path = out.path().to_string_lossy();
    let decrypt = ["artifacts", "decrypt", "last", "0001-output", "--out", &out_path];
    let output = agent.call(&decrypt);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("it is sealed for acme/2027"), "{told}");
    let key = format!("acme/2027={}", private.display());
    let output = agent.call(&[&decrypt[..], &["--key", &key]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let attached = std::fs::read(out.path().join("0001-output-report.bin")).unwrap();
    assert_eq!(attached, (0..=255).collect::<Vec<u8>>());

    // A record that was altered leads nowhere.
    let place = std::fs::read_dir(directory.join("rewrap")).unwrap().next().unwrap().unwrap();
    let record = place.path().join("record.dsse.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replacen("\"sig\":\"", "\"sig\":\"AA", 1)).unwrap();
    let output = agent.call(&["artifacts", "verify", "last"]);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
}

#[test]
fn verify_names_what_is_missing_altered_or_nobodys() {
    let (agent, outcome) = agent_with_a_run();
    let directory = std::path::PathBuf::from(outcome["artifacts"].as_str().unwrap());
    let output = agent.call(&["artifacts", "verify", "last"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.ends_with("4 artifacts, as they were signed\n"), "{told}");

    // A copy of the store, on a machine that has only the site's public key.
    let pem = std::fs::read_to_string(agent.state().join("site/signing.pem")).unwrap();
    let signer = karakuri_seal::manifest::SigningIdentity::from_pkcs8_pem(&pem).unwrap();
    let elsewhere = Agent::new();
    let trust = elsewhere.state().join("site.pub.pem");
    std::fs::write(&trust, signer.verifying_key().unwrap().to_pem().unwrap()).unwrap();
    let store = agent.state().join("store");
    let (store, trust) = (store.to_string_lossy(), trust.to_string_lossy());
    let verify = ["artifacts", "verify", "last", "--json", "--store", &store, "--trust", &trust];
    assert_eq!(json(&elsewhere, &verify)["faults"], serde_json::json!([]));

    let length = std::fs::metadata(directory.join("0002-output.esdk")).unwrap().len();
    std::fs::remove_file(directory.join("0001-output.esdk")).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(directory.join("0002-output.esdk"));
    file.unwrap().set_len(length - 1).unwrap();
    let log = directory.join("0003-evidence.esdk");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    std::fs::write(directory.join("more.esdk"), "more").unwrap();
    let output = elsewhere.call(&verify);
    assert_eq!(output.status.code(), Some(i32::from(Exit::NotVerified.code())));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let faults: Vec<_> = found["faults"].as_array().unwrap().iter().collect();
    let said = faults.iter().map(|f| f["fault"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        said,
        [
            "is missing",
            "was altered: it is shorter than the one that was signed",
            "was altered: its SHA-256 is not the one that was signed",
        ]
    );
    assert_eq!(found["unsigned"], serde_json::json!([directory.join("more.esdk")]));
}

#[test]
fn a_script_puts_nothing_in_the_place_of_the_report() {
    let workflow = Workflow::new(
        "from karakuri import run\n\
         open('/work/e', 'w').write('<script>forged</script>')\n\
         for name in ('report', 'recording-marks', 'to taro@example.com'):\n    \
             run.attach('/work/e', name=name)\n",
    );
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[]);
    let report = &finished.ended(Exit::Success).report;
    assert!(report.contains("Content-Security-Policy") && !report.contains("forged</script>"));
    // Names are in the manifest, which is signed and not sealed.
    let list = json(&agent, &["artifacts", "list", "last", "--json"]);
    assert_eq!(list[2]["name"], "to [email]");
}

#[test]
fn a_run_in_the_place_of_another_is_refused() {
    let (agent, outcome) = agent_with_a_run();
    let one = outcome["outcome"]["store_prefix"].as_str().unwrap();
    let one = agent.state().join("store").join(one);
    let second = agent.run(Workflow::new("pass\n").path(), &[]);
    let run = second.ended(Exit::Success).outcome["outcome"]["run"].as_str().unwrap();
    let other = one.with_file_name(run);
    std::fs::remove_dir_all(&other).unwrap();
    std::fs::create_dir(&other).unwrap();
    for file in files(&one) {
        std::fs::copy(&file, other.join(file.file_name().unwrap())).unwrap();
    }
    for words in [["artifacts", "verify", run], ["artifacts", "list", run]] {
        let output = agent.call(&words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("place of another"), "{words:?}: {said}");
    }
    assert!(faults(&agent).contains("place of another"));
}

#[test]
fn a_pipe_in_the_place_of_an_artifact_is_refused_at_once() {
    let (agent, outcome) = agent_with_a_run();
    let run =
        agent.state().join("store").join(outcome["outcome"]["store_prefix"].as_str().unwrap());
    for name in ["0001-output.esdk", "manifest.dsse.json"] {
        std::fs::remove_file(run.join(name)).unwrap();
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(rustix::fs::CWD, run.join(name), rustix::fs::FileType::Fifo, mode, 0)
            .unwrap();
        let output = agent.call(&["artifacts", "verify", "last"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("no regular file"), "{name}: {said}");
    }
}

#[test]
fn a_pipe_in_the_place_of_the_audit_log_or_the_journal_is_refused_at_once() {
    let (agent, _) = agent_with_a_run();
    let workflow = Workflow::new("");
    let path = workflow.path().to_string_lossy().into_owned();
    let words: [&[&str]; 3] = [&["audit", "verify"], &["run", &path], &["artifacts", "deliver"]];
    for (name, words) in [("audit/audit.jsonl", &words[..]), ("spool/journal", &words[1..])] {
        let path = agent.state().join(name);
        let aside = path.with_extension("aside");
        std::fs::rename(&path, &aside).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for words in words {
            let output = agent.call(words);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success(), "{name}, {words:?}: {said}");
            assert!(said.contains(name), "{name}, {words:?}: {said}");
        }
        std::fs::rename(&aside, &path).unwrap();
    }
    assert!(agent.call(&["audit", "verify"]).status.success());
}

#[test]
fn an_output_with_very_many_personal_values_is_refused_and_the_run_goes_on() {
    let workflow = Workflow::new(
        "from karakuri import run\nfrom karakuri.errors import InvalidParams\n\
         try:\n    run.output('result', ['a%d@b.example' % n for n in range(1001)])\n\
         except InvalidParams as e:\n    run.log(str(e))\n    run.output('result', 'refused')\n",
    );
    let finished = Agent::new().run(workflow.path(), &[]);
    let finished = finished.ended(Exit::Success);
    assert_eq!(finished.outcome["outcome"]["outputs"]["result"], "refused");
    assert!(finished.report.contains("holds 1001 personal values"), "{}", finished.report);
}
