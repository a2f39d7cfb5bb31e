//! What goes to stdout. A reader that has seen enough (`| head`) closes its end: that is no failure.

use std::fmt::Display;
use std::io::Write;

use serde::Serialize;

use crate::error::CliError;

/// Prints a line.
pub(crate) fn line(text: impl Display) {
    // Nobody reads any more, so there is nobody to tell.
    let _written = writeln!(std::io::stdout(), "{text}");
}

/// Prints `value` as JSON on one line.
pub(crate) fn json_line(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(CliError::internal("writing JSON"))?;
    line(text);
    Ok(())
}

/// Prints `value` as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(CliError::internal("writing JSON"))?;
    line(text);
    Ok(())
}
