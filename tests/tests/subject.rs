//! A person's data found, exported and erased, by who has the key of the class `pii` and nobody else.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use karakuri_protocol::job::Exit;
use karakuri_seal::FieldKey;
use karakuri_tests::{Agent, Workflow, signed};
use serde_json::{Value, json};

const MANIFEST: &str = r#"
name = "members"
version = "1.0.0"
agent = ">=0.1"
entry = "main.py"

[outputs.contact]
type = "json"

[outputs.form]
type = "json"
class = "pii"

[outputs.list]
type = "json"
class = "pii"
"#;

const SCRIPT: &str = r#"
from karakuri import run
run.log("written to taro@example.com and hanako@example.com")
print("card 4111 1111 1111 1111")
run.output("contact", {"mail": "taro@example.com", "more": ["to hanako@example.com, soon", 7]})
run.output("form", {"name": "Taro Yamada"})
run.output("list", ["taro@example.com", "hanako@example.com"])
"#;

const TARO: &str = "taro@example.com";
const HANAKO: &str = "hanako@example.com";

/// An installation with runs in a store.
struct Stored {
    agent: Agent,
    store: PathBuf,
    runs: Vec<(String, PathBuf)>,
}

impl Stored {
    fn new() -> Self {
        let agent = Agent::new();
        let store = agent.state().join("store");
        let mut stored = Self { agent, store, runs: Vec::new() };
        stored.run();
        stored
    }

    /// One whose store is a disk, and whose spool keeps what is delivered for an hour.
    fn with_disk() -> Self {
        let (agent, key) = (Agent::new(), "keys/development.pub.pem");
        let (state, store) = (agent.state().to_owned(), agent.state().join("disk"));
        fs::create_dir_all(state.join("site")).unwrap();
        fs::create_dir_all(state.join("keys")).unwrap();
        fs::create_dir(&store).unwrap();
        // Any command that needs the keys makes them.
        let made = agent.call(&["subject", "find", "nobody@example.com"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut openssl = std::process::Command::new("openssl");
        let private = state.join("keys/development.pem");
        let made = openssl.args(["pkey", "-pubout", "-in"]).arg(private).arg("-out");
        assert!(made.arg(state.join(key)).status().unwrap().success());
        let site = format!(
            "tenant = \"acme\"\nsite = \"osaka-1\"\n\
             [[keys.raw_rsa]]\nnamespace = \"karakuri\"\nname = \"development\"\n\
             public_key = \"{}\"\n[store.export]\ndirectory = \"{}\"\n\
             [spool]\nkeep_delivered_minutes = 60\n",
            state.join(key).display(),
            store.display()
        );
        fs::write(state.join("site/site.toml"), site).unwrap();
        Self { agent, store, runs: Vec::new() }
    }

    fn run(&mut self) {
        let workflow = Workflow::empty();
        workflow.file("workflow.toml", MANIFEST).file("main.py", SCRIPT);
        let finished = self.agent.run(workflow.path(), &[]);
        assert_eq!(finished.code, 0, "{finished:#?}");
        let outcome = &finished.outcome["outcome"];
        let directory = self.store.join(outcome["store_prefix"].as_str().unwrap());
        self.runs.push((outcome["run"].as_str().unwrap().to_owned(), directory));
    }

    /// What `karakuri subject` says of a value that no command line has, and its exit code.
    fn subject(&self, act: &str, value: &str, more: &[&str]) -> (String, i32) {
        let file = self.agent.state().join("value");
        fs::write(&file, format!("{value}\n")).unwrap();
        let store = self.store.to_string_lossy();
        let words = ["subject", act, "--from", file.to_str().unwrap(), "--store", &store];
        let output = self.agent.call(&[&words, more].concat());
        let said = [output.stdout, output.stderr].concat();
        (String::from_utf8(said).unwrap(), output.status.code().unwrap())
    }

    fn find(&self, value: &str) -> Value {
        let (said, code) = self.subject("find", value, &["--json"]);
        assert_eq!(code, 0, "{said}");
        assert!(!said.to_lowercase().contains(&value.to_lowercase()), "{said}");
        serde_json::from_str(&said).unwrap()
    }

    /// Where a value stands in a run: place and kind.
    fn places(&self, value: &str, run: usize) -> BTreeSet<(String, String)> {
        let found = self.find(value);
        let runs = found["runs"].as_array().unwrap().clone();
        let of_run = runs.into_iter().filter(|found| found["run"] == self.runs[run].0);
        let values = of_run.flat_map(|found| found["values"].as_array().unwrap().clone());
        let places = values.flat_map(|value| value["places"].as_array().unwrap().clone());
        let text = |value: &Value| value.as_str().unwrap_or("text").to_owned();
        places.map(|place| (text(&place["place"]), text(&place["kind"]))).collect()
    }

    fn verify(&self, run: usize) -> (Value, i32) {
        let store = self.store.to_string_lossy();
        let words = ["artifacts", "verify", &self.runs[run].0, "--store", &store, "--json"];
        let output = self.agent.call(&words);
        let value = serde_json::from_slice(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (value.unwrap_or_else(|_| json!(said)), output.status.code().unwrap())
    }

    /// Id of the first artifact with this name.
    fn id(&self, run: usize, name: &str) -> String {
        let list = self.agent.call(&["artifacts", "list", &self.runs[run].0, "--json"]);
        let list: Vec<Value> = serde_json::from_slice(&list.stdout).unwrap();
        let found = list.iter().find(|artifact| artifact["name"] == name).unwrap();
        found["id"].as_str().unwrap().to_owned()
    }

    fn audit(&self) -> String {
        fs::read_to_string(self.agent.state().join("audit/audit.jsonl")).unwrap()
    }

    fn opened(&self, words: &[&str]) -> Value {
        let out = self.agent.state().join("opened");
        let output = self.agent.call(&[words, &["--out", out.to_str().unwrap()]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let path = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(&fs::read_to_string(path.trim()).unwrap()).unwrap()
    }
}

fn code(exit: Exit) -> i32 {
    exit.code().into()
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn pairs(all: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    all.iter().map(|(place, kind)| ((*place).to_owned(), (*kind).to_owned())).collect()
}

const TAROS: [(&str, &str); 4] = [
    ("log", "email"),
    ("output contact", "email"),
    ("output list", "email"),
    ("output list", "text"),
];

#[test]
fn a_value_is_found_however_it_is_written_and_not_shown() {
    let stored = Stored::new();
    assert_eq!(stored.places("Ｔaro@Example.COM", 0), pairs(&TAROS));
    assert_eq!(stored.places(HANAKO, 0), pairs(&TAROS));
    assert_eq!(stored.places("4111-1111-1111-1111", 0), pairs(&[("log", "card")]));
    assert_eq!(stored.places("taro  yamada", 0), pairs(&[("output form", "text")]));
    let nobody = "nobody@example.com";
    assert_eq!(stored.find(nobody), json!({ "searched": 1, "runs": [], "unsearched": [] }));
    let nothing = "nothing was found: 1 run searched\n".to_owned();
    assert_eq!(stored.subject("find", nobody, &[]), (nothing, 0));
    let (said, exit) = stored.subject("find", "4111-1111-1111-1111", &[]);
    assert!(exit == 0 && said.ends_with("found: 1 place in 1 run; 1 run searched\n"), "{said}");
    let (said, exit) = stored.subject("find", TARO, &["--kind", "name"]);
    assert!(exit == 0 && said.contains("output list"), "{said}");
    // A run that was cut short has no index and no names: it is found all the same.
    let signer = signed::signer(stored.agent.state());
    signed::edit(&stored.runs[0].1, &signer, |manifest| {
        manifest.artifacts.retain(|artifact| artifact.name != "values");
        for artifact in &mut manifest.artifacts {
            artifact.name.clone_from(&artifact.id);
        }
    });
    let cut_short = stored.places(TARO, 0);
    assert!(cut_short.contains(&("log".to_owned(), "email".to_owned())), "{cut_short:?}");
    assert!(cut_short.contains(&("output".to_owned(), "text".to_owned())), "{cut_short:?}");
    let output = format!("output {}", stored.id(0, "0001-output"));
    assert!(cut_short.contains(&(output, "email".to_owned())), "{cut_short:?}");
}

#[test]
fn without_the_key_nobody_searches_and_nobody_guesses() {
    let mut stored = Stored::new();
    stored.run();
    let other = Agent::new();
    let trust = stored.agent.state().join("site/signing.pub.pem");
    let (store, trust) = (stored.store.to_string_lossy(), trust.to_string_lossy());
    let words = ["subject", "find", TARO, "--json", "--store", &store, "--trust", &trust];
    // Its own key bears the same name and opens nothing.
    let output = other.call(&words);
    assert_eq!(output.status.code(), Some(code(Exit::NotVerified)));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["runs"], said["unsearched"].as_array().unwrap().len()), (&json!([]), 2));
    let key = stored.agent.state().join("keys/development.pem");
    let key = format!("karakuri/development={}", key.display());
    let output = other.call(&[&words[..], &["--key", &key]].concat());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), said["runs"].as_array().unwrap().len()), (Some(0), 2));

    let tokens = |run: usize| -> BTreeSet<String> {
        let index = stored.opened(&[
            "artifacts",
            "decrypt",
            &stored.runs[run].0,
            &stored.id(run, "values"),
        ]);
        let values = index["values"].as_array().unwrap().clone();
        values.iter().map(|value| value["token"].as_str().unwrap().to_owned()).collect()
    };
    // The same values have other tokens in another run, and none is in what lies open.
    let (first, second) = (tokens(0), tokens(1));
    assert_eq!(first.len(), second.len());
    assert!(first.len() >= 5 && first.is_disjoint(&second), "{first:?}");
    for name in names(&stored.runs[0].1) {
        let bytes = fs::read(stored.runs[0].1.join(&name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(first.iter().all(|token| !text.contains(token)), "{name}");
    }
    assert!(first.iter().all(|token| !stored.audit().contains(token)));
}

#[test]
fn everything_of_a_person_is_exported_and_nothing_of_others() {
    let stored = Stored::new();
    let out = stored.agent.state().join("export");
    let (said, exit) = stored.subject("export", TARO, &["--out", out.to_str().unwrap()]);
    assert_eq!(exit, 0, "{said}");
    let path = out.join(format!("{}.json", stored.runs[0].0));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("hanako"), "{text}");
    let export: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&export["run"], &export["workflow"]),
        (&json!(stored.runs[0].0), &json!("members"))
    );
    let fields = export["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| field["text"] == TARO), "{fields:#?}");
    let places: BTreeSet<_> = fields.iter().map(|f| f["place"].as_str().unwrap()).collect();
    assert_eq!(places, BTreeSet::from(["log", "output", "output contact", "output-list"]));
    let log = stored.audit();
    assert!(log.contains("subject.exported") && !log.contains("taro@"), "{log}");
}

#[test]
fn who_is_erased_is_gone_and_others_are_not() {
    let mut stored = Stored::new();
    stored.run();
    let before = names(&stored.runs[0].1);
    // An output that is sealed whole holds another person too: that must be said.
    let (said, exit) = stored.subject("erase", TARO, &[]);
    assert_eq!(exit, code(Exit::Usage), "{said}");
    assert!(said.contains("holds 1 other personal values"), "{said}");
    assert_eq!(names(&stored.runs[0].1), before);

    let (said, exit) = stored.subject("erase", TARO, &["--with-outputs", "--json"]);
    assert_eq!(exit, 0, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["runs"].as_array().unwrap().len(), 2);
    assert_eq!(said["runs"][0]["files"], 2, "the key and the output: {said}");
    let gone: Vec<_> = said["runs"][0]["artifacts"].as_array().unwrap().iter().collect();
    for id in &gone {
        assert!(!stored.runs[0].1.join(format!("{}.esdk", id.as_str().unwrap())).exists());
    }
    for run in 0..2 {
        let (found, exit) = stored.verify(run);
        assert_eq!((&found["erased"], exit), (&json!(2), 0), "{found}");
    }
    // The value is known to be gone, and is nowhere.
    let found = stored.find(TARO);
    let values = found["runs"][0]["values"].as_array().unwrap();
    assert!(values.len() == 2 && values.iter().all(|value| value["gone"] == "erased"), "{found}");
    let out = stored.agent.state().join("export");
    let (said, exit) = stored.subject("export", TARO, &["--out", out.to_str().unwrap()]);
    assert_eq!((said.as_str(), exit), ("", 0));
    let contact = stored.id(0, "output-contact");
    let contact = stored.opened(&["artifacts", "unmask", &stored.runs[0].0, &contact]);
    let others = json!({ "mail": "[email]", "more": ["to hanako@example.com, soon", 7] });
    assert_eq!(contact, others);
    let log = stored.id(0, "log-personal");
    let log = stored.opened(&["artifacts", "unmask", &stored.runs[0].0, &log]).to_string();
    assert!(log.contains(HANAKO) && log.contains("4111") && !log.contains("taro"), "{log}");

    // Again: nothing changes. The log tells ids and nothing else.
    let records = names(&stored.runs[0].1.join("removed"));
    let (said, exit) = stored.subject("erase", TARO, &["--with-outputs"]);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("0 artifacts erased now, 0 files removed"), "{said}");
    assert_eq!(names(&stored.runs[0].1.join("removed")), records);
    let log = stored.audit();
    assert_eq!(log.matches("artifact.erased").count(), 2);
    assert!(!log.contains("taro@") && !log.contains("Taro"), "{log}");
    let verified = stored.agent.call(&["audit", "verify"]);
    assert!(verified.status.success());

    // The store as it was before, with no trace of the erasure: the log still tells.
    fs::remove_dir_all(stored.runs[0].1.join("removed")).unwrap();
    let back = stored.runs[0].1.join(format!("{}.esdk", gone[0].as_str().unwrap()));
    fs::write(back, "as it was").unwrap();
    let verified = stored.agent.call(&["audit", "verify", "--json"]);
    let verdict: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified.status.code(), Some(code(Exit::NotVerified)), "{verdict}");
    let undone = json!([{ "run": stored.runs[0].0, "ids": [gone[0]] }]);
    assert_eq!(verdict["undone_removals"], undone, "{verdict}");
}

#[test]
fn each_value_has_a_key_of_its_own_and_no_other_opens_it() {
    let stored = Stored::new();
    let run = &stored.runs[0].0;
    let decrypted = |id: &str| stored.opened(&["artifacts", "decrypt", run, id]);
    let list = stored.agent.call(&["artifacts", "list", run, "--json"]);
    let list: Vec<Value> = serde_json::from_slice(&list.stdout).unwrap();
    let keys = list.iter().filter(|artifact| artifact["name"] == "value-key");
    let keys: Vec<(String, FieldKey)> = keys
        .map(|artifact| {
            let id = artifact["id"].as_str().unwrap().to_owned();
            let key = BASE64.decode(decrypted(&id)["key"].as_str().unwrap()).unwrap();
            (id, FieldKey::from_slice(&key).unwrap())
        })
        .collect();
    assert_eq!(keys.len(), 3, "two addresses and a card");
    let texts = decrypted(&stored.id(0, "log-personal"));
    let fields = texts["fields"].as_array().unwrap();
    assert!(fields.len() >= 5, "{texts}");
    for field in fields.iter().map(|field| &field[1]) {
        let sealed = BASE64.decode(field["sealed"].as_str().unwrap()).unwrap();
        for (id, key) in &keys {
            assert_eq!(key.open(&sealed).is_some(), field["key"] == *id, "{field}");
        }
    }
}

#[test]
fn a_kill_in_the_middle_is_gone_on_with() {
    let stored = Stored::new();
    let directory = &stored.runs[0].1;
    let value = "4111 1111 1111 1111";
    let key = stored.find(value)["runs"][0]["values"][0]["key"].as_str().unwrap().to_owned();
    let file = format!("{key}.esdk");
    let sealed = fs::read(directory.join(&file)).unwrap();
    assert_eq!(stored.subject("erase", value, &[]).1, 0);
    assert!(!directory.join(&file).exists());
    // As it is between the record and the deletion.
    fs::write(directory.join(&file), &sealed).unwrap();
    let (found, exit) = stored.verify(0);
    assert_eq!(exit, code(Exit::NotVerified), "{found}");
    assert_eq!(found["faults"].as_array().unwrap().len(), 1);
    // The record is believed, not the file.
    let shown = stored.agent.call(&["artifacts", "decrypt", "last", &key]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("is gone: erased"));
    let (said, exit) = stored.subject("erase", value, &[]);
    assert!(exit == 0 && said.contains("1 files removed"), "{said}");
    assert_eq!(stored.verify(0).1, 0);
}

#[test]
fn what_was_altered_is_not_searched_and_not_taken_for_nothing() {
    let stored = Stored::new();
    let directory = &stored.runs[0].1;
    let index = directory.join(format!("{}.esdk", stored.id(0, "values")));
    let key = directory.join(format!("{}.esdk", stored.id(0, "value-key")));
    let (whole, other) = (fs::read(&index).unwrap(), fs::read(&key).unwrap());
    let mut flipped = whole.clone();
    let last = flipped.len() - 20;
    flipped[last] ^= 1;
    for altered in [&flipped[..], &whole[..whole.len() - 1], &other] {
        fs::write(&index, altered).unwrap();
        let (said, exit) = stored.subject("find", TARO, &[]);
        assert_eq!(exit, code(Exit::NotVerified), "{said}");
        assert!(said.contains("NOT searched") && said.contains("was altered"), "{said}");
        let (said, exit) = stored.subject("erase", TARO, &["--with-outputs"]);
        assert_eq!(exit, code(Exit::NotVerified), "{said}");
        assert!(said.contains("nothing was erased"), "{said}");
        assert!(!directory.join("removed").exists());
    }
    fs::write(&index, whole).unwrap();
    assert_eq!(stored.places(TARO, 0), pairs(&TAROS));
}

#[test]
fn copies_in_the_spool_go_too_and_what_is_not_delivered_is_not_forgotten() {
    let mut stored = Stored::with_disk();
    stored.run();
    let spool = stored.agent.state().join("spool").join(&stored.runs[0].0);
    let before = names(&spool);
    assert!(before.contains("manifest.dsse.json") && before.len() > 5, "{before:?}");
    let value = "4111 1111 1111 1111";
    let key = stored.find(value)["runs"][0]["values"][0]["key"].as_str().unwrap().to_owned();
    let (said, exit) = stored.subject("erase", value, &[]);
    assert_eq!(exit, 0, "{said}");
    let after = names(&spool);
    let gone: BTreeSet<_> = before.difference(&after).cloned().collect();
    assert_eq!(gone, BTreeSet::from([format!("{key}.esdk")]));
    assert!(!stored.runs[0].1.join(format!("{key}.esdk")).exists());
    assert_eq!(stored.verify(0).0["erased"], 1);

    // The disk takes nothing of the next run.
    let (runs, away) = (stored.store.join("runs"), stored.agent.state().join("away"));
    fs::rename(&runs, &away).unwrap();
    fs::write(&runs, "not a directory").unwrap();
    stored.run();
    fs::remove_file(&runs).unwrap();
    fs::rename(&away, &runs).unwrap();
    assert!(!stored.runs[1].1.exists());
    let (said, exit) = stored.subject("find", value, &[]);
    assert_eq!(exit, code(Exit::NotVerified), "{said}");
    assert!(said.contains(&stored.runs[1].0) && said.contains("waits in the spool"), "{said}");
    // Erasing brings it to the store first.
    let (said, exit) = stored.subject("erase", value, &[]);
    assert_eq!(exit, 0, "{said}");
    assert_eq!((&stored.verify(1).0["erased"], stored.verify(1).1), (&json!(1), 0));
}

#[test]
fn nothing_is_said_to_be_nowhere_that_was_not_looked_for() {
    let stored = Stored::new();
    let call = |words: &[&str]| {
        let output = stored.agent.call(&[&["subject", "find", TARO], words].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(call(&[]).0, Some(0));
    let (code, said) = call(&["--kind", "mail"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--kind mail: it is email, phone"), "{said}");
    let (code, said) = call(&["--store", "/nowhere/at/all"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("/nowhere/at/all/runs"), "{said}");
}
