//! The personal values of a run: a key of its own for each, and where each stands. What is encrypted under
//! the key of a value is erased when the one artifact with that key is; nothing else has to change.
//!
//! Values are told apart by their tokens, which need the run's data key; no value is kept here.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use karakuri_personal::{Kind, Normal, Normaliser};
use karakuri_protocol::personal::{FIELDS_VERSION, Field, Index, Indexed, Place, ValueKey};
use karakuri_seal::{CryptoFailure, FieldKey, IndexKey};

/// The values met so far.
#[derive(Debug)]
pub struct Values {
    normaliser: Normaliser,
    key: Option<IndexKey>,
    index: Index,
    /// Place in the index, by token.
    known: BTreeMap<String, usize>,
    /// By token.
    keys: BTreeMap<String, FieldKey>,
}

impl Values {
    /// None yet.
    #[must_use]
    pub fn new(normaliser: Normaliser) -> Self {
        let index = Index { version: FIELDS_VERSION, values: Vec::new() };
        Self { normaliser, key: None, index, known: BTreeMap::new(), keys: BTreeMap::new() }
    }

    /// Hands over the key of the index; before, nothing personal can be sealed anyway.
    pub fn unlock(&mut self, key: IndexKey) {
        self.key = Some(key);
    }

    /// Token of a value; none before [`Self::unlock`].
    #[must_use]
    pub fn token(&self, kind: &Kind, text: &str) -> Option<String> {
        self.token_of(&self.normaliser.found(kind, text))
    }

    /// Token of a text that need not be of a kind.
    #[must_use]
    pub fn token_of_text(&self, text: &str) -> Option<String> {
        self.token_of(&Normaliser::text(text))
    }

    fn token_of(&self, Normal { form, value }: &Normal) -> Option<String> {
        Some(hex::encode(self.key.as_ref()?.token(form, value)))
    }

    /// A key for a value that has none; to be sealed, and then [added](Self::add_key).
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn new_key(&self, token: &str) -> Result<Option<(FieldKey, ValueKey)>, CryptoFailure> {
        if self.keys.contains_key(token) {
            return Ok(None);
        }
        let key = FieldKey::generate()?;
        let (token, sealed) = (token.to_owned(), BASE64.encode(key.expose()));
        Ok(Some((key, ValueKey { version: FIELDS_VERSION, token, key: sealed })))
    }

    /// The key of a value is sealed in the artifact `id`.
    pub fn add_key(&mut self, token: &str, key: FieldKey, id: String) {
        self.entry(token).key = Some(id);
        self.keys.insert(token.to_owned(), key);
    }

    /// Encrypts what stands at `place` for a value whose key is known.
    ///
    /// # Errors
    /// When there are no random numbers; or no key.
    pub fn field(
        &mut self,
        token: &str,
        (kind, content): (&Kind, &[u8]),
        place: Place,
    ) -> Result<Field, CryptoFailure> {
        let sealed = self.keys.get(token).ok_or(CryptoFailure)?.seal(content)?;
        let entry = self.entry(token);
        let key = entry.key.clone().ok_or(CryptoFailure)?;
        note(entry, place);
        Ok(Field { kind: kind.clone(), key, sealed: BASE64.encode(sealed) })
    }

    /// A value stands in an output that is sealed whole.
    pub fn stands(&mut self, token: &str, place: Place) {
        note(self.entry(token), place);
    }

    /// Which values there are, and where.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    fn entry(&mut self, token: &str) -> &mut Indexed {
        let values = &mut self.index.values;
        let place = *self.known.entry(token.to_owned()).or_insert_with(|| {
            values.push(Indexed { token: token.to_owned(), key: None, places: Vec::new() });
            values.len() - 1
        });
        &mut values[place]
    }
}

fn note(entry: &mut Indexed, place: Place) {
    if !entry.places.contains(&place) {
        entry.places.push(place);
    }
}
