//! Numbers as people write them: groups of three parted by `,` `.` `'` or a space, a decimal comma or
//! point, a sign before or behind, parentheses or a triangle for a negative one.

use std::fmt;

/// A decimal number, as exact as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    negative: bool,
    whole: String,
    fraction: String,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let point = if self.fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{}", self.whole, self.fraction)
    }
}

impl Number {
    /// The number, if it has no fraction.
    pub(crate) fn integer(&self) -> Result<i64, String> {
        if !self.fraction.is_empty() {
            return Err("it has a fraction".to_owned());
        }
        self.to_string().parse().map_err(|_| "it is too large".to_owned())
    }
}

/// A number with nothing around it.
pub(crate) fn parse(text: &str) -> Result<Number, String> {
    let (negative, digits) = signed(text);
    let (whole, fraction) = split(digits)?;
    let whole = grouped(whole)?;
    let whole = match whole.trim_start_matches('0') {
        "" => "0".to_owned(),
        rest => rest.to_owned(),
    };
    Ok(Number { negative, whole, fraction: fraction.to_owned() })
}

/// A number with a currency before or behind it: a symbol, or three capitals of ISO 4217.
pub(crate) fn money(text: &str) -> Result<(Number, Option<String>), String> {
    let (outer, inner) = signed(text);
    for (symbol, code) in SYMBOLS {
        let rest = inner.strip_prefix(symbol).or_else(|| inner.strip_suffix(symbol));
        if let Some(rest) = rest {
            return with_sign(outer, rest.trim()).map(|number| (number, Some((*code).to_owned())));
        }
    }
    let code = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_uppercase());
    if let Some((first, rest)) = inner.split_at_checked(3).filter(|(first, _)| code(first)) {
        return with_sign(outer, rest.trim()).map(|number| (number, Some(first.to_owned())));
    }
    let behind = inner.len().checked_sub(3).and_then(|at| inner.split_at_checked(at));
    if let Some((rest, last)) = behind.filter(|(_, last)| code(last)) {
        return with_sign(outer, rest.trim()).map(|number| (number, Some(last.to_owned())));
    }
    with_sign(outer, inner).map(|number| (number, None))
}

/// Signs and how ISO 4217 calls the currency. NFKC has made one yen sign of the two.
const SYMBOLS: &[(&str, &str)] = &[
    ("€", "EUR"),
    ("US$", "USD"),
    ("$", "USD"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("円", "JPY"),
    ("Fr.", "CHF"),
    ("元", "CNY"),
    ("₩", "KRW"),
    ("₹", "INR"),
];

fn with_sign(negative: bool, text: &str) -> Result<Number, String> {
    let mut number = parse(text)?;
    number.negative ^= negative;
    Ok(number)
}

/// Whether it is negative, and the rest.
fn signed(text: &str) -> (bool, &str) {
    const NEGATIVE: [char; 4] = ['-', '\u{2212}', '△', '▲'];
    let inside = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    if let Some(inside) = inside {
        return (true, inside.trim());
    }
    match text.strip_prefix(NEGATIVE).or_else(|| text.strip_suffix('-')) {
        Some(rest) => (true, rest.trim()),
        None => (false, text.strip_prefix('+').unwrap_or(text).trim()),
    }
}

/// The digits before and behind the decimal sign.
fn split(text: &str) -> Result<(&str, &str), String> {
    let signs = |sign: char| text.matches(sign).count();
    let last = text.rfind([',', '.']);
    let Some(at) = last else { return Ok((text, "")) };
    let (whole, fraction) = (&text[..at], &text[at + 1..]);
    let both = signs(',') > 0 && signs('.') > 0;
    let this = signs(char::from(text.as_bytes()[at]));
    // One sign before exactly three digits parts groups, unless a zero stands before it.
    let group = fraction.len() == 3 && !both && whole.len() <= 3 && whole != "0";
    if this > 1 && both {
        return Err("it mixes its decimal sign with groups".to_owned());
    }
    if this > 1 || group {
        return Ok((text, ""));
    }
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err("no digits behind the decimal sign".to_owned());
    }
    Ok((whole, fraction))
}

/// The digits without what parts the groups.
fn grouped(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("nothing was read".to_owned());
    }
    let groups: Vec<&str> = text.split([',', '.', '\'', '\u{2019}', ' ']).collect();
    let digits = |group: &&str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    if !groups.iter().all(digits) {
        return Err("it has other characters than digits and their separators".to_owned());
    }
    let (first, rest) = (groups[0], &groups[1..]);
    if !rest.is_empty() && (first.len() > 3 || rest.iter().any(|group| group.len() != 3)) {
        return Err("its groups are not of three digits".to_owned());
    }
    Ok(groups.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_many_countries() {
        for (text, number) in [
            ("1234", "1234"),
            ("1,234", "1234"),
            ("1.234", "1234"),
            ("1.234,5", "1234.5"),
            ("1,234.50", "1234.50"),
            ("1 234 567,89", "1234567.89"),
            ("1'234.50", "1234.50"),
            ("1,234,567", "1234567"),
            ("0.125", "0.125"),
            ("12.5", "12.5"),
            ("007", "7"),
            ("(12.50)", "-12.50"),
            ("△1,000", "-1000"),
            ("12-", "-12"),
            ("+3", "3"),
        ] {
            assert_eq!(parse(text).map(|n| n.to_string()).as_deref(), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "12O", "1,23,4", "1.2.3,4,5", "12,", "--1", "1 23", "abc", ".", "1e5"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn currencies_stand_before_or_behind() {
        for (text, amount, currency) in [
            ("EUR 12.00", "12.00", Some("EUR")),
            ("12.00 CHF", "12.00", Some("CHF")),
            ("-$5", "-5", Some("USD")),
            ("$-5", "-5", Some("USD")),
            ("(£5.10)", "-5.10", Some("GBP")),
            ("1,200円", "1200", Some("JPY")),
            ("7", "7", None),
        ] {
            let (number, found) = money(text).unwrap();
            assert_eq!(
                (number.to_string().as_str(), found.as_deref()),
                (amount, currency),
                "{text}"
            );
        }
    }
}
