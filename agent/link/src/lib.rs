//! The links between processes, for those that wait for several things at once: the monitor's own have one
//! thread and no runtime, and use `karakuri_sandbox::link` as it is.

mod async_link;

pub use async_link::AsyncLink;
