//! Why a request failed, and as which kind of failure karakurid is told.

use karakuri_protocol::desktop::{Failure, FailureKind};
use karakuri_sandbox::memfd::MemfdError;
use thiserror::Error;

use crate::frame::FrameError;
use crate::locate::LocateError;
use crate::vision::{AssetError, VisionError};
use crate::x11::error::X11Error;

/// Why a request could not be carried out.
#[derive(Debug, Error)]
pub(super) enum ServeError {
    /// The display.
    #[error(transparent)]
    Display(#[from] X11Error),
    /// Reading.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// A target.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// A model file.
    #[error(transparent)]
    Asset(#[from] AssetError),
    /// A picture could not be coded.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A memfd could not be made or read.
    #[error(transparent)]
    Memfd(#[from] MemfdError),
    /// The request makes no sense here.
    #[error("{0}")]
    Request(String),
    /// Reading was asked for, but no models came with `open`.
    #[error("nothing can be read: no model files were handed over with `open`")]
    NoModels,
}

impl ServeError {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Display(error) if error.is_request() => FailureKind::BadRequest,
            Self::Display(_) => FailureKind::Display,
            Self::Vision(VisionError::Asset(_)) | Self::Asset(_) => FailureKind::WrongAsset,
            Self::Vision(_) | Self::NoModels => FailureKind::Vision,
            Self::Locate(_) | Self::Frame(_) | Self::Memfd(_) | Self::Request(_) => {
                FailureKind::BadRequest
            }
        }
    }
}

impl From<&ServeError> for Failure {
    fn from(error: &ServeError) -> Self {
        Self { kind: error.kind(), message: error.to_string() }
    }
}
