//! What karakuri-courier can still reach once it has read what it needs: a store that is a directory,
//! and no network; or the ports of its services, and no file but the resolver's and its own token.

use std::path::{Path, PathBuf};

use karakuri_sandbox::policy::Access;
use karakuri_sandbox::restrict::{self, RestrictError, Restricted};
use karakuri_sandbox::seccomp;
use karakuri_site::Site;
use karakuri_site::egress::{Egress, Process};
use karakuri_site::identity::{Base, Identity};

/// The ways out of a courier with a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// TCP ports, of any host: addresses are the resolver's affair, and TLS says who answers.
    pub ports: Vec<u16>,
    /// Files and directories, to be read.
    pub files: Vec<PathBuf>,
}

/// For a courier whose store is a directory, or a disk that is away. Call it on the only thread.
///
/// # Errors
/// When a wall cannot be put up. The process must end then.
pub fn to_directories(stores: &[&Path]) -> Result<Restricted, RestrictError> {
    let stores: Vec<_> = stores.iter().map(|store| (*store, Access::ReadWrite)).collect();
    restrict::apply(seccomp::COURIER, &stores)
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
    /// Of the courier that is `process`: the ports of the site's egress list and no other.
    #[must_use]
    pub fn of(site: &Site, identity: &Identity, process: Process) -> Self {
        let mut files: Vec<PathBuf> = restrict::RESOLVER_FILES.iter().map(PathBuf::from).collect();
        let token = match &identity.base {
            Base::WebIdentity(web) => Some(&web.token_file),
            Base::Container(container) => container.token_file.as_ref(),
            Base::Instance | Base::Process(_) => None,
        };
        // A platform renews a token by another file of the same name.
        files.extend(token.and_then(|file| file.as_path().parent()).map(Path::to_owned));
        files.retain(|path| path.exists());
        let egress = match process {
            Process::Upload | Process::Keys => Egress::of(site),
            Process::Auditor => Egress::of_auditor(site),
        };
        Self { ports: egress.ports(process), files }
    }
}
