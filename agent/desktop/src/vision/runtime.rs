//! ONNX Runtime, loaded from a verified memfd, and the models that run in it.
//!
//! ONNX Runtime allows one environment in the life of a process, so there is one [`Runtime`]. The
//! memfd stays open as long as it does: the loader mapped it, and its path names it in messages.

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

use super::error::VisionError;
use super::verified::Verified;

/// A loaded ONNX Runtime.
#[derive(Debug)]
pub(crate) struct Runtime {
    environment: Environment,
    threads: usize,
    _library: Verified,
}

/// A model, ready to run.
#[derive(Debug)]
pub(crate) struct Model {
    name: &'static str,
    session: Session,
    runs: u64,
}

/// A picture as a model takes it: 3 × height × width values, channel by channel.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<f32>,
}

impl Runtime {
    /// Loads ONNX Runtime; models on large pictures will use `threads` threads.
    pub(crate) fn load(library: Verified, threads: usize) -> Result<Self, VisionError> {
        let environment = ort::init_from(library.path())
            .map_err(|error| VisionError::Load(error.to_string()))?
            .with_telemetry(false)
            .build()
            .map_err(|error| VisionError::Load(error.to_string()))?;
        Ok(Self { environment, threads, _library: library })
    }

    /// Loads a model that runs on large pictures, in all threads.
    pub(crate) fn model(&self, file: &Verified) -> Result<Model, VisionError> {
        self.load_model(file, self.threads)
    }

    /// Loads a model that runs on small pictures: handing the parts of a line to other threads and
    /// waiting for them costs more than it saves.
    pub(crate) fn small_model(&self, file: &Verified) -> Result<Model, VisionError> {
        self.load_model(file, 1)
    }

    fn load_model(&self, file: &Verified, threads: usize) -> Result<Model, VisionError> {
        let name = file.asset().name();
        let bytes = file.bytes()?;
        let failed = |source| VisionError::Run { model: name, source };
        Ok(Model { name, session: self.session(&bytes, threads).map_err(failed)?, runs: 0 })
    }

    fn session(&self, model: &[u8], threads: usize) -> ort::Result<Session> {
        // Spinning would burn the cores that the applications on the screen need, and shapes
        // change with every line, so that a memory pattern is never used twice.
        Session::builder(&self.environment)?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(threads)?
            .with_intra_op_spinning(false)?
            .with_memory_pattern(false)?
            .commit_from_memory(model)
    }
}

impl Model {
    /// How many times it ran.
    pub(crate) fn runs(&self) -> u64 {
        self.runs
    }

    /// Runs the model on one picture and hands its first output, shape and values, to `read`
    /// without copying it.
    pub(crate) fn run<T>(
        &mut self,
        picture: &Picture,
        read: impl FnOnce(&[i64], &[f32]) -> Option<T>,
    ) -> Result<T, VisionError> {
        let model = self.name;
        let failed = |source| VisionError::Run { model, source };
        self.runs += 1;
        let shape = [1, 3, picture.height, picture.width];
        let input = TensorRef::from_array_view((shape, &*picture.values)).map_err(failed)?;
        let outputs = self.session.run(ort::inputs![input]).map_err(failed)?;
        let (shape, values) = outputs[0].try_extract_tensor::<f32>().map_err(failed)?;
        read(shape, values).ok_or_else(|| VisionError::Shape { model, shape: shape.to_vec() })
    }
}
