//! Black-box tests over the real programs: a state directory of its own, a workflow on disk, the
//! `karakuri` command, and what it leaves.
#![expect(clippy::panic, reason = "a harness that cannot go on fails its test")]

mod agent;
pub mod bench;
mod bucket;
pub mod film;
mod ordinary;
mod outside;
pub mod person;
pub mod signed;
mod workflow;

pub use agent::{Agent, Finished, programs, repository};
pub use bucket::Bucket;
pub use ordinary::{Ordinary, assets};
pub use outside::Outside;
pub use workflow::Workflow;
