//! A job and its bundle become typed values, or a clear error. Reading is apart from judging, so
//! that the bundle is read before karakurid gives up the right to.

mod read;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use karakuri_protocol::job::{Exit, Job};
use karakuri_sandbox::memfd;
use karakuri_workflow::bundle::{self, BundleError, Entry};
use karakuri_workflow::grant::{Grant, Refusal};
use karakuri_workflow::inputs::{self, Bound, FileSource};
use karakuri_workflow::manifest::{FILE_NAME, Manifest};
use karakuri_workflow::policy::{Policy, Watching};
use sha2::{Digest, Sha256};

use crate::end::End;

pub use read::{Bundle, BundleFile, ReadError, read_bundle, read_input};

/// Everything that is decided before the first process starts.
#[derive(Debug)]
pub struct Intake {
    /// The workflow.
    pub manifest: Manifest,
    /// What the run may do.
    pub grant: Grant,
    /// The run's inputs.
    pub inputs: BTreeMap<String, Bound>,
}

/// Judges a bundle and a job under the development policy.
///
/// There is no mode but `--once`, whose owner sees the screen anyway and may have it handed to a client
/// of theirs. A mode that serves others must refuse `disclose_screen` here, whatever its policy says.
///
/// # Errors
/// Each kind of bad input ends the run with its own exit code and names the place.
pub fn judge(bundle: &Bundle, job: &Job) -> Result<Intake, End> {
    let entries: Vec<Entry<'_>> = bundle
        .files
        .iter()
        .map(|file| Entry { path: &file.path, size: file.content.len() as u64 })
        .collect();
    bundle::check_files(&entries).map_err(bundle_end)?;
    let invalid = |e: &dyn std::fmt::Display| End::new(Exit::InvalidWorkflow, e.to_string());
    let text = bundle.text(FILE_NAME).map_err(|e| invalid(&e))?;
    let manifest = Manifest::parse(text, FILE_NAME).map_err(|e| invalid(&e))?;
    bundle::check_manifest(&entries, &manifest).map_err(bundle_end)?;
    let grant = Grant::decide(&manifest, &Policy::development())
        .map_err(|e| End::new(refusal_exit(&e), e.to_string()))?
        .driven_by(job.driver);
    if job.watched_by.is_some() && grant.watching() == Watching::Never {
        let message = "rule policy.watching: the policy lets nobody watch; run without --watch";
        return Err(End::new(Exit::Denied, message));
    }
    let inputs = inputs::bind(&manifest.inputs, &job.values, &job.files)
        .map_err(|e| End::new(Exit::InvalidInput, e.to_string()))?;
    Ok(Intake { manifest, grant, inputs })
}

/// A workflow for another version of the agent is not one that a policy refuses.
fn refusal_exit(refusal: &Refusal) -> Exit {
    match refusal {
        Refusal::Agent { .. } => Exit::InvalidWorkflow,
        _ => Exit::Denied,
    }
}

fn bundle_end(error: BundleError) -> End {
    let exit = match error {
        BundleError::MissingEntry(_) => Exit::MissingEntry,
        _ => Exit::InvalidWorkflow,
    };
    End::new(exit, error.to_string())
}

impl Bundle {
    /// SHA-256 over the sorted list of paths and the SHA-256 of each content.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for file in &self.files {
            digest.update((file.path.len() as u64).to_be_bytes());
            digest.update(file.path.as_bytes());
            digest.update(Sha256::digest(&file.content));
        }
        digest.finalize().into()
    }

    fn text(&self, path: &str) -> Result<&str, String> {
        let file = self.files.iter().find(|f| f.path == path);
        let file = file.ok_or_else(|| format!("there is no {path} in the workflow's directory"))?;
        std::str::from_utf8(&file.content).map_err(|e| format!("{path}: not UTF-8: {e}"))
    }

    /// The pictures that `image:` targets name, as sealed memfds.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn images(&self) -> Result<Vec<(String, OwnedFd)>, End> {
        let images = self.files.iter().filter_map(|f| Some((bundle::image_name(&f.path)?, f)));
        images
            .map(|(name, file)| Ok((name.to_owned(), memfd::sealed(name, &file.content)?)))
            .collect::<Result<_, memfd::MemfdError>>()
            .map_err(|e| End::internal("handing over the bundle's pictures", e))
    }

    /// Writes the bundle to where the script's sandbox shows it as `/bundle`.
    ///
    /// # Errors
    /// When the file system is full.
    pub fn unpack(&self, directory: &Path) -> Result<(), End> {
        for file in &self.files {
            let mode = if file.executable { 0o755 } else { 0o644 };
            place(&directory.join(&file.path), &file.content, mode)
                .map_err(|e| End::internal("unpacking the workflow", e))?;
        }
        Ok(())
    }
}

/// Puts the file inputs where the run sees them as `/files`.
///
/// # Errors
/// When the file system is full.
pub fn place_inputs(
    inputs: &BTreeMap<String, Bound>,
    bundle: &Bundle,
    given: &[Vec<u8>],
    directory: &Path,
) -> Result<(), End> {
    for bound in inputs.values() {
        let content = match &bound.file {
            None => continue,
            Some(FileSource::Job(index)) => given.get(*index).map(Vec::as_slice),
            Some(FileSource::Bundle(path)) => {
                bundle.files.iter().find(|f| &f.path == path).map(|f| f.content.as_slice())
            }
        };
        let name = bound.value.rsplit('/').next().unwrap_or_default();
        let content = content
            .ok_or_else(|| End::internal("placing the inputs", format!("{name} was not sent")))?;
        place(&directory.join(name), content, 0o660).map_err(|e| {
            End::new(Exit::InvalidInput, format!("input file {name} cannot be placed: {e}"))
        })?;
    }
    Ok(())
}

fn place(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // By fd: Landlock does not look at a change of mode by path, so karakurid may not make one.
    let mut file = fs::File::create(path)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(content)
}
