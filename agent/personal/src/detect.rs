//! Detectors that need nothing but the text: each finds candidates by a pattern and keeps those that
//! prove to be what they look like.

use std::ops::Range;
use std::str::FromStr;
use std::sync::LazyLock;

use iban::Iban;
use phonenumber::country;
use regex::Regex;

use crate::broken;
use crate::digits::{digits, is_card, is_my_number};

/// Patterns are written here, and a test uses each.
macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($pattern).ok());
    };
}

// RFC 5322 without comments and quotes, which nobody types; letters of any script (RFC 6531).
pattern!(EMAIL, r"[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+");
// Numbers that stand in a row, of which any may be what is looked for, or a group of it.
pattern!(DIGITS, r"\d(?:[\d .-]*\d)?");
pattern!(CALLED, r"[+(]?\d[\d() .-]*\d");
// Groups as people write them; of digits that go on, no part is taken.
pattern!(
    CARD,
    r"^(?:\d{13,19}|\d{4}(?:[ .-]{1,2}\d{4}){3}(?:[ .-]{1,2}\d{1,3})?|\d{4}[ .-]{1,2}\d{6}[ .-]{1,2}\d{5})$"
);
pattern!(CARD_ALONE, r"^\d(?:[ -]?\d){12,18}$");
pattern!(MY_NUMBER, r"^\d{4}[ .-]{0,2}\d{4}[ .-]{0,2}\d{4}$");
// The account in the name of a resource at AWS has twelve digits too.
pattern!(ARN, r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:\d{12}");
// In upper or lower case, apart by spaces, dashes or the end of a line.
pattern!(IBAN, r"[A-Za-z]{2}\d{2}(?:(?:[ -]|[ -]?\r?\n[ \t]*)?[A-Za-z0-9]){11,30}");
pattern!(PHONE, r"^[+(]?\d[\d() .-]{6,19}\d$");
// What looks like a telephone number and is a day.
pattern!(DATE, r"^\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}(?:\D|$)");
// 〒, or the code at the head of an address that names a prefecture or city.
pattern!(JAPANESE_ADDRESS, r"(?:〒 ?\d{3}-?\d{4}|\d{3}-\d{4} ?\p{Han}{2,8}[都道府県市区]).*");

/// E-mail addresses.
pub(crate) fn emails(text: &str) -> Vec<Range<usize>> {
    let found = candidates(&EMAIL, text);
    // A full stop at the end of a sentence is not part of it.
    let mut found: Vec<_> =
        found.map(|r| r.start..r.start + text[r].trim_end_matches(['.', '-']).len()).collect();
    found.extend(broken::emails(text, &found));
    found
}

/// Numbers of payment cards.
pub(crate) fn cards(text: &str) -> Vec<Range<usize>> {
    let mut found = within(apart(&DIGITS, text), text, |number, alone| {
        (fits(&CARD, number) || alone && fits(&CARD_ALONE, number)) && is_card(&digits(number))
    });
    found.extend(broken::cards(text));
    found
}

/// Individual Numbers of Japan.
pub(crate) fn my_numbers(text: &str) -> Vec<Range<usize>> {
    let accounts: Vec<usize> = candidates(&ARN, text).map(|account| account.end).collect();
    // Four groups are a card's, of which no three are looked at.
    let cards = cards(text);
    let mut found = within(apart(&DIGITS, text), text, |number, _| {
        fits(&MY_NUMBER, number) && is_my_number(&digits(number))
    });
    found.extend(broken::my_numbers(text));
    let in_card =
        |r: &Range<usize>| cards.iter().any(|card| card.start < r.end && r.start < card.end);
    found.retain(|r| !accounts.contains(&r.end) && !in_card(r));
    found
}

/// Bank account numbers. What precedes one may look as if it began there, and what follows as if it went on:
/// words are left off until the check digits fit.
pub(crate) fn ibans(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    let next = |from: usize| IBAN.as_ref()?.find_at(text, from);
    while let Some(candidate) = next(from) {
        // It begins with an ASCII letter.
        from = candidate.start() + 1;
        if goes_on(text[..candidate.start()].chars().next_back()) {
            continue;
        }
        if let Some(length) = iban_at_head(candidate.as_str(), &text[candidate.end()..]) {
            from = candidate.start() + length;
            found.push(candidate.start()..from);
        }
    }
    found
}

/// Bytes of the account number that `candidate` begins with, if it does.
fn iban_at_head(candidate: &str, rest: &str) -> Option<usize> {
    let shorter = |text: &str| text.rfind(|c: char| !c.is_ascii_alphanumeric());
    let mut length = candidate.len();
    if goes_on(rest.chars().next()) {
        length = shorter(candidate)?;
    }
    loop {
        let plain: String =
            candidate[..length].chars().filter(char::is_ascii_alphanumeric).collect();
        if Iban::from_str(&plain.to_uppercase()).is_ok() {
            return Some(
                candidate[..length].trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len(),
            );
        }
        length = shorter(&candidate[..length])?;
    }
}

/// Telephone numbers: with a country code, or in the numbering plan of one of `countries`.
pub(crate) fn phones(text: &str, countries: &[country::Id]) -> Vec<Range<usize>> {
    within(apart(&CALLED, text), text, |number, _| {
        // ITU-T E.164 has at most 15 digits, and no country fewer than 7 with its trunk prefix or code.
        if !fits(&PHONE, number) || !(7..=15).contains(&digits(number).len()) {
            return false;
        }
        let is_valid = |country| phonenumber::parse(country, number).is_ok_and(|n| n.is_valid());
        if number.starts_with('+') {
            return is_valid(None);
        }
        if DATE.as_ref().is_none_or(|date| date.is_match(number)) {
            return false;
        }
        // Bare digits could be any number; a trunk prefix or how it is written tells.
        let separators = number.matches([' ', '-', '.', '(']).count();
        (number.starts_with('0') || separators >= 2)
            && countries.iter().any(|country| is_valid(Some(*country)))
    })
}

/// Addresses that begin with a Japanese postal code, to the end of the text.
pub(crate) fn japanese_addresses(text: &str) -> Vec<Range<usize>> {
    candidates(&JAPANESE_ADDRESS, text).collect()
}

/// The most groups of one number.
const GROUPS: usize = 6;

/// Which parts of each row of numbers `is` what is looked for: from the left the longest, beginning and ending
/// where spaces part the row; it hears whether the part is the whole row.
fn within(
    rows: impl Iterator<Item = Range<usize>>,
    text: &str,
    is: impl Fn(&str, bool) -> bool,
) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for row in rows {
        let whole = text[row.clone()].trim_end_matches([' ', '.', '-']);
        let at = |part: &str| part.as_ptr().addr() - text.as_ptr().addr();
        let groups: Vec<Range<usize>> = whole
            .split([' ', '-', '.'])
            .filter(|group| !group.is_empty())
            .map(|group| at(group)..at(group) + group.len())
            .collect();
        let mut first = 0;
        while first < groups.len() {
            let longest = (first..groups.len().min(first + GROUPS)).rev().find_map(|last| {
                let range = groups[first].start..groups[last].end;
                let alone = last - first + 1 == groups.len();
                is(&text[range.clone()], alone).then_some((range, last))
            });
            first = longest.as_ref().map_or(first, |(_, last)| *last) + 1;
            found.extend(longest.map(|(range, _)| range));
        }
    }
    found
}

fn fits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    // Without a pattern nothing would be found: rather too much.
    pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
}

fn goes_on(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphanumeric())
}

/// Matches that are not a part of a longer number or word.
fn apart<'a>(
    pattern: &'a LazyLock<Option<Regex>>,
    text: &'a str,
) -> impl Iterator<Item = Range<usize>> + 'a {
    candidates(pattern, text).filter(move |r| {
        !goes_on(text[..r.start].chars().next_back()) && !goes_on(text[r.end..].chars().next())
    })
}

fn candidates<'a>(
    pattern: &'a LazyLock<Option<Regex>>,
    text: &'a str,
) -> impl Iterator<Item = Range<usize>> + 'a {
    pattern.iter().flat_map(move |pattern| pattern.find_iter(text).map(|found| found.range()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(text: &'a str, found: &[Range<usize>]) -> Vec<&'a str> {
        found.iter().map(|range| &text[range.clone()]).collect()
    }

    #[test]
    fn every_pattern_is_one() {
        let numbers = [&DIGITS, &CALLED, &CARD, &CARD_ALONE, &MY_NUMBER, &PHONE, &DATE];
        for pattern in [&EMAIL, &ARN, &IBAN, &JAPANESE_ADDRESS].into_iter().chain(numbers) {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn emails_are_found_whole() {
        let text = "Ask o'neil+x@mail.example.co.jp, or 山田@例え.jp. Not @home, a@b.";
        assert_eq!(parts(text, &emails(text)), ["o'neil+x@mail.example.co.jp", "山田@例え.jp"]);
    }

    #[test]
    fn card_numbers_have_their_check_digit() {
        let text =
            "4111 1111 1111 1111, 5555-5555-5555-4444; not 4111111111111112 or 94111111111111111";
        assert_eq!(parts(text, &cards(text)), ["4111 1111 1111 1111", "5555-5555-5555-4444"]);
    }

    #[test]
    fn numbers_are_found_beside_others() {
        for (text, card) in [
            ("5555 5555 5555 4444 12/27", "5555 5555 5555 4444"),
            ("5555 5555 5555 4444 123", "5555 5555 5555 4444"),
            ("7 5555 5555 5555 4444", "5555 5555 5555 4444"),
            ("4111.1111.1111.1111 2026-11-22", "4111.1111.1111.1111"),
            ("12 3782 822463 10005 4", "3782 822463 10005"),
        ] {
            assert_eq!(parts(text, &cards(text)), [card], "{text}");
            assert_eq!(parts(text, &my_numbers(text)), [""; 0], "{text}");
        }
        let two = "4111 1111 1111 1111 5555 5555 5555 4444";
        assert_eq!(parts(two, &cards(two)), ["4111 1111 1111 1111", "5555 5555 5555 4444"]);
        let text = "2026 1234 5678 9018";
        assert_eq!(parts(text, &my_numbers(text)), ["1234 5678 9018"]);
        for (text, numbers) in [
            ("3 090-1234-5678", vec!["090-1234-5678"]),
            ("090-1234-5678 2", vec!["090-1234-5678"]),
            ("03-3224-9999 03-3224-9998", vec!["03-3224-9999", "03-3224-9998"]),
        ] {
            assert_eq!(parts(text, &phones(text, &[country::JP])), numbers);
        }
    }

    #[test]
    fn my_numbers_have_their_check_digit() {
        let text = "1234-5678-9018 and 123456789018, not 123456789012 nor 1234567890188";
        assert_eq!(parts(text, &my_numbers(text)), ["1234-5678-9018", "123456789018"]);
        let text = "arn:aws:iam::123456789018:role/up of 個人番号:123456789018:";
        assert_eq!(parts(text, &my_numbers(text)), ["123456789018"]);
    }

    #[test]
    fn bank_accounts_end_where_their_check_digits_fit() {
        // Examples of the IBAN registry.
        let text = "IBAN DE89 3704 0044 0532 0130 00 EUR 100 or GB82WEST12345698765432; not DE88370400440532013000";
        assert_eq!(
            parts(text, &ibans(text)),
            ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"]
        );
        for (text, iban) in [
            ("de89370400440532013000", "de89370400440532013000"),
            ("DE89-3704-0044-0532-0130-00.", "DE89-3704-0044-0532-0130-00"),
            ("gb82 west 1234 5698 7654 32 was paid yesterday", "gb82 west 1234 5698 7654 32"),
            ("nr12 de89 3704 0044 0532 0130 00", "de89 3704 0044 0532 0130 00"),
            ("account DE89 3704 0044\n0532 0130 00 is", "DE89 3704 0044\n0532 0130 00"),
            ("DE89-3704-0044-\r\n  0532-0130-00", "DE89-3704-0044-\r\n  0532-0130-00"),
        ] {
            assert_eq!(parts(text, &ibans(text)), [iban], "{text:?}");
        }
        for text in [
            "de89 is not an account, and it60 is neither",
            "licence AB12-CDEF-3456-7890-1234-5678",
            "de893704-0044-0532-0130-001234567890",
            "gb82 west 1234 5698 7654 33",
            "xde89370400440532013000",
            "DE89 3704 0044\n\n0532 0130 00",
        ] {
            assert_eq!(parts(text, &ibans(text)), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn telephone_numbers_exist() {
        let countries = [country::JP, country::US];
        let text = "03-3224-9999, +44 20 7946 0958, (212) 736-5000, 090 1234 5678";
        let all = ["03-3224-9999", "+44 20 7946 0958", "(212) 736-5000", "090 1234 5678"];
        assert_eq!(parts(text, &phones(text, &countries)), all);
        for other in [
            "2026-11-21",
            "10.0.0.1",
            "12:30 - 14:00",
            "1 234 567",
            "4711-0815-12",
            "000-0000-0000",
        ] {
            assert_eq!(parts(other, &phones(other, &countries)), [""; 0], "{other}");
        }
    }

    #[test]
    fn a_japanese_postal_code_begins_an_address() {
        for (text, address) in [
            ("送付先 〒100-0001 東京都千代田区1-1", "〒100-0001 東京都千代田区1-1"),
            ("100-0001 東京都千代田区1-1", "100-0001 東京都千代田区1-1"),
        ] {
            assert_eq!(parts(text, &japanese_addresses(text)), [address]);
        }
        assert!(japanese_addresses("100-0001 items").is_empty());
    }
}
