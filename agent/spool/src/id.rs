//! Names of artifacts: a run and a file in it, each safe as the name of a file.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::SpoolError;

/// Name of a run's signed manifest. It is delivered after everything else of its run, and nothing
/// is added to a run that has one.
pub const MANIFEST: &str = "manifest.dsse.json";

/// What the names of files begin with that tell of the life of a run: no evidence, so that the
/// manifest does not wait for them.
pub const EVENT: &str = "event-";

/// Name of the event that a run is in the store: kept before the manifest, delivered after it.
pub const UPLOADED: &str = "event-uploaded.esdk";

/// What a file is called while it is written.
pub(crate) const UNFINISHED: &str = ".tmp";

/// The longest name, in bytes: `NAME_MAX` (255) less what is appended.
const LONGEST: usize = 200;

/// Which artifact: `<run>/<file>` below the spool's directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactId {
    run: Name,
    file: Name,
}

impl ArtifactId {
    /// Checks both names: 1 to 200 of `A-Z a-z 0-9 . _ -`, not beginning with a dot, not ending
    /// in `.tmp`.
    ///
    /// # Errors
    /// [`SpoolError::Name`].
    pub fn new(run: &str, file: &str) -> Result<Self, SpoolError> {
        Ok(Self { run: run.to_owned().try_into()?, file: file.to_owned().try_into()? })
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run.0
    }

    /// The file's name in the run.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file.0
    }

    /// Whether it is its run's manifest.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        self.file() == MANIFEST
    }

    /// What remains of the file's name if it is an event.
    #[must_use]
    pub fn event(&self) -> Option<&str> {
        self.file().strip_prefix(EVENT)
    }

    /// Whether it waits for its run's manifest.
    pub(crate) fn follows_manifest(&self) -> bool {
        self.file() == UPLOADED
    }

    /// Its run's manifest.
    pub(crate) fn manifest(&self) -> Self {
        Self { run: self.run.clone(), file: Name(MANIFEST.to_owned()) }
    }
}

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.run(), self.file())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Name(String);

impl TryFrom<String> for Name {
    type Error = SpoolError;

    fn try_from(name: String) -> Result<Self, SpoolError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let safe = (1..=LONGEST).contains(&name.len())
            && name.chars().all(plain)
            && !name.starts_with('.')
            && !name.ends_with(UNFINISHED);
        if safe { Ok(Self(name)) } else { Err(SpoolError::Name { name }) }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}
