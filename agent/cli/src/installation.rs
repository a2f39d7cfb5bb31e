//! site.toml and what it names, looked at before anything is begun: a mistake costs no run.

use std::fs;

use karakuri_personal::{Finder, Normaliser, Settings};
use karakuri_seal::Recipient;
use karakuri_seal::kms::KmsRsa;

use crate::error::{CliError, at};
use crate::site::Site;

/// What site.toml says, with its public keys and its patterns of personal data in order.
pub(crate) fn check(site: &Site) -> Result<karakuri_site::Site, CliError> {
    let settings = site.settings()?;
    let wrong = |path: &std::path::Path, e: &dyn std::fmt::Display| {
        CliError::Usage(format!("{}, which site.toml names: {e}", path.display()))
    };
    for key in &settings.keys.raw_rsa {
        let path = key.public_key.as_path();
        let pem = fs::read_to_string(path).map_err(at(path))?;
        Recipient::from_pem(&key.namespace, &key.name, &pem).map_err(|e| wrong(path, &e))?;
    }
    if let Some(kms) = &settings.keys.aws_kms
        && let Some(public_key) = &kms.public_key
    {
        let path = public_key.as_path();
        let pem = fs::read_to_string(path).map_err(at(path))?;
        KmsRsa::from_pem(kms.key.as_str(), &pem).map_err(|e| wrong(path, &e))?;
    }
    personal(&settings)?;
    Ok(settings)
}

/// What is personal at this installation, and how it is found.
pub(crate) fn personal(
    site: &karakuri_site::Site,
) -> Result<(Settings, Finder, Normaliser), CliError> {
    let wrong =
        |e: &dyn std::fmt::Display| CliError::Usage(format!("[personal] of site.toml: {e}"));
    let table = toml::Value::Table(site.personal.clone());
    let settings: Settings = table.try_into().map_err(|e| wrong(&e))?;
    let normaliser = Normaliser::new(&settings).map_err(|e| wrong(&e))?;
    let finder = Finder::new(&settings).map_err(|e| wrong(&e))?;
    Ok((settings, finder, normaliser))
}
