//! What is read off the fixtures.

use karakuri_desktop::vision::Reader;
use karakuri_protocol::desktop::{Line, Script};
use karakuri_protocol::geometry::Rect;
use unicode_normalization::UnicodeNormalization as _;

use crate::assets;
use crate::fixtures::Fixture;

/// NFKC without white space: half and full width, and spaces in Japanese, do not count.
fn plain(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace()).collect()
}

/// The words of the fixture that no line at their place holds.
fn missed(name: &str) -> (Vec<String>, usize) {
    let fixture = Fixture::load(name);
    let lines = fixture.read(&mut assets::reader());
    (unread(&fixture.truth.words, &lines), fixture.truth.words.len())
}

fn unread(words: &[(String, Rect)], lines: &[Line]) -> Vec<String> {
    let is_read = |(text, rect): &&(String, Rect)| {
        let at_place = |line: &&Line| line.rect.contains(rect.center());
        lines.iter().filter(at_place).any(|l| plain(l.text.danger_raw()).contains(&plain(text)))
    };
    words.iter().filter(|word| !is_read(word)).map(|(text, _)| text.clone()).collect()
}

#[test]
fn every_word_of_a_sheet_is_read() {
    assert_eq!(missed("gnumeric-en"), (Vec::new(), 83));
}

#[test]
fn every_word_of_an_invoice_is_read() {
    assert_eq!(missed("mupdf-en"), (Vec::new(), 119));
}

#[test]
fn an_editor_and_a_terminal_are_read_but_for_one_x() {
    // Between digits the letter x is read as the multiplication sign.
    assert_eq!(missed("editor-en"), (vec!["600x400,1500,0.86,1290.00".to_owned()], 113));
}

#[test]
fn every_cell_of_a_japanese_sheet_is_read() {
    assert_eq!(missed("gnumeric-ja"), (Vec::new(), 47));
}

#[test]
fn a_japanese_invoice_is_read_but_for_the_postal_mark() {
    assert_eq!(missed("mupdf-ja"), (vec!["〒530-0001".to_owned()], 43));
}

#[test]
fn every_line_in_a_japanese_editor_is_read() {
    assert_eq!(missed("editor-ja"), (Vec::new(), 9));
}

#[test]
fn lines_come_in_reading_order() {
    let lines = Fixture::load("mupdf-en").read(&mut assets::reader());
    let texts: Vec<&str> = lines.iter().map(|line| line.text.danger_raw()).collect();
    let row = texts.iter().position(|text| *text == "2").unwrap();
    let expected =
        ["2", "FM-0838", "Flow meter DN 25, flanged", "3", "1,069.99", "3,209.97", "3", "CB-5571"];
    assert_eq!(texts[row..row + 8], expected);
}

fn texts(reader: &mut Reader, fixture: &Fixture, region: Rect) -> Vec<String> {
    let lines = reader.read(&fixture.frame, region, Script::Latin).unwrap();
    lines.iter().map(|line| line.text.danger_raw().to_owned()).collect()
}

#[test]
fn a_region_is_read_alone_and_its_boxes_are_the_screens() {
    let fixture = Fixture::load("mupdf-en");
    let mut reader = assets::reader();
    let region = Rect::new(800, 500, 200, 65);
    let expected = "Net amount 8,317.93 VAT 19 % 1,580.41 Total EUR 9,898.34";
    assert_eq!(texts(&mut reader, &fixture, region).join(" "), expected);
    let lines = reader.read(&fixture.frame, region, Script::Latin).unwrap();
    assert!(lines.iter().all(|line| region.contains(line.rect.center())));
    assert_eq!(texts(&mut reader, &fixture, Rect::new(-50, -50, 20, 20)), Vec::<String>::new());
}

#[test]
fn what_did_not_change_is_not_read_again() {
    let fixture = Fixture::load("mupdf-en");
    let mut reader = assets::reader();
    let region = Rect::new(790, 490, 210, 75);
    let before = reader.runs();
    let first = texts(&mut reader, &fixture, region);
    let between = reader.runs();
    assert_eq!(texts(&mut reader, &fixture, region), first);
    assert!(between > before);
    assert_eq!(reader.runs(), between);
}

#[test]
fn a_change_in_a_known_region_is_seen() {
    let before = Fixture::load("gnumeric-en");
    let mut after = Fixture::load("gnumeric-en");
    // Column F below the header, with the column next to it painted over it.
    let moved = after.frame.crop(Rect::new(547, 249, 81, 216)).unwrap();
    after.paste(&moved, 466, 249);
    let mut reader = assets::reader();
    let region = Rect::new(467, 250, 80, 36);
    assert_eq!(texts(&mut reader, &before, region), ["184.50", "1069.99"]);
    assert_eq!(texts(&mut reader, &after, region), ["2214.00", "3209.97"]);
    assert_eq!(texts(&mut reader, &before, region), ["184.50", "1069.99"]);
}

#[test]
fn reading_only_what_changed_reads_every_word() {
    let (one, other) = (Fixture::load("gnumeric-en"), Fixture::load("gnumeric-ja"));
    // The lower half of the sheet and its scroll bar are the same; so is most of the toolbar.
    let mut reader = assets::reader();
    let region = Rect::new(0, 200, 1280, 590);
    reader.read(&other.frame, region, Script::Latin).unwrap();
    let lines = reader.read(&one.frame, region, Script::Latin).unwrap();
    let words = one.truth.words.iter().filter(|(_, rect)| region.contains(rect.center()));
    let words: Vec<(String, Rect)> = words.cloned().collect();
    assert_eq!((words.len(), unread(&words, &lines)), (73, Vec::new()));
}

/// The lines of both pictures by a reader that saw `before` first, and by one that saw only `after`.
fn after_and_anew(before: &Fixture, after: &Fixture) -> [Vec<Line>; 2] {
    let mut reader = assets::reader();
    before.read(&mut reader);
    let changed = after.read(&mut reader);
    (1..5).for_each(|top| {
        reader.read(&after.frame, Rect::new(0, top, 40, 20), Script::Latin).unwrap();
    });
    [changed, after.read(&mut reader)]
}

#[test]
fn changes_that_are_apart_are_looked_at_apart() {
    let (before, mut after) = (Fixture::load("mupdf-en"), Fixture::load("mupdf-en"));
    // The first quantity becomes the last, and the last unit price the first.
    after.paste(&before.frame.crop(Rect::new(730, 470, 36, 18)).unwrap(), 730, 358);
    after.paste(&before.frame.crop(Rect::new(800, 358, 72, 18)).unwrap(), 800, 470);
    let [changed, anew] = after_and_anew(&before, &after);
    assert_eq!(texts_of(&changed), texts_of(&anew));
    let mut reader = assets::reader();
    before.read(&mut reader);
    let looked = reader.runs();
    after.read(&mut reader);
    // Each is looked for and read, and nothing between them.
    assert_eq!(reader.runs() - looked, 4);
}

#[test]
fn a_window_over_lines_leaves_what_they_still_show() {
    let (before, mut after) = (Fixture::load("mupdf-en"), Fixture::load("mupdf-en"));
    let window = Fixture::load("gnumeric-en");
    let (from, at) = (Rect::new(10, 178, 300, 200), Rect::new(550, 340, 300, 200));
    after.paste(&window.frame.crop(from).unwrap(), 550, 340);
    let mut reader = assets::reader();
    before.read(&mut reader);
    let lines = after.read(&mut reader);
    let clear =
        |rect: &Rect| Rect::new(at.left - 6, at.top - 6, 312, 212).intersection(rect).is_none();
    let beside = before.truth.words.iter().filter(|(_, rect)| clear(rect)).cloned();
    let (right, down) = (at.left - from.left, at.top - from.top);
    let within = window.truth.words.iter().map(|(text, rect)| {
        (text.clone(), Rect { left: rect.left + right, top: rect.top + down, ..*rect })
    });
    let inside = Rect::new(at.left + 2, at.top + 2, 296, 196);
    let shown = within.filter(|(_, rect)| inside.intersection(rect) == Some(*rect));
    let words: Vec<(String, Rect)> = beside.chain(shown).collect();
    assert_eq!(words.len(), 97);
    assert_eq!(unread(&words, &lines), Vec::<String>::new());
}

#[test]
fn a_lone_digit_is_read() {
    for name in ["gnumeric-ja", "mupdf-ja", "gnumeric-en", "mupdf-en"] {
        let fixture = Fixture::load(name);
        let lines = fixture.read(&mut assets::reader());
        let is_digit = |text: &str| text.len() == 1 && text.chars().all(|c| c.is_ascii_digit());
        let words = fixture.truth.words.iter().filter(|(text, _)| is_digit(text));
        let digits: Vec<(String, Rect)> = words.cloned().collect();
        assert_eq!((digits.is_empty(), unread(&digits, &lines)), (false, Vec::new()), "{name}");
    }
}

#[test]
fn a_region_around_one_word_is_read() {
    for name in ["gnumeric-en", "mupdf-en"] {
        let fixture = Fixture::load(name);
        let mut reader = assets::reader();
        let mut missed = Vec::new();
        for (text, rect) in &fixture.truth.words {
            let near = Rect::new(rect.left - 4, rect.top - 4, rect.width + 8, rect.height + 8);
            let lines = reader.read(&fixture.frame, near, fixture.truth.script).unwrap();
            let read: String = lines.iter().map(|line| plain(line.text.danger_raw())).collect();
            if !read.contains(&plain(text)) {
                missed.push(text);
            }
        }
        assert_eq!(missed, Vec::<&String>::new(), "{name}");
    }
}

fn texts_of(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.danger_raw()).collect()
}
