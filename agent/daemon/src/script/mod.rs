//! The script as karakurid sees it: a channel that speaks the protocol or ends, and output that is
//! kept up to a limit.

mod channel;
mod output;
pub mod refusal;
pub mod sdk;
mod streams;

pub use channel::{Channel, ChannelError};
pub use output::{Output, OutputEnd};
pub use streams::{Client, FRONT, Streams};
