//! The caller's state directory: development keys, audit log, spool, store, opened reports.
//!
//! | path | what |
//! | --- | --- |
//! | `keys/development.pem` | the private key that opens artifacts; never given to the daemon |
//! | `site/signing.pem` | the key that signs manifests |
//! | `site/signing.pub.pem` | its public half, for `--trust` on other machines |
//! | `site/site.toml` | the installation: its keys and where artifacts go; not there during development |
//! | `audit/` `spool/` `store/` | the daemon's and the courier's |
//! | `trusted/` | public keys of other sites whose runs were imported |
//! | `reports/` | reports opened for the holder of the key |
//! | `retention.json` | since when each run in the store is kept |
//!
//! Both keys are made by the first run, for development: on a site the off-line key is the
//! customer's and only its public half is there.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use karakuri_seal::manifest::{Manifest, SigningIdentity, VerifyingKey};
use karakuri_seal::{Identity, Unwrap};
use zeroize::Zeroizing;

use crate::auditor::{Auditor, Right};
use crate::cli::Opening;
use crate::error::{CliError, at};
use crate::kept::{Kept, MANIFEST, manifest_in};
use crate::run::write_private;

/// Name of the development key in a message's header.
pub(crate) const KEY_NAME: &str = "development";
/// Namespace of raw keys in a message's header.
const NAMESPACE: &str = "karakuri";

/// The state directory.
#[derive(Debug)]
pub(crate) struct Site(PathBuf);

impl Site {
    /// Finds the directory: `$KARAKURI_STATE`, else below `$XDG_STATE_HOME`, else below home.
    pub(crate) fn find() -> Result<Self, CliError> {
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let home = || set("HOME").map(|home| home.join(".local/state"));
        let path = set("KARAKURI_STATE")
            .or_else(|| set("XDG_STATE_HOME").or_else(home).map(|base| base.join("karakuri")))
            .ok_or_else(|| {
                CliError::Usage("neither KARAKURI_STATE nor HOME is set; set one".to_owned())
            })?;
        std::path::absolute(&path).map(Self).map_err(at(&path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The installation's site.toml, if it has one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        Some(self.0.join("site/site.toml")).filter(|path| path.exists())
    }

    /// What site.toml says, or what stands in for it.
    pub(crate) fn settings(&self) -> Result<karakuri_site::Site, CliError> {
        let Some(file) = self.file() else { return Ok(karakuri_site::Site::development()) };
        let text = fs::read_to_string(&file).map_err(at(&file))?;
        karakuri_site::Site::parse(&text, &file.display().to_string())
            .map_err(|e| CliError::Usage(e.to_string()))
    }

    /// Whether artifacts go somewhere else than to the store in the state directory.
    pub(crate) fn delivers_elsewhere(&self) -> Result<bool, CliError> {
        Ok(self.settings()?.store != karakuri_site::store::Store::Local)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// Makes what a run needs: directories, and the development keys the first time.
    pub(crate) fn prepare(&self) -> Result<(), CliError> {
        for name in ["audit", "keys", "reports", "run", "site", "spool", "store"] {
            let path = self.0.join(name);
            DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(at(&path))?;
        }
        let making = CliError::internal("making the development key");
        self.keep_key("keys/development.pem", || {
            Identity::generate(NAMESPACE, KEY_NAME)?.to_pkcs8_pem()
        })
        .map_err(|e| e.unwrap_or_else(making))?;
        let making = || CliError::internal("making the site's signing key");
        self.keep_key("site/signing.pem", || SigningIdentity::generate()?.to_pkcs8_pem())
            .map_err(|e| e.unwrap_or_else(making()))?;
        let public = self.own()?.to_pem().map_err(making())?;
        let path = self.0.join("site/signing.pub.pem");
        if fs::read(&path).is_ok_and(|there| there == public.as_bytes()) {
            return Ok(());
        }
        write_private(&path, public.as_bytes())
    }

    /// Makes a key file unless it is there. A half-written one never gets the final name.
    fn keep_key<T: AsRef<str>, E>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<(), KeyFault<E>> {
        let path = self.0.join(name);
        if path.exists() {
            return Ok(());
        }
        let pem = make().map_err(KeyFault::Making)?;
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let write = || {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(pem.as_ref().as_bytes())?;
            file.sync_all()?;
            // Another run may have made it meanwhile: the first one stays.
            match fs::hard_link(&temporary, &path) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
                _ => fs::remove_file(&temporary),
            }
        };
        write().map_err(|e| KeyFault::Io(at(&path)(e)))
    }

    /// The key that opens artifacts.
    pub(crate) fn identity(&self) -> Result<Identity, CliError> {
        let path = self.0.join("keys/development.pem");
        Identity::from_pkcs8_pem(NAMESPACE, KEY_NAME, &read_secret(&path)?)
            .map_err(CliError::internal("reading the development key"))
    }

    /// Everything that opens messages: the keys in files, each with its namespace and name, the one of the
    /// state directory, if it is there, and KMS where an auditor's file is given.
    pub(crate) fn keyrings(&self, opening: &Opening) -> Result<Vec<Box<dyn Unwrap>>, CliError> {
        let read = |(name, path): &(String, String)| -> Result<Box<dyn Unwrap>, CliError> {
            let path = Path::new(path);
            let (namespace, name) = name.split_once('/').unwrap_or((NAMESPACE, name));
            let identity = Identity::from_pkcs8_pem(namespace, name, &read_secret(path)?);
            Ok(Box::new(identity.map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))?))
        };
        let mut all = opening.keys.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if self.0.join("keys/development.pem").exists() {
            all.push(Box::new(self.identity()?));
        }
        if let Some(file) = &opening.auditor {
            all.push(Box::new(Auditor::start(file, Right::Read)?.keyring()?));
        }
        Ok(all)
    }

    /// The key that signs manifests, and records of what became of artifacts.
    pub(crate) fn signer(&self) -> Result<SigningIdentity, CliError> {
        SigningIdentity::from_pkcs8_pem(&read_secret(&self.0.join("site/signing.pem"))?)
            .map_err(CliError::internal("reading the site's signing key"))
    }

    /// The public half of the key that signs here.
    pub(crate) fn own(&self) -> Result<VerifyingKey, CliError> {
        let own = self.signer()?.verifying_key();
        own.map_err(CliError::internal("reading the site's signing key"))
    }

    /// The directories of all runs in the store, the last one last.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        // Before the first run there is no store.
        runs_in(&self.store()).unwrap_or_default()
    }

    /// The directory of a run in the store, by its id or `last`.
    pub(crate) fn run(&self, run: &str) -> Result<PathBuf, CliError> {
        self.run_in(&self.store(), run)
    }

    /// The directory of a run in any store.
    pub(crate) fn run_in(&self, store: &Path, run: &str) -> Result<PathBuf, CliError> {
        let mut all = runs_in(store).unwrap_or_default();
        let found = if run == "last" {
            all.pop()
        } else {
            all.iter().find(|path| path.file_name().is_some_and(|name| name == run)).cloned()
        };
        found.ok_or_else(|| {
            if run == "last" || all.is_empty() {
                return self.no_run_yet();
            }
            CliError::Usage(format!("there is no run {run:?} in {}", store.display()))
        })
    }

    /// There is nothing to show.
    pub(crate) fn no_run_yet(&self) -> CliError {
        let state = self.0.display();
        CliError::Usage(format!(
            "there is no run yet in {state}: make one with `karakuri run DIR`, or set \
             KARAKURI_STATE to the directory that has some"
        ))
    }

    /// A run in the store, what was signed of it checked with the keys that are trusted here.
    pub(crate) fn kept(&self, directory: &Path) -> Result<Kept, CliError> {
        Kept::read(directory, &self.trusted(&[])?)
    }

    /// The manifest of a run that was made here: this site's own key signed it, not one that is trusted.
    pub(crate) fn own_manifest(&self, directory: &Path) -> Result<Manifest, CliError> {
        manifest_in(directory, &[self.own()?])
    }

    /// The manifest of a run, its signature checked with the keys that are trusted here.
    pub(crate) fn manifest(&self, directory: &Path) -> Result<Manifest, CliError> {
        Ok(self.kept(directory)?.manifest)
    }
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, CliError> {
    fs::read_to_string(path).map(Zeroizing::new).map_err(at(path))
}

/// The directories of all runs in a store, the last one last.
///
/// # Errors
/// When a directory cannot be read: a search must not take that for nothing. A store without a run is empty.
pub(crate) fn runs_in(store: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut all: Vec<PathBuf> = Vec::new();
    let top = store.join("runs");
    let days = match fs::read_dir(&top) {
        Err(e) if e.kind() == ErrorKind::NotFound && store.is_dir() => return Ok(all),
        other => other.map_err(at(&top))?,
    };
    for day in days {
        let day = day.map_err(at(&top))?.path();
        for run in fs::read_dir(&day).map_err(at(&day))? {
            all.push(run.map_err(at(&day))?.path());
        }
    }
    // A run cut short while it was delivered has no manifest: that is the last to come.
    all.retain(|path| path.join(MANIFEST).exists());
    // Ids begin with the time, so the greatest is the last.
    all.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(all)
}

/// Why a key could not be kept.
enum KeyFault<E> {
    Making(E),
    Io(CliError),
}

impl<E> KeyFault<E> {
    fn unwrap_or_else(self, making: impl FnOnce(E) -> CliError) -> CliError {
        match self {
            Self::Making(e) => making(e),
            Self::Io(e) => e,
        }
    }
}
