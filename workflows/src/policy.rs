//! What a site permits, whatever a manifest asks for: `policy.toml`.
//!
//! ```toml
//! name = "accounting"
//! apps = ["gnumeric", "mupdf"]    # or "any"
//! clipboard = true
//! files = "write"
//!
//! [ceilings]                      # a key left out has the hard ceiling
//! wall_s = 1800
//! ```

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::limits::{CEILINGS, LimitTable, Limits};
use crate::manifest::FilesAccess;

/// A site's policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// What it is called in records.
    pub name: String,
    /// Which programs may be launched.
    pub apps: AppRule,
    /// Whether a workflow may use the clipboard.
    pub clipboard: bool,
    /// The most a script may do in `/files`.
    pub files: FilesAccess,
    /// The most of each limit.
    pub ceilings: Limits,
}

/// Which programs may be launched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AppRule {
    /// Whatever the manifest names and `/usr/bin` has.
    Any,
    /// These.
    Only(BTreeSet<String>),
}

/// Why a text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML, an unknown key, or a value of another type.
    #[error("{file}: {message}")]
    Toml {
        /// The file's name.
        file: String,
        /// What is wrong, with the line.
        message: String,
    },
    /// A ceiling above the hard one.
    #[error("{file}: ceilings.{key} = {value}: must be from 1 to {ceiling}")]
    Ceiling {
        /// The file's name.
        file: String,
        /// The limit.
        key: &'static str,
        /// Its value.
        value: u32,
        /// The hard ceiling.
        ceiling: u32,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    name: String,
    apps: RawApps,
    #[serde(default)]
    clipboard: bool,
    #[serde(default)]
    files: FilesAccess,
    #[serde(default)]
    ceilings: LimitTable<Option<u32>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "apps must be \"any\" or a list of program names")]
enum RawApps {
    Any(Any),
    Only(BTreeSet<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Any {
    Any,
}

impl Policy {
    /// What `karakuri run` uses for its own user's workflows: all a manifest can ask for, since
    /// the author, the administrator and the owner of the machine are one person.
    #[must_use]
    pub fn development() -> Self {
        Self {
            name: "development".to_owned(),
            apps: AppRule::Any,
            clipboard: true,
            files: FilesAccess::Write,
            ceilings: CEILINGS,
        }
    }

    /// Parses the text of a policy; `file` is named in errors.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn parse(text: &str, file: &str) -> Result<Self, PolicyError> {
        let raw: RawPolicy = toml::from_str(text).map_err(|e| PolicyError::Toml {
            file: file.to_owned(),
            message: e.to_string().trim_end().to_owned(),
        })?;
        let ceilings = raw.ceilings.try_map(|key, asked| {
            let ceiling = CEILINGS.get(key).copied().unwrap_or_default();
            let value = asked.unwrap_or(ceiling);
            if (1..=ceiling).contains(&value) {
                return Ok(value);
            }
            let file = file.to_owned();
            Err(PolicyError::Ceiling { file, key, value, ceiling })
        })?;
        Ok(Self {
            name: raw.name,
            apps: match raw.apps {
                RawApps::Any(Any::Any) => AppRule::Any,
                RawApps::Only(apps) => AppRule::Only(apps),
            },
            clipboard: raw.clipboard,
            files: raw.files,
            ceilings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_left_out_permits_nothing_and_keeps_the_hard_ceiling() {
        let policy = Policy::parse("name = \"a\"\napps = [\"xterm\"]", "p.toml").unwrap();
        assert_eq!(policy.apps, AppRule::Only(["xterm".to_owned()].into()));
        assert_eq!((policy.clipboard, policy.files), (false, FilesAccess::None));
        assert_eq!(policy.ceilings, CEILINGS);
    }

    #[test]
    fn any_is_the_only_word_for_apps() {
        assert_eq!(Policy::parse("name = \"a\"\napps = \"any\"", "p").unwrap().apps, AppRule::Any);
        let error = Policy::parse("name = \"a\"\napps = \"all\"", "p").unwrap_err().to_string();
        assert!(error.contains("must be \"any\" or a list"), "{error}");
    }

    #[test]
    fn no_ceiling_exceeds_the_hard_one() {
        let text = "name = \"a\"\napps = []\n[ceilings]\nwall_s = 999999";
        let error = Policy::parse(text, "p.toml").unwrap_err().to_string();
        assert_eq!(error, "p.toml: ceilings.wall_s = 999999: must be from 1 to 14400");
    }
}
