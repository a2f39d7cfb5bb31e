//! Black-box tests over the real programs: a state directory of its own, a workflow on disk, the
//! `karakuri` command, and what it leaves.
#![expect(clippy::panic, reason = "a harness that cannot go on fails its test")]

mod agent;
pub mod bench;
mod bucket;
mod chance;
mod descent;
pub mod film;
mod gate;
mod ordinary;
mod outside;
pub mod person;
mod settled;
pub mod signed;
mod workflow;

pub use agent::{Agent, Finished, programs, repository};
pub use bucket::Bucket;
pub use chance::{Numbers, seed, soaking};
pub use descent::{DAEMON, children, first_child, kill, kill_below};
pub use gate::Gate;
pub use ordinary::{Ordinary, assets};
pub use outside::Outside;
pub use settled::settle;
pub use workflow::Workflow;
