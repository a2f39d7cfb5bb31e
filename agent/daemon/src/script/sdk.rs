//! The Python package that scripts import, part of this program so that it always fits it.

use std::path::Path;

use crate::end::End;

macro_rules! package {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../../workflows/sdk/python/karakuri/", $name))),)*]
    };
}

/// File name and content.
const FILES: &[(&str, &str)] = package! {
    "__init__.py" "_channel.py" "_limits.py" "_report.py" "desktop.py" "errors.py" "py.typed"
    "results.py" "run.py" "targets.py"
};

/// Writes the package below `directory`, which is on the script's path.
///
/// # Errors
/// When the file system is full.
pub fn unpack(directory: &Path) -> Result<(), End> {
    let package = directory.join("karakuri");
    let write = || {
        std::fs::create_dir_all(&package)?;
        FILES.iter().try_for_each(|(name, content)| std::fs::write(package.join(name), content))
    };
    write().map_err(|e: std::io::Error| End::internal("unpacking the Python package", e))
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn every_file_of_the_package_is_in_the_list() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows/sdk/python/karakuri");
        let mut there: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "__pycache__")
            .collect();
        there.sort();
        assert_eq!(there, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
