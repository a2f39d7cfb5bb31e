//! One HTTP client for all services: TLS 1.2 or 1.3 on aws-lc-rs, the site's trust store, its proxy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use karakuri_site::network::Network;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The system's trust store in one file (ca-certificates in Debian).
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The certificates cannot be read.
    #[error("{path}: {source}; install ca-certificates, or name a file in network.ca of site.toml")]
    Read {
        /// Of which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// They are none.
    #[error("{path}: {reason}; it must hold certificates of authorities in PEM")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The proxy's address.
    #[error("network.proxy: {0}")]
    Proxy(String),
}

/// What the client is made of, read before the walls are up.
#[derive(Debug)]
pub(crate) struct Outfit {
    trust: TlsContext,
    proxy: ProxyConfig,
}

impl Outfit {
    /// Reads the certificates that `network` names, or the system's.
    pub(crate) fn read(network: &Network) -> Result<Self, HttpError> {
        let path = network.ca.as_ref().map_or(Path::new(SYSTEM_CA), |ca| ca.as_path());
        let pem = fs::read(path).map_err(|source| HttpError::Read { path: path.into(), source })?;
        let wrong = |reason: String| HttpError::Certificates { path: path.into(), reason };
        check(&pem).map_err(wrong)?;
        let store = TrustStore::empty().with_pem_certificate(pem);
        let trust = TlsContext::builder().with_trust_store(store).build();
        let proxy = match &network.proxy {
            Some(proxy) => ProxyConfig::https(proxy.to_string()),
            None => Ok(ProxyConfig::disabled()),
        };
        Ok(Self {
            trust: trust.map_err(|e| wrong(e.to_string()))?,
            proxy: proxy.map_err(|e| HttpError::Proxy(e.to_string()))?,
        })
    }

    /// The client. Only what goes over TLS goes through the proxy: a plain connection ends on this
    /// machine, as the site's endpoints and the platform's metadata service do.
    pub(crate) fn client(self) -> SharedHttpClient {
        let Self { trust, proxy } = self;
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut builder: ConnectorBuilder = Connector::builder();
            builder.set_connector_settings(settings.cloned());
            builder.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
            builder
                .proxy_config(proxy.clone())
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .tls_context(trust.clone())
                .build()
        })
    }
}

/// The SDK takes for granted that they can be read.
fn check(pem: &[u8]) -> Result<(), String> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| e.to_string())?;
        store.add(certificate).map_err(|e| e.to_string())?;
    }
    if store.is_empty() { Err("there is no certificate".to_owned()) } else { Ok(()) }
}
