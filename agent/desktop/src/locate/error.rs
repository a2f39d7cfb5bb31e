//! Why a target could not be looked for. Not finding it is no error.

use thiserror::Error;

use crate::frame::FrameError;

/// Why a target could not be looked for. Text from the script is escaped and cut.
#[derive(Debug, Error)]
pub enum LocateError {
    /// Not a regular expression, or one that needs too much memory.
    #[error("the regular expression is not usable: {0}")]
    Expression(String),
    /// An empty text matches everywhere and nowhere.
    #[error("the text to look for is empty: name at least one visible character")]
    EmptyText,
    /// The bundle has no such picture.
    #[error("no picture is called {0:?}: put it into the bundle's images/ directory")]
    NoPicture(String),
    /// The file of a picture is not usable.
    #[error("picture {name:?}: {source}")]
    Picture {
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: FrameError,
    },
    /// A picture that is too small, too large or of one colour cannot be told from others.
    #[error(
        "picture {0:?} cannot be looked for: cut out 8 to 512 pixels a side and at most 22000 in all, with some contrast"
    )]
    PoorPicture(String),
    /// A place outside the screen.
    #[error("the {0} lies outside the screen")]
    OffScreen(&'static str),
    /// A named target that nobody replaced by its definition.
    #[error("the target {0:?} is not defined: add it to [targets] in workflow.toml")]
    Undefined(String),
}
