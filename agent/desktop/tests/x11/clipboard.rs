//! The clipboard in both directions, small and in pieces.

use std::io::Write;
use std::process::Stdio;
use std::time::Instant;

use karakuri_protocol::desktop::{Act, Effect, FailureKind, Question, Reply, Request};

use super::rig::{Desktop, Display, Owned, PATIENCE};

/// What another program gets from the clipboard.
fn pasted(display: &Display) -> String {
    let output = display.command("xclip").args(["-o", "-selection", "clipboard"]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Another program puts `text` on the clipboard. It stays until the display ends.
fn copy(display: &Display, desktop: &mut Desktop, text: &str) {
    let before = desktop.ask(Question::Clipboard);
    let mut command = display.command("xclip");
    command.args(["-i", "-selection", "clipboard"]).stdin(Stdio::piped());
    let mut child = Owned(command.stdout(Stdio::null()).spawn().unwrap());
    child.0.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.finish().success());
    // It goes on in the background, and takes the clipboard there.
    let end = Instant::now() + PATIENCE;
    while desktop.ask(Question::Clipboard) == before {
        assert!(Instant::now() < end, "the text never came to the clipboard");
    }
}

fn fetched(desktop: &mut Desktop) -> String {
    match desktop.ask(Question::Clipboard) {
        Reply::Clipboard(text) => text.danger_raw().to_owned(),
        other => panic!("no text: {other:?}"),
    }
}

fn long() -> String {
    "é日本🙂 0123456789\n".repeat(20_000)
}

#[test]
fn other_programs_get_our_text() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    for text in ["é日本🙂\ttab\nline".to_owned(), long()] {
        let set = Act::SetClipboard { text: text.clone().into() };
        assert_eq!(desktop.act(set, 0), Effect::Unverifiable);
        assert_eq!(pasted(&display), text);
        assert_eq!(fetched(&mut desktop), text);
    }
}

#[test]
fn we_get_the_text_of_other_programs() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    assert_eq!(fetched(&mut desktop), "");
    for text in ["é日本🙂".to_owned(), long()] {
        copy(&display, &mut desktop, &text);
        assert_eq!(fetched(&mut desktop), text);
    }
}

#[test]
fn a_text_is_pasted_into_a_program() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let file = display.path("pasted.txt");
    std::fs::write(&file, "").unwrap();
    let (child, window) = desktop.launch(display.command("mousepad").arg(&file));
    let paste = Act::Paste { text: Some("一行目\nzwei".into()) };
    assert_eq!(desktop.act(paste, 3000), Effect::Confirmed);
    desktop.press("ctrl+s");
    desktop.act(Act::Close { window: window.id }, 1000);
    assert!(child.finish().success());
    assert_eq!(std::fs::read_to_string(file).unwrap().trim_end(), "一行目\nzwei");
}

#[test]
fn a_text_beyond_the_limit_is_refused_in_both_directions() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let text = "x".repeat(1024 * 1024 + 1);
    copy(&display, &mut desktop, &text);
    let set =
        Request::Act { act: Act::SetClipboard { text: text.into() }, watch_ms: 0, picture: false };
    for request in [Question::Clipboard.into(), set] {
        match desktop.ask(request) {
            Reply::Failed(failure) => assert_eq!(failure.kind, FailureKind::BadRequest),
            other => panic!("not refused: {other:?}"),
        }
    }
}
