//! `karakuri artifacts verify`: whether everything that a run made is there as it was signed. Needs no key
//! that opens anything, and works on a copy of the store.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use karakuri_protocol::job::Exit;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_seal::manifest::Reason;
use serde::Serialize;

use super::super::cli::Verify;
use crate::error::{CliError, at};
use crate::kept::{Kept, MANIFEST, fault};
use crate::output;
use crate::site::Site;

/// What was found, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Found {
    run: String,
    artifacts: usize,
    /// Artifacts that were sealed for other keys later.
    rewrapped: usize,
    /// Artifacts that are gone because the time of their class was over, as a signed record says.
    expired: usize,
    /// Artifacts that are gone because a person's data was erased, likewise.
    erased: usize,
    /// What is not as it was signed: a path and what is wrong with it.
    faults: Vec<Fault>,
    /// Files that nobody signed.
    unsigned: Vec<PathBuf>,
}

/// A removal that was cut short, or a message that came back.
const STILL_THERE: &str = "is recorded as removed and is there all the same; `karakuri artifacts \
                           expire` or `karakuri subject erase` removes it";

#[derive(Debug, Serialize)]
struct Fault {
    path: PathBuf,
    fault: &'static str,
}

pub(crate) fn run(arguments: &Verify) -> Result<Exit, CliError> {
    let site = Site::find()?;
    let store = arguments.store.clone().unwrap_or_else(|| site.store());
    let trusted = site.trusted(&arguments.trust)?;
    let kept = Kept::read(&site.run_in(&store, &arguments.run)?, &trusted)?;
    if !arguments.json {
        return tell(&kept);
    }
    let found = check(&kept)?;
    output::json(&found)?;
    Ok(found.exit())
}

/// Says whether everything is as it was signed.
pub(super) fn tell(kept: &Kept) -> Result<Exit, CliError> {
    let found = check(kept)?;
    found.tell();
    Ok(found.exit())
}

fn check(kept: &Kept) -> Result<Found, CliError> {
    let mut found = Found {
        run: kept.manifest.run.clone(),
        artifacts: kept.manifest.artifacts.len(),
        rewrapped: 0,
        expired: 0,
        erased: 0,
        faults: Vec::new(),
        unsigned: Vec::new(),
    };
    let mut signed = BTreeSet::from([kept.directory.join(MANIFEST)]);
    for (artifact, reason) in kept.removed() {
        match reason {
            Reason::Expired => found.expired += 1,
            Reason::Erased => found.erased += 1,
        }
        for path in kept.copies(artifact) {
            signed.insert(path.clone());
            found.add(path, Some(STILL_THERE));
        }
    }
    for artifact in kept.present() {
        let (path, summary) = kept.message(artifact);
        let original = kept.original(artifact);
        if original.0 != path {
            found.rewrapped += 1;
            // The earlier message may be deleted; if it is there, it is the one that was signed.
            if original.0.exists() {
                found.add(original.0.clone(), fault(&original.0, &original.1)?);
            }
        }
        found.add(path.clone(), fault(&path, &summary)?);
        signed.extend([path, original.0]);
    }
    for entry in fs::read_dir(&kept.directory).map_err(at(&kept.directory))? {
        let path = entry.map_err(at(&kept.directory))?.path();
        if path.is_file() && !signed.contains(&path) {
            found.unsigned.push(path);
        }
    }
    found.unsigned.sort();
    Ok(found)
}

impl Found {
    fn add(&mut self, path: PathBuf, fault: Option<&'static str>) {
        self.faults.extend(fault.map(|fault| Fault { path, fault }));
    }

    fn exit(&self) -> Exit {
        if self.faults.is_empty() { Exit::Success } else { Exit::NotVerified }
    }

    fn tell(&self) {
        // Who writes to the store chooses names there.
        let name = |path: &Path| Untrusted::new(path.display().to_string()).escaped(1000);
        for Fault { path, fault } in &self.faults {
            output::line(format!("FAULT {} {fault}", name(path)));
        }
        for path in &self.unsigned {
            output::line(format!("NOTE  {} is in no signed list", name(path)));
        }
        let Self { run, artifacts, rewrapped, expired, erased, faults, .. } = self;
        let verdict =
            if faults.is_empty() { "as they were signed" } else { "NOT as they were signed" };
        let rewrapped = match rewrapped {
            0 => String::new(),
            count => format!(", {count} of them sealed for other keys since"),
        };
        let gone = |count: &usize, reason: Reason| match count {
            0 => String::new(),
            count => format!(", {count} of them {reason}, recorded"),
        };
        let gone = gone(expired, Reason::Expired) + &gone(erased, Reason::Erased);
        output::line(format!("run {run}: {artifacts} artifacts{rewrapped}{gone}, {verdict}"));
    }
}
