//! The courier holds no key and sees no plaintext: ciphertext comes as a read-only fd and leaves
//! for the store, where its length and hash are checked.
//!
//! - [`store`]: the local store, a directory.
//! - [`confine`]: what the courier can still reach.
//! - [`serve`]: karakurid's requests, one after the other.

pub mod confine;
pub mod serve;
pub mod store;
