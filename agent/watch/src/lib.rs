//! karakuri-watch: the window in which the person who asked for a run sees its desktop, and may take over.
//!
//! It holds two inherited links and its connection to the person's display, and nothing else: no file, no
//! network, no key, no decision. It is shown what the run shows, so it forgets all of it when it ends.

pub mod app;
mod bar;
mod canvas;
pub mod confine;
mod error;
mod fit;
mod keys;
mod letters;
mod pointer;
mod window;
