//! `karakuri report`: the opened copy of a run's report, readable by the user alone.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use karakuri_protocol::job::Exit;
use karakuri_seal::Unwrap;

use crate::cli::Report;
use crate::error::{CliError, at};
use crate::output;
use crate::run::write_private;
use crate::site::Site;

pub(crate) fn run(arguments: &Report) -> Result<Exit, CliError> {
    let site = Site::find()?;
    let keys = site.keyrings(&arguments.opening)?;
    let path = write_opened(&site, &site.run(&arguments.run)?, &keys)?;
    output::line(path.display());
    if arguments.open && !Command::new("xdg-open").arg(&path).status().is_ok_and(|s| s.success()) {
        eprintln!("karakuri: no browser could be started (xdg-open); open the file above yourself");
    }
    Ok(Exit::Success)
}

/// Decrypts the report of the run in `directory` to `reports/<run>.html`.
pub(crate) fn write_opened<U: Unwrap>(
    site: &Site,
    directory: &Path,
    keys: &[U],
) -> Result<PathBuf, CliError> {
    let kept = site.kept(directory)?;
    let manifest = &kept.manifest;
    let report = kept.evidence("report").ok_or_else(|| {
        CliError::NotVerified(format!("run {} has no report in its manifest", manifest.run))
    })?;
    let html = kept.open(keys, report)?;
    let directory = site.path().join("reports");
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(&directory).map_err(at(&directory))?;
    let path = directory.join(format!("{}.html", manifest.run));
    write_private(&path, &html)?;
    Ok(path)
}
