//! A person at a run: what they are shown of the display, and what they do on it once they have taken over.
//!
//! [`viewer`] sends pictures to karakuri-watch and hears nothing from there but that they were shown;
//! [`person`] carries out what karakurid sends, which has recorded it.

pub(crate) mod person;
pub(crate) mod viewer;
