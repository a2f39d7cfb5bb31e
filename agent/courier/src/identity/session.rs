//! The borrowed role: AssumeRole with a policy, tags and a short life. The SDK asks for it when the
//! one at hand is about to end.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::types::{Credentials as Lent, Tag};
use karakuri_site::identity::Identity;
use karakuri_site::name::RoleArn;

use crate::failure::{self, NoSession};

/// The most characters of a session's name, of STS.
const MAX_NAME: usize = 64;

/// A role that can be borrowed again and again.
#[derive(Debug)]
pub(crate) struct Session {
    sts: aws_sdk_sts::Client,
    role: RoleArn,
    name: String,
    external_id: Option<String>,
    seconds: i32,
    policy: String,
    tags: Vec<(&'static str, String)>,
}

impl Session {
    /// `name` tells the sessions of a role apart in the service's records.
    pub(crate) fn new(
        sts: aws_sdk_sts::Client,
        identity: &Identity,
        role: &RoleArn,
        name: &str,
        policy: String,
        tags: Vec<(&'static str, String)>,
    ) -> Self {
        Self {
            sts,
            role: role.clone(),
            name: name.chars().take(MAX_NAME).collect(),
            external_id: identity.external_id.as_ref().map(ToString::to_string),
            seconds: identity.session_minutes.seconds().into(),
            policy,
            tags: if identity.session_tags { tags } else { Vec::new() },
        }
    }

    async fn borrow(&self) -> provider::Result {
        let mut tags = Vec::new();
        for (key, value) in &self.tags {
            let tag = Tag::builder().key(*key).value(value).build();
            tags.push(tag.map_err(CredentialsError::invalid_configuration)?);
        }
        let request = self
            .sts
            .assume_role()
            .role_arn(self.role.as_str())
            .role_session_name(&self.name)
            .set_external_id(self.external_id.clone())
            .duration_seconds(self.seconds)
            .policy(&self.policy)
            .set_tags((!tags.is_empty()).then_some(tags));
        let lent = request.send().await.map_err(|error| {
            let why = failure::of(&format!("borrowing {}", self.role), &error);
            CredentialsError::provider_error(NoSession::because(why))
        })?;
        let lent = lent.credentials.ok_or_else(|| {
            let empty = format!("borrowing {}: the answer holds no credentials", self.role);
            CredentialsError::provider_error(NoSession::blocked(empty))
        })?;
        credentials(lent)
    }
}

/// What STS lent, as the SDK takes it.
pub(crate) fn credentials(lent: Lent) -> provider::Result {
    let expires = SystemTime::try_from(lent.expiration);
    let expires = expires.map_err(CredentialsError::invalid_configuration)?;
    let Lent { access_key_id, secret_access_key, session_token, .. } = lent;
    let (token, expires) = (Some(session_token), Some(expires));
    Ok(Credentials::new(access_key_id, secret_access_key, token, expires, "AssumeRole"))
}

impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.borrow())
    }
}
