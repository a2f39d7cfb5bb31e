//! Which characters texts in a script have.

use encoding_rs::SHIFT_JIS;
use karakuri_protocol::desktop::Script;

/// Whether texts in `script` have the character.
///
/// Japanese is what Shift_JIS as used in practice (Windows code page 932: JIS X 0208 and the
/// extensions of NEC and IBM) has, and what Latin has; that leaves out the simplified Chinese forms.
pub(crate) fn has(script: Script, character: char) -> bool {
    match script {
        Script::Latin => is_latin(character),
        Script::Japanese => is_latin(character) || is_japanese(character),
    }
}

/// Letters and digits of the Latin blocks of Unicode, their full-width forms, and all symbols and
/// punctuation outside the East Asian blocks.
fn is_latin(c: char) -> bool {
    let block = matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{ff01}'..='\u{ff5e}' | '\u{ffe0}'..='\u{ffe6}');
    block || (!c.is_alphanumeric() && c < '\u{2e80}')
}

fn is_japanese(c: char) -> bool {
    let (_, _, unmappable) = SHIFT_JIS.encode(c.encode_utf8(&mut [0; 4]));
    !unmappable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_has_no_ideographs() {
        assert!("Azé09€¥£%½,.±°×–→￥：（".chars().all(|c| has(Script::Latin, c)));
        assert!(!"口日一アξД".chars().any(|c| has(Script::Latin, c)));
    }

    #[test]
    fn japanese_has_its_own_forms_only() {
        assert!("請求番号単位消費税ー々ｱ～①㈱é".chars().all(|c| has(Script::Japanese, c)));
        assert!(!"请单费".chars().any(|c| has(Script::Japanese, c)));
    }
}
