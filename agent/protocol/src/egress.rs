//! karakurid → karakuri-egress: where a run's applications may connect to, and what came of it.
//!
//! The first message is [`Open`], with the listening socket of the run's network namespace; then
//! egress reports, one [`Attempt`] for each connection an application asked for.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::untrusted::Untrusted;

/// A host and a TCP port: `erp.example.com:443`, `192.0.2.7:8443`, `[2001:db8::1]:443`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination {
    host: String,
    port: u16,
}

/// Why a text is no [`Destination`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write it as host:port with one host name or address, such as erp.example.com:443")]
pub struct InvalidDestination;

impl Destination {
    /// The host: a name in lower case, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, where the host is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, InvalidDestination> {
        let (host, port) = text.rsplit_once(':').ok_or(InvalidDestination)?;
        let port = port.parse().ok().filter(|p: &u16| *p > 0 && !port.starts_with('+'));
        let port = port.ok_or(InvalidDestination)?;
        let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            Some(inner) => IpAddr::from_str(inner).ok().filter(IpAddr::is_ipv6),
            None => IpAddr::from_str(host).ok().filter(IpAddr::is_ipv4),
        }
        .map(|address| address.to_string())
        .or_else(|| is_name(host).then(|| host.to_ascii_lowercase()))
        .ok_or(InvalidDestination)?;
        Ok(Self { host, port })
    }
}

/// RFC 1123, 2.1: labels of letters, digits and hyphens. One that ends in digits only would be
/// read as an address by some resolvers.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253 && host.split('.').all(label) && !last.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = InvalidDestination;

    fn try_from(text: String) -> Result<Self, InvalidDestination> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

/// The first message. Fd: the listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Where connections may go.
    pub allowed: Vec<Destination>,
}

/// A connection an application asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// To where, as it was asked for.
    pub destination: Untrusted,
    /// What came of it.
    pub outcome: AttemptOutcome,
}

/// What came of an [`Attempt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It was connected.
    Connected,
    /// The grant does not name it.
    Refused,
    /// It is granted, and could not be reached.
    Unreachable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_addresses_are_read_and_shown() {
        for (text, shown) in [
            ("ERP.Example.com:443", "erp.example.com:443"),
            ("localhost:80", "localhost:80"),
            ("192.0.2.7:8443", "192.0.2.7:8443"),
            ("[2001:db8:0::1]:443", "[2001:db8::1]:443"),
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for text in [
            "erp.example.com",
            "erp.example.com:0",
            "erp.example.com:65536",
            "a:+1",
            ":443",
            "*:443",
            "*.example.com:443",
            "a b:1",
            "a/b:1",
            "2001:db8::1:443",
            "[192.0.2.7]:1",
            "1.2.3:1",
            "0x7f.1:1",
            "-a:1",
            "a..b:1",
            "a@b:1",
            "a\n:1",
            "é:1",
        ] {
            assert_eq!(text.parse::<Destination>(), Err(InvalidDestination), "{text}");
        }
    }
}
