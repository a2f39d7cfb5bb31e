//! karakuri-desktop over its link, on a real X server with a window manager and real programs.
//!
//! Needs Xvfb, openbox, xterm, mousepad, xev (x11-utils), xkbcomp, xclip, and user namespaces.
#![cfg(test)]

mod capture;
mod clipboard;
mod door;
mod pointer;
mod rig;
mod typing;
mod walls;
mod windows;
