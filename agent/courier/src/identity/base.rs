//! What the machine proves by itself. An environment variable or a profile is never read: the
//! courier has no environment and no home.

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;
use karakuri_protocol::courier::Kind;
use karakuri_site::identity::{Base as Wanted, Container, WebIdentity};
use zeroize::Zeroizing;

use crate::failure::{self, NoSession};
use crate::identity::IdentityError;
use crate::identity::document::{self, MAX_DOCUMENT};
use crate::identity::link::CredentialsLink;
use crate::identity::session;

/// The service of a container is on this machine.
const CONNECT: Duration = Duration::from_secs(2);
const READ: Duration = Duration::from_secs(10);

/// A source of base credentials.
#[derive(Clone, Debug)]
pub(crate) struct Base(Arc<Inner>);

struct Inner {
    source: Source,
    /// Whether a service of the site's own lends the roles.
    own_service: bool,
}

enum Source {
    Instance(Box<ImdsCredentialsProvider>),
    WebIdentity(WebIdentity, aws_sdk_sts::Client),
    Container(Container, SharedHttpClient),
    Process(CredentialsLink),
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            Source::Instance(_) => "instance",
            Source::WebIdentity(..) => "web identity",
            Source::Container(..) => "container",
            Source::Process(_) => "process",
        })
    }
}

impl Base {
    /// The source that the site names. `anonymous` is a client that signs nothing; `link` leads to
    /// karakuri-monitor.
    pub(crate) fn new(
        wanted: &Wanted,
        http: &SharedHttpClient,
        anonymous: aws_sdk_sts::Client,
        link: Option<CredentialsLink>,
        own_service: bool,
    ) -> Result<Self, IdentityError> {
        let source = match wanted {
            Wanted::Instance => {
                let config = ProviderConfig::without_region().with_http_client(http.clone());
                let provider = ImdsCredentialsProvider::builder().configure(&config).build();
                Source::Instance(Box::new(provider))
            }
            Wanted::WebIdentity(web) => Source::WebIdentity(web.clone(), anonymous),
            Wanted::Container(container) => Source::Container(container.clone(), http.clone()),
            Wanted::Process(_) => Source::Process(link.ok_or(IdentityError::NoLink)?),
        };
        Ok(Self(Arc::new(Inner { source, own_service })))
    }

    async fn credentials(&self) -> provider::Result {
        let refused = CredentialsError::provider_error;
        let Inner { source, own_service } = &*self.0;
        match source {
            Source::Instance(provider) => {
                let credentials = provider.provide_credentials().await?;
                document::refuse_long_lived(credentials, *own_service).map_err(refused)
            }
            Source::WebIdentity(web, sts) => exchange(web, sts).await,
            Source::Container(container, http) => {
                let json = fetch(container, http).await.map_err(refused)?;
                document::read(&json, "the container's service", *own_service).map_err(refused)
            }
            Source::Process(link) => {
                let json = link.ask().await.map_err(refused)?;
                document::read(&json, "identity.base.process", *own_service).map_err(refused)
            }
        }
    }
}

impl ProvideCredentials for Base {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// The token for a role of the platform.
async fn exchange(web: &WebIdentity, sts: &aws_sdk_sts::Client) -> provider::Result {
    let refused = CredentialsError::provider_error;
    let token = read_token(web.token_file.as_path()).map_err(refused)?;
    let request = sts
        .assume_role_with_web_identity()
        .role_arn(web.role_arn.as_str())
        .role_session_name("karakuri")
        .web_identity_token(token.as_str());
    let lent = request.send().await.map_err(|error| {
        let why = failure::of("exchanging the web identity's token", &error);
        refused(NoSession::because(why))
    })?;
    let empty = || NoSession::blocked("exchanging the web identity's token: an empty answer");
    session::credentials(lent.credentials.ok_or_else(|| refused(empty()))?)
}

/// Asks the service of a container.
async fn fetch(
    container: &Container,
    http: &SharedHttpClient,
) -> Result<Zeroizing<Vec<u8>>, NoSession> {
    let token = container.token_file.as_ref().map(|file| read_token(file.as_path())).transpose()?;
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).build();
    let operation = Operation::builder()
        .service_name("container")
        .operation_name("credentials")
        .behavior_version(BehaviorVersion::latest())
        .http_client(http.clone())
        .endpoint_url(&container.endpoint.to_string())
        .no_auth()
        .no_retry()
        .sleep_impl(TokioSleep::new())
        .timeout_config(timeouts)
        .serializer(move |path: String| {
            let mut request = HttpRequest::new(SdkBody::empty());
            request.set_uri(path)?;
            if let Some(token) = &token {
                request.headers_mut().try_append("authorization", token.to_string())?;
            }
            Ok(request)
        })
        .deserializer(|response| {
            let body = response.body().bytes().unwrap_or_default();
            Ok::<_, OrchestratorError<Infallible>>((response.status(), body.to_vec()))
        })
        .build();
    let failed = |e: &dyn fmt::Display| {
        let said = failure::escaped(&e.to_string());
        NoSession(failure::failure(Kind::Retry, format!("the container's service: {said}")))
    };
    let (status, body) = operation.invoke(container.path.clone()).await.map_err(|e| failed(&e))?;
    let body = Zeroizing::new(body);
    if !status.is_success() || body.len() > MAX_DOCUMENT {
        return Err(failed(&format!("{status}, {} bytes", body.len())));
    }
    Ok(body)
}

/// A short text file that the platform renews.
fn read_token(path: &Path) -> Result<Zeroizing<String>, NoSession> {
    let read = std::fs::read_to_string(path).map(Zeroizing::new);
    let read = read.map_err(|e| NoSession::blocked(format!("{}: {e}", path.display())))?;
    Ok(Zeroizing::new(read.trim().to_owned()))
}
