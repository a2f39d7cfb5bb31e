//! What karakuri-courier can still reach once it has read what it needs: a store that is a directory,
//! and no network; or the ports of its services, and no file but the resolver's and its own token.

use std::path::{Path, PathBuf};

use karakuri_sandbox::policy::Access;
use karakuri_sandbox::restrict::{self, RestrictError, Restricted};
use karakuri_sandbox::seccomp;
use karakuri_site::Site;
use karakuri_site::endpoint::{Endpoint, Proxy};
use karakuri_site::identity::{Base, Identity};

/// What the C library reads to look up a name.
const RESOLVER_FILES: [&str; 6] = [
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/services",
];
/// DNS over TCP, which a resolver uses for long answers; RFC 1035, 4.2.2.
const DNS_PORT: u16 = 53;
const HTTPS_PORT: u16 = 443;
/// The metadata service of an instance is asked without TLS, on its link-local address.
const METADATA_PORT: u16 = 80;

/// The ways out of a courier with a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// TCP ports, of any host: addresses are the resolver's affair, and TLS says who answers.
    pub ports: Vec<u16>,
    /// Files and directories, to be read.
    pub files: Vec<PathBuf>,
}

/// For a courier whose store is a directory. Call it on the only thread.
///
/// # Errors
/// When a wall cannot be put up. The process must end then.
pub fn to_directory(store: &Path) -> Result<Restricted, RestrictError> {
    restrict::apply(seccomp::COURIER, &[(store, Access::ReadWrite)])
}

/// For a courier whose store or key is a service. Call it on the only thread, before the runtime is
/// made.
///
/// # Errors
/// When a wall cannot be put up. The process must end then.
pub fn to_services(ways: &Ways) -> Result<Restricted, RestrictError> {
    let files: Vec<(&Path, Access)> =
        ways.files.iter().map(|path| (path.as_path(), Access::Read)).collect();
    restrict::apply_with_ports(seccomp::COURIER_ONLINE, &files, &ways.ports)
}

impl Ways {
    /// To the service at `endpoint` and to the one that lends roles.
    #[must_use]
    pub fn of(site: &Site, identity: &Identity, endpoint: Option<&Endpoint>) -> Self {
        let network = &site.network;
        let sts = network.endpoints.sts.as_ref();
        let mut ports: Vec<u16> = match &network.proxy {
            Some(proxy) => vec![Proxy::port(proxy)],
            None => [endpoint, sts].map(|e| e.map_or(HTTPS_PORT, Endpoint::port)).to_vec(),
        };
        ports.push(DNS_PORT);
        let mut files: Vec<PathBuf> = RESOLVER_FILES.iter().map(PathBuf::from).collect();
        // A platform renews a token by another file of the same name.
        let mut token = |file: &Path| files.extend(file.parent().map(Path::to_owned));
        match &identity.base {
            Base::Instance => ports.push(METADATA_PORT),
            Base::WebIdentity(web) => token(web.token_file.as_path()),
            Base::Container(container) => {
                ports.push(container.endpoint.port());
                if let Some(file) = &container.token_file {
                    token(file.as_path());
                }
            }
            Base::Process(_) => {}
        }
        ports.sort_unstable();
        ports.dedup();
        files.retain(|path| path.exists());
        Self { ports, files }
    }
}
