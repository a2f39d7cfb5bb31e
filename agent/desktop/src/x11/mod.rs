//! The run's X display: what is on it, and the hands on its keyboard and pointer.
//!
//! [`desktop::Desktop`] is the way in: it owns the one connection, hands each event to the part it
//! is for, and is what `serve` talks to. Everything is in physical pixels of the root window.

pub(crate) mod app_windows;
pub mod beside;
pub(crate) mod bindings;
pub mod capture;
pub mod chord;
pub(crate) mod clipboard;
pub(crate) mod damage;
pub mod desktop;
pub(crate) mod display;
pub mod error;
#[cfg(feature = "xcap")]
pub(crate) mod fallback;
pub(crate) mod focus;
pub(crate) mod keyboard;
pub(crate) mod keymap;
pub(crate) mod pictures;
pub(crate) mod pointer;
pub(crate) mod ready;
pub(crate) mod selection;
pub(crate) mod shm;
pub mod tap;
pub mod typing;
pub(crate) mod windows;
