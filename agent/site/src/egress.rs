//! The egress list: every destination that a process of ours contacts, from site.toml alone.
//!
//! `karakuri doctor --egress` prints it, and karakuri-courier's wall has exactly its ports, so that
//! list and wall cannot disagree. What an application of a run may reach is not here: a workflow's
//! `permissions.network` says it, for each run.

use std::net::IpAddr;

use serde::Serialize;

use crate::aws;
use crate::endpoint::{Endpoint, Proxy};
use crate::identity::{Base, Container, Identity};
use crate::keys::AwsKms;
use crate::name::RoleArn;
use crate::site::Site;
use crate::store::Store;

/// Stands for the hosts that /etc/resolv.conf names, and where it names none, for this machine.
pub const NAME_SERVERS: &str = "name-servers";
/// RFC 1035, 4.2.
const DNS: u16 = 53;
/// The metadata service of an instance: link-local, it never leaves the machine.
const METADATA: &str = "169.254.169.254";
const METADATA_PORT: u16 = 80;
const HTTPS: u16 = 443;
/// What TLS is spoken in; nothing older is accepted.
const VERSIONS: &[&str] = &["1.2", "1.3"];

/// A process of ours that contacts somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Process {
    /// The courier that carries sealed files to the store.
    #[serde(rename = "karakuri-courier --role upload")]
    Upload,
    /// The courier that has KMS make data keys.
    #[serde(rename = "karakuri-courier --role keys")]
    Keys,
    /// The courier of a person who may decrypt; no installation starts it.
    #[serde(rename = "karakuri-courier --role auditor")]
    Auditor,
}

/// Somebody who is contacted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Destination {
    /// By whom.
    pub process: Process,
    /// A name in lower case; an address, in brackets where it is IPv6; or [`NAME_SERVERS`].
    pub host: String,
    /// TCP; for [`NAME_SERVERS`] UDP too.
    pub port: u16,
    /// Versions of TLS; none where the connection does not leave the machine, and for name servers.
    pub tls: &'static [&'static str],
    /// The proxy that is asked to connect there; nobody else is contacted for it then.
    pub proxy: Option<String>,
    /// What for.
    pub why: String,
}

/// What an installation contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Egress {
    /// Everyone, in the order of the processes.
    pub destinations: Vec<Destination>,
    /// A program that gives credentials, and its arguments. It is the site's own, and so is whom it
    /// contacts.
    pub program: Option<Vec<String>>,
}

impl Egress {
    /// The list of a site. With a local or an exported store and keys that are wrapped here it is
    /// empty: nobody is contacted.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        let kms = site.keys.aws_kms.as_ref().filter(|kms| kms.public_key.is_none());
        Self::from(
            site,
            (Process::Upload, "stores sealed files in the bucket"),
            kms.map(|kms| (Process::Keys, kms, "has data keys made under")),
        )
    }

    /// What an auditor's courier contacts with this file.
    #[must_use]
    pub fn of_auditor(site: &Site) -> Self {
        Self::from(
            site,
            (Process::Auditor, "reads the bucket"),
            site.keys.aws_kms.as_ref().map(|kms| (Process::Auditor, kms, "decrypts with")),
        )
    }

    fn from(
        site: &Site,
        (storing, what): (Process, &str),
        kms: Option<(Process, &AwsKms, &str)>,
    ) -> Self {
        let Some(identity) = &site.identity else { return Self::default() };
        let endpoints = &site.network.endpoints;
        let mut egress = Self::default();
        if let Store::S3(store) = &site.store {
            let dual = site.network.dual_stack;
            let host = aws::bucket_host(&store.bucket, store.region.as_str(), dual);
            let why = format!("{what} {}", store.bucket);
            let from = Courier { site, identity, process: storing };
            let service = from.service(endpoints.s3.as_ref(), host, why);
            egress.add(&from, service, store.region.as_str(), &identity.role_arn);
        }
        if let Some((process, kms, what)) = kms {
            let region = kms.key.region();
            let host = aws::host("kms", region, site.network.dual_stack);
            let from = Courier { site, identity, process };
            let why = format!("{what} {}", kms.key);
            let service = from.service(endpoints.kms.as_ref(), host, why);
            let role = match process {
                Process::Keys => identity.keys_role_arn.as_ref(),
                Process::Upload | Process::Auditor => None,
            };
            egress.add(&from, service, region, role.unwrap_or(&identity.role_arn));
        }
        if let (Base::Process(process), false) = (&identity.base, egress.destinations.is_empty()) {
            egress.program = Some(process.command.as_slice().to_vec());
        }
        egress
    }

    /// The TCP ports that `process` connects to: through a proxy its port alone.
    #[must_use]
    pub fn ports(&self, process: Process) -> Vec<u16> {
        let direct = |one: &&Destination| one.process == process && one.proxy.is_none();
        let mut ports: Vec<_> =
            self.destinations.iter().filter(direct).map(|one| one.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// A courier's service, the lender of its role, its base identity, and what these need.
    fn add(&mut self, from: &Courier<'_>, service: Destination, region: &str, role: &RoleArn) {
        let network = &from.site.network;
        let host = aws::host("sts", region, network.dual_stack);
        let lender =
            from.service(network.endpoints.sts.as_ref(), host, format!("borrows the role {role}"));
        let mut own = vec![service, lender];
        own.extend(from.base());
        if let Some(proxy) = network.proxy.as_ref().filter(|_| own.iter().any(has_proxy)) {
            own.insert(0, from.proxy(proxy));
        }
        if own.iter().any(|one| !has_proxy(one) && is_name(&one.host)) {
            let why = "looks up the names of this list".to_owned();
            own.push(from.to(NAME_SERVERS.to_owned(), DNS, false, why));
        }
        self.destinations.extend(own);
    }
}

/// One courier of a site.
struct Courier<'a> {
    site: &'a Site,
    identity: &'a Identity,
    process: Process,
}

impl Courier<'_> {
    fn to(&self, host: String, port: u16, encrypted: bool, why: String) -> Destination {
        let tls = if encrypted { VERSIONS } else { &[] };
        Destination { process: self.process, host, port, tls, proxy: None, why }
    }

    /// A service, at its private endpoint or its public address. What is encrypted goes through the
    /// proxy, if there is one.
    fn service(&self, endpoint: Option<&Endpoint>, public: String, why: String) -> Destination {
        let (host, port, encrypted) = match endpoint {
            Some(endpoint) => {
                (endpoint.host().to_owned(), endpoint.port(), endpoint.is_encrypted())
            }
            None => (public, HTTPS, true),
        };
        let proxy = self.site.network.proxy.as_ref().filter(|_| encrypted);
        let proxy = proxy.map(ToString::to_string);
        Destination { proxy, ..self.to(host, port, encrypted, why) }
    }

    fn proxy(&self, proxy: &Proxy) -> Destination {
        let why = "has it connect to what is behind it".to_owned();
        self.to(proxy.host().to_owned(), proxy.port(), proxy.is_encrypted(), why)
    }

    /// Who is asked what the machine is; nobody for a web identity, whose token lies in a file and
    /// goes to the lender, and for a program.
    fn base(&self) -> Option<Destination> {
        match &self.identity.base {
            Base::Instance => {
                let why = "asks for the credentials of the instance".to_owned();
                Some(self.to(METADATA.to_owned(), METADATA_PORT, false, why))
            }
            Base::Container(Container { endpoint, .. }) => {
                let why = "asks for the credentials of the container".to_owned();
                match endpoint.endpoint() {
                    Some(own) => Some(self.service(Some(own), String::new(), why)),
                    None => Some(self.to(endpoint.host().to_owned(), endpoint.port(), false, why)),
                }
            }
            Base::WebIdentity(_) | Base::Process(_) => None,
        }
    }
}

fn has_proxy(destination: &Destination) -> bool {
    destination.proxy.is_some()
}

fn is_name(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_err()
}
