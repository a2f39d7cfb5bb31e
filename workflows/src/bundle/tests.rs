//! Only plain files with plain names, not too many, not too large.

use super::*;

fn entries<'a>(paths: &[&'a str]) -> Vec<Entry<'a>> {
    paths.iter().map(|path| Entry { path, size: 10 }).collect()
}

#[test]
fn a_path_stays_below_the_bundle() {
    for (path, error) in [
        ("", PathError::Empty),
        ("/etc/passwd", PathError::Absolute),
        ("a/../b", PathError::Dots),
        ("./a", PathError::Dots),
        ("a//b", PathError::Empty),
        ("a/", PathError::Empty),
        ("1/2/3/4/5/6/7/8/9", PathError::Deep),
        ("-rf", PathError::Character),
        ("a\0b", PathError::Character),
        ("a\u{202e}b", PathError::Character),
        ("a\\b", PathError::Character),
    ] {
        assert_eq!(check_path(path), Err(error), "{path:?}");
    }
    assert_eq!(check_path(&"x".repeat(129)), Err(PathError::Long));
    for path in ["main.py", "images/ok.png", "請求書/株式会社.pdf", "1/2/3/4/5/6/7/8"] {
        assert_eq!(check_path(path), Ok(()), "{path}");
    }
}

#[test]
fn the_whole_is_bounded() {
    let many: Vec<String> = (0..=MAX_FILES).map(|i| format!("f{i}")).collect();
    let many: Vec<Entry<'_>> = many.iter().map(|path| Entry { path, size: 0 }).collect();
    assert_eq!(check_files(&many), Err(BundleError::TooMany(MAX_FILES + 1)));
    let large = [Entry { path: "workflow.toml", size: 1 }, Entry { path: "a", size: MAX_TOTAL }];
    assert_eq!(check_files(&large), Err(BundleError::TooLarge(MAX_TOTAL + 1)));
    let wrapping = [Entry { path: "a", size: u64::MAX }, Entry { path: "b", size: 2 }];
    assert_eq!(check_files(&wrapping), Err(BundleError::TooLarge(u64::MAX)));
}

#[test]
fn a_manifest_must_be_there_and_no_path_twice() {
    assert_eq!(check_files(&entries(&["main.py"])), Err(BundleError::MissingManifest));
    let twice = entries(&["workflow.toml", "a", "a"]);
    assert_eq!(check_files(&twice), Err(BundleError::Twice("a".to_owned())));
}

#[test]
fn pictures_are_png_files_directly_in_images() {
    for path in ["images/a.jpg", "images/x/a.png"] {
        let files = entries(&["workflow.toml", path]);
        assert_eq!(check_files(&files), Err(BundleError::Image(path.to_owned())));
    }
    assert_eq!(check_files(&entries(&["workflow.toml", "images/a.png"])), Ok(()));
}

#[test]
fn what_the_manifest_names_must_be_there() {
    let text = "name = \"a\"\nversion = \"1.0.0\"\nagent = \"*\"\nentry = \"main.py\"\n[inputs.f]\ntype = \"file\"\ndefault = \"a.pdf\"";
    let manifest = Manifest::parse(text, FILE_NAME).unwrap();
    let missing = check_manifest(&entries(&["workflow.toml", "a.pdf"]), &manifest);
    assert_eq!(missing, Err(BundleError::MissingEntry("main.py".to_owned())));
    let no_default = check_manifest(&entries(&["workflow.toml", "main.py"]), &manifest);
    assert!(matches!(no_default, Err(BundleError::MissingDefault { .. })));
    let whole = entries(&["workflow.toml", "main.py", "a.pdf"]);
    assert_eq!(check_manifest(&whole, &manifest), Ok(()));
}
