//! `karakuri artifacts rewrap`: seals what a run left for other keys, where the right to decrypt is. Only
//! headers are written anew; a signed record says which message became which.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use karakuri_audit::open_regular;
use karakuri_protocol::job::Exit;
use karakuri_seal::kms::{KMS_RSA, KmsRsa};
use karakuri_seal::manifest::{
    self, Artifact, Manifest, Rewrap, RewrappedArtifact, SigningIdentity,
};
use karakuri_seal::{Recipient, Wrap, rewrap};
use karakuri_site::name::{InvalidName, KeyArn};
use time::OffsetDateTime;
use time::macros::format_description;

use super::super::cli::RewrapFor;
use crate::error::{CliError, at};
use crate::kept::{Kept, RECORD, fault};
use crate::output;
use crate::site::Site;

pub(crate) fn run(arguments: &RewrapFor) -> Result<Exit, CliError> {
    let site = Site::find()?;
    // Who rewraps may never have run anything here, and signs the record.
    site.prepare()?;
    let kept = Kept::read(&site.run(&arguments.run)?, &site.trusted(&[])?)?;
    let keys = site.keyrings(&arguments.opening)?;
    let recipients = recipients(&arguments.recipients)?;
    let made = OffsetDateTime::now_utc();
    let stamp = made
        .format(format_description!(
            "[year][month][day]T[hour][minute][second][subsecond digits:3]Z"
        ))
        .map_err(CliError::internal("naming the directory"))?;
    let place = kept.rewrap_at(&stamp);
    DirBuilder::new().recursive(true).mode(0o700).create(&place).map_err(at(&place))?;
    let Manifest { tenant, site: name, run, .. } = &kept.manifest;
    let mut record = Rewrap {
        version: 1,
        tenant: tenant.clone(),
        site: name.clone(),
        run: run.clone(),
        made,
        sealed_for: Vec::new(),
        artifacts: Vec::new(),
    };
    let done = kept.present().try_for_each(|artifact| {
        let (sealed_for, one) = rewrapped(&kept, artifact, &keys, &recipients, &place)?;
        record.sealed_for = sealed_for;
        record.artifacts.push(one);
        Ok(())
    });
    let done = done.and_then(|()| keep(&record, &site.signer()?, &place));
    if done.is_err() {
        // Without its record it is nothing; what is left of it would only puzzle.
        let _removed = fs::remove_dir_all(&place);
    }
    done?;
    let (count, now) = (record.artifacts.len(), record.sealed_for.join(", "));
    output::line(format!(
        "run {run}: {count} artifacts are sealed for {now} in {}",
        place.display()
    ));
    Ok(Exit::Success)
}

fn rewrapped<U: karakuri_seal::Unwrap>(
    kept: &Kept,
    artifact: &Artifact,
    keys: &[U],
    recipients: &[Box<dyn Wrap>],
    place: &Path,
) -> Result<(Vec<String>, RewrappedArtifact), CliError> {
    let (from, signed) = kept.message(artifact);
    let refused =
        |what: &dyn std::fmt::Display| CliError::NotVerified(format!("{}: {what}", from.display()));
    if let Some(fault) = fault(&from, &signed)? {
        return Err(refused(&format_args!("the artifact {fault}")));
    }
    let to = place.join(format!("{}.esdk", artifact.id));
    let input = open_regular(&from).map_err(at(&from))?;
    let mut output = BufWriter::new(create(&to)?);
    let context = kept.context(artifact);
    let done =
        rewrap(keys, recipients, Some(&context), input, &mut output).map_err(|e| refused(&e))?;
    if done.before != signed {
        return Err(refused(&"it is not the message that was signed"));
    }
    output.get_ref().sync_all().map_err(at(&to))?;
    let before = done.before.message_sha256;
    Ok((done.sealed_for, RewrappedArtifact { id: artifact.id.clone(), before, after: done.after }))
}

/// Signs the record; from then on the new messages count.
fn keep(record: &Rewrap, signer: &SigningIdentity, place: &Path) -> Result<(), CliError> {
    let envelope =
        manifest::sign(record, signer).map_err(CliError::internal("signing the record"))?;
    let (path, temporary) = (place.join(RECORD), place.join("record.tmp"));
    let mut file = create(&temporary)?;
    file.write_all(&envelope).and_then(|()| file.sync_all()).map_err(at(&temporary))?;
    fs::rename(&temporary, &path).map_err(at(&path))?;
    File::open(place).and_then(|directory| directory.sync_all()).map_err(at(place))
}

fn create(path: &Path) -> Result<File, CliError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at(path))
}

/// `NAMESPACE/NAME=FILE`, or the ARN of an RSA key in KMS instead of a name.
fn recipients(given: &[(String, String)]) -> Result<Vec<Box<dyn Wrap>>, CliError> {
    let recipient = |(name, path): &(String, String)| -> Result<Box<dyn Wrap>, CliError> {
        let path = Path::new(path);
        let pem = fs::read_to_string(path).map_err(at(path))?;
        let usage = |e: karakuri_seal::SealError| CliError::Usage(e.to_string());
        let (namespace, name) = name.split_once('/').unwrap_or(("karakuri", name));
        if namespace == KMS_RSA {
            let arn: KeyArn = name
                .to_owned()
                .try_into()
                .map_err(|e: InvalidName| CliError::Usage(e.to_string()))?;
            return Ok(Box::new(KmsRsa::from_pem(arn.as_str(), &pem).map_err(usage)?));
        }
        Ok(Box::new(Recipient::from_pem(namespace, name, &pem).map_err(usage)?))
    };
    given.iter().map(recipient).collect()
}
