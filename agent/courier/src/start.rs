//! From the command line to a courier behind its walls:
//!
//! 1. read site.toml and the certificates it names;
//! 2. take the inherited links;
//! 3. put the walls up, on the only thread;
//! 4. make the runtime and the clients, and serve.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use karakuri_protocol::courier::Failure;
use karakuri_sandbox::link::{Link, LinkError};
use karakuri_sandbox::restrict::RestrictError;
use karakuri_sandbox::sys;
use karakuri_site::egress::Process;
use karakuri_site::endpoint::Endpoint;
use karakuri_site::store::{Bucketed, Store};
use karakuri_site::{Site, SiteError};

use crate::auditor::Auditor;
use crate::confine;
use crate::http::HttpError;
use crate::identity::{IdentityError, policy};
use crate::keys::{self, Keys};
use crate::online::{Borrowed, Online};
use crate::pace::Pace;
use crate::s3::bucket::{self, Bucket};
use crate::service::Renewable;
use crate::store::{LocalStore, StoreError};
use crate::{serve, upload};

/// The fd of the inherited link to karakurid.
const LINK_FD: i32 = 3;

/// What this instance may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Carry sealed files to the store.
    Upload,
    /// Have KMS make data keys.
    Keys,
    /// Read the bucket and have KMS decrypt, for a person who may.
    Auditor,
    /// And delete what a person may have erased.
    Eraser,
}

/// Why the courier gives up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It was not started by the monitor.
    #[error("fd 3 is not the link to karakurid ({0}); karakuri-monitor starts this program")]
    NotInherited(io::Error),
    /// site.toml cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// site.toml is wrong.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Nothing is to be done.
    #[error("this site asks KMS for no keys; a courier for them is not needed")]
    NoKeys,
    /// Neither bucket nor key.
    #[error("this file names neither a bucket nor a key in KMS: there is nothing to ask for")]
    NothingToAudit,
    /// A table that [`Site::parse`] asks for.
    #[error("site.toml has no table [identity]")]
    NoIdentity,
    /// No directory was named.
    #[error("the store of this site is a directory: --store must name it")]
    NoDirectory,
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The walls.
    #[error(transparent)]
    Restrict(#[from] RestrictError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificates or the proxy.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The kernel refused.
    #[error("starting the runtime: {0}")]
    Runtime(io::Error),
}

/// Restricts this process and serves until karakurid closes its end.
///
/// # Errors
/// See [`StartError`]. A request that fails is answered, and ends nothing.
pub fn run(role: Role, store: Option<&Path>, site: Option<&Path>) -> Result<(), StartError> {
    let site = site.map_or_else(|| Ok(Site::development()), read)?;
    let link = Link::from_fd(sys::inherited_fd(LINK_FD).map_err(StartError::NotInherited)?)?;
    match (role, &site.store) {
        (Role::Keys, _) => generate_keys(link, &site),
        (Role::Auditor, _) => audit(link, &site, false),
        (Role::Eraser, _) => audit(link, &site, true),
        (Role::Upload, Store::S3(bucket)) => upload_to(link, &site, bucket),
        (Role::Upload, Store::Local) => keep_in(&link, store.ok_or(StartError::NoDirectory)?),
        (Role::Upload, Store::Export(export)) => export_to(&link, export.directory.as_path()),
    }
}

fn read(path: &Path) -> Result<Site, StartError> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|source| StartError::Read { path: path.to_owned(), source })?;
    Ok(Site::parse(&text, &path.display().to_string())?)
}

fn keep_in(link: &Link, directory: &Path) -> Result<(), StartError> {
    let store = LocalStore::open(directory)?;
    confine::to_directories(&[directory])?;
    Ok(serve::run(link, |put, file| Ok(store.put(put, file)?))?)
}

/// Without the disk every file is refused, to be tried again: it waits in the spool.
fn export_to(link: &Link, directory: &Path) -> Result<(), StartError> {
    match LocalStore::on_disk(directory) {
        Ok(store) => {
            confine::to_directories(&[directory])?;
            Ok(serve::run(link, |put, file| Ok(store.put(put, file)?))?)
        }
        Err(away) => {
            confine::to_directories(&[])?;
            let away = Failure::from(away);
            Ok(serve::run(link, |_, _| Err(away.clone()))?)
        }
    }
}

fn upload_to(link: Link, site: &Site, store: &Bucketed) -> Result<(), StartError> {
    let identity = site.identity.as_ref().ok_or(StartError::NoIdentity)?;
    let endpoint = site.network.endpoints.s3.clone();
    let borrowed = Borrowed {
        role: &identity.role_arn,
        region: store.region.as_str(),
        process: Process::Upload,
        policy: policy::upload(identity.role_arn.partition(), store),
    };
    let Online { runtime, link, reach, session } = Online::start(link, site, identity, borrowed)?;
    let region = store.region.to_string();
    let make = move || {
        let config = reach.config(&region, endpoint.as_ref(), Some(session.clone()));
        bucket::client(&config, endpoint.is_some())
    };
    let pace = Pace::new(site.network.bytes_per_second);
    let bucket = Bucket::new(Renewable::new(make), store.clone(), pace);
    Ok(runtime.block_on(upload::serve(link, bucket))?)
}

fn generate_keys(link: Link, site: &Site) -> Result<(), StartError> {
    let kms = site.keys.aws_kms.as_ref().filter(|_| site.keys.are_generated_by_kms());
    let key = kms.ok_or(StartError::NoKeys)?.key.clone();
    let identity = site.identity.as_ref().ok_or(StartError::NoIdentity)?;
    let endpoint = site.network.endpoints.kms.clone();
    let borrowed = Borrowed {
        role: identity.keys_role_arn.as_ref().unwrap_or(&identity.role_arn),
        region: key.region(),
        process: Process::Keys,
        policy: policy::keys(&key, site),
    };
    let Online { runtime, link, reach, session } = Online::start(link, site, identity, borrowed)?;
    let region = key.region().to_owned();
    let make =
        move || keys::client(&reach.config(&region, endpoint.as_ref(), Some(session.clone())));
    let keys = Keys::new(Renewable::new(make), key, site);
    Ok(runtime.block_on(keys.serve(&link))?)
}

fn audit(link: Link, site: &Site, erasing: bool) -> Result<(), StartError> {
    let identity = site.identity.as_ref().ok_or(StartError::NoIdentity)?;
    let key = site.keys.aws_kms.as_ref().map(|kms| kms.key.clone());
    let store = match &site.store {
        Store::S3(store) => Some(store.clone()),
        Store::Local | Store::Export(_) => None,
    };
    let region = store.as_ref().map(|store| store.region.to_string());
    let region = region.or_else(|| key.as_ref().map(|key| key.region().to_owned()));
    let region = region.ok_or(StartError::NothingToAudit)?;
    let borrowed = Borrowed {
        role: &identity.role_arn,
        region: &region,
        process: Process::Auditor,
        policy: policy::auditor(identity.role_arn.partition(), site, erasing),
    };
    let Online { runtime, link, reach, session } = Online::start(link, site, identity, borrowed)?;
    let endpoints = &site.network.endpoints;
    let config = |region: &str, endpoint: Option<&Endpoint>| {
        reach.config(region, endpoint, Some(session.clone()))
    };
    let bucket = store.map(|store| {
        let config = config(store.region.as_str(), endpoints.s3.as_ref());
        (bucket::client(&config, endpoints.s3.is_some()), store)
    });
    let kms = key.map(|key| (keys::client(&config(key.region(), endpoints.kms.as_ref())), key));
    Ok(runtime.block_on(Auditor::new(bucket, kms, erasing).serve(&link))?)
}
