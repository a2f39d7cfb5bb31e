//! karakuri-desktop: the only process that sees the run's screen and holds its keyboard and pointer.
//!
//! Siblings do not import each other except downwards: [`serve`] composes [`x11`] (capture, input,
//! windows, clipboard), [`tree`] (what applications say is there), [`vision`] (reading), [`locate`]
//! (targets), [`structure`] (tables, controls) and `mask` (personal data); all of them know [`frame`], whose pixels
//! may lie in memory that the X server writes (`mapping`).
//! `record` sees what [`x11`] is shown and what was read of it; `view` is for a person who watches and
//! takes over.
//! [`door`] is another way to ask [`serve`], for development.

pub mod door;
pub mod frame;
pub mod locate;
mod mapping;
mod mask;
pub(crate) mod record;
pub mod serve;
pub mod structure;
pub mod tree;
pub(crate) mod view;
pub mod vision;
pub mod x11;
