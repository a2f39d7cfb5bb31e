//! The courier of the keys: has KMS make data keys, for this tenant and site alone, and hands each
//! out through a pipe. It keeps none.

use std::os::fd::{AsFd, OwnedFd};

use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::types::DataKeySpec;
use karakuri_link::AsyncLink;
use karakuri_protocol::courier::{Failure, Generate, KeyContext, KeySaid, Kind, VERSION};
use karakuri_sandbox::link::LinkError;
use karakuri_site::Site;
use karakuri_site::name::KeyArn;
use rustix::pipe::PipeFlags;
use zeroize::Zeroizing;

use crate::failure::{self, failure};
use crate::service::Renewable;

/// AES-256.
const KEY_BYTES: usize = 32;
/// The most bytes of a value of the context, as messages have it.
const MAX_VALUE: usize = 128;

/// KMS, for one tenant and site.
#[derive(Debug)]
pub(crate) struct Keys {
    clients: Renewable<Client>,
    key: KeyArn,
    tenant: String,
    site: String,
}

/// The client of KMS.
pub(crate) fn client(config: &SdkConfig) -> Client {
    Client::new(config)
}

impl Keys {
    pub(crate) fn new(clients: Renewable<Client>, key: KeyArn, site: &Site) -> Self {
        Self { clients, key, tenant: site.tenant.clone(), site: site.site.clone() }
    }

    /// Serves until karakurid closes its end, one request after the other: a run has four at most.
    pub(crate) async fn serve(&self, link: &AsyncLink) -> Result<(), LinkError> {
        link.send(&KeySaid::Ready { version: VERSION }, &[])?;
        while let Some((generate, _)) = link.recv::<Generate>().await? {
            match self.generate(&generate).await {
                Ok((said, pipe)) => link.send(&said, &[pipe.as_fd()])?,
                Err(failure) => link.send(&KeySaid::Failed { id: generate.id, failure }, &[])?,
            }
        }
        Ok(())
    }

    async fn generate(&self, generate: &Generate) -> Result<(KeySaid, OwnedFd), Failure> {
        self.check(&generate.context)?;
        let KeyContext { tenant, site, run, class } = &generate.context;
        let request = self
            .clients
            .get()
            .generate_data_key()
            .key_id(self.key.as_str())
            .key_spec(DataKeySpec::Aes256)
            .encryption_context("tenant", tenant)
            .encryption_context("site", site)
            .encryption_context("run", run)
            .encryption_context("class", class);
        let answer = request.send().await.map_err(|e| {
            let failure = failure::of(&format!("asking KMS for a data key under {}", self.key), &e);
            if failure.kind == Kind::Expired {
                self.clients.forget();
            }
            failure
        })?;
        let plaintext =
            Zeroizing::new(answer.plaintext.map(|b| b.into_inner()).unwrap_or_default());
        let wrapped = answer.ciphertext_blob.map(|b| b.into_inner()).unwrap_or_default();
        let key_arn = answer.key_id.unwrap_or_default();
        if key_arn != self.key.as_str() || plaintext.len() != KEY_BYTES || wrapped.is_empty() {
            return Err(failure(Kind::Refused, "KMS answered with another key than was asked for"));
        }
        let pipe = piped(&plaintext)
            .map_err(|e| failure(Kind::Retry, format!("a pipe for the data key: {e}")))?;
        Ok((KeySaid::Generated { id: generate.id, key_arn, wrapped }, pipe))
    }

    /// A karakurid that is taken over gets no key of another tenant or site.
    fn check(&self, context: &KeyContext) -> Result<(), Failure> {
        let KeyContext { tenant, site, run, class } = context;
        if (tenant, site) != (&self.tenant, &self.site) {
            let message = format!("this site is {} of {}, and no other", self.site, self.tenant);
            return Err(failure(Kind::Invalid, message));
        }
        for value in [run, class] {
            if value.is_empty() || value.len() > MAX_VALUE || value.contains(char::is_control) {
                let shown = failure::escaped(value);
                return Err(failure(Kind::Invalid, format!("{shown:?} is no run or class")));
            }
        }
        Ok(())
    }
}

/// The read end of a pipe that holds `secret` and nothing more.
pub(crate) fn piped(secret: &[u8]) -> rustix::io::Result<OwnedFd> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    // An empty pipe takes it whole, see pipe(7) on PIPE_BUF.
    rustix::io::write(&write, secret)?;
    Ok(read)
}
