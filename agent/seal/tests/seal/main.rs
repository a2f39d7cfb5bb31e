//! The message format, the keys and the manifest, through the crate's public functions.
#![cfg(test)]

mod fixture;
mod interop;
mod keys;
mod kms;
mod manifest;
mod properties;
mod round_trip;
mod tampering;
