//! Values that something breaks in two: a space in an e-mail address, as who reads a screen puts one beside
//! the `@`, and the end of a line in an address or a grouped number.
//!
//! A break makes a value look more like other text, so each asks for more than the whole value would: an
//! address for a top-level domain that is known and a part before the `@` that is no word of a sentence, a
//! number for its groups, its check digit, and a line before the break that begins with words.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::digits::{digits, is_card, is_my_number};

macro_rules! pattern {
    ($name:ident, $($part:expr),+) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(concat!($($part),+)).ok());
    };
}

// What people have before the @, without the rest of RFC 5322.
macro_rules! local {
    () => {
        r"[A-Za-z0-9](?:[A-Za-z0-9._%+-]*[A-Za-z0-9_])?"
    };
}
macro_rules! line_end {
    () => {
        r" ?\r?\n[ \t]*"
    };
}
// Of countries, and those that most addresses have.
macro_rules! top_level {
    () => {
        r"(?:[a-z]{2}|com|net|org|edu|gov|mil|int|info|biz|name|dev|app|example|test)\b"
    };
}
pattern!(BEFORE, "(", local!(), ")(?: |", line_end!(), ")@( ?)(?:[A-Za-z0-9-]+\\.)+", top_level!());
pattern!(AFTER, local!(), "@(?: |", line_end!(), ")(?:[A-Za-z0-9-]+\\.)+", top_level!());
pattern!(
    WITHIN,
    local!(),
    r"@[A-Za-z0-9-]+((?:\.[A-Za-z0-9-]+)*\.?)",
    line_end!(),
    r"(\.?(?:[A-Za-z0-9-]+\.)*)",
    top_level!()
);
pattern!(ROWS, r"(\d[\d -]*)\r?\n[ \t]*(\d[\d -]*)");
pattern!(CARD, r"^(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|\d{4}[ -]\d{6}[ -]\d{5})$");
pattern!(MY_NUMBER, r"^\d{4}[ -]\d{4}[ -]\d{4}$");

/// Words that stand before an `@` in a sentence.
const WORDS: [&str; 38] = [
    "a", "am", "and", "are", "at", "be", "by", "call", "contact", "find", "follow", "for", "from",
    "here", "in", "is", "it", "join", "live", "lunch", "me", "meet", "meeting", "now", "on", "or",
    "pm", "see", "site", "the", "to", "today", "us", "via", "visit", "we", "with", "you",
];

/// The most groups of a number that stand in one of its two lines.
const GROUPS: usize = 3;

/// E-mail addresses, but for those that `whole` has, in order.
pub(crate) fn emails(text: &str, whole: &[Range<usize>]) -> Vec<Range<usize>> {
    if !text.contains('@') {
        return Vec::new();
    }
    let before = captures(&BEFORE, text).filter(|parts| {
        let (local, after) = (&parts[1], &parts[2]);
        let told = local.contains(|c: char| c.is_ascii_digit() || "._%+-".contains(c));
        let word = local.contains(|c: char| c.is_ascii_uppercase()) || WORDS.contains(&local);
        told || after.is_empty() && !word
    });
    // The end of a line alone is no dot.
    let within =
        captures(&WITHIN, text).filter(|parts| parts[1].contains('.') || parts[2].contains('.'));
    let all = before.chain(captures(&AFTER, text)).chain(within);
    let apart = |one: &Range<usize>| {
        let after = whole.partition_point(|whole| whole.end <= one.start);
        whole.get(after).is_none_or(|whole| whole.start >= one.end)
    };
    all.filter_map(|parts| parts.get(0)).map(|found| found.range()).filter(apart).collect()
}

/// Numbers of payment cards in groups, of which a line has the first and the next the others.
pub(crate) fn cards(text: &str) -> Vec<Range<usize>> {
    numbers(text, |number, _| fits(&CARD, number) && is_card(&digits(number)))
}

/// Individual Numbers of Japan, likewise, with no other number in the row.
pub(crate) fn my_numbers(text: &str) -> Vec<Range<usize>> {
    numbers(text, |number, alone| {
        alone && fits(&MY_NUMBER, number) && is_my_number(&digits(number))
    })
}

/// What `is` looked for of each two rows of groups; it hears whether that is all of both.
fn numbers(text: &str, is: impl Fn(&str, bool) -> bool) -> Vec<Range<usize>> {
    let rows = captures(&ROWS, text).filter_map(|rows| rows.get(1).zip(rows.get(2)));
    rows.filter_map(|(first, next)| {
        let line = text[..first.start()].rsplit('\n').next().unwrap_or_default();
        // A table of numbers has lines of numbers; a line that is full has words before the number.
        let apart = !line.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '.' || c == ',');
        let full = line.contains(char::is_alphabetic) && apart;
        if !(full || first.as_str().ends_with('-')) {
            return None;
        }
        let (first, mut next) = (groups(first.range(), text), groups(next.range(), text));
        let count = first.len() + next.len();
        next.pop_if(|last| text[last.end..].starts_with(|c: char| c.is_ascii_alphanumeric()));
        let (first, next) =
            (&first[first.len().saturating_sub(GROUPS)..], &next[..next.len().min(GROUPS)]);
        first.iter().find_map(|from| {
            next.iter().rev().find_map(|to| {
                let all = first.iter().chain(next);
                let parts = all.filter(|one| from.start <= one.start && one.end <= to.end);
                let parts: Vec<&str> = parts.map(|one| &text[one.clone()]).collect();
                is(&parts.join(" "), parts.len() == count).then_some(from.start..to.end)
            })
        })
    })
    .collect()
}

fn groups(row: Range<usize>, text: &str) -> Vec<Range<usize>> {
    let at = |part: &str| part.as_ptr().addr() - text.as_ptr().addr();
    let groups = text[row].split([' ', '-']).filter(|group| !group.is_empty());
    groups.map(|group| at(group)..at(group) + group.len()).collect()
}

fn fits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

fn captures<'a>(
    pattern: &'a LazyLock<Option<Regex>>,
    text: &'a str,
) -> impl Iterator<Item = regex::Captures<'a>> + 'a {
    pattern.iter().flat_map(move |pattern| pattern.captures_iter(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(text: &'a str, found: &[Range<usize>]) -> Vec<&'a str> {
        found.iter().map(|range| &text[range.clone()]).collect()
    }

    #[test]
    fn every_pattern_is_one() {
        for pattern in [&BEFORE, &AFTER, &WITHIN, &ROWS, &CARD, &MY_NUMBER] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn an_address_is_found_around_its_break() {
        for (text, address) in [
            ("to taro@ example.com now", "taro@ example.com"),
            ("to taro @example.com.", "taro @example.com"),
            ("to taro.yamada @ example.co.jp", "taro.yamada @ example.co.jp"),
            ("to taro@\nexample.com", "taro@\nexample.com"),
            ("to taro\r\n  @mail.example.com", "taro\r\n  @mail.example.com"),
            ("to taro@exam\nple.com", "taro@exam\nple.com"),
            ("to taro@example.\ncom or", "taro@example.\ncom"),
            ("to taro@example\n.co.jp", "taro@example\n.co.jp"),
        ] {
            assert_eq!(parts(text, &emails(text, &[])), [address], "{text:?}");
        }
    }

    #[test]
    fn an_at_in_a_sentence_or_a_program_is_no_address() {
        for text in [
            "Lunch @ 3 pm",
            "Lunch @ 3.30 pm",
            "lunch @ 12.15 in room 3",
            "5 apples @ 1.20 EUR",
            "follow us @example.com",
            "Meeting @zoom.us",
            "meeting @ zoom.us",
            "see you @ example.com",
            "お問い合わせは @example.com まで",
            "- @example.com",
            "return x\n@app.route('/')",
            "npm i @angular/core.js",
            "ssh root@host\nls -l",
            "mail taro@example\ncom",
            "thanks @taro\nexample.com",
        ] {
            assert_eq!(parts(text, &emails(text, &[])), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn a_grouped_number_is_found_over_two_lines() {
        for (text, card) in [
            ("Card: 4111 1111\n1111 1111 12/27", "4111 1111\n1111 1111"),
            ("Karte 5555-5555-5555-\n  4444.", "5555-5555-5555-\n  4444"),
            ("4111-\r\n1111-1111-1111", "4111-\r\n1111-1111-1111"),
            ("by 3782 822463\n10005", "3782 822463\n10005"),
        ] {
            assert_eq!(parts(text, &cards(text)), [card], "{text:?}");
            assert_eq!(parts(text, &my_numbers(text)), [""; 0], "{text:?}");
        }
        let text = "個人番号 1234 5678\n9018 です";
        assert_eq!(parts(text, &my_numbers(text)), ["1234 5678\n9018"]);
    }

    #[test]
    fn numbers_on_two_lines_are_not_one() {
        for text in [
            "4111 1111\n1111 1111",
            "12 4111 1111\n1111 1111",
            "Order 41111111\n11111111",
            "Order 4111 1111\n\n1111 1111",
            "Order 4111 1111\n1111 1112",
            "Order 4111 1111\n1111 1111st",
            "Order A4111 1111\n1111 1111",
            "Total 1,234 5678\n9018",
            "1234 5678\n9018",
            "from 2026-11-21\n2026-11-22 on",
        ] {
            let found = [cards(text), my_numbers(text)].concat();
            assert_eq!(parts(text, &found), [""; 0], "{text:?}");
        }
    }
}
