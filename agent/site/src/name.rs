//! Names that end up in policies, encryption contexts and requests: each has one spelling, and none
//! a character that means something there.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

/// Why a text is not one of the names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} {rule}")]
pub struct InvalidName {
    text: String,
    rule: &'static str,
}

/// What the names of things end with that are asked elsewhere than a bucket, or lack what one has
/// (versions, locks).
const SPECIAL: [&str; 5] = ["--x-s3", "--ol-s3", "-s3alias", "--table-s3", ".mrap"];

/// A name of one kind: its documentation, its type, its rule in words, its rule as a function.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $rule:literal, $fits:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                let fits: fn(&str) -> bool = $fits;
                if fits(&text) { Ok(Self(text)) } else { Err(InvalidName { text, rule: $rule }) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A tenant or a site, part of every encryption context.
    Label: "must be 1 to 63 of a-z, 0-9 and -, with no - at either end", is_label;
    /// A bucket.
    Bucket: "is not a bucket's name: 3 to 63 of a-z, 0-9, . and -, beginning and ending with a \
             letter or digit; and none of a directory bucket, an access point or a table", |text| {
        (3..=63).contains(&text.len())
            && text.bytes().all(|b| lower(b) || b == b'-' || b == b'.')
            && ends_well(text)
            && !text.contains("..")
            && !SPECIAL.iter().any(|end| text.ends_with(end))
    };
    /// A region.
    Region: "is not a region, such as eu-central-1", |text| is_label(text) && text.contains('-');
    /// What every key in a bucket begins with, without the `/` that follows.
    Prefix: "must be names of a-z, A-Z, 0-9, -, _ and . joined by /, none of them . or ..", |text| {
        text.len() <= 128 && text.split('/').all(is_segment)
    };
    /// The number of an account.
    AccountId: "is not an account: 12 digits", is_account;
    /// The ARN of a KMS key; an alias can be pointed at another key and is therefore none.
    KeyArn: "is not the ARN of a KMS key: arn:aws:kms:REGION:ACCOUNT:key/ID, not an alias",
        |text| is_arn(text, "kms", true, "key/");
    /// The ARN of a role.
    RoleArn: "is not the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME",
        |text| is_arn(text, "iam", false, "role/");
    /// What a role's trust policy may ask for beside the caller's identity.
    ExternalId: "is not an external id: 2 to 1224 of letters, digits and + = , . @ : / -", |text| {
        (2..=1224).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@:/-_".contains(&b))
    };
}

impl KeyArn {
    /// The region the key is in.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }
}

impl RoleArn {
    /// The partition, `aws` for most regions.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }
}

/// An absolute path without `..`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PathBuf")]
pub struct AbsolutePath(PathBuf);

/// Why a path is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} must be an absolute path without ..")]
pub struct InvalidPath(PathBuf);

impl AbsolutePath {
    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl TryFrom<PathBuf> for AbsolutePath {
    type Error = InvalidPath;

    fn try_from(path: PathBuf) -> Result<Self, InvalidPath> {
        let plain = path.components().all(|c| !matches!(c, Component::ParentDir));
        if path.is_absolute() && plain { Ok(Self(path)) } else { Err(InvalidPath(path)) }
    }
}

fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn ends_well(text: &str) -> bool {
    text.bytes().next().is_some_and(lower) && text.bytes().last().is_some_and(lower)
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && text.bytes().all(|b| lower(b) || b == b'-') && ends_well(text)
}

fn is_segment(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    !matches!(text, "" | "." | "..") && text.bytes().all(known)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
fn is_arn(text: &str, service: &str, regional: bool, resource: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", partition, of, region, account, rest] = parts[..] else { return false };
    let name = rest.strip_prefix(resource);
    let place = if regional { is_label(region) } else { region.is_empty() };
    // RFC-like names of IAM: letters, digits and + = , . @ - _ with paths.
    let known = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@-_/".contains(&b);
    (partition == "aws" || partition.strip_prefix("aws-").is_some_and(is_label))
        && of == service
        && place
        && is_account(account)
        && name.is_some_and(|name| !name.is_empty() && name.bytes().all(known))
}
