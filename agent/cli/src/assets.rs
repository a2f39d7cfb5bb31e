//! Where models and ONNX Runtime are, and which ones they have to be.

use std::path::PathBuf;

use karakuri_protocol::job::Exit;
use serde::Deserialize;

use crate::error::CliError;

/// The list the set-up installs from: names, sizes and SHA-256.
const LOCK: &str = include_str!("../../../packaging/assets.lock");

/// A file that must be there as pinned.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Asset {
    pub(crate) name: String,
    pub(crate) sha256: String,
}

#[derive(Deserialize)]
struct Lock {
    file: Vec<Asset>,
}

/// `$KARAKURI_ASSETS`, else below `$XDG_CACHE_HOME`, else below `~/.cache`.
pub(crate) fn directory() -> Result<PathBuf, CliError> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("KARAKURI_ASSETS")
        .or_else(|| {
            let base =
                set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
            base.map(|base| base.join("karakuri/assets"))
        })
        .ok_or_else(|| {
            CliError::Usage("neither KARAKURI_ASSETS nor HOME is set; set one".to_owned())
        })
}

/// Ends what needs the files when there is no directory of them; which file is wrong, who opens it says.
pub(crate) fn require() -> Result<(), CliError> {
    let directory = directory()?;
    if directory.is_dir() {
        return Ok(());
    }
    let message = format!(
        "{}: there is no such directory; run `make setup`, which fills it, or set KARAKURI_ASSETS",
        directory.display()
    );
    Err(CliError::Refused { exit: Exit::WrongAsset, message })
}

/// All pinned files.
pub(crate) fn pinned() -> Result<Vec<Asset>, CliError> {
    let lock: Lock = toml::from_str(LOCK).map_err(CliError::internal("reading assets.lock"))?;
    Ok(lock.file)
}
