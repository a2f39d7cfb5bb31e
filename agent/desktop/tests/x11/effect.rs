//! What is said about an act, and that none is carried out twice.

use std::sync::mpsc;

use karakuri_protocol::desktop::{
    Act, Button, Effect, PointerAct, Question, Reply, Seen, Until, Window,
};
use karakuri_protocol::geometry::Point;
use karakuri_protocol::target::{Find, Target};
use serde_json::{Value, json};

use super::receiver;
use super::rig::{Desktop, Display, Owned, PATIENCE};

/// A window that tells which presses it received.
struct Clicks {
    window: Window,
    told: mpsc::Receiver<String>,
    _child: Owned,
}

impl Clicks {
    fn start(display: &Display, desktop: &mut Desktop, kind: &str) -> Self {
        let fifo = receiver::fifo(display, kind);
        let mut command = display.command("/usr/bin/python3");
        command.arg(receiver::sources().join("clicks.py")).arg(kind).arg(&fifo);
        let told = receiver::lines(fifo);
        let (child, window) = desktop.launch(&mut command);
        desktop.still(300);
        Self { window, told, _child: child }
    }

    fn at(&self) -> Point {
        self.window.rect.center()
    }

    fn next(&self) -> Value {
        serde_json::from_str(&self.told.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    /// The presses since the last call, each as the number of its click and its button.
    fn presses(&self, desktop: &mut Desktop) -> Vec<Value> {
        assert_eq!(desktop.act(Act::Focus { window: self.window.id }, 2000), Effect::Confirmed);
        desktop.press("F9");
        let mut presses = Vec::new();
        loop {
            match self.next() {
                Value::Null => return presses,
                press => presses.push(json!([press[0], press[1]])),
            }
        }
    }
}

fn click(count: u8, at: Point, seen: Option<Seen>) -> Act {
    let act = PointerAct::Click { count };
    Act::Pointer { act, at: Some(at), button: Button::Left, keys: None, seen }
}

/// Looks at a point; what an act may rely on.
fn look(desktop: &mut Desktop, at: Point) -> Seen {
    let look = Question::Look {
        target: Target::new(Find::Point(at)),
        until: Until::Present,
        timeout_ms: 0,
        script: Default::default(),
        click: false,
        picture: false,
    };
    match desktop.ask(look) {
        Reply::Looked { hits, look, .. } => Seen { look, rect: hits[0].rect, exact: true },
        other => panic!("not looked: {other:?}"),
    }
}

#[test]
fn a_click_that_shows_nothing_is_suspected_and_not_repeated() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let clicks = Clicks::start(&display, &mut desktop, "silent");
    assert_eq!(desktop.act(click(1, clicks.at(), None), 600), Effect::SuspectedNoop);
    assert_eq!(clicks.presses(&mut desktop), [json!([1, 1])]);
}

#[test]
fn a_program_that_ignores_the_first_click_gets_the_next_from_the_script_alone() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let clicks = Clicks::start(&display, &mut desktop, "second");
    assert_eq!(desktop.act(click(1, clicks.at(), None), 600), Effect::SuspectedNoop);
    assert_eq!(desktop.act(click(1, clicks.at(), None), 2000), Effect::Confirmed);
    // Two acts are two clicks, not a double click.
    assert_eq!(clicks.presses(&mut desktop), [json!([1, 1]), json!([1, 1])]);
}

#[test]
fn double_and_triple_clicks_are_one_each() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let clicks = Clicks::start(&display, &mut desktop, "silent");
    let [one, two, three] = [json!([1, 1]), json!([2, 1]), json!([3, 1])];
    desktop.act(click(2, clicks.at(), None), 0);
    desktop.act(click(3, clicks.at(), None), 0);
    let expected = [&one, &one, &two, &one, &one, &two, &one, &three].map(Clone::clone);
    assert_eq!(clicks.presses(&mut desktop), expected);
}

#[test]
fn a_window_is_active_before_it_is_clicked() {
    let display = Display::start_without_click_to_focus();
    let mut desktop = display.desktop(&[]);
    let clicks = Clicks::start(&display, &mut desktop, "active");
    let mut xterm = display.command("xterm");
    let (_xterm, _) = desktop.launch(xterm.args(["-geometry", "20x5-0-0"]));
    desktop.still(300);
    assert_eq!(desktop.act(click(1, clicks.at(), None), 2000), Effect::Confirmed);
    assert_eq!(clicks.presses(&mut desktop), [json!([1, 1])]);
}

#[test]
fn a_place_that_was_covered_since_the_look_is_not_clicked() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let clicks = Clicks::start(&display, &mut desktop, "silent");
    let seen = look(&mut desktop, clicks.at());
    let mut xterm = display.command("xterm");
    let (cover, _) = desktop.launch(xterm.args(["-geometry", "180x60+0+0"]));
    desktop.still(300);
    assert_eq!(desktop.act(click(1, clicks.at(), Some(seen)), 600), Effect::Refused);
    let without_pixels = Seen { exact: false, ..seen };
    assert_eq!(desktop.act(click(1, clicks.at(), Some(without_pixels)), 600), Effect::Refused);
    drop(cover);
    assert_eq!(clicks.presses(&mut desktop), Vec::<Value>::new());
    desktop.still(300);
    assert_eq!(desktop.act(click(1, clicks.at(), Some(seen)), 600), Effect::SuspectedNoop);
    assert_eq!(clicks.presses(&mut desktop), [json!([1, 1])]);
}

#[test]
fn a_place_that_looks_otherwise_since_the_look_is_not_clicked() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let clicks = Clicks::start(&display, &mut desktop, "active");
    let seen = look(&mut desktop, clicks.at());
    assert_eq!(desktop.act(click(1, clicks.at(), Some(seen)), 2000), Effect::Confirmed);
    assert_eq!(desktop.act(click(1, clicks.at(), Some(seen)), 600), Effect::Refused);
    let without_pixels = Seen { exact: false, ..seen };
    assert_eq!(desktop.act(click(1, clicks.at(), Some(without_pixels)), 2000), Effect::Confirmed);
    assert_eq!(clicks.presses(&mut desktop).len(), 2);
}
