//! Where in a text something stands.

/// Line and column of byte `offset` in `text`, both counted from 1; columns count characters.
pub(crate) fn at(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "a\n日本x";
        assert_eq!(super::at(text, text.len() - 1), (2, 3));
    }
}
