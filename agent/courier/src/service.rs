//! The SDK's clients: what all of them have in common, and how a session that has ended is dropped.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use karakuri_site::endpoint::Endpoint;

/// A session is renewed when it has less than this left; the SDK takes up to half off at random, so
/// that the couriers of many sites do not ask at once.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// How long a new session may take.
const BORROW: Duration = Duration::from_secs(45);
const CONNECT: Duration = Duration::from_secs(10);
/// From a request to its answer, for all but uploads. Given as the time of an attempt: a connection is
/// used again only by requests of one read timeout.
const ANSWER: Duration = Duration::from_secs(30);
/// Attempts within one request; whether there is another is karakurid's affair.
const ATTEMPTS: u32 = 3;

/// How services are reached.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) http: SharedHttpClient,
    pub(crate) dual_stack: bool,
}

impl Reach {
    /// What a client of a service in `region` is made from.
    pub(crate) fn config(
        &self,
        region: &str,
        endpoint: Option<&Endpoint>,
        identity: Option<SharedCredentialsProvider>,
    ) -> SdkConfig {
        let cache = IdentityCache::lazy().buffer_time(RENEW_BEFORE).load_timeout(BORROW).build();
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ANSWER);
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .http_client(self.http.clone())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts.build())
            .identity_cache(cache);
        config.set_credentials_provider(identity);
        config.set_endpoint_url(endpoint.map(ToString::to_string));
        config.set_use_dual_stack(Some(self.dual_stack && endpoint.is_none()));
        config.build()
    }
}

/// A client that can be made anew.
pub(crate) struct Renewable<C> {
    make: Box<dyn Fn() -> C + Send + Sync>,
    current: Mutex<C>,
}

impl<C: Clone> Renewable<C> {
    pub(crate) fn new(make: impl Fn() -> C + Send + Sync + 'static) -> Self {
        let current = Mutex::new(make());
        Self { make: Box::new(make), current }
    }

    /// The client.
    pub(crate) fn get(&self) -> C {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Drops the session: the next request borrows a new one.
    pub(crate) fn forget(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = (self.make)();
    }
}

impl<C> fmt::Debug for Renewable<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewable")
    }
}
