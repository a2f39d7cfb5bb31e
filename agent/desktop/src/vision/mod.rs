//! Reading the screen: pixels in, lines and words of text with their boxes out.
//!
//! [`Models`] are checked files, [`Reader`] reads frames with them. Nothing here opens a path, has
//! a network or keeps a text longer than its bounded caches. Called by the desktop process only.

mod asset;
mod cache;
mod change;
mod components;
mod ctc;
mod detect;
mod doubt;
mod error;
mod ink;
mod models;
mod order;
mod pieces;
mod place;
mod reader;
mod recognise;
mod repertoire;
mod runtime;
mod sight;
mod strips;
mod tensor;
mod verified;
mod words;

pub(crate) use change::around;

pub use asset::{Asset, Digest};
pub use error::VisionError;
pub use models::Models;
pub use reader::Reader;
pub use verified::{AssetError, Verified};
