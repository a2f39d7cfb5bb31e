//! `[network]`: how the couriers reach the outside.

use std::num::NonZeroU64;

use serde::Deserialize;

use crate::endpoint::{Endpoint, Proxy};
use crate::name::AbsolutePath;

/// The way out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Certificates in PEM that replace the system's trust store.
    pub ca: Option<AbsolutePath>,
    /// Every connection to a service goes through it.
    pub proxy: Option<Proxy>,
    /// Where services are instead of at their public addresses.
    #[serde(default)]
    pub endpoints: Endpoints,
    /// Whether the public addresses are those that also have IPv6.
    #[serde(default)]
    pub dual_stack: bool,
    /// The most that uploads take together, in bytes a second.
    pub bytes_per_second: Option<NonZeroU64>,
    /// When uploads may be sent; always without.
    pub window: Option<Window>,
}

/// Private addresses of services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// Of the store; keys are then asked for as paths, not as host names.
    pub s3: Option<Endpoint>,
    /// Of the service that lends roles.
    pub sts: Option<Endpoint>,
    /// Of the service that has the keys.
    pub kms: Option<Endpoint>,
}

/// A time of day, from one local time to another; over midnight where the second is the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// It begins at this minute.
    pub from: LocalTime,
    /// And is over at this one.
    pub to: LocalTime,
}

impl Window {
    /// Whether `minute` of the day, from 0 to 1439, is inside. Equal ends are the whole day.
    #[must_use]
    pub fn contains(self, minute: u16) -> bool {
        let (from, to) = (self.from.0, self.to.0);
        if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to }
    }
}

/// `HH:MM`, minutes since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct LocalTime(u16);

/// Why a text is not a [`LocalTime`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} must be a time from \"00:00\" to \"23:59\"")]
pub struct InvalidTime(String);

impl LocalTime {
    /// Minutes since midnight.
    #[must_use]
    pub fn minute(self) -> u16 {
        self.0
    }
}

impl TryFrom<String> for LocalTime {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, InvalidTime> {
        let part = |part: &str, below: u16| {
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|number| digits && *number < below)
        };
        let minutes = text.split_once(':').and_then(|(hour, minute)| {
            let (hour, minute): (u16, u16) = (part(hour, 24)?, part(minute, 60)?);
            Some(hour * 60 + minute)
        });
        minutes.map(Self).ok_or(InvalidTime(text))
    }
}
