//! The set of verified files a reader is made from.

use std::os::fd::OwnedFd;

use super::asset::Asset;
use super::verified::{AssetError, Verified};

/// A recogniser and the characters it knows.
#[derive(Debug)]
pub(crate) struct Recognition {
    pub(crate) model: Verified,
    pub(crate) dictionary: Verified,
}

/// ONNX Runtime and the models. One detector serves all scripts; the small recogniser reads Japanese
/// and what the tiny one doubts.
#[derive(Debug)]
pub struct Models {
    pub(crate) runtime: Verified,
    pub(crate) detection: Verified,
    pub(crate) tiny: Recognition,
    pub(crate) small: Recognition,
}

impl Models {
    /// Checks the seals and digests of the named memfds, which must be all of [`Asset::ALL`].
    ///
    /// # Errors
    /// An [`AssetError`] that names the first file that is wrong or missing.
    pub fn check(memfds: impl IntoIterator<Item = (String, OwnedFd)>) -> Result<Self, AssetError> {
        let mut files = Vec::new();
        for (name, memfd) in memfds {
            let asset = Asset::by_name(&name).ok_or(AssetError::Unknown(name))?;
            files.push(Verified::check(asset, memfd)?);
        }
        let mut take = |asset: Asset| {
            let at = files.iter().position(|file| file.asset() == asset);
            at.map(|at| files.swap_remove(at)).ok_or(AssetError::Missing(asset.name()))
        };
        Ok(Self {
            runtime: take(Asset::Runtime)?,
            detection: take(Asset::TinyDetection)?,
            tiny: Recognition {
                model: take(Asset::TinyRecognition)?,
                dictionary: take(Asset::TinyDictionary)?,
            },
            small: Recognition {
                model: take(Asset::SmallRecognition)?,
                dictionary: take(Asset::SmallDictionary)?,
            },
        })
    }
}
