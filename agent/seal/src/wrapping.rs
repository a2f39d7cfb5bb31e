//! A data key wrapped for somebody, and the two things that can be done with wrapping keys.

use crate::context::Context;
use crate::error::{OpenError, SealError};
use crate::header::MAX_WRAPPED_KEYS;
use crate::suite::DataKey;

/// A data key wrapped for one recipient, as a header carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Who can unwrap it: [`crate::kms::KMS`], [`crate::kms::KMS_RSA`], or the namespace of a raw key.
    pub provider_id: Vec<u8>,
    /// With which key: its ARN, or the name of a raw key.
    pub provider_info: Vec<u8>,
    /// The wrapped data key.
    pub ciphertext: Vec<u8>,
}

impl WrappedKey {
    /// For whom, escaped, for a message to a person.
    #[must_use]
    pub fn recipient(&self) -> String {
        format!("{}/{}", self.provider_id.escape_ascii(), self.provider_info.escape_ascii())
    }
}

/// What wraps data keys.
pub trait Wrap {
    /// Wraps the data key of messages with this context.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn wrap(&self, context: &Context, data_key: &DataKey) -> Result<WrappedKey, SealError>;
}

/// What unwraps data keys.
pub trait Unwrap {
    /// The data key, if `wrapped` is for this key and was wrapped with it. The context is what the
    /// message claims; nothing of the header is authentic yet.
    ///
    /// # Errors
    /// When the key should be able to, but cannot be used.
    fn unwrap(&self, context: &Context, wrapped: &WrappedKey)
    -> Result<Option<DataKey>, OpenError>;
}

/// Wraps for every recipient, adding to `wrapped_keys`, which must not be empty afterwards.
pub(crate) fn wrap_for<W: Wrap>(
    recipients: &[W],
    context: &Context,
    data_key: &DataKey,
    wrapped_keys: &mut Vec<WrappedKey>,
) -> Result<(), SealError> {
    let limit = usize::from(MAX_WRAPPED_KEYS);
    match wrapped_keys.len() + recipients.len() {
        0 => return Err(SealError::NoRecipient),
        given if given > limit => return Err(SealError::TooManyRecipients { given, limit }),
        _ => {}
    }
    for recipient in recipients {
        wrapped_keys.push(recipient.wrap(context, data_key)?);
    }
    Ok(())
}

impl<T: Wrap + ?Sized> Wrap for Box<T> {
    fn wrap(&self, context: &Context, data_key: &DataKey) -> Result<WrappedKey, SealError> {
        (**self).wrap(context, data_key)
    }
}

impl<T: Unwrap + ?Sized> Unwrap for Box<T> {
    fn unwrap(
        &self,
        context: &Context,
        wrapped: &WrappedKey,
    ) -> Result<Option<DataKey>, OpenError> {
        (**self).unwrap(context, wrapped)
    }
}
