//! What programs receive when text is typed into them.

use karakuri_protocol::desktop::{Act, Effect, FailureKind, Question, Reply, Request};

use super::rig::{Desktop, Display};

const MIXED: &str = "Grüße, ÀÉÎ õ ß €5 ½ “quoted” – naïve\tÅngström\nŁódź Čeština Ñandú\n\
    日本語の請求書、株式会社カラクリ ｶﾅ ¥1,200,000\n絵文字 🙂🚀👍🏽 end. \"'`~!@#$%^&*()_+{}|:<>?[]\\;,./-=";

/// 2000 characters with all the keys of the board.
fn ascii() -> String {
    let line: String = (' '..='~').chain(['\n']).collect();
    line.chars().cycle().take(1999).chain(['\n']).collect()
}

/// `count` characters, all different and none on the keyboard.
fn kanji(count: u32) -> String {
    (0x4e00..0x4e00 + count).filter_map(char::from_u32).collect()
}

/// Types into a terminal; what `cat` received.
fn through_xterm(display: &Display, desktop: &mut Desktop, text: &str) -> String {
    let file = display.path("typed");
    let mut xterm = display.command("xterm");
    xterm.args(["-u8", "-e", "sh", "-c", "cat > \"$0\""]).arg(&file);
    let (child, _) = desktop.launch(&mut xterm);
    assert_eq!(desktop.type_text(text), Effect::Confirmed);
    assert_eq!(desktop.type_text("\n"), Effect::Confirmed);
    desktop.press("ctrl+d");
    assert!(child.finish().success());
    let mut typed = std::fs::read_to_string(file).unwrap();
    assert_eq!(typed.pop(), Some('\n'));
    typed
}

/// Types into a GTK text view; what it saved.
fn through_mousepad(display: &Display, desktop: &mut Desktop, text: &str) -> String {
    let file = display.path("typed.txt");
    std::fs::write(&file, "").unwrap();
    let (child, window) = desktop.launch(display.command("mousepad").arg(&file));
    assert_eq!(desktop.type_text(text), Effect::Confirmed);
    desktop.press("ctrl+s");
    desktop.act(Act::Close { window: window.id }, 1000);
    assert!(child.finish().success());
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn a_terminal_receives_every_character() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    assert_eq!(through_xterm(&display, &mut desktop, &ascii()), ascii());
    assert_eq!(through_xterm(&display, &mut desktop, MIXED), MIXED);
}

#[test]
fn a_gtk_text_view_receives_every_character() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    assert_eq!(through_mousepad(&display, &mut desktop, &ascii()).trim_end(), ascii().trim_end());
    assert_eq!(through_mousepad(&display, &mut desktop, MIXED).trim_end(), MIXED);
}

#[test]
fn more_different_characters_than_free_keys_arrive_where_pings_are_answered() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let text = kanji(200);
    assert_eq!(through_mousepad(&display, &mut desktop, &text).trim_end(), text);
}

#[test]
fn and_where_they_are_not_by_a_paste_that_leaves_the_clipboard_alone() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    desktop.act(Act::SetClipboard { text: "kept".into() }, 0);
    let text = kanji(600);
    assert_eq!(through_xterm(&display, &mut desktop, &text), text);
    assert_eq!(desktop.ask(Question::Clipboard), Reply::Clipboard("kept".into()));
}

#[test]
fn the_keyboard_map_is_put_back() {
    let display = Display::start();
    let map = || {
        let mut command = display.command("xkbcomp");
        command.args(["-xkb", &display.name, "-"]).output().unwrap().stdout
    };
    let before = map();
    let mut desktop = display.desktop(&[]);
    let (_child, _) = desktop.launch(&mut display.command("xterm"));
    desktop.type_text("日本語の請求書");
    assert!(map() != before, "nothing was bound");
    assert!(desktop.close().success());
    assert!(map() == before, "a key was not put back");
}

#[test]
fn caps_lock_does_not_matter() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let (_child, _) = desktop.launch(&mut display.command("xterm"));
    desktop.press("Caps_Lock");
    assert_eq!(through_xterm(&display, &mut desktop, "aBc"), "aBc");
}

#[test]
fn keys_go_to_a_focused_window_or_nowhere() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let type_text =
        Request::Act { act: Act::Type { text: "a".into() }, watch_ms: 0, picture: false };
    match desktop.ask(type_text) {
        Reply::Failed(failure) => {
            assert_eq!(failure.kind, FailureKind::BadRequest);
            assert!(failure.message.contains("no window has the keyboard"), "{}", failure.message);
        }
        other => panic!("typed into nothing: {other:?}"),
    }
}

#[test]
fn an_unknown_key_and_a_control_character_are_refused() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let (_child, _) = desktop.launch(&mut display.command("xterm"));
    for act in [
        Act::Press { keys: "ctrl+Nonsense".into(), hold_ms: 0 },
        Act::Type { text: "a\u{1b}b".into() },
    ] {
        match desktop.ask(Request::Act { act, watch_ms: 0, picture: false }) {
            Reply::Failed(failure) => assert_eq!(failure.kind, FailureKind::BadRequest),
            other => panic!("not refused: {other:?}"),
        }
    }
}
