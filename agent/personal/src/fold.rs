//! Text as detectors read it, and the way back: Unicode NFKC character by character (full-width digits and
//! Latin letters become the usual ones), all dashes one dash.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// A text, folded.
pub(crate) struct Folded {
    /// What detectors read.
    pub(crate) text: String,
    /// For each of its bytes, and its end, where in the source the character begins that it came from.
    origins: Vec<usize>,
}

impl Folded {
    pub(crate) fn new(source: &str) -> Self {
        let mut folded = Self { text: String::new(), origins: Vec::new() };
        for (start, c) in source.char_indices() {
            for c in std::iter::once(c).nfkc() {
                let after_digit = folded.text.ends_with(|before: char| before.is_ascii_digit());
                folded.text.push(plain(c, after_digit));
                folded.origins.resize(folded.text.len(), start);
            }
        }
        folded.origins.push(source.len());
        folded
    }

    /// Where a part of the folded text lies in the source: whole characters.
    pub(crate) fn back(&self, part: Range<usize>) -> Range<usize> {
        let last = part.end.checked_sub(1).map_or(0, |last| self.origins[last]);
        // The first byte after it that came from a later character.
        let after = &self.origins[part.end..];
        let end = after.iter().find(|origin| **origin > last || part.is_empty());
        self.origins[part.start]..*end.unwrap_or(&self.origins[part.end])
    }
}

/// After a digit the mark of a long vowel is a dash that was read or typed wrong.
fn plain(c: char, after_digit: bool) -> char {
    match c {
        '‐'..='―' | '−' | '﹣' => '-',
        'ー' if after_digit => '-',
        '\u{3000}' | '\u{a0}' => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_in_the_folded_text_is_found_again_in_the_source() {
        let source = "電話 ０３ー１２３４ ㈱";
        let folded = Folded::new(source);
        assert_eq!(folded.text, "電話 03-1234 (株)");
        let at = folded.text.find("03-1234").unwrap();
        assert_eq!(&source[folded.back(at..at + 7)], "０３ー１２３４");
        let at = folded.text.find('株').unwrap();
        assert_eq!(&source[folded.back(at..at + 3)], "㈱");
        assert_eq!(folded.back(0..folded.text.len()), 0..source.len());
    }
}
