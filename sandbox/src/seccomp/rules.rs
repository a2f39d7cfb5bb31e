//! From a list's text to what seccompiler takes; also part of the build script, which turns the lists
//! into programs.

use serde_json::Value;

/// The list without the rules of other architectures, without the key that marks them, and with every
/// filter complete.
///
/// # Errors
/// When the list is not JSON.
pub(crate) fn for_arch(list: &str, arch: &str) -> Result<Value, serde_json::Error> {
    let mut list: Value = serde_json::from_str(list)?;
    extend(&mut list);
    let filters = list.as_object_mut().into_iter().flat_map(|filters| filters.values_mut());
    for rules in filters.filter_map(|filter| filter["filter"].as_array_mut()) {
        rules.retain(|rule| rule.get("only").is_none_or(|only| only == arch));
        for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
            rule.remove("only");
        }
    }
    Ok(list)
}

/// Gives every filter that extends another the rules of that one.
fn extend(list: &mut Value) {
    let whole = list.clone();
    for filter in list.as_object_mut().into_iter().flat_map(|filters| filters.values_mut()) {
        let base = filter.as_object_mut().and_then(|filter| filter.remove("extends"));
        let base = base.as_ref().and_then(Value::as_str).map(|name| &whole[name]["filter"]);
        if let (Some(base), Some(rules)) = (base, filter["filter"].as_array_mut()) {
            rules.extend(base.as_array().into_iter().flatten().cloned());
        }
    }
}
