//! Personal values as they are sealed: each under a key of its own, which is sealed when the value is first
//! met, and found again by the run's blind index.

use karakuri_personal::Kind;
use karakuri_protocol::personal::FIELDS_VERSION;
use karakuri_protocol::personal::{
    Document, Field, INDEX, OutputFields, Part, Piece, Place, VALUE_KEY,
};
use karakuri_seal::Class;
use serde_json::Value;
use zeroize::Zeroizing;

use super::Record;
use crate::end::End;
use crate::evidence::Sealed;

const DOING: &str = "encrypting what is personal";

impl Record {
    /// Encrypts what stands at `place` for the value `text`, under the key of that value.
    ///
    /// # Errors
    /// When sealing fails.
    pub(super) fn field(
        &self,
        (kind, text): (&Kind, &str),
        content: &[u8],
        place: Place,
    ) -> Result<Field, End> {
        let token = self.with_key((kind, text))?;
        let field = self.values.borrow_mut().field(&token, (kind, content), place);
        field.map_err(|e| End::evidence(DOING, e))
    }

    /// Token of a value, whose key is sealed now if it has none.
    fn with_key(&self, (kind, text): (&Kind, &str)) -> Result<String, End> {
        let token = self.values.borrow().token(kind, text);
        let token = token.ok_or_else(|| End::evidence(DOING, "the run has no data keys"))?;
        let new = self.values.borrow().new_key(&token).map_err(|e| End::evidence(DOING, e))?;
        if let Some((key, document)) = new {
            let sealed = self.seal_document(VALUE_KEY, &Document::Key(document))?;
            self.values.borrow_mut().add_key(&token, key, sealed.artifact().id.clone());
        }
        Ok(token)
    }

    /// Seals the keys of many values. Each is on disk before the next, so what ends the run from outside is
    /// heard in between.
    ///
    /// # Errors
    /// When sealing fails.
    pub(super) async fn seal_keys(&self, values: &[(Kind, String)]) -> Result<(), End> {
        for (kind, text) in values {
            self.with_key((kind, text))?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Seals the index, if there is anything in it. Nothing personal is sealed afterwards.
    pub(super) fn seal_index(&self) -> Result<(), End> {
        let index = self.values.borrow().index().clone();
        if index.values.is_empty() {
            return Ok(());
        }
        self.seal_document(INDEX, &Document::Index(index)).map(drop)
    }

    /// Notes what an output holds that is sealed whole: every text of it, and what is found in them.
    pub(super) fn index_whole(&self, key: &str, id: &str, value: &Value) {
        match value {
            Value::String(text) => self.index_text(key, id, text),
            Value::Number(number) => self.index_text(key, id, &number.to_string()),
            Value::Array(parts) => parts.iter().for_each(|part| self.index_whole(key, id, part)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                self.index_text(key, id, name);
                self.index_whole(key, id, value);
            }),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn index_text(&self, key: &str, id: &str, text: &str) {
        let place =
            |kind| Place { place: format!("output {key}"), kind, artifact: Some(id.to_owned()) };
        let pieces = self.timeline.borrow_mut().personal().pieces(text);
        let mut values = self.values.borrow_mut();
        for (kind, text) in pieces.iter().filter_map(|(kind, text)| Some((kind.as_ref()?, text))) {
            if let Some(token) = values.token(kind, text) {
                values.stands(&token, place(Some(kind.clone())));
            }
        }
        if let Some(token) = values.token_of_text(text) {
            values.stands(&token, place(None));
        }
    }

    /// An output as it was, what is personal in it encrypted.
    pub(super) fn output_fields(
        &self,
        key: &str,
        output: &str,
        value: &Value,
    ) -> Result<Document, End> {
        let value = self.part(&format!("output {key}"), value)?;
        let output = output.to_owned();
        Ok(Document::Output(OutputFields { version: FIELDS_VERSION, output, value }))
    }

    /// The personal values in a value.
    pub(super) fn personal_parts(&self, value: &Value) -> Vec<(Kind, String)> {
        let within = |text: &str| -> Vec<(Kind, String)> {
            let pieces = self.timeline.borrow_mut().personal().pieces(text).into_iter();
            pieces.filter_map(|(kind, text)| Some((kind?, text))).collect()
        };
        match value {
            Value::String(text) => within(text),
            Value::Number(number) => within(&number.to_string()),
            Value::Array(parts) => {
                parts.iter().flat_map(|part| self.personal_parts(part)).collect()
            }
            Value::Object(fields) => {
                let field = |(name, part): (&String, &Value)| {
                    [within(name), self.personal_parts(part)].concat()
                };
                fields.iter().flat_map(field).collect()
            }
            Value::Null | Value::Bool(_) => Vec::new(),
        }
    }

    fn part(&self, place: &str, value: &Value) -> Result<Part, End> {
        let plain = |part: &Part| matches!(part, Part::Plain(_));
        let part = match value {
            Value::String(text) => Part::Text(self.pieces(place, text)?),
            Value::Number(number) => Part::Number(self.pieces(place, &number.to_string())?),
            Value::Array(parts) => {
                let parts = parts.iter().map(|part| self.part(place, part));
                Part::Array(parts.collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let field = |(name, value): (&String, &Value)| {
                    Ok((self.pieces(place, name)?, self.part(place, value)?))
                };
                Part::Object(fields.iter().map(field).collect::<Result<_, End>>()?)
            }
            Value::Null | Value::Bool(_) => Part::Plain(value.clone()),
        };
        let none = |pieces: &[Piece]| pieces.iter().all(|piece| matches!(piece, Piece::Plain(_)));
        let is_plain = match &part {
            Part::Plain(_) => true,
            Part::Text(pieces) | Part::Number(pieces) => none(pieces),
            Part::Array(parts) => parts.iter().all(plain),
            Part::Object(fields) => fields.iter().all(|(name, part)| none(name) && plain(part)),
        };
        Ok(if is_plain { Part::Plain(value.clone()) } else { part })
    }

    fn pieces(&self, place: &str, text: &str) -> Result<Vec<Piece>, End> {
        let pieces = self.timeline.borrow_mut().personal().pieces(text);
        let piece = |(kind, text): (Option<Kind>, String)| {
            let Some(kind) = kind else { return Ok(Piece::Plain(text)) };
            let place = Place { place: place.to_owned(), kind: Some(kind.clone()), artifact: None };
            Ok(Piece::Field(self.field((&kind, &text), text.as_bytes(), place)?))
        };
        pieces.into_iter().map(piece).collect()
    }

    pub(super) fn seal_document(&self, name: &str, document: &Document) -> Result<Sealed, End> {
        // Room for a key at once: what a growing buffer leaves behind is not wiped.
        let mut json = Zeroizing::new(Vec::with_capacity(512));
        serde_json::to_writer(&mut *json, document).map_err(|e| End::internal(DOING, e))?;
        self.seal(Class::Pii, name, "application/json", json.as_slice())
    }
}
