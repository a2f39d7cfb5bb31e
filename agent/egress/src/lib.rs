//! karakuri-egress: an HTTP proxy for `CONNECT` to the hosts of one run's grant.
//!
//! - [`serve`]: takes the socket, restricts itself, accepts.
//! - [`request`]: what an application asks for.
//! - [`tunnel`]: one connection, from the request to its end.

pub mod request;
pub mod serve;
pub mod tunnel;
