//! The two couriers: their arguments, whether they have a network, and the program that gives them
//! credentials.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::Path;

use karakuri_site::Site;
use karakuri_site::identity::Base;
use karakuri_site::store::Store;

use super::Courier;
use super::credentials::{Programs, TIME};
use crate::launch::{LayerError, c_string};
use crate::link::Link;
use crate::sys::Namespaces;

/// The program's name.
const COURIER: &str = "karakuri-courier";

/// What the couriers of this installation are started with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Couriers<'a> {
    /// The directory of the local store.
    pub(super) store: &'a Path,
    /// The installation.
    pub(super) site: &'a Site,
    /// Its site.toml, which each courier reads for itself.
    pub(super) file: Option<&'a Path>,
}

impl Couriers<'_> {
    /// The command line of one.
    pub(super) fn arguments(&self, courier: Courier) -> Result<Vec<CString>, LayerError> {
        let role = match courier {
            Courier::Upload => "upload",
            Courier::Keys => "keys",
        };
        let mut arguments = vec![c_string(COURIER)?, c_string("--role")?, c_string(role)?];
        let store = (courier == Courier::Upload).then_some(("--store", self.store));
        for (flag, path) in store.into_iter().chain(self.file.map(|file| ("--site", file))) {
            arguments.push(c_string(flag)?);
            arguments.push(c_string(&path.to_string_lossy())?);
        }
        Ok(arguments)
    }

    /// Only one that asks a service is in the machine's network.
    pub(super) fn namespaces(&self, courier: Courier) -> Namespaces {
        match (courier, &self.site.store) {
            (Courier::Keys, _) | (Courier::Upload, Store::S3(_)) => Namespaces::Ipc,
            (Courier::Upload, _) => Namespaces::NetworkAndIpc,
        }
    }

    /// The end of a link for a courier that asks a service with credentials of a program, and the
    /// monitor's.
    pub(super) fn programs(
        &self,
        courier: Courier,
        log: &OwnedFd,
    ) -> Result<Option<(Programs, Link)>, LayerError> {
        let asks = self.namespaces(courier) == Namespaces::Ipc;
        match &self.site.identity {
            Some(identity) if asks => match &identity.base {
                Base::Process(process) => {
                    let (ours, theirs) = Link::pair()?;
                    let words = process.command.as_slice();
                    Ok(Some((Programs::new(ours, words, log.try_clone()?, TIME)?, theirs)))
                }
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "tenant = \"acme\"\nsite = \"osaka-1\"\n[keys.aws_kms]\n\
                        key = \"arn:aws:kms:eu-west-1:111122223333:key/a\"\n";
    const BUCKET: &str = "[store.s3]\nbucket = \"acme\"\nregion = \"eu-west-1\"\n";

    fn identity(base: &str) -> String {
        format!("[identity]\nrole_arn = \"arn:aws:iam::111122223333:role/r\"\nbase = {base}\n")
    }

    fn of(text: &str, courier: Courier) -> (Vec<String>, Namespaces, bool) {
        let site = Site::parse(text, "site.toml").unwrap();
        let (store, file) = (Path::new("/store"), Some(Path::new("/site.toml")));
        let couriers = Couriers { store, site: &site, file };
        let words = couriers.arguments(courier).unwrap();
        let words = words.iter().map(|word| word.to_str().unwrap().to_owned()).collect();
        let log = std::fs::File::open("/dev/null").unwrap().into();
        let programs = couriers.programs(courier, &log).unwrap();
        (words, couriers.namespaces(courier), programs.is_some())
    }

    #[test]
    fn only_who_asks_a_service_has_a_network_and_credentials() {
        let program = identity("{ process = { command = [\"/bin/helper\"] } }");
        let (local, bucket) = (format!("{HEAD}{program}"), format!("{HEAD}{BUCKET}{program}"));
        let none = Namespaces::NetworkAndIpc;
        let upload = of(&local, Courier::Upload);
        assert_eq!((upload.1, upload.2), (none, false));
        let words =
            ["karakuri-courier", "--role", "upload", "--store", "/store", "--site", "/site.toml"];
        assert_eq!(upload.0, words);
        let upload = of(&bucket, Courier::Upload);
        assert_eq!((upload.1, upload.2), (Namespaces::Ipc, true));
        let keys = of(&local, Courier::Keys);
        assert_eq!((keys.1, keys.2), (Namespaces::Ipc, true));
        assert_eq!(keys.0, ["karakuri-courier", "--role", "keys", "--site", "/site.toml"]);
        let instance = format!("{HEAD}{BUCKET}{}", identity("\"instance\""));
        assert!(!of(&instance, Courier::Upload).2);
    }
}
