//! The canonical form is that of RFC 8785.

use karakuri_audit::{Record, to_canonical};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::fixture::Specimen;

fn canonical(value: &Value) -> String {
    String::from_utf8(to_canonical(value).unwrap()).unwrap()
}

#[test]
fn the_sample_of_the_rfc() {
    let input = r#"{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(canonical(&serde_json::from_str(input).unwrap()), expected);
}

#[test]
fn names_are_sorted_by_utf_16_units() {
    let names = ["\u{20ac}", "\r", "\u{fb33}", "1", "\u{1f600}", "\u{80}", "\u{f6}"];
    let object: Map<_, _> = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let expected = "{\"\\r\":null,\"1\":null,\"\u{80}\":null,\"\u{f6}\":null,\"\u{20ac}\":null,\
                    \"\u{1f600}\":null,\"\u{fb33}\":null}";
    assert_eq!(canonical(&Value::Object(object)), expected);
}

#[test]
fn a_record_has_one_form_only() {
    let line = String::from_utf8(Specimen::new().lines.swap_remove(0)).unwrap();
    assert!(Record::parse(line.as_bytes()).is_some(), "positive control");
    for other in [
        line.replacen(',', ", ", 1),
        line.replace("\"v\":1", "\"v\":1.0"),
        line.replace("\"v\":1", "\"v\":2"),
        line.replace("\"seq\":0", "\"seq\":9007199254740994"),
        line.replace("金額", "\\u91d1\\u984d"),
        line.replacen("\"seq\":0", "\"run\":null,\"seq\":0", 1),
        line.replacen("\"seq\":0", "\"seq\":0,\"seq\":0", 1),
        line.replacen("\"mono_ns\":\"", "\"mono_ns\":\"0", 1),
        line.replacen('{', "{\"a\":1,", 1),
        format!("{line} "),
    ] {
        assert_ne!(other, line);
        assert!(Record::parse(other.as_bytes()).is_none(), "accepted: {other}");
    }
}

/// JSON values with the integers that a JSON number holds exactly.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53)..=1 << 53).prop_map(Value::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Equal but for integers that came back as floating point numbers of the same value.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| equal(v, w)))
        }
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn it_says_the_same_and_is_its_own_canonical_form(value in value()) {
        let once = canonical(&value);
        let read: Value = serde_json::from_str(&once).unwrap();
        prop_assert!(equal(&read, &value), "{once}");
        prop_assert_eq!(canonical(&read), once);
    }

    #[test]
    fn it_does_not_depend_on_the_order_of_names(map in btree_map(any::<String>(), 0..9_u32, 0..9)) {
        let pretty = |entries: Vec<(&String, &u32)>| {
            let members: Vec<_> = entries
                .into_iter()
                .map(|(k, v)| format!(" {} : {v} ", json!(k)))
                .collect();
            format!("{{{}}}", members.join(","))
        };
        let forward = pretty(map.iter().collect());
        let backward = pretty(map.iter().rev().collect());
        let read = |text: &str| canonical(&serde_json::from_str(text).unwrap());
        prop_assert_eq!(read(&forward), read(&backward));
    }
}
