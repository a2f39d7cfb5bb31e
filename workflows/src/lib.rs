//! What a workflow asks for, what a site allows, and what a run may therefore do.
//!
//! Pure decisions: no files, no sockets, no clock. The daemon reads the bundle and the policy and
//! asks here; a bundle's own code is never run here.
//!
//! - [`manifest`]: `workflow.toml`, parsed once into typed values.
//! - [`limits`]: the resources of a run, their defaults and hard ceilings.
//! - [`inputs`]: declared inputs, and the values a job gives them.
//! - [`bundle`]: what the files of a workflow may be called and how large they may be.
//! - [`policy`]: what the site permits.
//! - [`disclosure`]: what an answer shows of the screen, for a run driven by an MCP client.
//! - [`grant`]: manifest ∩ policy; decides every call of a script.
//! - [`lint`]: what an author should know before the first run.

#![forbid(unsafe_code)]

pub mod bundle;
pub mod disclosure;
pub mod grant;
pub mod inputs;
pub mod limits;
pub mod lint;
pub mod manifest;
pub mod needs;
#[cfg(test)]
mod openrpc;
pub mod policy;
mod position;
mod resolve;
