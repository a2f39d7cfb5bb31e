//! Names of keys. The desktop knows X keysym names, as xdotool does, and most common names in any
//! case; here are the names that models use besides.

use super::plan::ActionError;

/// Name as a model may write it, in lower case → name as `press` takes it.
const NAMES: [(&str, &str); 12] = [
    ("option", "alt"),
    ("command", "super"),
    ("windows", "super"),
    ("meta_l", "super"),
    ("altgraph", "altgr"),
    ("pgup", "Page_Up"),
    ("pgdn", "Page_Down"),
    ("page up", "Page_Up"),
    ("page down", "Page_Down"),
    ("caps lock", "Caps_Lock"),
    (" ", "space"),
    ("+", "plus"),
];

/// Keys that are pressed together, as `press` takes them.
pub(super) fn chord<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<String, ActionError> {
    let names: Vec<&str> = names.into_iter().map(name).collect();
    match names.is_empty() {
        true => Err(ActionError::Value { name: "keys", form: "at least one key" }),
        false => Ok(names.join("+")),
    }
}

/// A chord as xdotool writes it: `ctrl+s`, `Page_Down`.
pub(super) fn xdotool(text: &str) -> Result<String, ActionError> {
    // The plus key itself stands at the end: `ctrl++`, or alone.
    match text.strip_suffix('+') {
        Some("") => chord(["+"]),
        Some(held) => chord(held.trim_end_matches('+').split('+').chain(["+"])),
        None => chord(text.split('+')),
    }
}

fn name(name: &str) -> &str {
    let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known.map_or(name, |(_, ours)| ours)
}
