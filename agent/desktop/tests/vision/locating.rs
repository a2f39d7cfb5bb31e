//! Targets on the fixtures.

use karakuri_desktop::frame::Frame;
use karakuri_desktop::locate::{Found, Images, Screen, find};
use karakuri_protocol::desktop::Line;
use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::target::Target;

use crate::assets;
use crate::fixtures::Fixture;

struct Desk {
    fixture: Fixture,
    lines: Vec<Line>,
    images: Images,
}

impl Desk {
    fn open(name: &str) -> Self {
        let fixture = Fixture::load(name);
        let lines = fixture.read(&mut assets::reader());
        Self { fixture, lines, images: Images::default() }
    }

    fn find(&self, target: &str) -> Found {
        let target: Target = serde_json::from_str(target).unwrap();
        let screen = Screen {
            frame: &self.fixture.frame,
            lines: &self.lines,
            images: &self.images,
            elements: &[],
        };
        find(&target, &screen).unwrap()
    }

    fn texts(&self, target: &str) -> Vec<String> {
        let hits = self.find(target).hits;
        hits.iter().filter_map(|hit| Some(hit.text.as_ref()?.danger_raw().to_owned())).collect()
    }
}

/// The words that a click on their text would miss: none of the hits has its point in the word's box.
fn missed_clicks(name: &str, mode: &str) -> Vec<String> {
    let desk = Desk::open(name);
    let misses = |text: &String, rect: &Rect| {
        let text = serde_json::to_string(text).unwrap();
        let target = format!(r#"{{"find":{{"text":{{"value":{text},"match":"{mode}"}}}}}}"#);
        !desk.find(&target).hits.iter().any(|hit| rect.contains(hit.at))
    };
    let words = desk.fixture.truth.words.iter();
    words.filter(|(text, rect)| misses(text, rect)).map(|(text, _)| text.clone()).collect()
}

#[test]
fn a_click_on_a_word_lands_on_it() {
    for name in ["gnumeric-en", "mupdf-en"] {
        assert_eq!(missed_clicks(name, "exact"), Vec::<String>::new(), "{name}");
    }
    // In the terminal the space of `oil 205` is read as a tilde.
    assert_eq!(missed_clicks("editor-en", "exact"), ["oil", "205"]);
}

#[test]
fn a_click_on_a_japanese_cell_lands_on_it() {
    assert_eq!(missed_clicks("gnumeric-ja", "exact"), Vec::<String>::new());
}

#[test]
fn a_value_is_found_by_its_label() {
    let desk = Desk::open("mupdf-en");
    let right = r#"{"find":{"text":{"value":"[0-9.,]+","match":"regex"}},"relations":[{"right_of":"text:\"Total EUR\""}]}"#;
    assert_eq!(desk.texts(right), ["9,898.34"]);
    let below = r#"{"find":{"text":{"value":"^[0-9.,]+$","match":"regex"}},"relations":[{"below":"text:\"Unit price\""}]}"#;
    assert_eq!(desk.texts(below), ["184.50", "1,069.99", "96.35", "53.08", "690.00"]);
    let both = r#"{"find":{"text":{"value":"690.00"}},"relations":[{"below":"text:\"Amount\""},{"right_of":"text:\"SV-0001\""}]}"#;
    assert_eq!(desk.find(both).hits.len(), 1);
    let japanese = Desk::open("mupdf-ja");
    let right = r#"{"find":{"text":{"value":"¥[0-9,]+","match":"regex"}},"relations":[{"right_of":"text:\"合計\""}]}"#;
    assert_eq!(japanese.texts(right), ["¥1,298,550"]);
}

#[test]
fn several_are_all_told_and_one_can_be_chosen() {
    let desk = Desk::open("mupdf-en");
    let all = desk.find(r#""text:\"690.00\"""#).hits;
    assert_eq!(all.len(), 2);
    let second = desk.find(r#"{"find":{"text":{"value":"690.00"}},"nth":1,"offset":[3,-2]}"#).hits;
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].at, Point { x: all[1].at.x + 3, y: all[1].at.y - 2 });
    let third = desk.find(r#"{"find":{"text":{"value":"690.00"}},"nth":2}"#);
    assert_eq!((third.hits.len(), third.nearest.len()), (0, 2));
}

#[test]
fn nothing_found_tells_what_comes_closest() {
    let desk = Desk::open("gnumeric-en");
    let found = desk.find(r#""text:\"Statistik\"""#);
    assert_eq!(found.hits, []);
    assert!(found.nearest.len() <= 5);
    assert_eq!(found.nearest[0].text.as_ref().unwrap().danger_raw(), "Statistics");
}

#[test]
fn targets_combine() {
    let desk = Desk::open("gnumeric-en");
    let any = r#"{"find":{"any_of":["text:\"Abbrechen\"","text:\"Help\"","text:\"File\""]}}"#;
    assert_eq!(desk.texts(any), ["Help"]);
    assert_eq!(desk.find(any).which, Some(1));
    // Relations hold for each target: the first one's only match lies outside.
    let within = r#"{"find":{"any_of":["text:\"File\"","text:\"Amount\""]},"relations":[{"inside":{"find":{"region":[0,225,1280,25]}}}]}"#;
    assert_eq!((desk.texts(within), desk.find(within).which), (vec!["Amount".to_owned()], Some(1)));
    let none = r#"{"find":{"any_of":["text:\"Abbrechen\"","text:\"Statistik\""]}}"#;
    assert_eq!((desk.find(none).which, desk.find(none).nearest.is_empty()), (None, false));
    let inside = r#"{"find":{"text":{"value":"Amount"}},"relations":[{"inside":{"find":{"region":[0,225,1280,25]}}}]}"#;
    assert_eq!(desk.find(inside).hits.len(), 1);
    let calm = r#"{"find":{"all_of":["text:\"Travel\"",{"find":{"not":"text:\"Error\""}}]}}"#;
    assert_eq!(desk.texts(calm), ["Travel"]);
    let spoilt = r#"{"find":{"all_of":["text:\"Travel\"",{"find":{"not":"text:\"Total\""}}]}}"#;
    assert_eq!(desk.find(spoilt).hits, []);
}

#[test]
fn an_icon_is_found_by_its_picture() {
    let mut desk = Desk::open("gnumeric-en");
    let place = Rect::new(229, 71, 24, 24);
    let icon = desk.fixture.frame.crop(place).unwrap().encode_png().unwrap();
    desk.images.add("cut.png", &icon).unwrap();
    let hits = desk.find(r#""image:cut.png""#).hits;
    assert_eq!(hits.iter().map(|hit| hit.rect).collect::<Vec<_>>(), [place]);
    // The other screen has the same toolbar in the same place, drawn anew.
    let other = Desk { images: desk.images, ..Desk::open("gnumeric-ja") };
    assert_eq!(other.find(r#""image:cut.png""#).hits[0].rect, place);
    let elsewhere = Desk { images: other.images, ..Desk::open("mupdf-en") };
    assert_eq!(elsewhere.find(r#""image:cut.png""#).hits, []);
}

#[test]
fn a_frame_survives_both_files() {
    let frame = Fixture::load("editor-ja").frame;
    for file in [frame.encode_png().unwrap(), frame.encode_webp().unwrap()] {
        assert!(!Frame::decode(&file).unwrap().differs_in(&frame, frame.bounds()));
    }
}
