//! Whose signatures are believed: this site's own key, keys a person names with `--trust`, and those of
//! sites whose runs were imported.
//!
//! The first run that is imported binds its key to its tenant and site: from then on that key is believed
//! for nothing else, so that one site cannot make evidence in the name of another. `trusted/<key>.json`
//! holds one such key.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::slice;

use karakuri_seal::manifest::{Origin, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::error::{CliError, at};
use crate::kept::manifest_in;
use crate::run::write_private;
use crate::site::Site;

/// Directory of the keys of other sites.
const TRUSTED: &str = "trusted";

/// A key of another site, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// What it is believed for.
    only: Origin,
    /// `SubjectPublicKeyInfo` in PEM.
    key: String,
}

impl Site {
    /// The keys of sites whose runs were imported, each for its site alone; those in `files`, for any
    /// site unless they are known; and this site's own, if it is there.
    pub(crate) fn trusted(&self, files: &[PathBuf]) -> Result<Vec<VerifyingKey>, CliError> {
        let mut all = self.known()?;
        let mut ids: BTreeSet<_> = all.iter().map(VerifyingKey::id).collect();
        for file in files {
            let key = in_file(file)?;
            if ids.insert(key.id()) {
                all.push(key);
            }
        }
        if all.is_empty() || self.path().join("site/signing.pem").exists() {
            all.push(self.own()?);
        }
        Ok(all)
    }

    /// Binds the key in `files` that signed the run in `directory` to the site of that run, unless it is
    /// bound.
    pub(crate) fn trust(&self, files: &[PathBuf], directory: &Path) -> Result<(), CliError> {
        let trusted = self.path().join(TRUSTED);
        for file in files {
            let key = in_file(file)?;
            let path = trusted.join(format!("{}.json", key.id()));
            let Ok(manifest) = manifest_in(directory, slice::from_ref(&key)) else { continue };
            if path.exists() {
                continue;
            }
            let only = Origin { tenant: manifest.tenant, site: manifest.site };
            let key = key.to_pem().map_err(CliError::internal("writing a public key"))?;
            let known = serde_json::to_vec_pretty(&Known { only, key });
            let known = known.map_err(CliError::internal("writing a public key"))?;
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&trusted);
            made.map_err(at(&trusted))?;
            write_private(&path, &known)?;
        }
        Ok(())
    }

    fn known(&self) -> Result<Vec<VerifyingKey>, CliError> {
        let directory = self.path().join(TRUSTED);
        let entries = match fs::read_dir(&directory) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(at(&directory))?,
        };
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
        let mut paths = paths.map_err(at(&directory))?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.iter().map(|path| known(path)).collect()
    }
}

fn known(path: &Path) -> Result<VerifyingKey, CliError> {
    let text = fs::read(path).map_err(at(path))?;
    let Known { only, key } = serde_json::from_slice(&text)
        .map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))?;
    Ok(parsed(&key, path)?.of_site(only))
}

fn in_file(path: &Path) -> Result<VerifyingKey, CliError> {
    parsed(&fs::read_to_string(path).map_err(at(path))?, path)
}

fn parsed(pem: &str, path: &Path) -> Result<VerifyingKey, CliError> {
    VerifyingKey::from_pem(pem).map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))
}
