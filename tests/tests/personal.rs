//! Personal data of a run: masked in all that is kept in the clear of its classes, and there again for who
//! holds the key of the class `pii`. The pictures are read by tesseract, which knows nothing of Karakuri.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use karakuri_protocol::job::Exit;
use karakuri_tests::film::{Picture, pictures};
use karakuri_tests::{Agent, Finished, Workflow};
use serde_json::Value;

const MANIFEST: &str = r#"
name = "customers"
version = "1.0.0"
agent = ">=0.1"
entry = "main.py"

[permissions]
apps = ["python3"]
screen = true
input = true

[inputs.program]
type = "file"

[inputs.clerk]
type = "string"

[outputs.picture]
type = "json"

[outputs.contact]
type = "json"

[outputs.amount]
type = "json"

[outputs.card]
type = "json"
class = "pii"
"#;

/// A form with what is personal and an amount that is not.
const PROGRAM: &str = r#"
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk, Pango
window = Gtk.Window(title="Customer file")
grid = Gtk.Grid(row_spacing=24, column_spacing=24, margin=32)
window.add(grid)
def label(text, column, row, span=1):
    shown = Gtk.Label(label=text, xalign=0)
    large = Pango.AttrList()
    large.insert(Pango.attr_size_new(18 * Pango.SCALE))
    shown.set_attributes(large)
    grid.attach(shown, column, row, span, 1)
label("Contact taro@example.com today", 0, 0, 2)
label("4111 1111 1111 1111", 0, 1, 2)
label("1234 5678 9018", 0, 2, 2)
label("Name:", 0, 3)
label("Hanako Sato", 1, 3)
label("Amount 84,210 EUR", 0, 4, 2)
entry = Gtk.Entry(width_chars=30)
grid.attach(entry, 0, 5, 2, 1)
window.connect("destroy", Gtk.main_quit)
window.show_all()
Gtk.main()
"#;

const SCRIPT: &str = r#"
from karakuri import desktop as d
from karakuri import run
d.launch("python3", [run.input("program")])
d.wait_for('text:Amount')
text = d.read_text()
assert "taro@example.com" in text and "84,210" in text, text
d.type_text("taro@example.com")
d.wait_still(300)
run.log("written to taro@example.com about 84,210")
print("card 4111 1111 1111 1111")
run.output("contact", {"mail": "taro@example.com", "lines": 2})
run.output("amount", "84,210")
run.output("card", "4111 1111 1111 1111")
run.output("picture", d.screenshot("last"))
"#;

/// Every one of them is on the screen.
const PERSONAL: [&str; 4] =
    ["taro@example.com", "4111 1111 1111 1111", "1234 5678 9018", "Hanako Sato"];

/// A run that is over, and its artifacts.
struct Ran {
    agent: Agent,
    finished: Finished,
    directory: tempfile::TempDir,
    /// Class, name and file by id.
    artifacts: BTreeMap<String, (String, String, PathBuf)>,
}

fn ran() -> Ran {
    let workflow = Workflow::empty();
    workflow.file("workflow.toml", MANIFEST).file("main.py", SCRIPT).file("form.py", PROGRAM);
    let program = format!("program={}", workflow.path().join("form.py").display());
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[&program, "clerk=jiro@example.com"]);
    finished.ended(Exit::Success);
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().to_string_lossy().into_owned();
    succeeded(&agent, &["artifacts", "decrypt", "last", "--out", &out]);
    let list = succeeded(&agent, &["artifacts", "list", "last", "--json"]);
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    let files: Vec<PathBuf> =
        fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().path()).collect();
    let told = |value: &Value| value.as_str().unwrap().to_owned();
    let artifact = |artifact: &Value| {
        let id = told(&artifact["id"]);
        let file = files.iter().find(|file| file.file_stem().is_some_and(|stem| *stem == *id));
        let file = file.unwrap_or_else(|| panic!("{id} was not opened")).clone();
        (id, (told(&artifact["class"]), told(&artifact["name"]), file))
    };
    let artifacts = list.iter().map(artifact).collect();
    Ran { agent, finished, directory, artifacts }
}

fn succeeded(agent: &Agent, arguments: &[&str]) -> String {
    let output = agent.call(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Ran {
    /// The file of the artifact with this name.
    fn named(&self, name: &str) -> &Path {
        let mut all = self.artifacts.values();
        &all.find(|(_, found, _)| found == name).unwrap_or_else(|| panic!("no {name}")).2
    }

    fn text_of(&self, name: &str) -> String {
        fs::read_to_string(self.named(name)).unwrap()
    }

    /// The files with this ending that are not of class `pii`.
    fn open(&self, ending: &str) -> Vec<&Path> {
        let all = self.artifacts.values().filter(|(class, ..)| class != "pii");
        all.map(|(.., file)| file.as_path())
            .filter(|file| file.extension().is_some_and(|found| found == ending))
            .collect()
    }

    fn screenshot(&self) -> String {
        self.finished.outcome["outcome"]["outputs"]["picture"].as_str().unwrap().to_owned()
    }
}

/// What is personal in what tesseract reads, spaces aside.
fn seen(picture: &Picture) -> Vec<&'static str> {
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let text = plain(&picture.text());
    PERSONAL.into_iter().filter(|personal| text.contains(&plain(personal))).collect()
}

fn last(file: &Path) -> Picture {
    pictures(file).pop().unwrap()
}

#[test]
fn nothing_personal_is_in_what_is_kept_and_the_key_brings_it_back() {
    let ran = ran();
    texts_are_masked(&ran);
    pictures_are_masked(&ran);
    the_recording_is_masked(&ran);
    the_originals_are_sealed_apart(&ran);
    unmask_brings_them_back(&ran);
    who_is_erased_stays_masked_and_nobody_else(&ran);
}

fn texts_are_masked(ran: &Ran) {
    let mut all = vec![ran.finished.report.clone(), ran.finished.stderr.clone()];
    all.push(ran.finished.outcome.to_string());
    for ending in ["txt", "html", "json"] {
        all.extend(ran.open(ending).iter().map(|file| fs::read_to_string(file).unwrap()));
    }
    assert!(all.len() >= 8, "{:?}", ran.artifacts);
    for text in &all {
        for personal in PERSONAL.iter().chain(&["jiro@example.com"]) {
            assert!(!text.contains(personal), "{personal} is in {text}");
        }
    }
    let log = ran.text_of("log");
    assert!(log.contains("written to [email] about 84,210"), "{log}");
    assert!(log.contains("card [card]"), "{log}");
    let warning = "output contact holds personal data (email)";
    assert!(log.contains(warning) && ran.finished.report.contains(warning), "{log}");
    let outcome = &ran.finished.outcome["outcome"];
    assert!(outcome["warnings"][0].as_str().unwrap().contains(warning), "{outcome}");
    assert_eq!(outcome["warnings"].as_array().unwrap().len(), 1, "{outcome}");
    assert_eq!(outcome["outputs"]["contact"], serde_json::json!({ "mail": "[email]", "lines": 2 }));
    assert_eq!(outcome["outputs"]["amount"], "84,210");
    assert_eq!(outcome["outputs"]["card"], "[pii]");
    assert!(ran.finished.report.contains("84,210"));
}

fn pictures_are_masked(ran: &Ran) {
    let all = ran.open("webp");
    assert!(all.len() >= 3, "{all:?}");
    for file in all {
        assert_eq!(seen(&last(file)), [""; 0], "{}", file.display());
    }
    let (.., screenshot) = &ran.artifacts[&ran.screenshot()];
    let text = last(screenshot).text();
    // What stands beside what is masked is still there.
    assert!(text.contains("84,210") && text.contains("Name"), "{text}");
}

fn the_recording_is_masked(ran: &Ran) {
    let segments = ran.open("apng");
    assert!(!segments.is_empty());
    for file in &segments {
        for picture in pictures(file) {
            assert_eq!(seen(&picture), [""; 0], "{}", file.display());
        }
    }
    let text = last(segments.last().unwrap()).text();
    assert!(text.contains("84,210"), "{text}");
}

/// `karakuri subject` with a value that no command line has.
fn subject(ran: &Ran, act: &str, value: &str, more: &[&str]) -> String {
    let file = ran.directory.path().join("value");
    fs::write(&file, format!("{value}\n")).unwrap();
    let words = ["subject", act, "--from", file.to_str().unwrap()];
    succeeded(&ran.agent, &[&words, more].concat())
}

/// Everything of a value, as it is exported.
fn exported(ran: &Ran, value: &str) -> Vec<Value> {
    let out = ran.directory.path().join("exported");
    let written = subject(ran, "export", value, &["--out", out.to_str().unwrap()]);
    let export: Value = serde_json::from_str(&fs::read_to_string(written.trim()).unwrap()).unwrap();
    export["fields"].as_array().unwrap().clone()
}

fn the_originals_are_sealed_apart(ran: &Ran) {
    let held = |fields: &[Value], place: &str, kind: &str, text: &str| {
        let is = |f: &&Value| f["place"] == place && f["kind"] == kind && f["text"] == text;
        fields.iter().filter(is).count()
    };
    for (kind, personal) in ["email", "card", "my_number", "name"].into_iter().zip(PERSONAL) {
        let fields = exported(ran, personal);
        assert!(held(&fields, "picture", kind, personal) > 0, "no {kind} in {fields:#?}");
        let of_screenshot = |field: &&Value| field["artifact"] == ran.screenshot();
        let pixels = fields.iter().filter(of_screenshot).filter(|f| f["webp"].is_string()).count();
        // The address once as a label, once as it was typed.
        assert_eq!(pixels, if kind == "email" { 2 } else { 1 }, "{kind}");
    }
    let mail = exported(ran, "TARO@example.com");
    assert!(held(&mail, "log", "email", PERSONAL[0]) > 0);
    assert_eq!(held(&mail, "output contact", "email", PERSONAL[0]), 1);
    assert!(held(&exported(ran, PERSONAL[1]), "log", "card", PERSONAL[1]) > 0);
    let clerk = exported(ran, "jiro@example.com");
    assert_eq!((clerk.len(), held(&clerk, "input clerk", "email", "jiro@example.com")), (1, 1));
    assert_eq!(ran.text_of("output-card"), "\"4111 1111 1111 1111\"");
    // What is sealed apart does not show it either: each value needs its own key.
    for name in [format!("{}-personal", ran.screenshot()), "log-personal".into(), "values".into()] {
        let text = ran.text_of(&name);
        assert!(PERSONAL.iter().all(|personal| !text.contains(personal)), "{name}: {text}");
    }
}

fn unmask_brings_them_back(ran: &Ran) {
    let out = ran.directory.path().join("unmasked");
    let told = out.to_string_lossy().into_owned();
    let unmask = |id: &str| {
        let written = succeeded(&ran.agent, &["artifacts", "unmask", "last", id, "--out", &told]);
        PathBuf::from(written.trim())
    };
    // The same reader reads all of it where it is not masked: that shows what the masks were for.
    let whole = last(&unmask(&ran.screenshot()));
    assert_eq!(seen(&whole), PERSONAL);
    let contact = ran.artifacts.iter().find(|(_, (_, name, _))| name == "output-contact");
    let value = fs::read_to_string(unmask(contact.unwrap().0)).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&value).unwrap(),
        serde_json::json!({ "mail": "taro@example.com", "lines": 2 })
    );
    let log = ran.artifacts.iter().find(|(_, (_, name, _))| name == "log").unwrap().0;
    let refused = ran.agent.call(&["artifacts", "unmask", "last", log]);
    assert!(!refused.status.success());
}

fn who_is_erased_stays_masked_and_nobody_else(ran: &Ran) {
    subject(ran, "erase", "hanako sato", &["--kind", "name"]);
    let told = ran.directory.path().join("erased").to_string_lossy().into_owned();
    let words = ["artifacts", "unmask", "last", &ran.screenshot(), "--out", &told];
    let whole = last(Path::new(succeeded(&ran.agent, &words).trim()));
    assert_eq!(seen(&whole), PERSONAL[..3]);
    let verified = succeeded(&ran.agent, &["artifacts", "verify", "last"]);
    assert!(verified.contains("1 of them erased, recorded"), "{verified}");
}
