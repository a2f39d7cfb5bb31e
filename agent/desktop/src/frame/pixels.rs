//! Where the pixels of a frame lie. A copy of a frame never shares memory with the server.

use std::ops::{Deref, DerefMut};

use crate::mapping::Mapping;

/// Where the pixels lie.
pub(super) enum Pixels {
    Own(Vec<u8>),
    /// Where the server has put them.
    Shared(Mapping),
}

impl Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(mapping) => mapping.bytes(),
        }
    }
}

impl DerefMut for Pixels {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(mapping) => mapping.bytes_mut(),
        }
    }
}

impl Clone for Pixels {
    fn clone(&self) -> Self {
        Self::Own(self.to_vec())
    }
}
