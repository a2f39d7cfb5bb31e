//! Reading one cut-out line.

use karakuri_protocol::desktop::Script;

use super::ctc::{Dictionary, Glyph};
use super::error::VisionError;
use super::models::Recognition;
use super::runtime::{Model, Runtime};
use super::tensor;
use crate::frame::Frame;

/// A text recogniser and the characters it knows.
#[derive(Debug)]
pub(crate) struct Recogniser {
    model: Model,
    dictionary: Dictionary,
}

impl Recogniser {
    pub(crate) fn load(runtime: &Runtime, files: &Recognition) -> Result<Self, VisionError> {
        let model = runtime.small_model(&files.model)?;
        Ok(Self { model, dictionary: Dictionary::load(&files.dictionary)? })
    }

    /// How many times it ran.
    pub(crate) fn runs(&self) -> u64 {
        self.model.runs()
    }

    /// The characters of `line`, a frame that holds one line of text.
    pub(crate) fn glyphs(
        &mut self,
        line: &Frame,
        script: Script,
    ) -> Result<Vec<Glyph>, VisionError> {
        let dictionary = &self.dictionary;
        let classes = i64::try_from(dictionary.classes()).unwrap_or(i64::MAX);
        self.model.run(&tensor::for_recognition(line), |shape, scores| {
            let fits = shape.len() == 3 && shape[0] == 1 && shape[2] == classes;
            fits.then(|| dictionary.decode(scores, script))
        })
    }
}
