//! What programs receive from the pointer, and what is said about the effect.

use karakuri_protocol::desktop::{
    Act, Button, Direction, Effect, FailureKind, PointerAct, Reply, Request, Window,
};
use karakuri_protocol::geometry::Point;

use super::rig::{Desktop, Display, Lines, Owned};

fn pointer(act: PointerAct, at: Option<Point>, button: Button, keys: Option<&str>) -> Act {
    Act::Pointer { act, at, button, keys: keys.map(str::to_owned), seen: None }
}

fn click(at: Point) -> Act {
    pointer(PointerAct::Click { count: 1 }, Some(at), Button::Left, None)
}

/// xev, which prints each event it receives.
fn xev(display: &Display, desktop: &mut Desktop) -> (Owned, Lines, Window) {
    let mut command = display.command("xev");
    command.args(["-geometry", "300x200+50+60", "-event", "button", "-event", "mouse"]);
    let (mut child, window) = desktop.launch(command.stdout(std::process::Stdio::piped()));
    let lines = Lines::of(&mut child);
    (child, lines, window)
}

/// The next button event: name, place on the screen, modifier and button state, button.
fn button_event(lines: &Lines) -> (String, Point, u32, u32) {
    let mut name = String::new();
    let mut at = Point { x: -1, y: -1 };
    lines.find(|line| {
        if line.starts_with("Button") {
            name = line.split(' ').next()?.to_owned();
        } else if let Some(place) = line.split("root:(").nth(1) {
            let (x, rest) = place.split_once(',')?;
            at = Point { x: x.parse().ok()?, y: rest.split(')').next()?.parse().ok()? };
        }
        let state = line.split("state 0x").nth(1)?.split(',').next()?;
        let button = line.split("button ").nth(1)?.split(',').next()?;
        let state = u32::from_str_radix(state, 16).ok()?;
        (!name.is_empty()).then(|| (name.clone(), at, state, button.parse().unwrap()))
    })
}

#[test]
fn clicks_arrive_at_the_very_corners_of_a_window_with_their_modifiers() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let (_child, lines, window) = xev(&display, &mut desktop);
    let (right, bottom) = (window.rect.right() - 1, window.rect.bottom() - 1);
    for (x, y) in [
        (window.rect.left, window.rect.top),
        (right, window.rect.top),
        (window.rect.left, bottom),
        (right, bottom),
    ] {
        let at = Point { x, y };
        desktop.act(click(at), 0);
        assert_eq!(button_event(&lines), ("ButtonPress".into(), at, 0, 1));
        assert_eq!(button_event(&lines), ("ButtonRelease".into(), at, 0x100, 1));
    }
    let at = window.rect.center();
    let back = pointer(PointerAct::Click { count: 1 }, Some(at), Button::Back, Some("ctrl+Shift"));
    desktop.act(back, 0);
    // Control is 4 and Shift 1 (X protocol, SETofKEYBUTMASK).
    assert_eq!(button_event(&lines), ("ButtonPress".into(), at, 5, 8));
}

#[test]
fn a_drag_moves_with_the_button_down_and_a_wheel_turn_is_its_buttons() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let (_child, lines, window) = xev(&display, &mut desktop);
    let from = window.rect.center();
    let to = Point { x: from.x + 40, y: from.y + 20 };
    let drag = PointerAct::Drag { path: vec![Point { x: from.x + 40, y: from.y }, to] };
    desktop.act(pointer(drag, Some(from), Button::Left, None), 0);
    assert_eq!(button_event(&lines), ("ButtonPress".into(), from, 0, 1));
    lines.find(|line| line.contains("state 0x100, is_hint").then_some(()));
    assert_eq!(button_event(&lines), ("ButtonRelease".into(), to, 0x100, 1));

    let scroll = PointerAct::Scroll { direction: Direction::Down, ticks: 2 };
    desktop.act(pointer(scroll, Some(from), Button::Left, None), 0);
    for name in ["ButtonPress", "ButtonRelease", "ButtonPress", "ButtonRelease"] {
        let (what, at, _, button) = button_event(&lines);
        assert_eq!((what.as_str(), at, button), (name, from, 5));
    }
}

#[test]
fn the_effect_tells_a_click_that_did_something_from_one_that_did_not() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let (_child, window) = desktop.launch(display.command("mousepad").arg(display.path("a.txt")));
    desktop.still(700);
    let file_menu = Point { x: window.rect.left + 20, y: window.rect.top + 10 };
    assert_eq!(desktop.act(click(file_menu), 2000), Effect::Confirmed);
    assert_eq!(desktop.press("Escape"), Effect::Confirmed);
    desktop.still(700);
    // The text area is empty: only the text cursor blinks.
    let text = window.rect.center();
    let moved = pointer(PointerAct::Move, Some(text), Button::Left, None);
    assert_eq!(desktop.act(moved, 500), Effect::Unverifiable);
    desktop.still(700);
    assert_eq!(desktop.act(click(text), 1500), Effect::SuspectedNoop);
}

#[test]
fn a_click_that_only_moves_the_text_cursor_is_confirmed() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let (_child, window) = desktop.launch(display.command("mousepad").arg(display.path("a.txt")));
    desktop.still(700);
    desktop.type_text("mmmmmmmmmmmmmmmmmmmm");
    let line = |x| Point { x: window.rect.left + x, y: window.rect.top + 36 };
    for x in [20, 120, 60, 20, 90, 40, 110, 70] {
        assert_eq!(desktop.act(click(line(x)), 1500), Effect::Confirmed, "{x}");
    }
}

#[test]
fn what_is_not_on_the_screen_cannot_be_clicked() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    for act in [
        click(Point { x: 1024, y: 10 }),
        click(Point { x: 10, y: -1 }),
        pointer(PointerAct::Click { count: 4 }, None, Button::Left, None),
        pointer(PointerAct::Drag { path: vec![Point { x: 5, y: 768 }] }, None, Button::Left, None),
        pointer(PointerAct::Click { count: 1 }, None, Button::Left, Some("ctrl+a")),
    ] {
        match desktop.ask(Request::Act { act, watch_ms: 0, picture: false }) {
            Reply::Failed(failure) => assert_eq!(failure.kind, FailureKind::BadRequest),
            other => panic!("not refused: {other:?}"),
        }
    }
}
