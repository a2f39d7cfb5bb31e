//! Looking for a person's values in every run of a store, by the blind index of each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use karakuri_personal::{Finder, Normal, Normaliser};
use karakuri_protocol::personal::{Index, Indexed, Kind};
use karakuri_seal::manifest::{Artifact, Reason, VerifyingKey};
use karakuri_seal::{IndexKey, Unwrap};
use serde::Serialize;
use zeroize::Zeroizing;

use super::fields::Fields;
use crate::error::CliError;
use crate::installation;
use crate::kept::{Kept, MANIFEST};
use crate::site::{Site, runs_in};

/// What is looked for, in all forms it can have.
pub(super) struct Wanted {
    normals: Vec<Normal>,
    normaliser: Normaliser,
    finder: Finder,
}

/// One value of a run that was looked for.
pub(super) struct Hit {
    pub(super) value: Indexed,
    /// Why its key is not there any more.
    pub(super) gone: Option<Reason>,
}

/// What was found in a run.
pub(super) struct Found {
    pub(super) kept: Kept,
    pub(super) index: Index,
    pub(super) hits: Vec<Hit>,
}

/// What came of looking through a store.
pub(super) struct Searched {
    pub(super) found: Vec<Found>,
    pub(super) unsearched: Vec<Unsearched>,
    /// How many runs were looked through.
    pub(super) runs: usize,
}

/// A run that could not be looked through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Unsearched {
    pub(super) run: String,
    pub(super) why: String,
}

impl Wanted {
    pub(super) fn new(
        site: &Site,
        kind: Option<&str>,
        value: &Zeroizing<String>,
    ) -> Result<Self, CliError> {
        let (settings, finder, normaliser) = installation::personal(&site.settings()?)?;
        let kind = kind.map(|name| {
            let built_in = Kind::BUILT_IN.into_iter().find(|kind| kind.as_str() == name);
            let own = || settings.patterns.contains_key(name).then(|| Kind::Custom(name.to_owned()));
            built_in.or_else(own).ok_or_else(|| {
                CliError::Usage(format!(
                    "--kind {name}: it is email, phone, card, iban, my_number, name, address, or a pattern of \
                     site.toml"
                ))
            })
        });
        let kind = kind.transpose()?;
        let normals = normaliser.meant(kind.as_ref(), value);
        if normals.is_empty() {
            return Err(CliError::Usage("the value is empty; give what is looked for".to_owned()));
        }
        Ok(Self { normals, normaliser, finder })
    }

    /// The value's tokens in a run.
    fn tokens(&self, key: &IndexKey) -> BTreeSet<String> {
        let token = |Normal { form, value }: &Normal| hex::encode(key.token(form, value));
        self.normals.iter().map(token).collect()
    }

    /// Whether a text is the value, or holds it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let found = self.finder.find(text).into_iter();
        let found = found.map(|found| self.normaliser.found(&found.kind, &text[found.range]));
        found.chain([Normaliser::text(text)]).any(|normal| self.normals.contains(&normal))
    }

    /// Looks through one run; nothing where the value is not.
    pub(super) fn find_in<U: Unwrap>(
        &self,
        kept: Kept,
        keys: &[U],
    ) -> Result<Option<Found>, CliError> {
        let fields = Fields::new(&kept, keys);
        if fields.are_gone() {
            return Ok(None);
        }
        let Some(key) = fields.index_key()? else { return Ok(None) };
        let index = fields.index(&key, &self.normaliser, &self.finder)?;
        let tokens = self.tokens(&key);
        let mut hits = Vec::new();
        for value in index.values.iter().filter(|value| tokens.contains(&value.token)) {
            let mut gone = None;
            if let Some(id) = &value.key {
                gone = kept.removal(fields.artifact(id)?);
                // A key under another token would have somebody else's value erased.
                if gone.is_none() && fields.token(id)?.as_ref() != Some(&value.token) {
                    let run = &kept.manifest.run;
                    return Err(CliError::NotVerified(format!(
                        "run {run}: the index and artifact {id} tell of different values"
                    )));
                }
            }
            hits.push(Hit {
                gone: gone.or_else(|| gone_whole(&kept, value)),
                value: value.clone(),
            });
        }
        drop(fields);
        Ok((!hits.is_empty()).then_some(Found { kept, index, hits }))
    }
}

/// Why a value is gone that was only in outputs that are sealed whole.
fn gone_whole(kept: &Kept, value: &Indexed) -> Option<Reason> {
    let is_there = |id: &String| kept.present().any(|artifact| artifact.id == *id);
    let mut places = value.places.iter().filter_map(|place| place.artifact.as_ref());
    if value.key.is_some() || places.any(is_there) {
        return None;
    }
    let of = |(artifact, why): (&Artifact, Reason)| {
        value.places.iter().any(|p| p.artifact.as_ref() == Some(&artifact.id)).then_some(why)
    };
    kept.removed().find_map(of)
}

/// Looks through all runs of a store, and names those that cannot be looked through: a search that left
/// something out must not look like one that found nothing.
pub(super) fn search<U: Unwrap>(
    wanted: &Wanted,
    (site, store): (&Site, &Path),
    keys: &[U],
    trusted: &[VerifyingKey],
) -> Result<Searched, CliError> {
    let mut searched = Searched { found: Vec::new(), unsearched: Vec::new(), runs: 0 };
    for directory in runs_in(store)? {
        match Kept::read(&directory, trusted).and_then(|kept| wanted.find_in(kept, keys)) {
            Ok(found) => {
                searched.runs += 1;
                searched.found.extend(found);
            }
            Err(e) => {
                let (run, why) = (name(&directory), e.to_string());
                searched.unsearched.push(Unsearched { run, why });
            }
        }
    }
    searched.unsearched.extend(waiting(site, store));
    Ok(searched)
}

/// Runs in the spool of this machine that the store does not have.
pub(super) fn waiting(site: &Site, store: &Path) -> Vec<Unsearched> {
    let stored: BTreeSet<String> =
        runs_in(store).unwrap_or_default().iter().map(|path| name(path)).collect();
    let why =
        "waits in the spool for `karakuri artifacts deliver`, or went to the store of site.toml: \
               search there too, with --store"
            .to_owned();
    let mut waiting: Vec<_> = in_spool(site).iter().map(|path| name(path)).collect();
    waiting.retain(|run| !stored.contains(run));
    waiting.into_iter().map(|run| Unsearched { run, why: why.clone() }).collect()
}

/// Directories of runs in the spool of this machine.
pub(super) fn in_spool(site: &Site) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(site.path().join("spool")).into_iter().flatten().flatten();
    let mut all: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    all.sort();
    all
}

/// Directories of runs in a store that are not finished: they have no manifest.
pub(super) fn unfinished(store: &Path) -> Vec<String> {
    let days = std::fs::read_dir(store.join("runs")).into_iter().flatten().flatten();
    let runs = days.flat_map(|day| std::fs::read_dir(day.path()).into_iter().flatten().flatten());
    let runs = runs.map(|run| run.path()).filter(|run| !run.join(MANIFEST).exists());
    runs.map(|run| name(&run)).collect()
}

pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
