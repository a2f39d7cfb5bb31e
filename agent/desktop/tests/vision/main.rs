//! Reading real screens with the real models.
//!
//! One program, because ONNX Runtime allows one environment in the life of a process. The models
//! come from the directory named by `KARAKURI_ASSETS`; without it every test that needs them fails.

#![cfg(test)]

mod assets;
mod fixtures;
mod locating;
mod reading;
mod refusing;
