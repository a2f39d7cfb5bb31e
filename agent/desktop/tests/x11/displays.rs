//! Displays that are not as a run's own: no window manager, another layout, locks that are on.

use karakuri_protocol::desktop::{Act, Button, Effect, PointerAct};

use super::receiver::{Kind, Receiver};
use super::rig::{Desktop, Display};
use super::texts;

const TEXT: &str =
    "Hello, Wörld! \"quoted\" 'single' ^~`@#[]{}|\\ €µ é日本🙂 zZyYqQaAmM;:/?-_=+ 0123456789";

fn layout(display: &Display, arguments: &[&str]) {
    assert!(display.command("setxkbmap").args(arguments).status().unwrap().success());
}

#[test]
fn every_layout_types_the_same_and_may_change_meanwhile() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let receiver = Receiver::start(&display, &mut desktop, Kind::GtkView);
    let ascii = texts::ascii(190);
    for arguments in [
        &["us"][..],
        &["de"],
        &["jp"],
        &["fr"],
        &["us", "-variant", "intl"],
        &["ru"],
        &["us,ru"],
        &["de", "-variant", "neo"],
        &["us"],
    ] {
        layout(&display, arguments);
        for text in [TEXT, &ascii] {
            assert_eq!(receiver.type_text(&mut desktop, text), text, "{arguments:?}");
        }
    }
}

#[test]
fn a_chord_is_the_same_on_every_layout() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let receiver = Receiver::start(&display, &mut desktop, Kind::GtkView);
    for arguments in [&["us"][..], &["fr"], &["ru"]] {
        layout(&display, arguments);
        desktop.type_text("one two");
        desktop.press("shift+ctrl+Left");
        desktop.press("ctrl+x");
        desktop.press("Home");
        desktop.press("ctrl+v");
        assert_eq!(receiver.content(&mut desktop), "twoone ", "{arguments:?}");
    }
}

#[test]
fn locks_do_not_matter_and_stay_as_they_were() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let receiver = Receiver::start(&display, &mut desktop, Kind::GtkEntry);
    for lock in ["Caps_Lock", "Num_Lock"] {
        desktop.press(lock);
        assert_eq!(receiver.type_text(&mut desktop, "aBc 1é"), "aBc 1é");
        desktop.press("a");
        desktop.press("KP_5");
        assert_eq!(receiver.content(&mut desktop), "a5");
    }
    // As any other program finds it: Caps Lock is on still.
    let mut xdotool = display.command("xdotool");
    assert!(xdotool.args(["key", "--delay", "0", "a"]).status().unwrap().success());
    assert_eq!(receiver.content(&mut desktop), "A");
}

#[test]
fn without_a_window_manager_windows_are_listed_focused_typed_into_and_closed() {
    let display = Display::bare(&[]);
    let mut desktop = display.desktop(&[]);
    assert_eq!(desktop.windows(), []);
    for kind in [Kind::GtkView, Kind::QtText, Kind::Xterm] {
        let receiver = Receiver::start(&display, &mut desktop, kind);
        assert_eq!(receiver.type_text(&mut desktop, TEXT), TEXT, "{kind:?}");
        let window = desktop.windows().pop().unwrap();
        assert!(window.focused);
        assert_eq!(desktop.act(Act::Close { window: window.id }, 3000), Effect::Confirmed);
    }
}

#[test]
fn a_focus_that_is_left_to_the_pointer_follows_it() {
    let display = Display::bare(&[]);
    let mut desktop = display.desktop(&[]);
    let receiver = Receiver::start_unfocused(&display, &mut desktop, Kind::GtkEntry);
    let at = desktop.windows()[0].rect.center();
    let act = PointerAct::Click { count: 1 };
    desktop
        .act(Act::Pointer { act, at: Some(at), button: Button::Left, keys: None, seen: None }, 500);
    assert_eq!(receiver.type_text(&mut desktop, "aB é日"), "aB é日");
}

fn pointer_at(display: &Display) -> String {
    let output = display.command("xdotool").arg("getmouselocation").output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(" screen").next().unwrap().to_owned()
}

fn move_to(desktop: &mut Desktop, x: i32, y: i32) {
    let at = Some(karakuri_protocol::geometry::Point { x, y });
    let act =
        Act::Pointer { act: PointerAct::Move, at, button: Button::Left, keys: None, seen: None };
    assert_eq!(desktop.act(act, 0), Effect::Unverifiable);
}

#[test]
fn every_edge_of_a_screen_of_any_size_is_reached() {
    for (size, right, bottom) in [("640x400x24", 639, 399), ("1999x1001x24", 1998, 1000)] {
        let display = Display::bare(&["-screen", "0", size]);
        let mut desktop = display.desktop(&[]);
        for (x, y) in [(0, 0), (right, 0), (0, bottom), (right, bottom), (right / 2, bottom / 2)] {
            move_to(&mut desktop, x, y);
            assert_eq!(pointer_at(&display), format!("x:{x} y:{y}"));
        }
    }
}
