//! JSON in the one form of RFC 8785 (JSON Canonicalization Scheme).
//!
//! The form is made by `serde_json_canonicalizer`, a `serde_json` formatter with the number printer
//! of JavaScript. It runs the examples of the RFC and the test data of the reference implementation,
//! and `to_vec`, the one function used, is safe code. (`serde_jcs` 0.2 parses each name again and
//! boxes a writer per token; `json-canon` 0.1 rests on unchecked UTF-8 to compare names.)
//!
//! Its numbers are those of JavaScript: an integer beyond 2^53 would lose digits. Records therefore
//! carry nanoseconds as text.

use serde::Serialize;

/// `value` as canonical JSON, in UTF-8, without a newline.
///
/// # Errors
/// Fails for a value that JSON has no form for, such as an infinite number.
pub fn to_canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value)
}
