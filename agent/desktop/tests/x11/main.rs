//! karakuri-desktop over its link, on a real X server with a window manager and real programs.
//!
//! Needs Xvfb, openbox, xterm, mousepad, xev (x11-utils), xrandr, xkbcomp, setxkbmap, xclip, xdotool, GTK and
//! Qt for Python, and user namespaces; what is ignored needs Chromium and LibreOffice too.
#![cfg(test)]

mod capture;
mod clipboard;
mod computer;
mod displays;
mod door;
mod effect;
mod pointer;
mod receiver;
mod rig;
mod roles;
mod screens;
mod texts;
mod typing;
mod typing_exact;
mod walls;
mod windows;
