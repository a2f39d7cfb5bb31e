//! A courier with a network: what stands between a site and the clients of its services.

use aws_credential_types::provider::SharedCredentialsProvider;
use karakuri_link::AsyncLink;
use karakuri_sandbox::link::Link;
use karakuri_sandbox::sys;
use karakuri_site::Site;
use karakuri_site::egress::Process;
use karakuri_site::identity::{Base as Wanted, Identity};
use karakuri_site::name::RoleArn;
use tokio::runtime::{Builder, Runtime};

use crate::confine::{self, Ways};
use crate::http::Outfit;
use crate::identity::IdentityError;
use crate::identity::base::Base;
use crate::identity::link::CredentialsLink;
use crate::identity::session::Session;
use crate::service::Reach;
use crate::start::StartError;

/// The fd of the link to karakuri-monitor, where a program gives the credentials.
const CREDENTIALS_FD: i32 = 4;
/// Threads for what blocks: looking up names, reading a file through.
const BLOCKING_THREADS: usize = 4;

/// The role this courier borrows.
#[derive(Debug)]
pub(crate) struct Borrowed<'a> {
    pub(crate) role: &'a RoleArn,
    /// Of the service; the roles are lent in the same one.
    pub(crate) region: &'a str,
    /// Which courier it is.
    pub(crate) process: Process,
    /// What it may do with it.
    pub(crate) policy: String,
}

/// A courier behind its walls, with everything its clients are made of.
#[derive(Debug)]
pub(crate) struct Online {
    pub(crate) runtime: Runtime,
    pub(crate) link: AsyncLink,
    pub(crate) reach: Reach,
    pub(crate) session: SharedCredentialsProvider,
}

impl Online {
    /// Reads the certificates, puts the walls up, makes the runtime, in this order. No service is asked
    /// yet.
    pub(crate) fn start(
        link: Link,
        site: &Site,
        identity: &Identity,
        borrowed: Borrowed<'_>,
    ) -> Result<Self, StartError> {
        let outfit = Outfit::read(&site.network)?;
        let monitor = match identity.base {
            Wanted::Process(_) => Some(monitor()?),
            _ => None,
        };
        confine::to_services(&Ways::of(site, identity, borrowed.process))?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .build()
            .map_err(StartError::Runtime)?;
        let entered = runtime.enter();
        let link = AsyncLink::new(link).map_err(StartError::Runtime)?;
        let monitor = monitor.map(CredentialsLink::new).transpose().map_err(StartError::Runtime)?;
        let reach = Reach { http: outfit.client(), dual_stack: site.network.dual_stack };
        let session = session(site, identity, borrowed, &reach, monitor)?;
        drop(entered);
        Ok(Self { runtime, link, reach, session })
    }
}

fn monitor() -> Result<Link, StartError> {
    let fd = sys::inherited_fd(CREDENTIALS_FD).map_err(|_| IdentityError::NoLink)?;
    Ok(Link::from_fd(fd)?)
}

fn session(
    site: &Site,
    identity: &Identity,
    borrowed: Borrowed<'_>,
    reach: &Reach,
    monitor: Option<CredentialsLink>,
) -> Result<SharedCredentialsProvider, StartError> {
    let Borrowed { role, region, process, policy } = borrowed;
    let lender = site.network.endpoints.sts.as_ref();
    let sts = |identity: Option<Base>| {
        let identity = identity.map(SharedCredentialsProvider::new);
        aws_sdk_sts::Client::new(&reach.config(region, lender, identity))
    };
    let base = Base::new(&identity.base, &reach.http, sts(None), monitor, lender.is_some())?;
    // The roles of machines go by their tags; those of people have none.
    let tags = match process {
        Process::Upload | Process::Keys => {
            vec![("tenant", site.tenant.clone()), ("site", site.site.clone())]
        }
        Process::Auditor => Vec::new(),
    };
    let courier = match process {
        Process::Upload => "upload",
        Process::Keys => "keys",
        Process::Auditor => "auditor",
    };
    let name = format!("karakuri-{courier}-{}", site.site);
    let session = Session::new(sts(Some(base)), identity, role, &name, policy, tags);
    Ok(SharedCredentialsProvider::new(session))
}
