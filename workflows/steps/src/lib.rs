//! The steps of a `steps.yaml`: what `karakuri-steps` runs and `karakuri lint` checks, read by the
//! same code. The program is `main.rs`.

#![forbid(unsafe_code)]

pub mod steps;
pub mod template;
