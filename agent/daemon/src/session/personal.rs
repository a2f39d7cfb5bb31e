//! Personal data in what a run writes beside its timeline: outputs, inputs, and the list of all that was
//! masked.

use karakuri_personal::Kind;
use karakuri_protocol::personal::{
    Document, FIELDS_VERSION, MaskedText, PERSONAL, Place, TextFields,
};
use karakuri_protocol::script::Level;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_seal::Class;
use serde_json::Value;

use super::Record;
use crate::end::End;

/// What stands in the report and the outcome for an output of class `pii`.
const DECLARED: &str = "[pii]";

impl Record {
    /// Seals an output that the manifest declares as personal; what may be shown of it.
    ///
    /// # Errors
    /// When sealing fails.
    pub(super) fn seal_personal_output(
        &self,
        key: &str,
        name: &str,
        value: &Value,
    ) -> Result<Value, End> {
        let id = self.seal_value(Class::Pii, name, value)?;
        self.index_whole(key, &id, value);
        Ok(Value::String(DECLARED.to_owned()))
    }

    /// Seals an output as it may be shown, and as `pii` what was there where that is not the same: `parts`
    /// are the personal values in it. What may be shown, and what is to be said about it.
    ///
    /// # Errors
    /// When sealing fails.
    pub(super) async fn seal_output(
        &self,
        key: &str,
        name: &str,
        value: &Value,
        parts: &[(Kind, String)],
    ) -> Result<(Value, Option<String>), End> {
        let place = format!("output {key}");
        let (shown, kinds) = self.timeline.borrow_mut().personal().value(&place, value);
        let id = self.seal_value(Class::Output, name, &shown)?;
        if kinds.is_empty() {
            return Ok((shown, None));
        }
        self.seal_keys(parts).await?;
        let fields = self.output_fields(key, &id, value)?;
        self.seal_document(&format!("{id}{PERSONAL}"), &fields)?;
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let warning = format!(
            "output {key} holds personal data ({}) and was masked; say class = \"pii\" in \
             [outputs.{key}] of workflow.toml to have it sealed as it is",
            kinds.join(", ")
        );
        Ok((shown, Some(warning)))
    }

    fn seal_value(&self, class: Class, name: &str, value: &Value) -> Result<String, End> {
        let json =
            serde_json::to_vec_pretty(value).map_err(|e| End::internal("writing an output", e))?;
        let sealed = self.seal(class, name, "application/json", json.as_slice())?;
        Ok(sealed.artifact().id.clone())
    }

    /// The name of a file as the manifest has it, which nobody seals: what is personal in it is masked.
    pub(super) fn file_name(&self, name: &str) -> Untrusted {
        Untrusted::new(self.timeline.borrow_mut().personal().text("name of a file", name))
    }

    /// Says in log, report and outcome what the workflow should mend.
    pub(super) fn warn(&self, warning: String) {
        self.line(Level::Warning, &warning.as_str().into());
        self.warnings.borrow_mut().push(warning);
    }

    /// Inputs as the report shows them.
    #[must_use]
    pub fn shown_inputs(&self, inputs: &[(String, String)]) -> Vec<(String, String)> {
        let mut timeline = self.timeline.borrow_mut();
        let shown = |(name, value): &(String, String)| {
            (name.clone(), timeline.personal().text(&format!("input {name}"), value))
        };
        inputs.iter().map(shown).collect()
    }

    /// Seals what was masked in texts, if anything was, and the index of all that is personal. Nothing is
    /// masked afterwards.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn seal_personal(&self) -> Result<(), End> {
        let masked = self.timeline.borrow_mut().personal().masked().to_vec();
        let field = |MaskedText { place, kind, text }: MaskedText| {
            let text = text.danger_raw();
            let at = Place { place: place.clone(), kind: Some(kind.clone()), artifact: None };
            Ok((place, self.field((&kind, text), text.as_bytes(), at)?))
        };
        let fields: Vec<_> = masked.into_iter().map(field).collect::<Result<_, End>>()?;
        if !fields.is_empty() {
            let fields = TextFields { version: FIELDS_VERSION, fields };
            self.seal_document(&format!("log{PERSONAL}"), &Document::Texts(fields))?;
        }
        self.seal_index()
    }
}
