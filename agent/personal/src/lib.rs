//! Finds personal data in text, so that it can be masked before it leaves the run. Pure: no file, no
//! network, no clock. Used by karakuri-desktop for pixels and by karakurid for everything written.
//!
//! - [`Finder`] finds in a line of text, and on a screen, where a label and what it names are two texts.
//! - [`Settings`] say what is looked for; the default is everything.
//!
//! What is found is [`Found`]: a range of bytes and a [`Kind`]. A detector proves what can be proved (check
//! digits, the numbering plan of a country) and otherwise goes by what surrounds a text; it can miss.

mod broken;
mod detect;
mod digits;
mod finder;
mod fold;
mod label;
mod normal;
mod settings;

pub use finder::{Finder, Found, OnScreen};
pub use karakuri_protocol::personal::{Kind, Settings};
pub use normal::{Normal, Normaliser};
pub use settings::PatternError;
