//! The list of windows, focus, closing, waiting.

use karakuri_protocol::desktop::{Act, Effect, FailureKind, Question, Reply, Request};

use super::rig::Display;

#[test]
fn windows_are_listed_focused_and_closed() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    assert_eq!(desktop.windows(), []);
    let mut xterm = display.command("xterm");
    let (first, one) = desktop.launch(xterm.args(["-T", "één 日本", "-geometry", "40x10+30+40"]));
    let mut xterm = display.command("xterm");
    let (_second, two) = desktop.launch(xterm.args(["-T", "two", "-geometry", "40x10+400+300"]));
    assert_eq!(one.title.danger_raw(), "één 日本");
    assert_eq!(one.class.danger_raw(), "XTerm");
    let ids = |desktop: &mut super::rig::Desktop| {
        desktop.windows().iter().map(|w| (w.id, w.focused)).collect::<Vec<_>>()
    };
    assert_eq!(ids(&mut desktop), [(one.id, false), (two.id, true)]);

    assert_eq!(desktop.act(Act::Focus { window: one.id }, 2000), Effect::Confirmed);
    // Focusing raises: the list goes from bottom to top.
    assert_eq!(ids(&mut desktop), [(two.id, false), (one.id, true)]);
    let rect = desktop.windows().remove(1).rect;
    assert_eq!(rect, one.rect);

    assert_eq!(desktop.act(Act::Close { window: one.id }, 2000), Effect::Confirmed);
    first.finish();
    assert_eq!(ids(&mut desktop), [(two.id, true)]);
    match desktop.ask(Request::Act {
        act: Act::Focus { window: one.id },
        watch_ms: 0,
        picture: false,
    }) {
        Reply::Failed(failure) => assert_eq!(failure.kind, FailureKind::BadRequest),
        other => panic!("focused a window that is gone: {other:?}"),
    }
}

#[test]
fn waiting_for_a_window_ends_at_its_time() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let (_child, window) = desktop.launch(&mut display.command("xterm"));
    let wait = Question::WaitWindow { known: vec![window.id], timeout_ms: 50 };
    assert_eq!(desktop.ask(wait), Reply::NewWindow(None));
    let wait = Question::WaitWindow { known: Vec::new(), timeout_ms: 50 };
    assert!(matches!(desktop.ask(wait), Reply::NewWindow(Some(found)) if found.id == window.id));
}
