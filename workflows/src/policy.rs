//! What a site permits, whatever a manifest asks for: `policy.toml`.
//!
//! ```toml
//! name = "accounting"
//! apps = ["gnumeric", "mupdf"]    # or "any"
//! nested_sandbox = ["chromium"]   # or "any": which of them may bring a sandbox of their own
//! clipboard = true
//! disclose_screen = false         # whether an MCP client may be handed what is on the screen
//! files = "write"
//! network = ["erp.example.com:443"]   # or "any"
//! recording = "as_asked"          # or "always", "never": whatever the manifest says
//! watching = "take_over"          # or "view", "never": what a person may do in a run's window
//!
//! [ceilings]                      # a key left out has the hard ceiling
//! wall_s = 1800
//! ```

use std::collections::BTreeSet;

use karakuri_protocol::egress::Destination;
use karakuri_protocol::wording::plain;
use serde::{Deserialize, Serialize};

use crate::limits::{CEILINGS, LimitTable, Limits};
use crate::manifest::FilesAccess;
use crate::position::Position;

/// A site's policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// What it is called in records.
    pub name: String,
    /// Which programs may be launched.
    pub apps: Rule<String>,
    /// Which of them may bring a sandbox of their own. That opens user namespaces to them, and with
    /// these more of the kernel than any other application reaches.
    pub nested_sandbox: Rule<String>,
    /// Whether a workflow may use the clipboard.
    pub clipboard: bool,
    /// Whether an MCP client may be handed what is on the screen.
    pub disclose_screen: bool,
    /// The most a script may do in `/files`.
    pub files: FilesAccess,
    /// Where applications may connect to.
    pub network: Rule<Destination>,
    /// Whether runs are recorded.
    pub recording: Recording,
    /// What the person who asks for a run may do in its window.
    pub watching: Watching,
    /// The most of each limit.
    pub ceilings: Limits,
}

/// Whether a site records runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recording {
    /// Where the manifest does not turn it off.
    #[default]
    AsAsked,
    /// All of them.
    Always,
    /// None of them.
    Never,
}

/// What a person may do in a run's window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watching {
    /// There is none.
    #[default]
    Never,
    /// See the run's desktop, unmasked.
    View,
    /// Act there too.
    TakeOver,
}

impl Recording {
    /// Whether a run is recorded whose manifest asks so.
    #[must_use]
    pub fn decide(self, asked: bool) -> bool {
        match self {
            Self::AsAsked => asked,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// What of a kind is permitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule<T: Ord> {
    /// Whatever the manifest names.
    Any,
    /// These.
    Only(BTreeSet<T>),
}

impl<T: Ord> Rule<T> {
    /// The first of `asked` that is not permitted.
    pub fn refused<'a>(&'a self, asked: &'a BTreeSet<T>) -> Option<&'a T> {
        match self {
            Self::Any => None,
            Self::Only(permitted) => asked.difference(permitted).next(),
        }
    }
}

/// Why a text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML, an unknown key, or a value of another type.
    #[error("{file}:{line}:{column}: {message}")]
    Toml {
        /// The file's name.
        file: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What is wrong.
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
    apps: RawRule<String>,
    #[serde(default)]
    nested_sandbox: RawRule<String>,
    #[serde(default)]
    clipboard: bool,
    #[serde(default)]
    disclose_screen: bool,
    #[serde(default)]
    files: FilesAccess,
    #[serde(default)]
    network: RawRule<Destination>,
    #[serde(default)]
    recording: Recording,
    #[serde(default)]
    watching: Watching,
    #[serde(default)]
    ceilings: LimitTable<Option<u32>>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    bound = "T: Ord + Deserialize<'de>",
    expecting = "apps, nested_sandbox and network must be \"any\" or a list, of program names or of host:port"
)]
enum RawRule<T: Ord> {
    Any(Any),
    Only(BTreeSet<T>),
}

impl<T: Ord> Default for RawRule<T> {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl<T: Ord> From<RawRule<T>> for Rule<T> {
    fn from(raw: RawRule<T>) -> Self {
        match raw {
            RawRule::Any(Any::Any) => Self::Any,
            RawRule::Only(list) => Self::Only(list),
        }
    }
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
            apps: Rule::Any,
            nested_sandbox: Rule::Any,
            clipboard: true,
            disclose_screen: true,
            files: FilesAccess::Write,
            network: Rule::Any,
            recording: Recording::AsAsked,
            watching: Watching::TakeOver,
            ceilings: CEILINGS,
        }
    }

    /// Parses the text of a policy; `file` is named in errors.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn parse(text: &str, file: &str) -> Result<Self, PolicyError> {
        let raw: RawPolicy = toml::from_str(text).map_err(|e| {
            let Position { line, column } =
                Position::at(text, e.span().map_or(0, |span| span.start));
            PolicyError::Toml { file: file.to_owned(), line, column, message: plain(e.message()) }
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
            apps: raw.apps.into(),
            nested_sandbox: raw.nested_sandbox.into(),
            clipboard: raw.clipboard,
            disclose_screen: raw.disclose_screen,
            files: raw.files,
            network: raw.network.into(),
            recording: raw.recording,
            watching: raw.watching,
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
        assert_eq!(policy.apps, Rule::Only(["xterm".to_owned()].into()));
        assert_eq!(policy.network, Rule::Only([].into()));
        assert_eq!(policy.nested_sandbox, Rule::Only([].into()));
        assert_eq!((policy.clipboard, policy.files), (false, FilesAccess::None));
        assert!(!policy.disclose_screen);
        assert_eq!(policy.watching, Watching::Never);
        let text = "name = \"a\"\napps = []\nwatching = \"view\"";
        assert_eq!(Policy::parse(text, "p.toml").unwrap().watching, Watching::View);
        assert_eq!(policy.ceilings, CEILINGS);
    }

    #[test]
    fn a_policy_forces_or_forbids_recordings() {
        let decided = |line: &str| {
            let text = format!("name = \"a\"\napps = []\n{line}");
            let recording = Policy::parse(&text, "p").unwrap().recording;
            [true, false].map(|asked| recording.decide(asked))
        };
        assert_eq!(decided(""), [true, false]);
        assert_eq!(decided("recording = \"as_asked\""), [true, false]);
        assert_eq!(decided("recording = \"always\""), [true, true]);
        assert_eq!(decided("recording = \"never\""), [false, false]);
    }

    #[test]
    fn any_is_the_only_word_for_apps() {
        assert_eq!(Policy::parse("name = \"a\"\napps = \"any\"", "p").unwrap().apps, Rule::Any);
        let error = Policy::parse("name = \"a\"\napps = \"all\"", "p").unwrap_err().to_string();
        assert!(error.contains("must be \"any\" or a list"), "{error}");
        let hosts = Policy::parse("name = \"a\"\napps = []\nnetwork = [\"*:1\"]", "p");
        assert!(hosts.is_err());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_in_plain_words() {
        let error = |line: &str| {
            let text = format!("name = \"a\"\napps = []\n{line}");
            Policy::parse(&text, "p.toml").unwrap_err().to_string()
        };
        assert_eq!(
            error("files = \"all\""),
            "p.toml:3:9: `all` is not known here; write: none, read or write"
        );
        assert!(error("file = 1").starts_with("p.toml:3:1: there is no `file` here; known: name"));
        assert_eq!(
            error("clipboard = \"yes\""),
            "p.toml:3:13: the text \"yes\" must be true or false"
        );
    }

    #[test]
    fn no_ceiling_exceeds_the_hard_one() {
        let text = "name = \"a\"\napps = []\n[ceilings]\nwall_s = 999999";
        let error = Policy::parse(text, "p.toml").unwrap_err().to_string();
        assert_eq!(error, "p.toml: ceilings.wall_s = 999999: must be from 1 to 14400");
    }
}
