//! The script API a line at a time, as `karakuri desktop` speaks it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::rig::{Display, Owned};

pub(crate) struct Door {
    process: Owned,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next: u64,
}

impl Door {
    pub(crate) fn open(display: &Display, options: &[&str]) -> Self {
        let cache = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
        let assets = std::env::var_os("KARAKURI_ASSETS").map(PathBuf::from);
        // The command line that a person types; it stands beside this package's program.
        let karakuri = Path::new(env!("CARGO_BIN_EXE_karakuri-desktop")).with_file_name("karakuri");
        let mut child = display
            .command(&karakuri.to_string_lossy())
            .arg("desktop")
            .env("KARAKURI_ASSETS", assets.unwrap_or_else(|| cache().join("karakuri/assets")))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { process: Owned(child), input, output: BufReader::new(output), next: 1 }
    }

    pub(crate) fn line(&mut self, line: &str) -> Value {
        writeln!(self.input, "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{line}: {answer:?}: {e}"))
    }

    /// The result of a call; panics when it has none.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.next;
        self.next += 1;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let answer = self.line(&request.to_string());
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(id)));
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn close(self) -> std::process::ExitStatus {
        drop(self.input);
        self.process.finish()
    }
}

#[test]
fn the_same_calls_as_in_a_run_work_on_any_display() {
    let display = Display::start();
    let out = display.path("pictures");
    std::fs::create_dir(&out).unwrap();
    let mut door = Door::open(&display, &["--out", out.to_str().unwrap()]);
    let editor = door.call("launch", json!({ "app": "mousepad" }));
    assert_eq!(editor["effect"], "confirmed");
    let window = editor["window"]["id"].clone();
    door.call("wait_for", json!({ "target": "text:Document" }));
    let typed = door.call("type_text", json!({ "text": "Grüße, 日本\n" }));
    assert_eq!((&typed["effect"], &typed["via"]), (&json!("confirmed"), &json!("focus")));
    let read = door.call(
        "find",
        json!({ "target": { "find": { "text": { "value": "Grüße", "match": "contains" } } } }),
    );
    assert_eq!(read["via"], "text");
    let menu = door.call("click", json!({ "target": "text:File" }));
    assert_eq!(menu["effect"], "confirmed");
    door.call("wait_for", json!({ "target": "text:Quit" }));
    assert_eq!(door.call("exists", json!({ "target": "text:Quit" })), json!(true));
    door.call("press", json!({ "keys": "Escape" }));
    let picture = door.call("screenshot", json!({ "name": "editor" }));
    let written = std::fs::read(picture["artifact"].as_str().unwrap()).unwrap();
    assert_eq!((&written[..4], &written[8..12]), (&b"RIFF"[..], &b"WEBP"[..]));
    assert_eq!(door.call("set_clipboard", json!({ "text": "kept" }))["effect"], "unverifiable");
    assert_eq!(door.call("get_clipboard", json!({})), json!("kept"));
    // It asks whether to save: the window is not gone, but something happened.
    assert_eq!(door.call("close", json!({ "window": window }))["effect"], "confirmed");
    assert!(door.close().success());
}

#[test]
fn a_program_that_is_launched_has_the_keyboard_without_a_window_manager_too() {
    let display = Display::bare(&[]);
    let mut door = Door::open(&display, &[]);
    let editor = door.call("launch", json!({ "app": "mousepad" }));
    door.call("wait_still", json!({ "still_ms": 300 }));
    assert_eq!(door.call("type_text", json!({ "text": "Grüße" }))["effect"], "confirmed");
    let window = editor["window"]["id"].clone();
    assert_eq!(door.call("press", json!({ "keys": "ctrl+z" }))["effect"], "confirmed");
    assert_eq!(door.call("close", json!({ "window": window }))["effect"], "confirmed");
    assert!(door.close().success());
}

#[test]
fn what_is_no_call_is_answered_and_the_conversation_goes_on() {
    let display = Display::start();
    let mut door = Door::open(&display, &[]);
    let answer = door.line("click the button");
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(-32700)));
    for (line, kind, part) in [
        (r#"{"jsonrpc":"2.0","id":7,"method":"exec"}"#, "unsupported", "exec"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"press"}"#, "invalid_params", "keys"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"secret","params":{"name":"a"}}"#, "unsupported", ""),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"screenshot","params":{"name":"a"}}"#,
            "unsupported",
            "--out",
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"launch","params":{"app":"/nowhere"}}"#,
            "app_failed",
            "nowhere",
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"find","params":{"target":"text:nowhere"}}"#,
            "not_found",
            "nowhere",
        ),
    ] {
        let answer = door.line(line);
        assert_eq!((&answer["id"], &answer["error"]["data"]["kind"]), (&json!(7), &json!(kind)));
        assert!(answer["error"]["message"].as_str().unwrap().contains(part), "{answer}");
    }
    assert!(door.close().success());
}

/// A GTK window with what a form has.
pub(crate) const FORM: &str = r#"
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
window = Gtk.Window(title="Form", default_width=420)
grid = Gtk.Grid(row_spacing=12, column_spacing=12, margin=24)
window.add(grid)
for row, (label, text) in enumerate([("Name:", "Ada"), ("City:", "")]):
    grid.attach(Gtk.Label(label=label), 0, row, 1, 1)
    grid.attach(Gtk.Entry(text=text, hexpand=True), 1, row, 1, 1)
for row, (label, on) in enumerate([("Paid", True), ("Sent", False)], 2):
    grid.attach(Gtk.CheckButton(label=label, active=on), 1, row, 1, 1)
grid.attach(Gtk.Button(label="Save"), 0, 4, 1, 1)
grid.attach(Gtk.Button(label="Discard all"), 1, 4, 1, 1)
window.show_all()
Gtk.main()
"#;

/// A GTK list with columns, whose rows are not ruled.
const LIST: &str = r#"
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
window = Gtk.Window(title="List", default_width=420, default_height=200)
store = Gtk.ListStore(str, str, str)
for row in [("Bolt", "12", "0.40"), ("Large nut", "7", "1.25"), ("Washer", "100", "0.02")]:
    store.append(row)
view = Gtk.TreeView(model=store)
for number, title in enumerate(["Article", "Count", "Price"]):
    column = Gtk.TreeViewColumn(title, Gtk.CellRendererText(), text=number)
    column.set_min_width(140)
    view.append_column(column)
window.add(view)
window.show_all()
Gtk.main()
"#;

/// A button that can be pressed only some time after something was typed.
const LATE: &str = r#"
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk
window = Gtk.Window(title="Late", default_width=420, default_height=200)
box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, margin=24, spacing=12)
window.add(box)
entry = Gtk.Entry()
button = Gtk.Button(label="Apply", sensitive=False)
label = Gtk.Label(label="nothing")
for child in (entry, button, label):
    box.add(child)
entry.connect("changed", lambda _: GLib.timeout_add(400, button.set_sensitive, True))
button.connect("clicked", lambda _: label.set_text("everything"))
window.show_all()
Gtk.main()
"#;

#[test]
fn a_button_that_is_greyed_out_is_given_a_moment() {
    let display = Display::start();
    let mut door = Door::open(&display, &[]);
    door.call("launch", json!({ "app": "python3", "args": ["-c", LATE] }));
    door.call("wait_for", json!({ "target": "text:Apply" }));
    door.call("type_text", json!({ "text": "x" }));
    door.call("click", json!({ "target": "text:Apply" }));
    door.call("wait_for", json!({ "target": "text:everything", "timeout_ms": 5000 }));
}

#[test]
fn a_form_has_its_controls_and_they_can_be_clicked() {
    let display = Display::start();
    let mut door = Door::open(&display, &[]);
    door.call("launch", json!({ "app": "python3", "args": ["-c", FORM] }));
    door.call("wait_for", json!({ "target": "text:Save" }));
    door.call("wait_still", json!({ "still_ms": 300 }));
    let found = |door: &mut Door| -> Vec<Value> {
        let controls = door.call("controls", json!({}));
        let shown = |c: &Value| json!([c["role"], c["text"], c["checked"], c["value"]]);
        controls.as_array().unwrap().iter().map(shown).collect()
    };
    let expected = |sent: bool| {
        [
            json!(["field", "Name:", null, "Ada"]),
            json!(["field", "City:", null, null]),
            json!(["check_box", "Paid", true, null]),
            json!(["check_box", "Sent", sent, null]),
            json!(["button", "Save", null, null]),
            json!(["button", "Discard all", null, null]),
        ]
    };
    let read = door.call("read_text", json!({}));
    assert_eq!(found(&mut door), expected(false), "{read}");
    let controls = door.call("controls", json!({}));
    let target = json!({ "find": { "region": controls[3]["rect"] } });
    assert_eq!(door.call("click", json!({ "target": target }))["effect"], "confirmed");
    door.call("wait_still", json!({ "still_ms": 300 }));
    assert_eq!(found(&mut door), expected(true));
}

/// Buttons that are alike but for their state, colour or one letter. They are taken one by one from
/// the window's own drawing into PNG files, and the files' buttons are the targets.
const ALIKE: &str = r##"
import sys
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk
window = Gtk.Window(title="Alike", default_width=420)
box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=9, margin=24)
window.add(box)
style = Gtk.CssProvider()
style.load_from_data(b"#red label { color: #a01010; } #green label { color: #105808; }")
Gtk.StyleContext.add_provider_for_screen(
    Gdk.Screen.get_default(), style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)
buttons = {}
def add(name, button):
    button.set_name(name)
    button.set_halign(Gtk.Align.START)
    box.add(button)
    buttons[name] = button
for name, label in [("plain", "Close 0"), ("letter", "Close O"), ("stop", "Close 0."),
                    ("grey", "Close 0"), ("over", "Close 0"), ("down", "Close 0"),
                    ("red", "Close 0"), ("green", "Close 0")]:
    add(name, Gtk.Button(label=label))
for name in ["off", "on"]:
    add(name, Gtk.CheckButton(label="Paid", active=name == "on"))
buttons["grey"].set_sensitive(False)
buttons["over"].set_state_flags(Gtk.StateFlags.PRELIGHT, False)
buttons["down"].set_state_flags(Gtk.StateFlags.ACTIVE, False)
window.set_focus(None)
window.show_all()
def cut():
    for name, button in buttons.items():
        at, size = button.translate_coordinates(window, 0, 0), button.get_allocation()
        picture = Gdk.pixbuf_get_from_window(window.get_window(), *at, size.width, size.height)
        picture.savev(f"{sys.argv[1]}/{name}.png", "png", [], [])
    box.add(Gtk.Label(label="Ready"))
    box.show_all()
GLib.timeout_add(500, cut)
Gtk.main()
"##;

#[test]
fn a_button_is_told_from_those_that_look_like_it() {
    let display = Display::start();
    let images = display.path("images");
    std::fs::create_dir(&images).unwrap();
    let images = images.to_str().unwrap();
    let mut cutter = Door::open(&display, &[]);
    cutter.call("launch", json!({ "app": "python3", "args": ["-c", ALIKE, images] }));
    cutter.call("wait_for", json!({ "target": "text:Ready" }));
    cutter.call("wait_still", json!({ "still_ms": 400 }));
    assert!(cutter.close().success());
    let mut door = Door::open(&display, &["--images", images]);
    let mut places = Vec::new();
    for name in ["plain", "letter", "stop", "grey", "over", "down", "red", "green", "off", "on"] {
        let hits = door.call("find_all", json!({ "target": format!("image:{name}.png") }));
        assert_eq!(hits.as_array().map(Vec::len), Some(1), "{name}: {hits}");
        places.push(hits[0]["at"][1].as_i64().unwrap());
    }
    // From the top to the bottom, each where it was drawn.
    assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
}

/// A label that changes faster than it can be read, and keeps its last text.
const COUNT: &str = r#"
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk
window = Gtk.Window(title="Count", default_width=300, default_height=80)
label = Gtk.Label(label="waiting")
window.add(label)
window.show_all()
left = 40
def count():
    global left
    left -= 1
    label.set_text(f"left {left}" if left else "Finished")
    return left > 0
GLib.timeout_add(7, count)
Gtk.main()
"#;

#[test]
fn the_last_of_many_changes_is_seen_and_says_which_it_was() {
    let display = Display::start();
    let mut door = Door::open(&display, &[]);
    for _ in 0..3 {
        let window = door.call("launch", json!({ "app": "python3", "args": ["-c", COUNT] }));
        let left = json!({ "find": { "text": { "value": "left 9[0-9]", "match": "regex" } } });
        let targets = json!({ "a": "text:Failed", "b": "text:Finished", "c": left });
        assert_eq!(door.call("expect_any", json!({ "targets": targets })), json!("b"));
        door.call("close", json!({ "window": window["window"]["id"] }));
        door.call("wait_gone", json!({ "target": "text:Finished" }));
    }
    let line = r#"{"jsonrpc":"2.0","id":9,"method":"expect_any","params":{"targets":{"a":"text:Failed"},"timeout_ms":50}}"#;
    assert_eq!(door.line(line)["error"]["data"]["kind"], "not_found");
}

#[test]
fn a_list_is_a_table_and_a_value_is_typed() {
    let display = Display::start();
    let mut door = Door::open(&display, &[]);
    let window = door.call("launch", json!({ "app": "python3", "args": ["-c", LIST] }));
    door.call("wait_for", json!({ "target": "text:Washer" }));
    let region = &window["window"]["rect"];
    let table = door.call("read_table", json!({ "region": region }));
    assert_eq!(
        table,
        json!([
            ["Article", "Count", "Price"],
            ["Bolt", "12", "0.40"],
            ["Large nut", "7", "1.25"],
            ["Washer", "100", "0.02"],
        ])
    );
    let price = door.call("find", json!({ "target": "text:1.25" }));
    let near = |by: i64| {
        let edge = |n: usize, by: i64| price["rect"][n].as_i64().unwrap() + by;
        json!([edge(0, -by), edge(1, -by), edge(2, 2 * by), edge(3, 2 * by)])
    };
    let read = door.call("read_text", json!({ "region": near(4), "as": "decimal" }));
    assert_eq!(read["value"], json!("1.25"));
    let line =
        r#"{"jsonrpc":"2.0","id":9,"method":"read_text","params":{"as":"date","region":REGION}}"#;
    let answer = door.line(&line.replace("REGION", &near(4).to_string()));
    assert_eq!(answer["error"]["data"]["kind"], "not_found");
    let message = answer["error"]["message"].as_str().unwrap();
    let [left, top, width, height] = [0, 1, 2, 3].map(|n| near(4)[n].as_i64().unwrap());
    let place = format!("in region {left},{top} {width}×{height}, \"1.25\" is not a date: ");
    assert!(message.starts_with(&place), "{message}");
    let answer = door.line(&line.replace(r#","region":REGION"#, ""));
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("on the screen, \""), "{message}");
}
