//! Values are of their types, and every declared input is accounted for.

use super::*;

fn input(kind: InputKind, required: bool, default: Option<&str>) -> Input {
    Input { kind, required, default: default.map(str::to_owned), description: String::new() }
}

fn declared() -> BTreeMap<String, Input> {
    BTreeMap::from([
        ("count".to_owned(), input(InputKind::Int, true, None)),
        ("ledger".to_owned(), input(InputKind::File, false, Some("data/ledger.ods"))),
        ("note".to_owned(), input(InputKind::String, false, None)),
    ])
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn file(input: &str, file_name: &str) -> FileInput {
    FileInput { input: input.to_owned(), file_name: file_name.into() }
}

#[test]
fn values_are_of_their_types() {
    for (kind, good, bad) in [
        (InputKind::Int, &["0", "-7"][..], &["", "1.5", "x", "99999999999999999999"][..]),
        (InputKind::Decimal, &["1", "-1234.50"], &["", ".5", "1.", "1,5", "1e3", "--1", "１"]),
        (InputKind::Bool, &["true", "false"], &["True", "1", ""]),
        (InputKind::Date, &["2026-11-21"], &["2026-13-01", "2026-11-21T00:00:00", "21.11.2026"]),
        (
            InputKind::File,
            &["a.pdf", "invoices/株式会社.pdf"],
            &["../a", "/etc/passwd", "a//b", "-x"],
        ),
    ] {
        for value in good {
            assert_eq!(kind.check(value), Ok(()), "{kind:?} {value:?}");
        }
        for value in bad {
            assert!(kind.check(value).is_err(), "{kind:?} {value:?}");
        }
    }
}

#[test]
fn a_file_is_placed_below_files_and_a_default_comes_from_the_bundle() {
    let bound = bind(&declared(), &values(&[("count", "3")]), &[]).unwrap();
    assert_eq!(bound["count"], Bound { value: "3".to_owned(), file: None });
    assert_eq!(bound["ledger"].value, "/files/ledger.ods");
    assert_eq!(bound["ledger"].file, Some(FileSource::Bundle("data/ledger.ods".to_owned())));
    assert!(!bound.contains_key("note"));

    let given = bind(&declared(), &values(&[("count", "3")]), &[file("ledger", "mine.ods")]);
    let ledger = &given.unwrap()["ledger"];
    assert_eq!(ledger.value, "/files/mine.ods");
    assert_eq!(ledger.file, Some(FileSource::Job(0)));
}

#[test]
fn what_does_not_fit_is_named() {
    let error = |v: &[(&str, &str)], f: &[FileInput]| bind(&declared(), &values(v), f).unwrap_err();
    assert_eq!(error(&[], &[]), InputError::Missing { name: "count".to_owned() });
    assert_eq!(
        error(&[("cuont", "3")], &[]).to_string(),
        "unknown input \"cuont\"; did you mean \"count\"?"
    );
    assert_eq!(
        error(&[("count", "three")], &[]).to_string(),
        "input \"count\": must be a whole number such as 42"
    );
    let as_value = error(&[("count", "3"), ("ledger", "a.ods")], &[]);
    assert!(as_value.to_string().contains("is a file input"));
    let as_file = error(&[], &[file("count", "a")]);
    assert!(as_file.to_string().contains("is not a file input"));
    for name in ["..", "a/b", "-rf", "a\nb", ""] {
        let error = error(&[("count", "3")], &[file("ledger", name)]);
        assert!(matches!(error, InputError::Value { .. }), "{name:?}");
    }
}

#[test]
fn two_files_of_one_name_are_refused() {
    let mut declared = declared();
    declared.insert("zweite".to_owned(), input(InputKind::File, true, None));
    let files = [file("zweite", "ledger.ods")];
    let error = bind(&declared, &values(&[("count", "3")]), &files).unwrap_err();
    assert!(matches!(error, InputError::SameFile { name, .. } if name == "zweite"));
}
