//! Credentials as JSON: what a `credential_process` prints and what a container's service answers.
//!
//! `{"Version": 1, "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}`; a container's
//! has no version and calls the token `Token`.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_smithy_types::date_time::{DateTime, Format};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::NoSession;

/// The most bytes of a document.
pub(crate) const MAX_DOCUMENT: usize = 64 * 1024;
/// What every access key of a user begins with, which is valid until somebody takes it back.
const LONG_LIVED: &str = "AKIA";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    version: Option<u32>,
    access_key_id: &'a str,
    #[serde(borrow)]
    secret_access_key: std::borrow::Cow<'a, str>,
    #[serde(borrow, alias = "Token")]
    session_token: Option<std::borrow::Cow<'a, str>>,
    expiration: Option<&'a str>,
}

/// Reads one. `source` is named in errors, `own_service` says whether a service of the site's own
/// lends the roles, which may know no tokens.
pub(crate) fn read(
    json: &Zeroizing<Vec<u8>>,
    source: &'static str,
    own_service: bool,
) -> Result<Credentials, NoSession> {
    // What serde says of a value could show a part of it.
    let document: Document<'_> = serde_json::from_slice(json).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        NoSession::blocked(format!("{source}: what it says is not credentials in JSON ({place})"))
    })?;
    if document.version.is_some_and(|version| version != 1) {
        return Err(NoSession::blocked(format!("{source}: credentials of another version than 1")));
    }
    let expires = document.expiration.map(|text| expiry(text, source)).transpose()?;
    let token = document.session_token.filter(|token| !token.is_empty()).map(|t| t.into_owned());
    let secret = document.secret_access_key.into_owned();
    let credentials = Credentials::new(document.access_key_id, secret, token, expires, source);
    refuse_long_lived(credentials, own_service)
}

/// Passes credentials on unless they are a long-lived access key.
pub(crate) fn refuse_long_lived(
    credentials: Credentials,
    own_service: bool,
) -> Result<Credentials, NoSession> {
    let known = credentials.access_key_id().starts_with(LONG_LIVED);
    if known || (credentials.session_token().is_none() && !own_service) {
        return Err(NoSession::blocked(
            "identity.base: these are long-lived access keys, which are not used: whoever copies one \
             has it until somebody notices. Give the machine an instance profile, a web identity, or \
             a certificate with a signing helper as identity.base.process",
        ));
    }
    Ok(credentials)
}

fn expiry(text: &str, source: &str) -> Result<SystemTime, NoSession> {
    let time = DateTime::from_str(text, Format::DateTimeWithOffset).ok();
    time.and_then(|time| SystemTime::try_from(time).ok())
        .ok_or_else(|| NoSession::blocked(format!("{source}: Expiration is not a time")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str, own_service: bool) -> Result<Credentials, String> {
        read(&Zeroizing::new(json.as_bytes().to_vec()), "a test", own_service)
            .map_err(|e| e.to_string())
    }

    #[test]
    fn both_spellings_are_read() {
        for token in ["SessionToken", "Token"] {
            let json = format!(
                r#"{{"AccessKeyId": "ASIA1", "SecretAccessKey": "s\/1", "{token}": "t",
                     "Expiration": "2026-11-22T10:00:00Z", "RoleArn": "x"}}"#
            );
            let credentials = parse(&json, false).unwrap();
            assert_eq!(credentials.secret_access_key(), "s/1");
            assert_eq!(credentials.session_token(), Some("t"));
            let expiry = credentials.expiry().unwrap().duration_since(SystemTime::UNIX_EPOCH);
            assert_eq!(expiry.unwrap().as_secs(), 1_795_341_600);
        }
    }

    #[test]
    fn long_lived_keys_are_refused_with_the_mend() {
        let akia = r#"{"AccessKeyId": "AKIA1", "SecretAccessKey": "s"}"#;
        let bare = r#"{"AccessKeyId": "edge", "SecretAccessKey": "s"}"#;
        for (json, own_service) in [(akia, false), (akia, true), (bare, false)] {
            let refused = parse(json, own_service).unwrap_err();
            assert!(refused.contains("instance profile"), "{refused}");
        }
        assert!(parse(bare, true).is_ok());
    }

    #[test]
    fn an_error_shows_nothing_of_a_secret() {
        for json in [
            r#"{"AccessKeyId": "A", "SecretAccessKey": 4711}"#,
            r#"{"AccessKeyId": "A", "SecretAccessKey": "hush", "Expiration": "hush"}"#,
            r#"{"AccessKeyId": "A", "SecretAccessKey": "hush", "Version": 2}"#,
            "hush",
        ] {
            let refused = parse(json, true).unwrap_err();
            assert!(!refused.contains("hush") && !refused.contains("4711"), "{refused}");
        }
    }
}
