//! Lines made comparable: Unicode NFKC (full-width digits and half-width kana become the usual
//! ones), one character for those that look the same (dashes, quotation marks, the multiplication
//! sign and x, he of both kana), runs of white space one space; and the way back from characters to
//! boxes.

use karakuri_protocol::desktop::{Line, Word};
use karakuri_protocol::geometry::Rect;
use unicode_normalization::UnicodeNormalization;

/// A comparable line.
pub(crate) struct Folded<'a> {
    /// Its characters, as they are compared.
    pub(crate) chars: Vec<char>,
    /// The same characters, as they are told.
    told: Vec<char>,
    /// Where each character comes from; nothing for a space.
    origins: Vec<Option<Origin>>,
    words: &'a [Word],
}

/// The `index`th of `count` characters of a word.
#[derive(Clone, Copy)]
struct Origin {
    word: usize,
    index: usize,
    count: usize,
}

/// `text` as it is compared, no white space at the ends.
pub(crate) fn fold(text: &str) -> String {
    normal(text).chars().map(alike).collect()
}

/// `text` in NFKC, runs of white space one space, none at the ends.
fn normal(text: &str) -> String {
    let normal: String = text.nfkc().collect();
    normal.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The character that stands for all that look like it.
fn alike(c: char) -> char {
    match c {
        '×' => 'x',
        '‐'..='―' | '−' => '-',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        'ヘ' => 'へ',
        'ベ' => 'べ',
        'ペ' => 'ぺ',
        c => c,
    }
}

impl<'a> Folded<'a> {
    pub(crate) fn new(line: &'a Line) -> Self {
        let mut folded =
            Self { chars: Vec::new(), told: Vec::new(), origins: Vec::new(), words: &line.words };
        let mut rest = line.text.danger_raw();
        for (word, read) in line.words.iter().enumerate() {
            let text = read.text.danger_raw();
            // Pieces of Japanese stand side by side without a space between them.
            let (between, after) = rest.split_once(text).unwrap_or((" ", ""));
            rest = after;
            if !folded.chars.is_empty() && between.contains(char::is_whitespace) {
                folded.push(' ', None);
            }
            let chars: Vec<char> = normal(text).chars().collect();
            for (index, c) in chars.iter().enumerate() {
                folded.push(*c, Some(Origin { word, index, count: chars.len() }));
            }
        }
        folded
    }

    fn push(&mut self, c: char, origin: Option<Origin>) {
        self.chars.push(alike(c));
        self.told.push(c);
        self.origins.push(origin);
    }

    /// The text of the characters `from..to`.
    pub(crate) fn text(&self, from: usize, to: usize) -> String {
        self.told[from..to].iter().collect()
    }

    /// The words that the characters `from..to` belong to, as a range.
    pub(crate) fn words(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        let mut words = self.origins[from..to].iter().flatten().map(|origin| origin.word);
        let first = words.next().unwrap_or(0);
        first..words.next_back().unwrap_or(first) + 1
    }

    /// The box of the characters `from..to`: whole words, and of a word that is only partly among
    /// them the share its characters have.
    pub(crate) fn rect(&self, from: usize, to: usize) -> Option<Rect> {
        let origins = &self.origins[from..to];
        let first = origins.iter().flatten().next()?;
        let last = origins.iter().rev().flatten().next()?;
        let words = &self.words[first.word..=last.word];
        let whole = words.iter().map(|word| word.rect).reduce(|a, b| a.union(&b))?;
        let left = share(&words[0].rect, first.index, first.count);
        let right = share(&words[words.len() - 1].rect, last.index + 1, last.count);
        let width = u32::try_from(right - left).ok()?.max(1);
        Some(Rect::new(left, whole.top, width, whole.height))
    }

    /// The least confidence among the words of the characters `from..to`.
    pub(crate) fn confidence(&self, from: usize, to: usize) -> f32 {
        let words = &self.words[self.words(from, to)];
        words.iter().map(|word| word.confidence).fold(1.0, f32::min)
    }

    /// Whether a run of whole words may begin or end between characters `at - 1` and `at`.
    pub(crate) fn parts(&self, at: usize) -> bool {
        match (at.checked_sub(1).and_then(|i| self.origins.get(i)), self.origins.get(at)) {
            (Some(Some(before)), Some(Some(after))) => before.word != after.word,
            _ => true,
        }
    }
}

fn share(rect: &Rect, part: usize, of: usize) -> i32 {
    let columns = rect.width as usize * part / of.max(1);
    rect.left.saturating_add_unsigned(u32::try_from(columns).unwrap_or(rect.width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::untrusted::Untrusted;

    fn line(text: &str, words: &[(&str, i32, u32)]) -> Line {
        let words: Vec<Word> = words
            .iter()
            .map(|(text, left, width)| Word {
                rect: Rect::new(*left, 10, *width, 20),
                text: Untrusted::new(*text),
                confidence: 0.9,
            })
            .collect();
        let rect = words.iter().map(|w| w.rect).reduce(|a, b| a.union(&b)).unwrap();
        Line { rect, text: Untrusted::new(text), confidence: 0.9, words }
    }

    #[test]
    fn widths_and_spaces_are_folded() {
        assert_eq!(fold("  ＡＢ－２０　 １％ ｶﾞ 6×4"), "AB-20 1% ガ 6x4");
        assert_eq!(fold("“2020–26” ヘルプ"), "\"2020-26\" へルプ");
    }

    #[test]
    fn pieces_join_without_a_space_and_words_with_one() {
        let line = line("合計： ￥98", &[("合計", 0, 40), ("：", 40, 20), ("￥98", 70, 30)]);
        let folded = Folded::new(&line);
        assert_eq!(folded.chars.iter().collect::<String>(), "合計: ¥98");
        assert!(folded.parts(2) && !folded.parts(1));
        assert_eq!(folded.rect(0, 2), Some(Rect::new(0, 10, 40, 20)));
        assert_eq!(folded.rect(5, 7), Some(Rect::new(80, 10, 20, 20)));
        assert_eq!(folded.rect(0, 7), Some(Rect::new(0, 10, 100, 20)));
        assert_eq!(folded.text(0, 7), "合計: ¥98");
    }

    #[test]
    fn what_looks_alike_is_compared_alike_and_told_as_it_is() {
        let line = line("ヘルプ –", &[("ヘルプ", 0, 40), ("–", 50, 10)]);
        let folded = Folded::new(&line);
        assert_eq!(folded.chars.iter().collect::<String>(), fold("へルプ -"));
        assert_eq!(folded.text(0, 5), "ヘルプ –");
    }
}
