//! What is personal in a run, opened for the holder of the key of its class `pii`: the blind index, and the
//! key of each value as it is asked for. A run that was cut short has no index; then it is made anew from
//! all that is sealed in the class.

use std::cell::RefCell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use karakuri_audit::open_regular;
use karakuri_personal::{Finder, Normal, Normaliser};
use karakuri_protocol::personal::{
    Document, FIELDS_VERSION, Field, INDEX, Index, Indexed, Part, Piece, Place,
};
use karakuri_seal::manifest::Artifact;
use karakuri_seal::{Class, FieldKey, IndexKey, Unwrap};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{CliError, at};
use crate::kept::Kept;

/// A run whose class `pii` the caller can open.
pub(crate) struct Fields<'a, U> {
    kept: &'a Kept,
    keys: &'a [U],
    /// Keys of values by the ids of their artifacts, and their tokens; none that is removed.
    opened: RefCell<BTreeMap<String, Option<(FieldKey, String)>>>,
}

impl<'a, U: Unwrap> Fields<'a, U> {
    pub(crate) fn new(kept: &'a Kept, keys: &'a [U]) -> Self {
        Self { kept, keys, opened: RefCell::default() }
    }

    /// A text, or nothing where the value was removed.
    pub(crate) fn open(&self, field: &Field) -> Result<Option<Zeroizing<Vec<u8>>>, CliError> {
        self.load(&field.key)?;
        let opened = self.opened.borrow();
        let Some(Some((key, _))) = opened.get(&field.key) else { return Ok(None) };
        let sealed = BASE64.decode(&field.sealed).ok().and_then(|sealed| key.open(&sealed));
        sealed.map(Some).ok_or_else(|| self.refused(&field.key, "a field does not open under it"))
    }

    /// The token of the value whose key is in the artifact `id`; nothing where it was removed.
    pub(crate) fn token(&self, id: &str) -> Result<Option<String>, CliError> {
        self.load(id)?;
        Ok(self.opened.borrow().get(id).and_then(Option::as_ref).map(|(_, token)| token.clone()))
    }

    fn load(&self, id: &str) -> Result<(), CliError> {
        if self.opened.borrow().contains_key(id) {
            return Ok(());
        }
        let artifact = self.artifact(id)?;
        let opened = match self.kept.removal(artifact) {
            Some(_) => None,
            None => match self.document(artifact)? {
                Some(Document::Key(value)) => {
                    let key = BASE64.decode(&value.key).ok().map(Zeroizing::new);
                    let key = key.and_then(|key| FieldKey::from_slice(&key));
                    Some((
                        key.ok_or_else(|| self.refused(id, "it holds no key"))?,
                        value.token.clone(),
                    ))
                }
                _ => return Err(self.refused(id, "it is not the key of a value")),
            },
        };
        self.opened.borrow_mut().insert(id.to_owned(), opened);
        Ok(())
    }

    /// The document in an artifact; nothing when it holds something else, as a declared output.
    pub(crate) fn document(&self, artifact: &Artifact) -> Result<Option<Document>, CliError> {
        let bytes = Zeroizing::new(self.kept.open(self.keys, artifact)?);
        let Ok(document) = serde_json::from_slice::<Document>(&bytes) else { return Ok(None) };
        let version = match &document {
            Document::Key(key) => key.version,
            Document::Picture(fields) => fields.version,
            Document::Texts(fields) => fields.version,
            Document::Output(fields) => fields.version,
            Document::Index(index) => index.version,
        };
        if version == FIELDS_VERSION {
            return Ok(Some(document));
        }
        let what = format!("it is of version {version}; this program knows {FIELDS_VERSION}");
        Err(self.refused(&artifact.id, &what))
    }

    pub(crate) fn artifact(&self, id: &str) -> Result<&'a Artifact, CliError> {
        let mut all = self.kept.manifest.artifacts.iter();
        all.find(|artifact| artifact.id == id && artifact.class == Class::Pii)
            .ok_or_else(|| self.refused(id, "the manifest has no such artifact in class pii"))
    }

    fn refused(&self, id: &str, what: &str) -> CliError {
        let run = &self.kept.manifest.run;
        CliError::NotVerified(format!("run {run}, artifact {id}: {what}"))
    }

    /// Everything of class `pii` that is still there.
    fn sealed(&self) -> impl Iterator<Item = &'a Artifact> {
        self.kept.present().filter(|artifact| artifact.class == Class::Pii)
    }

    /// Whether nothing of the class is there, as a bucket's lifecycle leaves it, which records nothing.
    pub(crate) fn are_gone(&self) -> bool {
        self.sealed().all(|artifact| self.kept.copies(artifact).is_empty())
    }

    /// The key that makes tokens; none when nothing of the class is left.
    pub(crate) fn index_key(&self) -> Result<Option<IndexKey>, CliError> {
        let Some(artifact) = self.sealed().next() else { return Ok(None) };
        let (path, _) = self.kept.message(artifact);
        let file = open_regular(&path).map_err(at(&path))?;
        let key = IndexKey::read(self.keys, &self.kept.context(artifact), file);
        key.map(Some).map_err(|e| CliError::NotVerified(format!("{}: {e}", path.display())))
    }

    /// Which values the run has, and where.
    pub(crate) fn index(
        &self,
        key: &IndexKey,
        normaliser: &Normaliser,
        finder: &Finder,
    ) -> Result<Index, CliError> {
        if let Some(artifact) = self.sealed().find(|artifact| artifact.name == INDEX) {
            return match self.document(artifact)? {
                Some(Document::Index(index)) => Ok(index),
                _ => Err(self.refused(&artifact.id, "it is not an index")),
            };
        }
        let mut gathered = Gathered { index: Index::default(), key, normaliser, finder };
        self.sealed().try_for_each(|artifact| self.gather_from(&mut gathered, artifact))?;
        Ok(gathered.index)
    }

    /// What one artifact of the class tells of the run's values.
    fn gather_from(&self, all: &mut Gathered<'_>, artifact: &Artifact) -> Result<(), CliError> {
        match self.document(artifact)? {
            Some(Document::Key(one)) => all.entry(&one.token).key = Some(artifact.id.clone()),
            Some(Document::Picture(fields)) => {
                for (_, field) in &fields.fields {
                    self.gather(all, field, "picture", Some(&fields.picture))?;
                }
            }
            Some(Document::Texts(fields)) => {
                for (place, field) in &fields.fields {
                    self.gather(all, field, place, None)?;
                }
            }
            Some(Document::Output(fields)) => {
                let place = format!("output {}", fields.output);
                for field in fields_of(&fields.value) {
                    self.gather(all, field, &place, None)?;
                }
            }
            Some(Document::Index(_)) => {}
            None => {
                let bytes = Zeroizing::new(self.kept.open(self.keys, artifact)?);
                let value = serde_json::from_slice(&bytes)
                    .map_err(|_| self.refused(&artifact.id, "it cannot be read"))?;
                all.whole(&artifact.id, &value);
            }
        }
        Ok(())
    }

    fn gather(
        &self,
        gathered: &mut Gathered<'_>,
        field: &Field,
        place: &str,
        artifact: Option<&String>,
    ) -> Result<(), CliError> {
        if let Some(token) = self.token(&field.key)? {
            let (place, artifact) = (place.to_owned(), artifact.cloned());
            let place = Place { place, kind: Some(field.kind.clone()), artifact };
            gathered.entry(&token).places.push(place);
        }
        Ok(())
    }
}

fn fields_in(pieces: &[Piece]) -> Vec<&Field> {
    let mut all = Vec::new();
    for piece in pieces {
        if let Piece::Field(field) = piece {
            all.push(field);
        }
    }
    all
}

/// The fields in a part of an output.
pub(crate) fn fields_of(part: &Part) -> Vec<&Field> {
    match part {
        Part::Plain(_) => Vec::new(),
        Part::Text(pieces) | Part::Number(pieces) => fields_in(pieces),
        Part::Array(parts) => parts.iter().flat_map(fields_of).collect(),
        Part::Object(fields) => fields
            .iter()
            .flat_map(|(name, part)| [fields_in(name), fields_of(part)].concat())
            .collect(),
    }
}

/// An index in the making.
struct Gathered<'a> {
    index: Index,
    key: &'a IndexKey,
    normaliser: &'a Normaliser,
    finder: &'a Finder,
}

impl Gathered<'_> {
    fn entry(&mut self, token: &str) -> &mut Indexed {
        let values = &mut self.index.values;
        let place = values.iter().position(|value| value.token == token).unwrap_or_else(|| {
            values.push(Indexed { token: token.to_owned(), key: None, places: Vec::new() });
            values.len() - 1
        });
        &mut values[place]
    }

    /// An output that is sealed whole: every text of it, and what is found in them.
    fn whole(&mut self, id: &str, value: &Value) {
        for text in texts(value) {
            let found = self.finder.find(&text).into_iter().map(|found| {
                let normal = self.normaliser.found(&found.kind, &text[found.range]);
                (normal, Some(found.kind))
            });
            let all: Vec<_> = found.chain([(Normaliser::text(&text), None)]).collect();
            for (Normal { form, value }, kind) in all {
                let token = hex::encode(self.key.token(form, &value));
                let (place, artifact) = ("output".to_owned(), Some(id.to_owned()));
                self.entry(&token).places.push(Place { place, kind, artifact });
            }
        }
    }
}

/// Every text in a value.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(parts) => parts.iter().flat_map(texts).collect(),
        Value::Object(fields) => {
            let of = |(name, value): (&String, &Value)| [vec![name.clone()], texts(value)].concat();
            fields.iter().flat_map(of).collect()
        }
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}
