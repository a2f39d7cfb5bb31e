//! What the applications say is on the screen: the accessibility tree (AT-SPI2) over D-Bus.
//!
//! All of it is said by applications and none of it is believed further than a name on a place: it
//! is cut in number, length and time, lies within the screen, and is never asked to do anything.
//! An application that does not answer is as one that offers no tree.

mod bus;
mod role;
mod walk;

pub use bus::{Tree, address};
