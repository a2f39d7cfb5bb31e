//! What an installation is told about itself: `site.toml`, read once and typed.
//!
//! Pure: the text comes from the caller, and no path named in it is opened here. karakurid takes its
//! keys and spool from it, the couriers their store, identity and network, karakuri-monitor the
//! program that gives credentials. Each reads the file for itself, so that none can redirect another.
//!
//! - [`site`]: the whole file, and what stands in for it during development.
//! - [`keys`], [`store`], [`identity`], [`network`], [`spool`]: its tables.
//! - [`name`], [`endpoint`]: the values they are made of.
//! - [`egress`]: whom an installation contacts.

mod aws;
pub mod egress;
pub mod endpoint;
pub mod identity;
pub mod keys;
pub mod name;
pub mod network;
mod position;
pub mod retention;
pub mod site;
pub mod spool;
pub mod store;

pub use site::{Site, SiteError};
