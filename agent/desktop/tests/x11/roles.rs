//! Targets by what a thing is for: as the application says, and by looks where it says nothing.

use std::process::Stdio;

use serde_json::{Value, json};

use super::door::{Door, FORM};
use super::rig::{Display, Lines, Owned};

/// The form of [`FORM`] in Qt.
const QT: &str = r#"
import sys
from PyQt5.QtWidgets import *
app = QApplication(sys.argv)
window = QWidget(windowTitle="Qt form")
form = QFormLayout(window)
form.addRow("Name:", QLineEdit("Ada"))
form.addRow("City:", QLineEdit())
for text, on in [("Paid", True), ("Sent", False)]:
    box = QCheckBox(text)
    box.setChecked(on)
    form.addRow(box)
tabs = QTabWidget()
for title in ["First", "Second"]:
    tabs.addTab(QPushButton(f"Save {title}"), title)
form.addRow(tabs)
window.show()
window.setFocus()  # no text cursor stands beside what is read
app.exec()
"#;

/// Two windows with the same button, which say when it was pressed.
const TWINS: &str = r#"
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
for at, title in enumerate(["Orders 2026", "Invoices 2026"]):
    window = Gtk.Window(title=title, default_width=300)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, margin=24)
    button, label = Gtk.Button(label="Post"), Gtk.Label(label="idle")
    button.connect("clicked", lambda _, label=label, title=title: label.set_text(f"Done {title}"))
    box.add(button)
    box.add(label)
    window.add(box)
    window.show_all()
    window.move(40 + 400 * at, 100)
Gtk.main()
"#;

fn role(role: &str, name: Option<&str>) -> Value {
    match name {
        Some(name) => json!({ "find": { "role": { "role": role, "name": name } } }),
        None => json!({ "find": { "role": { "role": role } } }),
    }
}

fn open(display: &Display, program: &str, shows: &str) -> Door {
    let mut door = Door::open(display, &[]);
    door.call("launch", json!({ "app": "python3", "args": ["-c", program] }));
    door.call("wait_for", json!({ "target": shows }));
    door.call("wait_still", json!({ "still_ms": 300 }));
    door
}

/// Role, name, state and who says so, of each control.
fn controls(door: &mut Door) -> Vec<Value> {
    let found = door.call("controls", json!({}));
    let shown = |c: &Value| json!([c["role"], c["text"], c["checked"], c["value"], c["via"]]);
    found.as_array().unwrap().iter().map(shown).collect()
}

#[test]
fn a_gtk_program_says_what_it_shows() {
    let display = Display::with_bus();
    let mut door = open(&display, FORM, "text:Save");
    let save = door.call("find", json!({ "target": role("button", Some("Save")) }));
    assert_eq!((&save["via"], &save["text"]), (&json!("role"), &json!("Save")));
    let text = door.call("find", json!({ "target": "text:Save" }));
    let (inner, outer) = (&text["rect"], &save["rect"]);
    let edge = |rect: &Value, at: usize| rect[at].as_i64().unwrap();
    assert!(edge(outer, 0) < edge(inner, 0) && edge(outer, 1) <= edge(inner, 1), "{outer} {inner}");
    assert!(edge(outer, 2) > edge(inner, 2) && edge(outer, 2) < 200, "{outer} {inner}");
    assert_eq!(
        controls(&mut door),
        [
            json!(["field", "Name:", null, "Ada", "role"]),
            json!(["field", "City:", null, null, "role"]),
            json!(["check_box", "Paid", true, null, "role"]),
            json!(["check_box", "Sent", false, null, "role"]),
            json!(["button", "Save", null, null, "role"]),
            json!(["button", "Discard all", null, null, "role"]),
        ]
    );
    door.call("click", json!({ "target": role("check_box", Some("Sent")) }));
    door.call("click", json!({ "target": role("field", Some("City:")) }));
    door.call("type_text", json!({ "text": "London\t" }));
    let after = controls(&mut door);
    assert_eq!(after[1], json!(["field", "City:", null, "London", "role"]));
    assert_eq!(after[3], json!(["check_box", "Sent", true, null, "role"]));
}

#[test]
fn a_qt_program_says_what_it_shows() {
    let display = Display::with_bus();
    let mut door = open(&display, QT, "text:Paid");
    let found = controls(&mut door);
    for expected in [
        json!(["field", "Name:", null, "Ada", "role"]),
        json!(["field", "City:", null, null, "role"]),
        json!(["check_box", "Paid", true, null, "role"]),
        json!(["check_box", "Sent", false, null, "role"]),
        json!(["tab", "First", null, null, "role"]),
        json!(["tab", "Second", null, null, "role"]),
        json!(["button", "Save First", null, null, "role"]),
    ] {
        assert!(found.contains(&expected), "{expected} is not in {found:?}");
    }
    let hidden = json!({ "target": role("button", Some("Save Second")) });
    assert_eq!(door.call("exists", hidden.clone()), json!(false));
    door.call("click", json!({ "target": role("tab", Some("Second")) }));
    door.call("wait_for", hidden);
}

#[test]
fn a_window_is_named_by_its_title() {
    let display = Display::with_bus();
    let mut door = open(&display, TWINS, "text:Orders 2026");
    let mut post = role("button", Some("Post"));
    let many =
        json!({ "jsonrpc": "2.0", "id": 7, "method": "click", "params": { "target": post } });
    assert_eq!(door.line(&many.to_string())["error"]["data"]["kind"], "ambiguous_target");
    let window = json!({ "find": { "role": {
        "role": "window", "name": "^Invoices", "match": "regex",
    } } });
    post["relations"] = json!([{ "inside": window }]);
    door.call("click", json!({ "target": post }));
    door.call("wait_for", json!({ "target": "text:\"Done Invoices 2026\"" }));
    assert_eq!(door.call("exists", json!({ "target": "text:\"Done Orders 2026\"" })), json!(false));
}

#[test]
fn what_no_program_says_is_told_by_its_looks() {
    let display = Display::start();
    let mut door = open(&display, FORM, "text:Save");
    let save = door.call("find", json!({ "target": role("button", Some("Save")) }));
    assert_eq!(save["via"], "image");
    door.call("click", json!({ "target": role("field", Some("City:")) }));
    door.call("type_text", json!({ "text": "London\t" }));
    assert_eq!(controls(&mut door)[1], json!(["field", "City:", null, "London", "image"]));
    let nearest = json!({
        "jsonrpc": "2.0", "id": 7, "method": "find",
        "params": { "target": role("button", Some("Print")) },
    });
    let error = door.line(&nearest.to_string())["error"].clone();
    assert_eq!(error["data"]["kind"], "not_found");
    assert!(error["message"].as_str().unwrap().contains("button \"Print\""), "{error}");
}

/// Offers a tree without end: every element has 500 like itself below it, with a name of a megabyte and a
/// box of negative size. With `mute` it answers nothing once it is known.
const HOSTILE: &str = r#"
import sys
from gi.repository import Gio, GLib
XML = """<node><interface name="org.a11y.atspi.Accessible">
<property name="ChildCount" type="i" access="read"/><property name="Name" type="s" access="read"/>
<method name="GetChildren"><arg type="a(so)" direction="out"/></method>
<method name="GetState"><arg type="au" direction="out"/></method>
<method name="GetRole"><arg type="u" direction="out"/></method>
</interface><interface name="org.a11y.atspi.Component">
<method name="GetExtents"><arg type="u" direction="in"/><arg type="(iiii)" direction="out"/></method>
</interface></node>"""
ROOT = "/org/a11y/atspi/accessible/root"
bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1],
    Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
me = bus.get_unique_name()
def answer(_, sender, path, interface, method, arguments, invocation):
    if sys.argv[2] == "mute":
        return
    invocation.return_value(GLib.Variant.new_tuple({
        "GetChildren": lambda: GLib.Variant("a(so)", [(me, ROOT)] * 500),
        "GetState": lambda: GLib.Variant("au", [0xffffffff, 0xffffffff]),
        "GetRole": lambda: GLib.Variant("u", 43),
        "GetExtents": lambda: GLib.Variant("(iiii)", (-5, -5, -1, 1 << 30)),
    }[method]()))
def get(_, sender, path, interface, name):
    return GLib.Variant("i", 500) if name == "ChildCount" else GLib.Variant("s", "x" * 1_000_000)
for interface in Gio.DBusNodeInfo.new_for_xml(XML).interfaces:
    bus.register_object(ROOT, interface, answer, get, None)
def known(source, result):
    source.call_finish(result)
    print("known", flush=True)
bus.call("org.a11y.atspi.Registry", ROOT, "org.a11y.atspi.Socket", "Embed",
         GLib.Variant("((so))", ((me, ROOT),)), None, Gio.DBusCallFlags.NONE, -1, None, known)
GLib.MainLoop().run()
"#;

#[test]
fn a_program_that_lies_or_is_silent_hides_no_other() {
    let display = Display::with_bus();
    let mut door = open(&display, FORM, "text:Save");
    let mut hostile = Vec::new();
    for kind in ["endless", "mute"] {
        let mut command = display.command("python3");
        command.args(["-c", HOSTILE, display.bus_address(), kind]).stdout(Stdio::piped());
        let mut program = Owned(command.spawn().unwrap());
        Lines::of(&mut program).find(|line| (line == "known").then_some(()));
        hostile.push(program);
    }
    let save = door.call("find", json!({ "target": role("button", Some("Save")) }));
    assert_eq!((&save["via"], &save["text"]), (&json!("role"), &json!("Save")));
    // What has no place on the screen is not there.
    let buttons = door.call("find_all", json!({ "target": role("button", None) }));
    assert_eq!(buttons.as_array().map(Vec::len), Some(2), "{buttons}");
}
