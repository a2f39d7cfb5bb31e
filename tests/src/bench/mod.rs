//! Measurements of the real programs, each beside a named peer in the same round. Nothing here
//! passes or fails by a figure: it reports. `bin/bench.rs` is the way in.

mod error;
mod peers;
mod processes;
mod recording;
mod round;
mod run;
mod sandbox;
mod screens;
mod sealing;
mod table;
mod upload;

pub use error::BenchError;
pub use peers::{Peers, require};
pub use round::Bench;
pub use table::Report;
