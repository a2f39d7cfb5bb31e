//! One form for all the ways a personal value is written, so that it is found again.
//!
//! | kind | form |
//! | --- | --- |
//! | e-mail address | NFKC, lower case, without white space |
//! | telephone number | E.164, by the first country in whose plan it is valid |
//! | card, Individual Number | its digits |
//! | IBAN | letters and digits, upper case |
//! | name, address, patterns, anything else | NFKC, case folded, without white space; all dashes one |

use karakuri_protocol::personal::{Kind, Settings};
use phonenumber::{Mode, country};

use crate::digits::digits;
use crate::finder::countries;
use crate::fold::Folded;
use crate::settings::PatternError;

/// A value in its form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Normal {
    /// Which form; values of different forms are never the same.
    pub form: &'static str,
    /// The value.
    pub value: String,
}

/// Knows the forms of values.
#[derive(Clone, Debug)]
pub struct Normaliser(Vec<country::Id>);

impl Normaliser {
    /// With the countries that `settings` name.
    ///
    /// # Errors
    /// [`PatternError::Country`].
    pub fn new(settings: &Settings) -> Result<Self, PatternError> {
        countries(settings).map(Self)
    }

    /// What was found as `kind`, in its form. What does not fit the form of its kind is a text.
    #[must_use]
    pub fn found(&self, kind: &Kind, text: &str) -> Normal {
        self.of(kind, text).unwrap_or_else(|| Self::text(text))
    }

    /// A text of any kind.
    #[must_use]
    pub fn text(text: &str) -> Normal {
        let folded: String =
            Folded::new(text).text.chars().filter(|c| !c.is_whitespace()).collect();
        // Upper case first: what has no lower case of its own (ß, ſ) meets what it is written as.
        Normal { form: "text", value: folded.to_uppercase().to_lowercase() }
    }

    /// All forms that somebody may mean who looks for `text`, of one kind or of any.
    #[must_use]
    pub fn meant(&self, kind: Option<&Kind>, text: &str) -> Vec<Normal> {
        let mut all: Vec<Normal> = match kind {
            Some(kind) => vec![self.found(kind, text)],
            None => {
                let kinds = Kind::BUILT_IN.iter().filter_map(|kind| self.of(kind, text));
                kinds.chain([Self::text(text)]).collect()
            }
        };
        all.retain(|normal| !normal.value.is_empty());
        all.sort();
        all.dedup();
        all
    }

    fn of(&self, kind: &Kind, text: &str) -> Option<Normal> {
        let read = Folded::new(text).text;
        let (form, value) = match kind {
            Kind::Email => ("email", read.contains('@').then(|| email(&read))?),
            Kind::Phone => ("phone", self.e164(read.trim())?),
            Kind::Card | Kind::MyNumber => ("number", number(&read)?),
            Kind::Iban => ("iban", iban(&read)?),
            Kind::Name | Kind::Address | Kind::Custom(_) => return Some(Self::text(text)),
        };
        Some(Normal { form, value })
    }

    fn e164(&self, text: &str) -> Option<String> {
        let valid = |country| phonenumber::parse(country, text).ok().filter(|n| n.is_valid());
        let number =
            valid(None).or_else(|| self.0.iter().find_map(|country| valid(Some(*country))));
        number.map(|number| number.format().mode(Mode::E164).to_string())
    }
}

fn email(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase()
}

fn number(text: &str) -> Option<String> {
    let digits = digits(text);
    let others = text.chars().any(|c| c.is_alphabetic());
    ((12..=19).contains(&digits.len()) && !others)
        .then(|| digits.iter().map(|digit| char::from(b'0' + digit)).collect())
}

fn iban(text: &str) -> Option<String> {
    let plain: String =
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    plain.parse::<iban::Iban>().is_ok().then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normaliser() -> Normaliser {
        Normaliser::new(&Settings::default()).unwrap()
    }

    #[test]
    fn the_ways_a_value_is_written_have_one_form() {
        let normaliser = normaliser();
        for (kind, form, value, written) in [
            (
                Kind::Email,
                "email",
                "taro@example.com",
                ["Taro@ Example.com", " ｔａｒｏ＠example.\ncom"],
            ),
            (Kind::Phone, "phone", "+81332249999", ["03-3224-9999", "+81 3 3224 9999"]),
            (
                Kind::Card,
                "number",
                "4111111111111111",
                ["4111 1111 1111 1111", "4111-1111-1111-1111"],
            ),
            (
                Kind::MyNumber,
                "number",
                "123456789018",
                ["1234 5678 9018", "１２３４ー５６７８ー９０１８"],
            ),
            (
                Kind::Iban,
                "iban",
                "DE89370400440532013000",
                ["DE89-3704-0044\n0532 0130 00", "de89370400440532013000"],
            ),
            (Kind::Name, "text", "山田太郎", ["山田　太郎", "山田太郎"]),
            (Kind::Name, "text", "strasse", ["Straße", "STRASSE"]),
            (Kind::Custom("policy".to_owned()), "text", "p-123456", ["P‐123456", "p-123456 "]),
        ] {
            for written in written {
                let expected = Normal { form, value: value.to_owned() };
                assert_eq!(normaliser.found(&kind, written), expected, "{written}");
                assert!(normaliser.meant(None, written).contains(&expected), "{written}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_its_kind_is_a_text_and_nothing_is_meant_by_nothing() {
        let normaliser = normaliser();
        assert_eq!(normaliser.found(&Kind::Card, "none").form, "text");
        assert_eq!(normaliser.meant(None, " \t"), []);
        assert_eq!(normaliser.meant(Some(&Kind::Name), "4111111111111111").len(), 1);
    }
}
