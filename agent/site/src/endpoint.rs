//! Where a service is asked: always over TLS, except on this machine itself.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use serde::Deserialize;

/// `https://HOST[:PORT]`, or `http://` with a loopback address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Endpoint(Address);

/// A proxy that understands CONNECT: `http://` or `https://HOST[:PORT]`. What passes it is TLS with
/// the service at the other end either way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Proxy(Address);

/// Why a text is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// Not an address of this form.
    #[error("{0:?} must be https://HOST or https://HOST:PORT")]
    Form(String),
    /// A user name or password.
    #[error("a user name or password must not stand in an address")]
    Password,
    /// Without TLS over a network.
    #[error(
        "{0:?} is not encrypted: write https://; http:// is for an address of this machine alone, \
         such as http://127.0.0.1:8333"
    )]
    Plaintext(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    encrypted: bool,
    host: String,
    port: u16,
}

/// What both offer.
macro_rules! address {
    ($name:ident) => {
        impl $name {
            /// The TCP port.
            #[must_use]
            pub fn port(&self) -> u16 {
                self.0.port
            }

            /// The host: a name in lower case, or an address, in brackets where it is IPv6.
            #[must_use]
            pub fn host(&self) -> &str {
                &self.0.host
            }

            /// Whether it is asked over TLS.
            #[must_use]
            pub fn is_encrypted(&self) -> bool {
                self.0.encrypted
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Address { encrypted, host, port } = &self.0;
                let scheme = if *encrypted { "https" } else { "http" };
                write!(f, "{scheme}://{host}:{port}")
            }
        }
    };
}

address!(Endpoint);
address!(Proxy);

impl TryFrom<String> for Endpoint {
    type Error = InvalidEndpoint;

    fn try_from(text: String) -> Result<Self, InvalidEndpoint> {
        let address = parse(&text)?;
        // An address, not a name: what a name means is up to a resolver.
        let ip = address.host.trim_matches(['[', ']']).parse();
        if !address.encrypted && !ip.is_ok_and(|ip: IpAddr| ip.is_loopback()) {
            return Err(InvalidEndpoint::Plaintext(text));
        }
        Ok(Self(address))
    }
}

impl TryFrom<String> for Proxy {
    type Error = InvalidEndpoint;

    fn try_from(text: String) -> Result<Self, InvalidEndpoint> {
        parse(&text).map(Self)
    }
}

/// RFC 3986, 3.2, without user information, and of hosts what RFC 1123, 2.1 has.
fn parse(text: &str) -> Result<Address, InvalidEndpoint> {
    let form = || InvalidEndpoint::Form(text.to_owned());
    let (scheme, rest) = text.split_once("://").ok_or_else(form)?;
    if rest.contains('@') {
        return Err(InvalidEndpoint::Password);
    }
    let (encrypted, usual) = match scheme {
        "https" => (true, 443),
        "http" => (false, 80),
        _ => return Err(form()),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    // The colons of an IPv6 address stand in brackets.
    let end = rest.find(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match rest[end..].find(':') {
        Some(colon) => (&rest[..end + colon], Some(&rest[end + colon + 1..])),
        None => (rest, None),
    };
    let port = match port {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        Some(_) => None,
        None => Some(usual),
    };
    let port = port.filter(|port| *port != 0).ok_or_else(form)?;
    if !is_host(host) {
        return Err(form());
    }
    Ok(Address { encrypted, host: host.to_ascii_lowercase(), port })
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}
