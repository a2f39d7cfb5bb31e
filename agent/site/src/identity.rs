//! `[identity]`: who the machine is, and which role it borrows. A long-lived access key has no place
//! here: it could not be taken back in time.

use serde::Deserialize;

use crate::endpoint::Endpoint;
use crate::name::{AbsolutePath, ExternalId, RoleArn};

/// The identity of the couriers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// What the machine proves by itself.
    pub base: Base,
    /// The tenant's role that the uploading courier assumes with it.
    pub role_arn: RoleArn,
    /// The role of the courier that asks for data keys, where it is another.
    pub keys_role_arn: Option<RoleArn>,
    /// What the roles' trust policies ask for.
    pub external_id: Option<ExternalId>,
    /// How long a session lives.
    #[serde(default)]
    pub session_minutes: SessionMinutes,
    /// Whether the session is tagged `tenant` and `site`; off for stores that know no tags.
    #[serde(default = "yes")]
    pub session_tags: bool,
}

fn yes() -> bool {
    true
}

/// What the machine proves by itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// The instance's profile, by its metadata service in version 2.
    Instance,
    /// A token that the platform renews, exchanged for a role of the platform.
    WebIdentity(WebIdentity),
    /// The service that hands credentials to a container.
    Container(Container),
    /// A program that prints credentials, started without a privilege by karakuri-monitor.
    Process(Process),
}

/// See [`Base::WebIdentity`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebIdentity {
    /// Where the token lies.
    pub token_file: AbsolutePath,
    /// The role it is exchanged for.
    pub role_arn: RoleArn,
}

/// See [`Base::Container`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// The address the platform says in `AWS_CONTAINER_CREDENTIALS_FULL_URI`, without its path.
    pub endpoint: ContainerEndpoint,
    /// Its path.
    #[serde(default = "root")]
    pub path: String,
    /// Where the token for it lies, if it wants one.
    pub token_file: Option<AbsolutePath>,
}

fn root() -> String {
    "/".to_owned()
}

/// `http://169.254.170.2`, `http://169.254.170.23`, `http://[fd00:ec2::23]`, or what any
/// [`Endpoint`] may be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ContainerEndpoint(Agent);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Agent {
    /// An address of the platform: its whole text, and the host in it.
    Platform(&'static str, &'static str),
    Own(Endpoint),
}

/// The link-local addresses of ECS and EKS, which never leave the machine.
const PLATFORM: [(&str, &str); 3] = [
    ("http://169.254.170.2", "169.254.170.2"),
    ("http://169.254.170.23", "169.254.170.23"),
    ("http://[fd00:ec2::23]", "[fd00:ec2::23]"),
];

impl ContainerEndpoint {
    /// The host, in brackets where it is IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        match &self.0 {
            Agent::Platform(_, host) => host,
            Agent::Own(endpoint) => endpoint.host(),
        }
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        match &self.0 {
            Agent::Platform(..) => 80,
            Agent::Own(endpoint) => endpoint.port(),
        }
    }

    /// The same, unless it is an address of the platform.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.0 {
            Agent::Platform(..) => None,
            Agent::Own(endpoint) => Some(endpoint),
        }
    }
}

impl std::fmt::Display for ContainerEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Agent::Platform(text, _) => f.write_str(text),
            Agent::Own(endpoint) => endpoint.fmt(f),
        }
    }
}

impl TryFrom<String> for ContainerEndpoint {
    type Error = crate::endpoint::InvalidEndpoint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match PLATFORM.into_iter().find(|(address, _)| *address == text) {
            Some((address, host)) => Ok(Self(Agent::Platform(address, host))),
            None => Endpoint::try_from(text).map(Agent::Own).map(Self),
        }
    }
}

/// See [`Base::Process`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// The program, by its absolute path, and its arguments: no shell reads it.
    pub command: Argv,
}

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Argv(Vec<String>);

/// Why a list is not an [`Argv`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a list of 1 to 32 texts, the first of them an absolute path without ..")]
pub struct InvalidArgv;

impl Argv {
    /// The program first.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for Argv {
    type Error = InvalidArgv;

    fn try_from(list: Vec<String>) -> Result<Self, InvalidArgv> {
        let program = list.first().ok_or(InvalidArgv)?;
        AbsolutePath::try_from(std::path::PathBuf::from(program)).map_err(|_| InvalidArgv)?;
        let sound = list.len() <= 32 && list.iter().all(|text| !text.contains('\0'));
        if sound { Ok(Self(list)) } else { Err(InvalidArgv) }
    }
}

/// From 15 to 60 minutes, what STS grants at least and what a chained role may have at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u16")]
pub struct SessionMinutes(u16);

/// Why a number is not [`SessionMinutes`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} must be from 15 to 60 minutes")]
pub struct InvalidSession(u16);

impl SessionMinutes {
    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> u16 {
        self.0 * 60
    }
}

impl Default for SessionMinutes {
    fn default() -> Self {
        Self(15)
    }
}

impl TryFrom<u16> for SessionMinutes {
    type Error = InvalidSession;

    fn try_from(minutes: u16) -> Result<Self, InvalidSession> {
        if (15..=60).contains(&minutes) { Ok(Self(minutes)) } else { Err(InvalidSession(minutes)) }
    }
}
