//! Who the courier is to the services: what the machine proves by itself, then a role borrowed with
//! it for minutes, narrowed to what this courier does.
//!
//! - `document`: credentials as programs and containers hand them out.
//! - `link`: karakuri-monitor, which starts such a program.
//! - `base`: what the machine proves by itself.
//! - `policy`: what a session may do.
//! - `session`: the borrowed role.

pub(crate) mod base;
pub(crate) mod document;
pub(crate) mod link;
pub mod policy;
pub(crate) mod session;

/// Why there is no source of credentials.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Nobody is there to start the program.
    #[error(
        "identity.base.process: fd 4 is not the link to karakuri-monitor, which starts the program; \
         this process starts none"
    )]
    NoLink,
}
