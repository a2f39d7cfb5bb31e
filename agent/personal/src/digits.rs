//! Check digits.

/// Luhn's check of a payment card's number (ISO/IEC 7812-1, annex B), of 13 to 19 digits that begin with
/// one of 2 to 6: what card networks have.
pub(crate) fn is_card(digits: &[u8]) -> bool {
    let networks = matches!(digits.first(), Some(2..=6));
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit @ 0..5) => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    (13..=19).contains(&digits.len()) && networks && sum.is_multiple_of(10)
}

/// The check digit of an Individual Number: ordinance of the Ministry of Internal Affairs and
/// Communications no. 85 of 2014, article 5. Counted from the right without the check digit, digits 1 to
/// 6 weigh 2 to 7, digits 7 to 11 weigh 2 to 6.
pub(crate) fn is_my_number(digits: &[u8]) -> bool {
    let Some((check, rest)) = digits.split_last().filter(|_| digits.len() == 12) else {
        return false;
    };
    let weights = (2..=7).chain(2..=6);
    let sum: u32 = rest.iter().rev().zip(weights).map(|(d, w)| u32::from(*d) * w).sum();
    let expected = match sum % 11 {
        0 | 1 => 0,
        remainder => 11 - remainder,
    };
    u32::from(*check) == expected
}

/// The digits of a text, whatever stands between them.
pub(crate) fn digits(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_digit_shows() {
        // Numbers that card networks publish for tests.
        for card in ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"]
        {
            assert!(is_card(&digits(card)), "{card}");
            let wrong = card.replacen('1', "2", 1);
            assert!(wrong == card || !is_card(&digits(&wrong)), "{wrong}");
        }
        assert!(!is_card(&digits("1111111111111117")) && !is_card(&digits("42")));
        // The example of a number that is given to nobody: weights worked out by hand.
        assert!(is_my_number(&digits("123456789018")));
        for wrong in ["123456789017", "123456789019", "12345678901", "1234567890188"] {
            assert!(!is_my_number(&digits(wrong)), "{wrong}");
        }
    }
}
