//! What a failed request means: from the SDK's errors to the protocol's [`Failure`].
//!
//! A service's error code and message are text from the network: they are escaped and cut.

use std::error::Error;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use karakuri_protocol::courier::{Failure, Kind};

/// So many minutes a clock may be off without anything being said of it; AWS refuses from 5 or 15 on.
const TOLERATED: u64 = 4;
/// The most of a service's message that is passed on, in characters.
const MAX_WORDS: usize = 300;

/// Codes of a session that has ended or was taken back.
const EXPIRED: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "RequestExpired",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];
/// Codes of what passes by itself, where the HTTP status does not tell.
const PASSING: &[&str] = &[
    "BadDigest",
    "ConditionalRequestConflict",
    "DependencyTimeoutException",
    "IncompleteBody",
    "InvalidDigest",
    "KeyUnavailableException",
    "KMSInternalException",
    "LimitExceededException",
    "OperationAborted",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
];

/// No session could be had. It passes through the SDK as the cause of a request's failure.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub(crate) struct NoSession(pub(crate) Failure);

impl NoSession {
    /// One that somebody has to mend.
    pub(crate) fn blocked(message: impl Into<String>) -> Self {
        Self(Failure { kind: Kind::Blocked, message: message.into() })
    }

    /// From the failure of asking for it. Whoever refuses an identity refuses every request.
    pub(crate) fn because(failure: Failure) -> Self {
        let kind = if failure.kind == Kind::Retry { Kind::Retry } else { Kind::Blocked };
        Self(Failure { kind, ..failure })
    }
}

/// A failure of `kind`.
pub(crate) fn failure(kind: Kind, message: impl Into<String>) -> Failure {
    Failure { kind, message: message.into() }
}

/// What the error of a request means; `doing` says what was asked of whom.
pub(crate) fn of<E>(doing: &str, error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(NoSession(why)) = chain(error).find_map(|e| e.downcast_ref::<NoSession>()) {
        return failure(why.kind, format!("{doing}: {}", why.message));
    }
    if let Some(tls) = chain(error).find_map(|e| e.downcast_ref::<rustls::Error>()) {
        let mend = "is network.ca the authority of this service?";
        return failure(Kind::Blocked, format!("{doing}: TLS was refused: {tls}; {mend}"));
    }
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let (code, words) = (context.err().code(), context.err().message());
            let (code, words) = (code.unwrap_or_default(), words.unwrap_or_default());
            let said = format!("{doing}: {status} {}: {}", escaped(code), escaped(words));
            let date = context.raw().headers().get("date").unwrap_or_default();
            let kind = kind(status, code);
            match off(date, SystemTime::now()).filter(|_| status < 500) {
                // What a service makes of a signature of another time differs from one to the next.
                Some(off) => {
                    let kind = if kind == Kind::Refused { Kind::Retry } else { kind };
                    failure(kind, format!("{said}; {off}"))
                }
                None => failure(kind, said),
            }
        }
        SdkError::ConstructionFailure(_) => {
            failure(Kind::Invalid, format!("{doing}: {}", last(error)))
        }
        _ => failure(Kind::Retry, format!("{doing}: {}", last(error))),
    }
}

/// How far this machine's clock is from the service's, if it is so far that requests may be refused for it.
fn off(date: &str, now: SystemTime) -> Option<String> {
    let theirs = DateTime::from_str(date, Format::HttpDate).ok()?.secs();
    let ours = i64::try_from(now.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let (minutes, way) = ((ours - theirs) / 60, if ours > theirs { "ahead" } else { "behind" });
    let minutes = minutes.unsigned_abs();
    (minutes >= TOLERATED).then(|| {
        format!("the clock of this machine is {minutes} minutes {way} of the service's: set it")
    })
}

/// What follows from a service's answer.
fn kind(status: u16, code: &str) -> Kind {
    if EXPIRED.contains(&code) {
        Kind::Expired
    } else if PASSING.contains(&code) || status >= 500 || matches!(status, 408 | 409 | 429) {
        Kind::Retry
    } else {
        Kind::Refused
    }
}

/// An error and what caused it, also where it is wrapped in an [`io::Error`].
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The first cause, which says most.
fn last(error: &(dyn Error + 'static)) -> String {
    escaped(&chain(error).last().map(ToString::to_string).unwrap_or_default())
}

/// Text from outside, on one line and not too long.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().take(MAX_WORDS).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_and_a_code_say_what_follows() {
        for (status, code, expected) in [
            (503, "SlowDown", Kind::Retry),
            (500, "", Kind::Retry),
            (429, "TooManyRequests", Kind::Retry),
            (400, "BadDigest", Kind::Retry),
            (400, "ThrottlingException", Kind::Retry),
            (409, "ConditionalRequestConflict", Kind::Retry),
            (403, "RequestTimeTooSkewed", Kind::Retry),
            (400, "ExpiredToken", Kind::Expired),
            (403, "InvalidAccessKeyId", Kind::Expired),
            (403, "AccessDenied", Kind::Refused),
            (404, "NoSuchBucket", Kind::Refused),
            (400, "DisabledException", Kind::Refused),
            (301, "PermanentRedirect", Kind::Refused),
        ] {
            assert_eq!(kind(status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn a_clock_is_compared_with_the_services() {
        let at = |seconds| UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let date = "Sun, 22 Nov 2026 12:00:00 GMT";
        let noon = 1_795_348_800;
        assert_eq!(off(date, at(noon)), None);
        assert_eq!(off(date, at(noon + 239)), None);
        let said = |seconds| off(date, at(seconds)).unwrap();
        assert!(said(noon + 1200).contains("20 minutes ahead"), "{}", said(noon + 1200));
        assert!(said(noon - 3 * 3600).contains("180 minutes behind"), "{}", said(noon - 3 * 3600));
        assert_eq!(off("", at(noon)), None);
    }

    #[test]
    fn words_of_a_service_stay_on_their_line() {
        assert_eq!(escaped("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
        assert_eq!(escaped(&"x".repeat(1000)).len(), MAX_WORDS);
    }
}
