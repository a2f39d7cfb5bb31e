//! Pictures as evidence: sealed as they may be seen, and what was masked in them sealed apart.

use karakuri_protocol::geometry::Rect;
use karakuri_protocol::personal::{
    Document, FIELDS_VERSION, Field, MaskedField, PERSONAL, PictureFields, Place, UnderMask,
};
use karakuri_seal::Class;
use karakuri_verbs::Picture;

use super::Record;
use crate::end::End;
use crate::timeline;

impl Record {
    /// Seals a picture and, as `pii`, what was masked in it; the picture for the report.
    ///
    /// # Errors
    /// When sealing fails.
    pub(super) fn keep_picture(
        &self,
        name: &str,
        picture: Picture,
    ) -> Result<timeline::Picture, End> {
        let Picture { webp, masked } = picture;
        let sealed = self.seal(Class::Evidence, name, "image/webp", webp.as_slice())?;
        let artifact = sealed.artifact().id.clone();
        if !masked.is_empty() {
            let name = format!("{artifact}{PERSONAL}");
            let field = |field: MaskedField| self.picture_field(&artifact, field);
            let fields = masked.into_iter().map(field).collect::<Result<_, _>>()?;
            let picture = artifact.clone();
            let fields = PictureFields { version: FIELDS_VERSION, picture, fields };
            self.seal_document(&name, &Document::Picture(fields))?;
        }
        Ok(self.timeline.borrow_mut().picture(artifact, webp))
    }

    fn picture_field(&self, picture: &str, masked: MaskedField) -> Result<(Rect, Field), End> {
        let MaskedField { kind, text, rect, webp } = masked;
        let under = UnderMask { text: text.clone(), webp };
        let content = serde_json::to_vec(&under)
            .map_err(|e| End::internal("writing what was masked in a picture", e))?;
        let place = Place {
            place: "picture".to_owned(),
            kind: Some(kind.clone()),
            artifact: Some(picture.to_owned()),
        };
        Ok((rect, self.field((&kind, text.danger_raw()), &content, place)?))
    }
}
