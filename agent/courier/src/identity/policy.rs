//! What a session may do, whatever its role may: the policy that goes with AssumeRole.
//!
//! The limit of STS for an inline policy is 2048 characters.

use karakuri_site::Site;
use karakuri_site::name::KeyArn;
use karakuri_site::store::Bucketed;
use serde_json::{Value, json};

/// For the courier that uploads: objects of this site's part of the bucket, made and looked at, and
/// where the bucket encrypts, its key by way of the store alone.
///
/// `s3:GetObject` is what HeadObject needs, `kms:Decrypt` what the store needs to put parts together
/// and to tell a checksum.
#[must_use]
pub fn upload(partition: &str, store: &Bucketed) -> String {
    let everything = store.key("*");
    let objects = format!("arn:{partition}:s3:::{}/{everything}", store.bucket);
    let mut statements = vec![json!({
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts"],
        "Resource": [objects],
    })];
    if let Some(key) = &store.kms_key {
        let service = format!("s3.{}.amazonaws.com", store.region);
        statements.push(json!({
            "Effect": "Allow",
            "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
            "Resource": [key.as_str()],
            "Condition": {"StringEquals": {"kms:ViaService": service}},
        }));
    }
    document(&statements)
}

/// For the courier of the keys: data keys of this tenant and site, with a context of exactly the four
/// names.
#[must_use]
pub fn keys(key: &KeyArn, site: &Site) -> String {
    document(&[json!({
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey"],
        "Resource": [key.as_str()],
        "Condition": {
            "StringEquals": {
                "kms:EncryptionContext:tenant": site.tenant,
                "kms:EncryptionContext:site": site.site,
            },
            "ForAllValues:StringEquals": {
                "kms:EncryptionContextKeys": ["tenant", "site", "run", "class"],
            },
        },
    })])
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}
