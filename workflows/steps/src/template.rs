//! `${name}` in a text, and `$${` for a plain `${`.

use serde_json::Value;

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// What the name stands for.
    Name(&'a str),
}

/// The parts of `text`; none if a `${` is not followed by a name and `}`.
#[must_use]
pub fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(plain) = before.strip_suffix('$') {
            pieces.extend([Piece::Text(plain), Piece::Text("${")]);
            rest = after;
            continue;
        }
        let (name, tail) = after.split_once('}').filter(|(name, _)| is_name(name))?;
        pieces.extend([Piece::Text(before), Piece::Name(name)]);
        rest = tail;
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    Some(pieces)
}

/// Whether `name` can stand in `${name}`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
}

/// Every text in `value`, keys left out.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(object) => object.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_only_looks_like_one() {
        use Piece::{Name, Text};
        assert_eq!(
            pieces("a ${b} $${c}${d}"),
            Some(vec![Text("a "), Name("b"), Text(" "), Text("${"), Text("c}"), Name("d"),])
        );
        assert_eq!(pieces("${b}"), Some(vec![Name("b")]));
        assert_eq!(pieces(""), Some(vec![]));
        assert_eq!((pieces("${a b}"), pieces("${a"), pieces("${}")), (None, None, None));
    }
}
