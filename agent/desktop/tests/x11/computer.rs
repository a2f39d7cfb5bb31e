//! The actions of models for computer use, through the door: what programs receive of each.

use std::process::Stdio;

use serde_json::{Value, json};

use super::door::Door;
use super::rig::{Display, Lines, Owned};

/// A window that prints each event of the pointer and the keyboard that it receives: what, where on the
/// screen, which button or key, which modifiers.
const RECEIVER: &str = r#"
import gi
gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk
window = Gtk.Window(title="Receiver", default_width=400, default_height=300)
area = Gtk.DrawingArea()
window.add(area)
kinds = {
    Gdk.EventType.BUTTON_PRESS: "down", Gdk.EventType._2BUTTON_PRESS: "double",
    Gdk.EventType._3BUTTON_PRESS: "triple", Gdk.EventType.BUTTON_RELEASE: "up",
}
def held(event):
    names = {"shift": Gdk.ModifierType.SHIFT_MASK, "ctrl": Gdk.ModifierType.CONTROL_MASK}
    return "".join(f" {name}" for name, mask in names.items() if event.state & mask)
def say(*words):
    print(*words, flush=True)
def button(_, event):
    say(kinds[event.type], event.button, int(event.x_root), int(event.y_root), held(event))
def wheel(_, event):
    say("wheel", event.direction.value_nick, int(event.x_root), int(event.y_root), held(event))
def moved(_, event):
    down = " dragging" if event.state & Gdk.ModifierType.BUTTON1_MASK else ""
    say("at", int(event.x_root), int(event.y_root), down)
def key(_, event):
    what = "key" if event.type == Gdk.EventType.KEY_PRESS else "released"
    say(what, Gdk.keyval_name(event.keyval), held(event))
mask = Gdk.EventMask
area.add_events(mask.BUTTON_PRESS_MASK | mask.BUTTON_RELEASE_MASK | mask.SCROLL_MASK | mask.POINTER_MOTION_MASK)
area.connect("button-press-event", button)
area.connect("button-release-event", button)
area.connect("scroll-event", wheel)
area.connect("motion-notify-event", moved)
window.connect("key-press-event", key)
window.connect("key-release-event", key)
window.show_all()
# GTK would leave out points of a movement that come within one of its frames.
for widget in (window, area):
    widget.get_window().set_event_compression(False)
window.move(100, 100)
Gtk.main()
"#;

/// A display with the receiver on it, and the door.
struct Stage {
    door: Door,
    lines: Lines,
    _receiver: Owned,
    _display: Display,
}

impl Stage {
    fn set(options: &[&str]) -> Self {
        let display = Display::start();
        let mut door = Door::open(&display, options);
        let mut command = display.command("python3");
        let mut receiver =
            Owned(command.args(["-c", RECEIVER]).stdout(Stdio::piped()).spawn().unwrap());
        let lines = Lines::of(&mut receiver);
        door.call("wait_for", json!({ "target": "text:Receiver", "timeout_ms": 20_000 }));
        door.call("wait_still", json!({ "still_ms": 300 }));
        // The keyboard is the receiver's from here on.
        door.call("click", json!({ "target": { "find": { "point": [300, 250] } } }));
        lines.find(|line| line.starts_with("up 1 300 250").then_some(()));
        Self { door, lines, _receiver: receiver, _display: display }
    }

    /// Has an action carried out; its answer.
    fn act(&mut self, action: Value) -> Value {
        self.door.call("computer", action)
    }

    /// Has an action carried out and compares what the window received with `expected`, in this order;
    /// movements only where they are asked for.
    fn expect(&mut self, action: Value, expected: &[&str]) {
        self.act(action.clone());
        for wanted in expected {
            eprintln!("{action}: {wanted}");
            let moves = wanted.starts_with("at ");
            let got = self.lines.find(|line| {
                let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
                let counts = if moves { line == *wanted } else { !line.starts_with("at ") };
                counts.then_some(line)
            });
            assert_eq!(got, *wanted, "{action}");
        }
    }
}

#[test]
fn what_anthropics_actions_do_is_received() {
    let mut stage = Stage::set(&[]);
    let at = json!([200, 200]);
    for (action, expected) in [
        (json!({"action": "mouse_move", "coordinate": [210, 220]}), &["at 210 220"][..]),
        (json!({"action": "left_click"}), &["down 1 210 220", "up 1 210 220"]),
        (json!({"action": "left_click", "coordinate": at}), &["down 1 200 200", "up 1 200 200"]),
        (
            json!({"action": "left_click", "coordinate": [260, 200], "text": "ctrl"}),
            &[
                "key Control_L",
                "down 1 260 200 ctrl",
                "up 1 260 200 ctrl",
                "released Control_L ctrl",
            ],
        ),
        (json!({"action": "right_click", "coordinate": at}), &["down 3 200 200", "up 3 200 200"]),
        (json!({"action": "middle_click", "coordinate": at}), &["down 2 200 200", "up 2 200 200"]),
        (
            json!({"action": "double_click", "coordinate": [300, 200]}),
            &[
                "down 1 300 200",
                "up 1 300 200",
                "down 1 300 200",
                "double 1 300 200",
                "up 1 300 200",
            ],
        ),
        (
            json!({"action": "triple_click", "coordinate": [340, 200]}),
            &[
                "down 1 340 200",
                "up 1 340 200",
                "down 1 340 200",
                "double 1 340 200",
                "up 1 340 200",
                "down 1 340 200",
                "triple 1 340 200",
                "up 1 340 200",
            ],
        ),
        (
            json!({"action": "left_click_drag", "start_coordinate": [150, 180], "coordinate": [250, 240]}),
            &["down 1 150 180", "at 250 240 dragging", "up 1 250 240"],
        ),
        (json!({"action": "mouse_move", "coordinate": [160, 300]}), &["at 160 300"]),
        (
            json!({"action": "left_click_drag", "coordinate": [220, 320]}),
            &["down 1 160 300", "at 220 320 dragging", "up 1 220 320"],
        ),
        (json!({"action": "left_mouse_down"}), &["down 1 220 320"]),
        (json!({"action": "left_mouse_up"}), &["up 1 220 320"]),
        (
            json!({"action": "scroll", "coordinate": at, "scroll_direction": "down", "scroll_amount": 2}),
            &["wheel down 200 200", "wheel down 200 200"],
        ),
        (
            json!({"action": "scroll", "coordinate": at, "scroll_direction": "left", "scroll_amount": 1, "text": "shift"}),
            &["key Shift_L", "wheel left 200 200 shift", "released Shift_L shift"],
        ),
        (json!({"action": "key", "text": "Return"}), &["key Return", "released Return"]),
        (
            json!({"action": "key", "text": "ctrl+s"}),
            &["key Control_L", "key s ctrl", "released s ctrl", "released Control_L ctrl"],
        ),
        (
            json!({"action": "key", "text": "Page_Down BackSpace"}),
            &["key Page_Down", "released Page_Down", "key BackSpace", "released BackSpace"],
        ),
        (
            json!({"action": "type", "text": "aß"}),
            &["key a", "released a", "key ssharp", "released ssharp"],
        ),
    ] {
        stage.expect(action, expected);
    }
}

#[test]
fn what_openais_actions_do_is_received() {
    let mut stage = Stage::set(&[]);
    for (action, expected) in [
        (json!({"type": "move", "x": 210, "y": 220}), &["at 210 220"][..]),
        (
            json!({"type": "click", "x": 200, "y": 200, "button": "left"}),
            &["down 1 200 200", "up 1 200 200"],
        ),
        (
            json!({"type": "click", "x": 200, "y": 200, "button": "right"}),
            &["down 3 200 200", "up 3 200 200"],
        ),
        (
            json!({"type": "click", "x": 200, "y": 200, "button": "wheel"}),
            &["down 2 200 200", "up 2 200 200"],
        ),
        (
            json!({"type": "click", "x": 200, "y": 200, "button": "back"}),
            &["down 8 200 200", "up 8 200 200"],
        ),
        (
            json!({"type": "click", "x": 200, "y": 200, "button": "forward"}),
            &["down 9 200 200", "up 9 200 200"],
        ),
        (
            json!({"type": "click", "x": 260, "y": 200, "button": "left", "keys": ["SHIFT"]}),
            &[
                "key Shift_L",
                "down 1 260 200 shift",
                "up 1 260 200 shift",
                "released Shift_L shift",
            ],
        ),
        (
            json!({"type": "double_click", "x": 300, "y": 200}),
            &[
                "down 1 300 200",
                "up 1 300 200",
                "down 1 300 200",
                "double 1 300 200",
                "up 1 300 200",
            ],
        ),
        (
            json!({"type": "drag", "path": [{"x": 150, "y": 180}, {"x": 150, "y": 260}, {"x": 250, "y": 240}]}),
            &["down 1 150 180", "at 150 260 dragging", "at 250 240 dragging", "up 1 250 240"],
        ),
        (
            json!({"type": "scroll", "x": 200, "y": 200, "scroll_x": 0, "scroll_y": -200}),
            &["wheel up 200 200", "wheel up 200 200"],
        ),
        (
            json!({"type": "scroll", "x": 200, "y": 200, "scroll_x": 100, "scroll_y": 0}),
            &["wheel right 200 200"],
        ),
        (json!({"type": "keypress", "keys": ["ENTER"]}), &["key Return", "released Return"]),
        (json!({"type": "keypress", "keys": ["ARROWLEFT"]}), &["key Left", "released Left"]),
        (
            json!({"type": "keypress", "keys": ["CTRL", "A"]}),
            &["key Control_L", "key a ctrl", "released a ctrl", "released Control_L ctrl"],
        ),
        (json!({"type": "type", "text": "x"}), &["key x", "released x"]),
        (
            json!({"actions": [
                {"type": "click", "x": 240, "y": 210, "button": "left"},
                {"type": "type", "text": "y"},
                {"type": "keypress", "keys": ["ENTER"]},
            ]}),
            &[
                "down 1 240 210",
                "up 1 240 210",
                "key y",
                "released y",
                "key Return",
                "released Return",
            ],
        ),
    ] {
        stage.expect(action, expected);
    }
}

#[test]
fn a_key_is_held_and_a_pause_lasts_as_long_as_asked() {
    let mut stage = Stage::set(&[]);
    let begin = std::time::Instant::now();
    stage.expect(
        json!({"action": "hold_key", "text": "shift", "duration": 0.4}),
        &["key Shift_L", "released Shift_L shift"],
    );
    assert_eq!(stage.act(json!({"action": "wait", "duration": 0.3})), Value::Null);
    let passed = begin.elapsed().as_millis();
    // At least so long: that much is asked for and not a figure of this machine.
    assert!(passed >= 700, "{passed} ms");
    assert_eq!(stage.act(json!({"type": "wait"})), Value::Null);
    assert!(begin.elapsed().as_millis() >= 2_700);
}

#[test]
fn what_is_seen_is_answered() {
    let out = tempfile::tempdir().unwrap();
    let mut stage = Stage::set(&["--out", out.path().to_str().unwrap()]);
    stage.act(json!({"action": "mouse_move", "coordinate": [333, 222]}));
    assert_eq!(stage.act(json!({"action": "cursor_position"})), json!([333, 222]));
    let size = |answer: Value| {
        let webp = std::fs::read(answer["artifact"].as_str().unwrap()).unwrap();
        let frame = karakuri_desktop::frame::Frame::decode(&webp).unwrap();
        (frame.width(), frame.height())
    };
    assert_eq!(size(stage.act(json!({"action": "screenshot"}))), (1024, 768));
    assert_eq!(size(stage.act(json!({"type": "screenshot"}))), (1024, 768));
    let zoomed = stage.act(json!({"action": "zoom", "region": [100, 100, 160, 130]}));
    assert_eq!(size(zoomed), (60, 30));
}

#[test]
fn an_action_that_is_none_is_refused_and_the_conversation_goes_on() {
    let display = Display::start();
    let mut door = Door::open(&display, &[]);
    let line = r#"{"jsonrpc":"2.0","id":7,"method":"computer","params":{"action":"fly"}}"#;
    let answer = door.line(line);
    assert_eq!(
        (&answer["id"], &answer["error"]["data"]["kind"]),
        (&json!(7), &json!("invalid_params"))
    );
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("`fly`") && message.contains("triple_click"), "{message}");
    door.call("computer", json!({"action": "mouse_move", "coordinate": [1, 2]}));
    assert_eq!(door.call("pointer", json!({})), json!([1, 2]));
}
