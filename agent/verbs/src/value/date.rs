//! Dates as people write them. Which of two numbers is the month is told by the sign between them: a
//! dot or a dash after the day, as in most of the world; between slashes both orders are used, and a date
//! that could be either is refused.

use time::{Date, Month};

/// Japanese eras: the year before their first.
const ERAS: [(&str, i32); 3] = [("令和", 2018), ("平成", 1988), ("昭和", 1925)];
/// The first three letters of the months, English and where it differs German.
const MONTHS: [&[&str]; 12] = [
    &["jan", "jän"],
    &["feb"],
    &["mar", "mär"],
    &["apr"],
    &["may", "mai"],
    &["jun"],
    &["jul"],
    &["aug"],
    &["sep"],
    &["oct", "okt"],
    &["nov"],
    &["dec", "dez"],
];

/// Reads one date with nothing around it.
pub(crate) fn parse(text: &str) -> Result<Date, String> {
    let (era, text) = ERAS
        .iter()
        .find_map(|(name, before)| Some((*before, text.strip_prefix(name)?)))
        .map_or((0, text), |(before, rest)| (before, rest));
    if text.contains('年') {
        let [year, month, day] = three(&text.replace('元', "1"), &['年', '月', '日'])?;
        return date(era + number(&year)?, number(&month)?, number(&day)?);
    }
    if text.chars().any(char::is_alphabetic) {
        return with_a_name(text);
    }
    let sign = text.chars().find(|c| !c.is_ascii_digit()).ok_or("it is one number")?;
    let [first, second, third] = three(text, &[sign])?;
    let numbers = (number(&first)?, number(&second)?, number(&third)?);
    match (sign, first.len(), third.len()) {
        ('-' | '/' | '.', 4, _) => date(numbers.0, numbers.1, numbers.2),
        ('-' | '.', _, 4) => date(numbers.2, numbers.1, numbers.0),
        ('/', _, 4) => by_slashes(numbers),
        _ => Err("the year needs four digits".to_owned()),
    }
}

fn by_slashes((first, second, year): (i32, i32, i32)) -> Result<Date, String> {
    match (first > 12, second > 12) {
        (false, false) if first != second => {
            Err("day and month cannot be told apart between slashes".to_owned())
        }
        (true, _) => date(year, second, first),
        _ => date(year, first, second),
    }
}

/// `21 November 2026`, `21. Nov. 2026`, `November 21, 2026`.
fn with_a_name(text: &str) -> Result<Date, String> {
    let words: Vec<&str> =
        text.split([' ', ',', '.', '-']).filter(|word| !word.is_empty()).collect();
    let [first, second, year] = words[..] else { return Err("it has not three parts".to_owned()) };
    let (day, month) = match month(second) {
        Some(month) => (first, month),
        None => (second, month(first).ok_or("no month is called so")?),
    };
    date(number(year)?, month, number(day.trim_end_matches(char::is_alphabetic))?)
}

fn month(name: &str) -> Option<i32> {
    let short: String = name.to_lowercase().chars().take(3).collect();
    let place = MONTHS.iter().position(|names| names.contains(&short.as_str()))?;
    i32::try_from(place + 1).ok()
}

fn three(text: &str, signs: &[char]) -> Result<[String; 3], String> {
    let parts: Vec<String> =
        text.split(signs).map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect();
    parts.try_into().map_err(|_| "it has not three parts".to_owned())
}

fn number(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

fn date(year: i32, month: i32, day: i32) -> Result<Date, String> {
    let no_such_day = || "there is no such day".to_owned();
    let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok());
    let day = u8::try_from(day).map_err(|_| no_such_day())?;
    if !(1900..=2200).contains(&year) {
        return Err("the year is not between 1900 and 2200".to_owned());
    }
    Date::from_calendar_date(year, month.ok_or_else(no_such_day)?, day).map_err(|_| no_such_day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_many_countries() {
        for text in [
            "2026-11-21",
            "2026/11/21",
            "2026.11.21",
            "21.11.2026",
            "21-11-2026",
            "21/11/2026",
            "11/21/2026",
            "2026年11月21日",
            "令和8年11月21日",
            "21 November 2026",
            "21. Nov. 2026",
            "Nov 21, 2026",
            "November 21st, 2026",
            "21-Nov-2026",
        ] {
            assert_eq!(parse(text).map(|d| d.to_string()).as_deref(), Ok("2026-11-21"), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_or_two_is_refused() {
        for text in ["11/12/2026", "31.02.2026", "21.11.26", "2026", "yesterday", "", "1.1.1"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("5/5/2026").unwrap().to_string(), "2026-05-05");
    }
}
