//! The script's end of its channel to the agent, for those of our programs that run as the script:
//! `karakuri-steps` and `karakuri-mcp`. The other end is karakurid's `script::Channel`.

#![forbid(unsafe_code)]

mod channel;

pub use channel::{AGENT, Channel, ChannelError};
