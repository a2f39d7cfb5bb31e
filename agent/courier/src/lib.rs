//! The couriers are the processes of ours that speak to services, one program with two roles. The
//! one that uploads holds no key and sees no plaintext: ciphertext comes as a read-only fd and leaves
//! for the store, which is asked for its length and checksum afterwards. The one that has data keys
//! made sees no file.
//!
//! - [`start`]: from the command line to a courier behind its walls; [`confine`]: what it can reach.
//! - [`store`] and `serve`: a store that is a directory.
//! - `online`, `http`, `service`, [`identity`]: connections, sessions and clients of services.
//! - `upload` and `s3`: a store that is a bucket. `pace`: how fast.
//! - `keys`: data keys from KMS. `auditor`: decrypting and reading, for a person who may.
//! - `failure`: what an error of a service means.

mod auditor;
pub mod confine;
mod failure;
mod http;
pub mod identity;
mod keys;
mod online;
mod pace;
mod s3;
mod serve;
mod service;
pub mod start;
pub mod store;
mod upload;

pub use http::HttpError;
