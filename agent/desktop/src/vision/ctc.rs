//! From the recogniser's scores to characters and where they stand.
//!
//! Greedy CTC decoding (Graves et al., ICML 2006): at each time step the best class counts, repeats
//! without a blank between them are one character. Class 0 is the blank, then come the lines of the
//! dictionary, then the space.

use karakuri_protocol::desktop::Script;

use super::error::VisionError;
use super::repertoire;
use super::verified::Verified;

/// The characters a recogniser knows.
#[derive(Debug)]
pub(crate) struct Dictionary {
    characters: Vec<String>,
    /// The classes that may be answered, blank first: the models know thousands of ideographs that
    /// texts in a script do not have, and take small characters for them.
    latin: Vec<usize>,
    japanese: Vec<usize>,
}

/// A recognised character.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Glyph {
    /// The character; a few dictionary entries have more than one code point.
    pub(crate) text: String,
    /// Middle of its time steps as a share of the line's width, 0 to 1.
    pub(crate) at: f32,
    /// Probability, 0 to 1.
    pub(crate) confidence: f32,
}

impl Dictionary {
    pub(crate) fn load(file: &Verified) -> Result<Self, VisionError> {
        let text = String::from_utf8(file.bytes()?)
            .map_err(|_| VisionError::Dictionary(file.asset().name()))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let lines = text.split_terminator('\n').map(|line| line.trim_end_matches('\r'));
        let characters: Vec<String> = lines.chain([" "]).map(str::to_owned).collect();
        let allowed = |script| {
            let has = |text: &&String| text.chars().all(|c| repertoire::has(script, c));
            let classes = (1..).zip(&characters).filter(|(_, text)| has(text));
            std::iter::once(0).chain(classes.map(|(class, _)| class)).collect()
        };
        let (latin, japanese) = (allowed(Script::Latin), allowed(Script::Japanese));
        Self { characters, latin, japanese }
    }

    /// Number of classes a recogniser with this dictionary has.
    pub(crate) fn classes(&self) -> usize {
        self.characters.len() + 1
    }

    /// Decodes scores of shape steps × [`Dictionary::classes`] into characters of `script`.
    pub(crate) fn decode(&self, scores: &[f32], script: Script) -> Vec<Glyph> {
        let allowed = match script {
            Script::Latin => &self.latin,
            Script::Japanese => &self.japanese,
        };
        let steps = scores.len() / self.classes();
        let mut glyphs: Vec<Glyph> = Vec::new();
        let (mut last, mut first_step) = (0, 0);
        for (step, row) in scores.chunks_exact(self.classes()).enumerate() {
            let (class, confidence) = best(row, allowed);
            let repeated = class == last;
            last = class;
            let Some(text) = class.checked_sub(1).and_then(|i| self.characters.get(i)) else {
                continue;
            };
            if !repeated {
                first_step = step;
                glyphs.push(Glyph { text: text.clone(), at: 0.0, confidence });
            }
            if let Some(glyph) = glyphs.last_mut() {
                glyph.at = (first_step + step + 1) as f32 / (2 * steps) as f32;
                glyph.confidence = glyph.confidence.max(confidence);
            }
        }
        glyphs
    }
}

fn best(row: &[f32], allowed: &[usize]) -> (usize, f32) {
    let mut best = (0, f32::MIN);
    for (class, score) in allowed.iter().filter_map(|class| Some((*class, *row.get(*class)?))) {
        if score > best.1 {
            best = (class, score);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_other_scripts_give_way() {
        let scores = [0.1, 0.2, 0.7, 0.0];
        let dictionary = Dictionary::parse("O\n口\n");
        let read = |script| dictionary.decode(&scores, script)[0].text.clone();
        assert_eq!((read(Script::Latin), read(Script::Japanese)), ("O".into(), "口".into()));
    }

    #[test]
    fn repeats_join_and_blanks_part() {
        let dictionary = Dictionary::parse("a\nb\n");
        assert_eq!(dictionary.classes(), 4);
        // a a - a b ' '
        let path = [1, 1, 0, 1, 2, 3];
        let mut scores = vec![0.0; path.len() * 4];
        for (step, class) in path.into_iter().enumerate() {
            scores[step * 4 + class] = 0.9;
        }
        let glyphs = dictionary.decode(&scores, Script::Latin);
        let text: String = glyphs.iter().map(|g| g.text.as_str()).collect();
        assert_eq!(text, "aab ");
        assert_eq!(glyphs[0].at, 2.0 / 12.0);
        assert_eq!(glyphs[1].at, 7.0 / 12.0);
    }
}
