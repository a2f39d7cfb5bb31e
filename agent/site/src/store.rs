//! `[store]`: where sealed files go.

use serde::Deserialize;

use crate::name::{AbsolutePath, AccountId, Bucket, KeyArn, Prefix, Region};

/// The store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// A directory of this machine, below the state directory.
    #[default]
    Local,
    /// A bucket.
    S3(Bucketed),
    /// A directory on a disk that is carried away.
    Export(Export),
}

/// A bucket of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucketed {
    /// Its name.
    pub bucket: Bucket,
    /// Its region.
    pub region: Region,
    /// What every key begins with.
    pub prefix: Option<Prefix>,
    /// The account it must belong to; a bucket of somebody else's that has taken its name is refused.
    pub bucket_owner: Option<AccountId>,
    /// The key the store encrypts with on top (SSE-KMS).
    pub kms_key: Option<KeyArn>,
}

/// A removable disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// A directory on it. It must be there: while it is not, files wait in the spool. A mount point is there
    /// without its disk too, so name one below.
    pub directory: AbsolutePath,
}

impl Bucketed {
    /// `key` of the layout as the bucket has it.
    #[must_use]
    pub fn key(&self, key: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}/{key}"),
            None => key.to_owned(),
        }
    }
}
