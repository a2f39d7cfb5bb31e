//! What is found in texts and on screens, and what is left alone.
#![cfg(test)]

use karakuri_personal::{Finder, Kind, PatternError, Settings};
use karakuri_protocol::geometry::Rect;
use proptest::prelude::*;

fn masked(text: &str) -> String {
    Finder::default().masked(text).0
}

#[test]
fn a_text_keeps_what_is_not_personal() {
    for (text, expected) in [
        ("Write to taro@example.com or call 03-3224-9999.", "Write to [email] or call [phone]."),
        ("カード ４１１１-１１１１-１１１１-１１１１ 有効", "カード [card] 有効"),
        ("宛先 ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏｍ まで", "宛先 [email] まで"),
        ("宛先　ｔａｒｏ　＠ｅｘａｍｐｌｅ．ｃｏｍ", "宛先　[email]"),
        ("個人番号 １２３４　５６７８　９０１８", "個人番号 [my_number]"),
        ("電話 ０３－３２２４－９９９９ と （０３）３２２４－９９９９", "電話 [phone] と [phone]"),
        ("口座 ｄｅ８９ ３７０４ ００４４ ０５３２ ０１３０ ００", "口座 [iban]"),
        ("Write to taro@\nexample.com or taro @example.com.", "Write to [email] or [email]."),
        ("Card 4111 1111\n1111 1111, 12/27", "Card [card], 12/27"),
        ("4111 1111\n1111 1111", "4111 1111\n1111 1111"),
        ("Lunch @ 3 pm, 5 @ 1.20 EUR", "Lunch @ 3 pm, 5 @ 1.20 EUR"),
        ("IBAN: DE89 3704 0044 0532 0130 00 due", "IBAN: [iban] due"),
        ("個人番号 1234 5678 9018", "個人番号 [my_number]"),
        ("Name: Ada Lovelace | Amount: 12", "Name: [name] | Amount: 12"),
        ("氏名 山田太郎  部署 経理", "氏名 [name]  部署 経理"),
        ("お名前（必須）：山田 花子", "お名前（必須）：[name]"),
        ("Address: 1 High Street, Oxford", "Address: [address]"),
        ("〒530-0001 大阪市北区1-2-3", "[address]"),
        (
            "File name: report.pdf, 3 of 2026-11-21, ¥1,200,000",
            "File name: report.pdf, 3 of 2026-11-21, ¥1,200,000",
        ),
        ("Invoice 4711 of 2026-11-21 10:15 to 11:30", "Invoice 4711 of 2026-11-21 10:15 to 11:30"),
        ("Name: [name]", "Name: [name]"),
        ("Name: [name] 2", "Name: [name] 2"),
        ("Name: [name] 2nd", "Name: [name]"),
        ("Name:", "Name:"),
        ("Name: Hanako Yamada / Taro Suzuki", "Name: [name]"),
        ("Name: Hanako Yamada / Amount: 12", "Name: [name] / Amount: 12"),
        ("Name: Hanako Sato, hanako@example.com", "Name: [name], [email]"),
        (
            "Address: 1 High Street, call 03-3224-9999, Oxford",
            "Address: [address] [phone], [address]",
        ),
        ("", ""),
    ] {
        assert_eq!(masked(text), expected);
    }
}

fn at(left: i32, top: i32, width: u32) -> Rect {
    Rect::new(left, top, width, 20)
}

#[test]
fn a_label_names_what_stands_beside_or_below_it() {
    let finder = Finder::default();
    let lines = [
        ("Customer", at(10, 10, 80)),
        ("Grace Hopper", at(150, 11, 120)),
        ("Total", at(10, 40, 40)),
        ("1,200", at(150, 41, 50)),
        ("住所:", at(400, 10, 50)),
        ("大阪府大阪市", at(402, 36, 120)),
        ("Name", at(10, 200, 40)),
        ("Address", at(10, 230, 60)),
    ];
    let found = finder.find_on_screen(&lines);
    let told: Vec<_> =
        found.iter().map(|one| (lines[one.line].0, one.found.kind.clone())).collect();
    assert_eq!(told, [("Grace Hopper", Kind::Name), ("大阪府大阪市", Kind::Address)]);
    assert_eq!(found[0].found.range, 0.."Grace Hopper".len());
}

#[test]
fn a_site_says_what_is_looked_for() {
    let settings = Settings {
        find: vec![Kind::Name],
        name_labels: vec!["Member".to_owned()],
        patterns: [("policy".to_owned(), r"\bP-\d{6}\b".to_owned())].into(),
        ..Settings::default()
    };
    let finder = Finder::new(&settings).unwrap();
    let text = "member: Alan Turing; P-123456, alan@example.com";
    assert_eq!(finder.masked(text).0, "member: [name]; [policy], alan@example.com");
}

#[test]
fn settings_that_would_find_nothing_are_refused() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        Finder::new(&settings).unwrap_err()
    };
    let pattern = |s: &mut Settings| drop(s.patterns.insert("x".to_owned(), "(".to_owned()));
    assert!(matches!(refused(pattern), PatternError::Pattern { .. }));
    let name = |s: &mut Settings| drop(s.patterns.insert("A b".to_owned(), "a".to_owned()));
    assert!(matches!(refused(name), PatternError::Name(_)));
    assert!(matches!(
        refused(|s| s.phone_countries = vec!["XX".to_owned()]),
        PatternError::Country(_)
    ));
    assert!(matches!(refused(|s| s.name_labels = vec![" ".to_owned()]), PatternError::Label(_)));
    assert!(matches!(
        refused(|s| s.find = vec![Kind::Custom("x".to_owned())]),
        PatternError::NotBuiltIn(_)
    ));
    Finder::new(&Settings::default()).unwrap();
}

proptest! {
    #[test]
    fn any_text_is_cut_at_characters(text in "\\PC*") {
        let (_, found) = Finder::default().masked(&text);
        let mut end = 0;
        for one in found {
            prop_assert!(one.range.start >= end && one.range.end > one.range.start);
            prop_assert!(text.is_char_boundary(one.range.start) && text.is_char_boundary(one.range.end));
            end = one.range.end;
        }
    }

    #[test]
    fn an_address_is_found_wherever_it_stands(before in "[ a-zあ-ん:|]{0,12}", after in "[ a-zあ-ん:|]{0,12}") {
        let text = format!("{before} taro@example.com {after}");
        prop_assert!(!masked(&text).contains("taro"), "{}", text);
    }
}
