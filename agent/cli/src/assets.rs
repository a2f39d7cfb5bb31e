//! Where models and ONNX Runtime are, and which ones they have to be.

use std::path::PathBuf;

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

/// All pinned files.
pub(crate) fn pinned() -> Result<Vec<Asset>, CliError> {
    let lock: Lock = toml::from_str(LOCK).map_err(CliError::internal("reading assets.lock"))?;
    Ok(lock.file)
}
