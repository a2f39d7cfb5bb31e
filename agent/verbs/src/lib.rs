//! What the words of the script API mean on a desktop. Pure: whoever carries a call out is a [`Desk`].

mod act;
mod carry_out;
pub mod computer;
mod desk;
mod launch;
mod look;
mod value;
pub mod words;

pub use carry_out::{Settings, carry_out};
pub use desk::{Acted, Answer, Desk, Picture};
