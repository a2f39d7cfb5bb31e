//! Why nothing was read.

use thiserror::Error;

use super::verified::AssetError;

/// Why nothing was read.
#[derive(Debug, Error)]
pub enum VisionError {
    /// A file is missing or not the pinned one.
    #[error(transparent)]
    Asset(#[from] AssetError),
    /// The dynamic loader refused ONNX Runtime.
    #[error("libonnxruntime.so could not be loaded: {0}")]
    Load(String),
    /// ONNX Runtime refused a model, or failed while running it.
    #[error("{model}: ONNX Runtime failed: {source}")]
    Run {
        /// Name of the model file.
        model: &'static str,
        /// What ONNX Runtime said.
        source: ort::Error,
    },
    /// A model answered in a shape it does not have.
    #[error("{model} answered with shape {shape:?}: it is not the model this program was made for")]
    Shape {
        /// Name of the model file.
        model: &'static str,
        /// The shape of the answer.
        shape: Vec<i64>,
    },
    /// A dictionary is not text.
    #[error("{0} is not UTF-8 text with one character a line")]
    Dictionary(&'static str),
}
