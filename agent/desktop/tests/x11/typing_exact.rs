//! What every toolkit receives is what was typed.

use super::receiver::{Kind, Receiver};
use super::rig::{Desktop, Display};
use super::texts;

/// Types every text that the field takes; panics with those that did not arrive as they were.
fn conforms(kind: Kind) {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let receiver = Receiver::start(&display, &mut desktop, kind);
    let mut all = texts::lines();
    if kind.has_lines() {
        all.extend(texts::paragraphs());
    }
    let mut wrong = Vec::new();
    for (name, text) in &all {
        let arrived = receiver.type_text(&mut desktop, text);
        if arrived != *text {
            wrong.push(format!("{name}: typed {text:?}, arrived {arrived:?}"));
        }
    }
    println!("{kind:?}: {} of {} texts exact", all.len() - wrong.len(), all.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    long_texts(&receiver, &mut desktop);
}

/// A field of one line lays all of it out again at every key, so it gets less.
fn long_texts(receiver: &Receiver, desktop: &mut Desktop) {
    let count = if receiver.kind.has_lines() { 10_000 } else { 2_000 };
    for text in [texts::ascii(count), texts::mixed(count), "0".repeat(2_000)] {
        let text = if receiver.kind.has_lines() { text } else { text.replace('\n', " ") };
        let arrived = receiver.type_text(desktop, &text);
        let same = arrived.chars().zip(text.chars()).take_while(|(a, b)| a == b).count();
        let rest = |text: &str| text.chars().skip(same).take(80).collect::<String>();
        let (typed, got) = (rest(&text), rest(&arrived));
        assert!(
            arrived == text,
            "characters differ from the {same}th on: typed {typed:?}, arrived {got:?}"
        );
    }
}

#[test]
fn xterm_receives_every_text() {
    conforms(Kind::Xterm);
}

#[test]
fn a_gtk_entry_receives_every_text() {
    conforms(Kind::GtkEntry);
}

#[test]
fn a_gtk_text_view_receives_every_text() {
    conforms(Kind::GtkView);
}

#[test]
fn a_qt_line_edit_receives_every_text() {
    conforms(Kind::QtLine);
}

#[test]
fn a_qt_text_edit_receives_every_text() {
    conforms(Kind::QtText);
}

#[test]
#[ignore = "chromium is a slow starter: make soak"]
fn a_chromium_input_receives_every_text() {
    conforms(Kind::ChromiumInput);
}

#[test]
#[ignore = "chromium is a slow starter: make soak"]
fn a_chromium_text_area_receives_every_text() {
    conforms(Kind::ChromiumArea);
}

#[test]
#[ignore = "libreoffice is a slow starter: make soak"]
fn a_writer_document_receives_every_text() {
    conforms(Kind::Writer);
}
