//! A text that was read as what it means: a number, an amount of money, a date. Nothing is guessed: a
//! text that is not one, or could be two, is an error that says so.

use karakuri_protocol::script::ValueKind;
use karakuri_protocol::untrusted::Untrusted;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

mod date;
mod number;

/// The value of `text` as JSON: an integer; a decimal number or a date (ISO 8601) as a string; money
/// as `{"amount": "12.50", "currency": "EUR"}`, the currency null where none stands there.
///
/// # Errors
/// Why the text is not one.
pub(crate) fn parse(text: &Untrusted, kind: ValueKind) -> Result<Value, String> {
    // Full-width digits and signs become plain ones.
    let plain: String = text.danger_raw().nfkc().collect();
    let plain = plain.trim();
    let parsed = match kind {
        ValueKind::Int => number::parse(plain).and_then(|number| Ok(json!(number.integer()?))),
        ValueKind::Decimal => number::parse(plain).map(|number| json!(number.to_string())),
        ValueKind::Money => number::money(plain).map(
            |(number, currency)| json!({ "amount": number.to_string(), "currency": currency }),
        ),
        ValueKind::Date => date::parse(plain).map(|date| json!(date.to_string())),
    };
    let what = match kind {
        ValueKind::Int => "a whole number",
        ValueKind::Decimal => "a number",
        ValueKind::Money => "an amount of money",
        ValueKind::Date => "a date",
    };
    parsed.map_err(|why| format!("{:?} is not {what}: {why}", text.escaped(80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, kind: ValueKind) -> Value {
        parse(&text.into(), kind).unwrap()
    }

    #[test]
    fn full_width_digits_count() {
        assert_eq!(value("１，２３４", ValueKind::Int), json!(1234));
        assert_eq!(value("2026年11月2日", ValueKind::Date), json!("2026-11-02"));
    }

    #[test]
    fn money_has_its_currency_if_one_stands_there() {
        let money = |text| value(text, ValueKind::Money);
        assert_eq!(money("¥1,200,000"), json!({ "amount": "1200000", "currency": "JPY" }));
        assert_eq!(money("1.234,50 €"), json!({ "amount": "1234.50", "currency": "EUR" }));
        assert_eq!(money("-12.00"), json!({ "amount": "-12.00", "currency": null }));
    }

    #[test]
    fn the_error_names_the_text_and_the_kind() {
        let error = parse(&"12O".into(), ValueKind::Int).unwrap_err();
        assert!(error.starts_with("\"12O\" is not a whole number: "), "{error}");
    }
}
