//! From what a script names to where it is on the screen.
//!
//! Pure: a [`Target`](karakuri_protocol::target::Target), a frame, the lines read in it and the
//! bundle's pictures in, [`Found`] out. Whether several hits are an error is decided by the caller.

mod boxes;
mod error;
mod find;
mod fold;
mod image;
mod nearest;
mod pattern;
mod relation;
mod role;
mod rows;

pub use error::LocateError;
pub use find::{Found, Screen, find, names_role, reads_text};
pub use image::{Images, MARGIN, THRESHOLD, Template};
