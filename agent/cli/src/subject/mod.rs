//! `karakuri subject`: a person's data in all runs of a store, for the holder of the keys that open the
//! class `pii`. The value looked for comes from a file or stdin: command lines are seen by others and kept
//! in histories.

mod erase;
mod export;
pub(crate) mod fields;
mod find;
mod search;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use karakuri_protocol::job::Exit;
use karakuri_seal::Unwrap;
use karakuri_seal::manifest::VerifyingKey;
use zeroize::Zeroizing;

use crate::cli::{Subject, SubjectCommand, Whom};
use crate::error::{CliError, at};
use crate::site::Site;
use search::Wanted;

/// The longest value.
const MAX_VALUE: u64 = 4096;

/// Whose data is asked for, and where.
struct Asked {
    site: Site,
    store: PathBuf,
    keys: Vec<Box<dyn Unwrap>>,
    /// The file of an auditor, whose bucket is to follow.
    auditor: Option<PathBuf>,
    trusted: Vec<VerifyingKey>,
    wanted: Wanted,
}

pub(crate) fn run(arguments: &Subject) -> Result<Exit, CliError> {
    match &arguments.command {
        SubjectCommand::Find { whom, json } => find::run(&Asked::new(whom)?, *json),
        SubjectCommand::Export { whom, out } => export::run(&Asked::new(whom)?, out),
        SubjectCommand::Erase { whom, with_outputs, json } => {
            erase::run(&Asked::new(whom)?, *with_outputs, *json)
        }
    }
}

impl Asked {
    fn new(whom: &Whom) -> Result<Self, CliError> {
        let site = Site::find()?;
        let value = value(whom.value.as_deref(), &whom.from)?;
        site.prepare()?;
        Ok(Self {
            store: whom.store.clone().unwrap_or_else(|| site.store()),
            keys: site.keyrings(&whom.opening)?,
            auditor: whom.opening.auditor.clone(),
            trusted: site.trusted(&whom.trust)?,
            wanted: Wanted::new(&site, whom.kind.as_deref(), &value)?,
            site,
        })
    }
}

/// The value, without the line's end: given, or read from a file or stdin.
fn value(given: Option<&str>, from: &Path) -> Result<Zeroizing<String>, CliError> {
    if let Some(given) = given {
        return Ok(Zeroizing::new(given.to_owned()));
    }
    let mut value = Zeroizing::new(String::new());
    if from == Path::new("-") {
        std::io::stdin().take(MAX_VALUE).read_to_string(&mut value).map_err(at(from))?;
    } else {
        let file = fs::File::open(from).map_err(at(from))?;
        file.take(MAX_VALUE).read_to_string(&mut value).map_err(at(from))?;
    }
    Ok(Zeroizing::new(value.trim_end_matches(['\r', '\n']).to_owned()))
}
