//! Pictures as evidence: sealed as they may be seen, and what was masked in them sealed apart.

use karakuri_protocol::personal::{FIELDS_VERSION, PERSONAL, PictureFields};
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
            let picture = artifact.clone();
            let fields = PictureFields { version: FIELDS_VERSION, picture, fields: masked };
            let json = serde_json::to_vec(&fields)
                .map_err(|e| End::internal("writing what was masked in a picture", e))?;
            self.seal(Class::Pii, &name, "application/json", json.as_slice())?;
        }
        Ok(self.timeline.borrow_mut().picture(artifact, webp))
    }
}
