//! What a session may do, whatever its role may: the policy that goes with AssumeRole.
//!
//! The limit of STS for an inline policy is 2048 characters.

use karakuri_site::Site;
use karakuri_site::name::KeyArn;
use karakuri_site::store::{Bucketed, Store};
use serde_json::{Value, json};

/// For the courier that uploads: objects of this site's part of the bucket, made and looked at, and
/// where the bucket encrypts, its key by way of the store alone.
///
/// `s3:PutObjectTagging` is for the tag that goes with a new object, `s3:GetObject` is what HeadObject needs, `kms:Decrypt` what the store needs to put parts together
/// and to tell a checksum.
#[must_use]
pub fn upload(partition: &str, store: &Bucketed) -> String {
    let everything = store.key("*");
    let objects = format!("arn:{partition}:s3:::{}/{everything}", store.bucket);
    let mut statements = vec![json!({
        "Effect": "Allow",
        "Action": [
            "s3:PutObject", "s3:PutObjectTagging", "s3:GetObject", "s3:ListMultipartUploadParts",
        ],
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

/// For an auditor's courier: this tenant's part of the bucket to be read, and its keys to be unwrapped;
/// where something is erased, its versions to be deleted. Reading goes with the bucket's own key by way of
/// the store alone.
#[must_use]
pub fn auditor(partition: &str, site: &Site, erasing: bool) -> String {
    let mut statements = Vec::new();
    if let Store::S3(store) = &site.store {
        let bucket = format!("arn:{partition}:s3:::{}", store.bucket);
        let objects = format!("{bucket}/{}", store.key("*"));
        let mut listing = vec!["s3:ListBucket"];
        statements.push(json!({
            "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [objects],
        }));
        if erasing {
            listing.push("s3:ListBucketVersions");
            let runs = format!("{bucket}/{}", store.key("runs/*"));
            statements.push(json!({
                "Effect": "Allow",
                "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                "Resource": [runs],
            }));
            let records = format!("{bucket}/{}", store.key("runs/*/removed/*"));
            statements.push(json!({
                "Effect": "Allow", "Action": ["s3:PutObject"], "Resource": [records],
            }));
        }
        statements.push(json!({
            "Effect": "Allow",
            "Action": listing,
            "Resource": [bucket],
            "Condition": {"StringLike": {"s3:prefix": store.key("*")}},
        }));
        if let Some(key) = &store.kms_key {
            let service = format!("s3.{}.amazonaws.com", store.region);
            statements.push(json!({
                "Effect": "Allow",
                "Action": if erasing {
                    vec!["kms:Decrypt", "kms:GenerateDataKey"]
                } else {
                    vec!["kms:Decrypt"]
                },
                "Resource": [key.as_str()],
                "Condition": {"StringEquals": {"kms:ViaService": service}},
            }));
        }
    }
    if let Some(kms) = &site.keys.aws_kms {
        let mut statement = json!({
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": [kms.key.as_str()],
        });
        // An RSA key knows no context.
        if kms.public_key.is_none() {
            statement["Condition"] =
                json!({"StringEquals": {"kms:EncryptionContext:tenant": site.tenant}});
        }
        statements.push(statement);
    }
    document(&statements)
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// packaging/terraform compares the policies of the roles with these files, and the site.toml it
    /// prints with this one.
    const SITE: &str = include_str!("../../tests/policies/site.toml");
    const UPLOAD: &str = include_str!("../../tests/policies/upload.json");
    const KEYS: &str = include_str!("../../tests/policies/keys.json");
    const AUDITOR: &str = include_str!("../../tests/policies/auditor.json");
    const ERASER: &str = include_str!("../../tests/policies/eraser.json");
    /// The most characters of a session's policy, of STS.
    const MAX_POLICY: usize = 2048;

    fn assert_same(policy: &str, golden: &str) {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(policy), value(golden));
        assert!(policy.len() <= MAX_POLICY);
    }

    #[test]
    fn the_policies_are_those_the_roles_are_compared_with() {
        let site = Site::parse(SITE, "site.toml").unwrap();
        let Store::S3(store) = &site.store else { panic!("{:?}", site.store) };
        assert_same(&upload("aws", store), UPLOAD);
        assert_same(&keys(&site.keys.aws_kms.as_ref().unwrap().key, &site), KEYS);
        assert_same(&auditor("aws", &site, false), AUDITOR);
        assert_same(&auditor("aws", &site, true), ERASER);
    }
}
