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
    let is_read = |(text, rect): &&(String, Rect)| {
        let at_place = |line: &&Line| line.rect.contains(rect.center());
        lines.iter().filter(at_place).any(|l| plain(l.text.danger_raw()).contains(&plain(text)))
    };
    let words = &fixture.truth.words;
    let missed = words.iter().filter(|word| !is_read(word)).map(|(text, _)| text.clone());
    (missed.collect(), words.len())
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
    let expected = ["Net amount 8,317.93", "VAT 19 % 1,580.41", "Total EUR 9,898.34"];
    assert_eq!(texts(&mut reader, &fixture, region), expected);
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
    let mut pixels = after.frame.pixels().to_vec();
    for (y, row) in (249..).zip(moved.rows(moved.bounds())) {
        let start = (y * 1280 + 466) * 4;
        pixels[start..start + row.len()].copy_from_slice(row);
    }
    after.frame = karakuri_desktop::frame::Frame::new(1280, 800, pixels).unwrap();
    let mut reader = assets::reader();
    let region = Rect::new(467, 250, 80, 36);
    assert_eq!(texts(&mut reader, &before, region), ["184.50", "1069.99"]);
    assert_eq!(texts(&mut reader, &after, region), ["2214.00", "3209.97"]);
    assert_eq!(texts(&mut reader, &before, region), ["184.50", "1069.99"]);
}

#[test]
fn reading_only_what_changed_gives_what_reading_all_gives() {
    let (one, other) = (Fixture::load("gnumeric-en"), Fixture::load("gnumeric-ja"));
    // The lower half of the sheet and its scroll bar are the same; so is most of the toolbar.
    let mut reader = assets::reader();
    let read = |reader: &mut Reader, fixture: &Fixture, region: Rect| {
        let lines = reader.read(&fixture.frame, region, Script::Latin).unwrap();
        lines.into_iter().filter(|line| line.confidence > 0.9).collect::<Vec<Line>>()
    };
    let region = Rect::new(0, 200, 1280, 590);
    read(&mut reader, &other, region);
    let after_a_change = read(&mut reader, &one, region);
    // Other regions push this one out, so that it is read from the beginning.
    (1..5).for_each(|top| drop(read(&mut reader, &one, Rect::new(0, top, 40, 20))));
    assert_eq!(texts_of(&after_a_change), texts_of(&read(&mut reader, &one, region)));
}

fn texts_of(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.danger_raw()).collect()
}
