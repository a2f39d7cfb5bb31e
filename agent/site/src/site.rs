//! The whole of `site.toml`.
//!
//! ```toml
//! tenant = "acme"
//! site = "osaka-1"
//! events = true                   # news of every run below events/; false: none
//!
//! [keys.aws_kms]
//! key = "arn:aws:kms:ap-northeast-3:111122223333:key/6f0c7a52-0000-4000-8000-000000000000"
//!
//! [[keys.raw_rsa]]                # as many as there are holders
//! namespace = "acme"
//! name = "offline-2026"
//! public_key = "/etc/karakuri/acme-offline.pem"
//!
//! [store.s3]                      # or store = "local", or [store.export]
//! bucket = "karakuri-acme"
//! region = "ap-northeast-3"
//! bucket_owner = "111122223333"
//! kms_key = "arn:aws:kms:ap-northeast-3:111122223333:key/6f0c7a52-0000-4000-8000-000000000000"
//!
//! [identity]
//! base = "instance"               # or [identity.base.web_identity], .container, .process
//! role_arn = "arn:aws:iam::111122223333:role/karakuri-acme"
//! external_id = "karakuri-osaka-1"
//!
//! [network]
//! bytes_per_second = 2_000_000
//! window = { from = "19:00", to = "07:30" }
//!
//! [spool]
//! bytes = 21_474_836_480
//!
//! [personal]                      # looked for beside what always is, or `find = []` for nothing
//! name_labels = ["Member"]
//! patterns = { policy = '\bP-\d{6}\b' }
//! ```
//!
//! Of a local store also, where the classes shall not be kept until somebody deletes them:
//!
//! ```text
//! [retention]                     # days from the end of a run
//! evidence = 365
//! output = 365
//! pii = 90
//! event = 90
//! ```

use serde::Deserialize;

use crate::identity::Identity;
use crate::keys::Keys;
use crate::name::Label;
use crate::network::Network;
use crate::position;
use crate::retention::Retention;
use crate::spool::Spool;
use crate::store::Store;

/// The provider id of KMS in messages, which no other key may bear.
const KMS_PROVIDER: &str = "aws-kms";
/// Stands for tenant and site where no `site.toml` is.
const DEVELOPMENT: &str = "development";
/// Who lets a store expire that is not on this machine.
const ELSEWHERE: &str = "it is for store = \"local\": in a bucket lifecycle rules do it \
                         (retention_days of packaging/terraform), a disk is its reader's";

/// An installation.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The customer.
    pub tenant: String,
    /// The installation.
    pub site: String,
    /// For whom artifacts are sealed; nobody during development, where the first run makes a key.
    pub keys: Keys,
    /// Where they go.
    pub store: Store,
    /// Who the couriers are; needed as soon as one asks a service.
    pub identity: Option<Identity>,
    /// How they get there.
    pub network: Network,
    /// What may wait.
    pub spool: Spool,
    /// Whether news of runs is sealed for the site's event bus.
    pub events: bool,
    /// How long what is in a local store stays.
    pub retention: Retention,
    /// What is looked for as personal data, as it is written: karakurid knows what fits.
    pub personal: toml::Table,
}

/// Why a text is not a site.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// Not TOML, an unknown key, or a value that does not fit.
    #[error("{file}:{line}:{column}: {message}")]
    Toml {
        /// The file's name.
        file: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Tables that do not go together.
    #[error("{file}: {key}: {message}")]
    Together {
        /// The file's name.
        file: String,
        /// The table or key.
        key: &'static str,
        /// What is wrong and what to write.
        message: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSite {
    tenant: Label,
    site: Label,
    #[serde(default)]
    keys: Keys,
    #[serde(default)]
    store: Store,
    identity: Option<Identity>,
    #[serde(default)]
    network: Network,
    #[serde(default)]
    spool: Spool,
    #[serde(default = "announces")]
    events: bool,
    #[serde(default)]
    retention: Retention,
    #[serde(default)]
    personal: toml::Table,
}

fn announces() -> bool {
    true
}

impl Site {
    /// What stands in where there is no `site.toml`: one person is author, administrator and
    /// customer, and nothing leaves the machine.
    #[must_use]
    pub fn development() -> Self {
        Self {
            tenant: DEVELOPMENT.to_owned(),
            site: DEVELOPMENT.to_owned(),
            keys: Keys::default(),
            store: Store::Local,
            identity: None,
            network: Network::default(),
            spool: Spool::default(),
            events: false,
            retention: Retention::default(),
            personal: toml::Table::new(),
        }
    }

    /// Parses the text of a `site.toml`; `file` is named in errors.
    ///
    /// # Errors
    /// See [`SiteError`].
    pub fn parse(text: &str, file: &str) -> Result<Self, SiteError> {
        let raw: RawSite = toml::from_str(text).map_err(|e| {
            let (line, column) = position::at(text, e.span().map_or(0, |span| span.start));
            SiteError::Toml { file: file.to_owned(), line, column, message: e.message().to_owned() }
        })?;
        let site = Self {
            tenant: raw.tenant.as_str().to_owned(),
            site: raw.site.as_str().to_owned(),
            keys: raw.keys,
            store: raw.store,
            identity: raw.identity,
            network: raw.network,
            spool: raw.spool,
            events: raw.events,
            retention: raw.retention,
            personal: raw.personal,
        };
        match site.contradiction() {
            None => Ok(site),
            Some((key, message)) => {
                Err(SiteError::Together { file: file.to_owned(), key, message })
            }
        }
    }

    fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let Keys { aws_kms, raw_rsa } = &self.keys;
        if aws_kms.is_none() && raw_rsa.is_empty() {
            return Some(("keys", "nobody could open what is sealed; name a key"));
        }
        if raw_rsa.iter().any(|key| key.namespace == KMS_PROVIDER) {
            return Some(("keys.raw_rsa.namespace", "`aws-kms` is for [keys.aws_kms]"));
        }
        let mut names: Vec<_> = raw_rsa.iter().map(|key| (&key.namespace, &key.name)).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some(("keys.raw_rsa", "two keys have the same namespace and name"));
        }
        let asks = self.keys.are_generated_by_kms() || matches!(self.store, Store::S3(_));
        if asks && self.identity.is_none() {
            return Some(("identity", "the table is missing: who asks KMS or the store?"));
        }
        if let Store::S3(store) = &self.store
            && let Some(key) = &store.kms_key
            && key.region() != store.region.as_str()
        {
            return Some(("store.s3.kms_key", "the key must be in the region of the bucket"));
        }
        if self.store != Store::Local && self.retention != Retention::default() {
            return Some(("retention", ELSEWHERE));
        }
        let Network { proxy, endpoints, .. } = &self.network;
        let mut known = [&endpoints.s3, &endpoints.sts, &endpoints.kms].into_iter().flatten();
        if proxy.is_some() && known.any(|endpoint| !endpoint.is_encrypted()) {
            return Some(("network.proxy", "an endpoint without TLS cannot go through a proxy"));
        }
        None
    }
}
