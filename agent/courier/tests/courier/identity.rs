//! Whose credentials the courier uses, and how far they reach.

use std::sync::atomic::Ordering;

use karakuri_protocol::courier::Kind;
use serde_json::json;

use crate::faults::Fault;
use crate::proxy::Faulty;
use crate::rig::{Courier, Site};
use crate::servers::servers;

/// The role may do everything: what is refused here, the policy refuses that the courier sent.
/// A field of what was posted to the lender of roles.
pub(crate) fn field(form: &str, name: &str) -> String {
    let rest = form.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    percent_decoded(rest.unwrap_or_else(|| panic!("no {name} in {form}")))
}

#[test]
fn the_session_reaches_its_own_prefix_and_nothing_else() {
    let mut site = Site::new();
    let watched = Faulty::before(servers().s3, Fault::None);
    site.sts = Some(watched.url());
    Courier::upload(&site).put("runs/a/1.esdk", b"sealed").unwrap();
    let form = watched.forms().concat();
    let field = |name: &str| field(&form, name);
    assert_eq!(field("DurationSeconds"), "900");
    assert_eq!(field("ExternalId"), "karakuri");
    assert_eq!(field("RoleSessionName"), "karakuri-upload-osaka-1");
    assert_eq!(
        (field("Tags.member.1.Key"), field("Tags.member.1.Value")),
        ("tenant".into(), "acme".into())
    );
    assert_eq!(
        (field("Tags.member.2.Key"), field("Tags.member.2.Value")),
        ("site".into(), "osaka-1".into())
    );

    let policy = field("Policy");
    let allowed = |bucket: &str, key: &str| {
        let question = json!({"session": policy, "bucket": bucket, "key": key});
        servers().ask(&question).unwrap()
    };
    let refused = "AccessDenied";
    assert_eq!(
        allowed("acme", &site.key("runs/b")),
        json!({"put": "ok", "get": "ok", "delete": refused, "list": refused})
    );
    for (bucket, key) in [
        ("acme", "tenant-b/runs/b".to_owned()),
        ("acme", format!("{}x/runs/b", site.prefix)),
        ("other", site.key("runs/b")),
    ] {
        let nothing = json!({"put": refused, "get": refused, "delete": refused, "list": refused});
        assert_eq!(allowed(bucket, &key), nothing, "{bucket} {key}");
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(hex::decode(digits).unwrap()[0]);
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_the_role_may_not_do_is_refused_and_not_tried_for_ever() {
    let mut site = Site::new();
    site.role = servers().narrow.clone();
    let watched = Faulty::before(servers().s3, Fault::None);
    site.s3 = watched.url();
    for content in [vec![7; 10], vec![7; 17 * 1024 * 1024]] {
        let failure = Courier::upload(&site).put("runs/a/1.esdk", &content).unwrap_err();
        assert_eq!(failure.kind, Kind::Refused, "{}", failure.message);
        assert!(failure.message.contains("AccessDenied"), "{}", failure.message);
    }
    assert_eq!(watched.seen("runs/a/1.esdk"), 2);
}

#[test]
fn a_refused_session_blocks_every_request_and_is_told() {
    let mut site = Site::new();
    site.role = "arn:aws:iam::000000000000:role/none".to_owned();
    let courier = Courier::upload(&site);
    let failure = courier.put("runs/a/1.esdk", b"sealed").unwrap_err();
    assert_eq!(failure.kind, Kind::Blocked, "{}", failure.message);
    assert!(failure.message.contains("role/none"), "{}", failure.message);
}

#[test]
fn a_lender_that_is_away_may_be_tried_again() {
    let mut site = Site::new();
    site.sts = Some(Faulty::nobody());
    let failure = Courier::upload(&site).put("runs/a/1.esdk", b"sealed").unwrap_err();
    assert_eq!(failure.kind, Kind::Retry, "{}", failure.message);
}

#[test]
fn wrong_base_credentials_block_every_request() {
    let mut site = Site::new();
    site.credentials = site.credentials.replace("edgesecret", "wrong");
    let failure = Courier::upload(&site).put("runs/a/1.esdk", b"sealed").unwrap_err();
    assert_eq!(failure.kind, Kind::Blocked, "{}", failure.message);
}

#[test]
fn a_long_lived_access_key_is_refused_with_the_mend() {
    let mut site = Site::new();
    site.credentials =
        json!({"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x"}).to_string();
    let courier = Courier::upload(&site);
    let failure = courier.put("runs/a/1.esdk", b"sealed").unwrap_err();
    assert_eq!(failure.kind, Kind::Blocked, "{}", failure.message);
    assert!(failure.message.contains("instance profile"), "{}", failure.message);
    assert!(courier.asked.load(Ordering::Relaxed) > 0);
}

#[test]
fn a_program_that_prints_nothing_is_named() {
    let mut site = Site::new();
    site.credentials = String::new();
    let failure = Courier::upload(&site).put("runs/a/1.esdk", b"sealed").unwrap_err();
    assert_eq!(failure.kind, Kind::Blocked, "{}", failure.message);
    assert!(failure.message.contains("identity.base.process"), "{}", failure.message);
}
