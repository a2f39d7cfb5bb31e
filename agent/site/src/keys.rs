//! `[keys]`: for whom artifacts are sealed. Each message carries its data key once for each of them.

use serde::Deserialize;

use crate::name::{AbsolutePath, KeyArn};

/// The tenant's wrapping keys; none only during development.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The key in KMS.
    pub aws_kms: Option<AwsKms>,
    /// Keys whose private half is kept off line.
    #[serde(default)]
    pub raw_rsa: Vec<RawRsa>,
}

/// A key in KMS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsKms {
    /// Which.
    pub key: KeyArn,
    /// Strict mode: its public half in PEM. Data keys are made and wrapped here, and KMS is asked for
    /// nothing.
    pub public_key: Option<AbsolutePath>,
}

/// A key whose private half the tenant keeps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRsa {
    /// The provider of the message format, chosen by the tenant.
    pub namespace: String,
    /// The key's name there.
    pub name: String,
    /// Its public half in PEM.
    pub public_key: AbsolutePath,
}

impl Keys {
    /// Whether data keys come from KMS.
    #[must_use]
    pub fn are_generated_by_kms(&self) -> bool {
        self.aws_kms.as_ref().is_some_and(|kms| kms.public_key.is_none())
    }
}
