//! Who answers: TLS with the site's authority, through the site's proxy, or not at all.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use karakuri_protocol::courier::{Kind, Said};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::rig::{Courier, Site};
use crate::servers::servers;

/// A certificate authority, and its certificate in a file.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let authority = Self { issuer, directory };
        let block = pem::Pem::new("CERTIFICATE", authority.issuer.der().to_vec());
        std::fs::write(authority.file(), pem::encode(&block)).unwrap();
        authority
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    fn network(&self) -> String {
        format!("ca = \"{}\"\n", self.file().display())
    }

    /// A certificate for servers at `names`, and its key, in files.
    pub(crate) fn files(&self, names: Vec<String>) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue(names);
        let [public, private] = ["server.pem", "key.pem"].map(|n| self.directory.path().join(n));
        let certificate = pem::Pem::new("CERTIFICATE", certificate.der().to_vec());
        std::fs::write(&public, pem::encode(&certificate)).unwrap();
        let key = pem::Pem::new("PRIVATE KEY", key.serialize_der());
        std::fs::write(&private, pem::encode(&key)).unwrap();
        (public, private)
    }

    fn issue(&self, names: Vec<String>) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// What a server at `name` shows.
    fn server(&self, name: &str) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(vec![name.to_owned()]);
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        Arc::new(config)
    }
}

/// Serves every connection with `each`, until the process ends; the port.
fn listen<F>(each: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(each(client));
            }
        });
    });
    told.recv().unwrap()
}

/// TLS before the server at `upstream`.
fn encrypted(upstream: u16, config: Arc<ServerConfig>) -> String {
    let port = listen(move |client| {
        let acceptor = TlsAcceptor::from(Arc::clone(&config));
        async move {
            let mut client = acceptor.accept(client).await?;
            let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).await?;
            copy_bidirectional(&mut client, &mut server).await.map(drop)
        }
    });
    format!("https://127.0.0.1:{port}")
}

/// A proxy that connects where it is asked to, and counts.
fn connecting() -> (u16, Arc<AtomicUsize>) {
    let used = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&used);
    let port = listen(move |client| {
        let counted = Arc::clone(&counted);
        async move {
            let mut client = BufReader::new(client);
            let (mut request, mut line) = (String::new(), String::new());
            client.read_line(&mut request).await?;
            while line != "\r\n" {
                line.clear();
                client.read_line(&mut line).await?;
            }
            let target = request.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
            let target = target.ok_or(io::ErrorKind::InvalidData)?.to_owned();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut server = TcpStream::connect(target).await?;
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            copy_bidirectional(&mut client, &mut server).await.map(drop)
        }
    });
    (port, used)
}

/// A site whose services are all behind TLS.
fn site(authority: &Authority, name: &str) -> Site {
    let mut site = Site::new();
    let front = encrypted(servers().s3, authority.server(name));
    (site.s3, site.sts, site.kms) = (front.clone(), Some(front.clone()), front);
    site.network = authority.network();
    site
}

fn refused(site: &Site) -> String {
    let failure = Courier::upload(site).put("runs/a/1.esdk", b"sealed").unwrap_err();
    assert_eq!(failure.kind, Kind::Blocked, "{}", failure.message);
    failure.message
}

#[test]
fn the_sites_authority_is_trusted_and_no_other() {
    let (own, foreign) = (Authority::new(), Authority::new());
    let mut site = site(&own, "127.0.0.1");
    assert!(matches!(
        Courier::upload(&site).put("runs/a/1.esdk", b"sealed"),
        Ok(Said::Stored { .. })
    ));
    servers().assert_has(&site.key("runs/a/1.esdk"), b"sealed");
    site.network = foreign.network();
    let message = refused(&site);
    assert!(message.contains("BadSignature"), "{message}");
    // The system's trust store knows neither.
    site.network = String::new();
    let message = refused(&site);
    assert!(message.contains("UnknownIssuer"), "{message}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let message = refused(&site(&Authority::new(), "store.example"));
    assert!(message.contains("not valid for name"), "{message}");
}

#[test]
fn nothing_below_tls_1_2_is_spoken() {
    let (port, ca) = &servers().old_tls;
    let mut site = Site::new();
    let old = format!("https://127.0.0.1:{port}");
    (site.s3, site.sts) = (old.clone(), Some(old));
    site.network = format!("ca = \"{ca}\"\n");
    let message = refused(&site);
    assert!(message.contains("ProtocolVersion"), "{message}");
}

#[test]
fn the_proxy_is_used_for_everything() {
    let authority = Authority::new();
    let mut site = site(&authority, "127.0.0.1");
    let (port, used) = connecting();
    site.network += &format!("proxy = \"http://127.0.0.1:{port}\"\n");
    let courier = Courier::upload(&site);
    assert!(matches!(courier.put("runs/a/1.esdk", b"sealed"), Ok(Said::Stored { .. })));
    // One tunnel to the lender and one to the store, which are one server here.
    assert!(used.load(Ordering::SeqCst) >= 1);
    // Landlock lets the courier reach nothing but the proxy and the resolver.
    let services: u16 = site.s3.rsplit(':').next().unwrap().parse().unwrap();
    assert_ne!(services, port);
}

#[test]
fn certificates_that_are_none_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, "no certificate").unwrap();
    let mut site = Site::new();
    site.network = format!("ca = \"{}\"\n", file.display());
    let courier = Courier::start("upload", &site);
    let words = courier.last_words();
    assert!(words.contains("there is no certificate"), "{words}");
}
