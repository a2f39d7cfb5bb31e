//! A bucket: every file is put there once, under its key, and the bucket is asked for its length and
//! checksum before it counts as stored.
//!
//! - [`source`]: the file that came, read once to know what it is, and again to be sent.
//! - [`bucket`]: one attempt to store one file.
//! - [`parts`]: the same for a file too large for one request.

pub(crate) mod bucket;
mod parts;
pub(crate) mod source;
