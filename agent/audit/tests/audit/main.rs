//! The log, its records and the verifier, through the crate's public functions.
#![cfg(test)]

mod canonical;
mod fixture;
mod full_disk;
mod log;
mod verifier;
