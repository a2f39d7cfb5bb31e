//! What serde says of a value that does not fit, in the words of someone who writes a file by hand.
//!
//! The messages are those of `serde::de::Error`; one that is not known stays as it is.

/// `message` in plain words, without the name of a Rust type.
#[must_use]
pub fn plain(message: &str) -> String {
    let quoted = |prefix: &str| message.strip_prefix(prefix)?.split_once('`');
    if let Some((key, rest)) = quoted("unknown field `") {
        return format!("there is no `{key}` here{}", choices("; known", rest));
    }
    if let Some((word, rest)) = quoted("unknown variant `") {
        return format!("`{word}` is not known here{}", choices("; write", rest));
    }
    if let Some((key, _)) = quoted("missing field `") {
        return format!("`{key}` is missing");
    }
    let found = ["invalid type: ", "invalid value: "].iter().find_map(|p| message.strip_prefix(p));
    match found.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, expected)) => format!("{} must be {}", subject(found), wanted(expected)),
        None => message.to_owned(),
    }
}

/// `, expected one of `a`, `b``.
fn choices(before: &str, list: &str) -> String {
    let words: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    let last = words.last().copied().unwrap_or_default();
    match words.len() {
        0 => String::new(),
        1 => format!("{before}: {last}"),
        count => format!("{before}: {} or {last}", words[..count - 1].join(", ")),
    }
}

/// What stands there: `string "x"`, ``integer `5` ``, `sequence`.
fn subject(found: &str) -> String {
    let value = found.split_once('`').map(|(_, rest)| rest.trim_end_matches('`'));
    match (found.split(' ').next().unwrap_or_default(), value) {
        ("string", _) => format!("the text {}", found.trim_start_matches("string ")),
        ("integer" | "floating", Some(value)) => format!("the number {value}"),
        ("boolean", Some(value)) => value.to_owned(),
        ("sequence", _) => "a list stands there; it".to_owned(),
        ("map", _) => "a table stands there; it".to_owned(),
        ("null" | "unit" | "Option", _) => "nothing stands there; it".to_owned(),
        _ => format!("{found} stands there; it"),
    }
}

/// What should stand there.
fn wanted(expected: &str) -> &str {
    let first = expected.split(' ').next().unwrap_or_default();
    match (expected, first) {
        ("a string" | "string", _) => "a text",
        ("a boolean" | "bool", _) => "true or false",
        ("u8" | "u16" | "u32" | "u64" | "usize", _) => "a whole number that is not negative",
        ("i8" | "i16" | "i32" | "i64" | "isize", _) => "a whole number",
        ("f32" | "f64", _) => "a number",
        ("a sequence", _) => "a list",
        ("a map", _) | (_, "struct") => "a table of names and values",
        ("an array of length 2", _) => "a list of 2 numbers",
        ("a tuple of size 4", _) => "a list of 4 numbers",
        _ => expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Call, Level};
    use serde_json::{Value, json};

    fn of_call(params: Value) -> String {
        plain(&serde_json::from_value::<Call>(params).unwrap_err().to_string())
    }

    #[test]
    fn what_serde_says_today_becomes_plain() {
        let press = |params: Value| of_call(json!({"method": "press", "params": params}));
        assert_eq!(press(json!({"key": "a"})), "there is no `key` here; known: keys");
        assert_eq!(press(json!({})), "`keys` is missing");
        assert_eq!(press(json!({"keys": 5})), "the number 5 must be a text");
        assert_eq!(press(json!({"keys": ["a"]})), "a list stands there; it must be a text");
        assert_eq!(press(json!({"keys": true})), "true must be a text");
        assert_eq!(press(json!({"keys": null})), "nothing stands there; it must be a text");
        let timeout = |ms: Value| of_call(json!({"method": "timeout", "params": {"ms": ms}}));
        let whole = "must be a whole number that is not negative";
        assert_eq!(timeout(json!("a \"b\"")), format!("the text \"a \\\"b\\\"\" {whole}"));
        assert_eq!(timeout(json!(-1)), format!("the number -1 {whole}"));
        assert_eq!(timeout(json!(1.5)), format!("the number 1.5 {whole}"));
        let region = json!({"method": "read_text", "params": {"region": "top"}});
        assert_eq!(of_call(region), "the text \"top\" must be a list of 4 numbers");
        let level = serde_json::from_value::<Level>(json!("loud")).unwrap_err().to_string();
        assert_eq!(plain(&level), "`loud` is not known here; write: debug, info, warning or error");
        assert_eq!(plain("something new"), "something new");
    }
}
