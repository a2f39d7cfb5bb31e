//! Where in a text something stands, and which known word a mistaken one was meant to be.

/// A place in a text, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    /// The place of byte `offset` in `text`.
    pub(crate) fn at(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// The one of `known` that `word` was most likely meant to be: at most a third of it is different
/// (Damerau–Levenshtein).
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "a\n日本x";
        assert_eq!(Position::at(text, text.len() - 1), Position { line: 2, column: 3 });
    }

    #[test]
    fn only_a_close_word_is_suggested() {
        let known = ["name", "permissions", "limits"];
        assert_eq!(nearest("permisions", known), Some("permissions"));
        assert_eq!(nearest("colour", known), None);
    }
}
