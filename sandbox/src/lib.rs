//! Karakuri's walls: the monitor's requests, the launcher, and what a process puts on itself.
//!
//! No tokio, no network, no knowledge of workflows. `unsafe` lives in [`sys`] alone.

pub mod child;
pub mod collect;
pub mod launch;
pub mod link;
pub mod memfd;
pub mod monitor;
pub mod policy;
pub mod restrict;
pub mod seccomp;
pub mod sys;
