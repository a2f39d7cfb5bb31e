//! The file of a request. It is read through once before anything is sent, to know its checksums and
//! to refuse one that is not what was announced; then again, piece by piece, while it is sent. No
//! more than one piece of it is in memory for each request under way.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use http_body::{Body, Frame, SizeHint};
use karakuri_protocol::courier::{Failure, Kind, Put};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::failure::failure;
use crate::pace::Pace;

const MIB: u64 = 1024 * 1024;
/// The size of a part, and the largest file that goes in one request.
const PART: u64 = 16 * MIB;
/// The most parts of an upload, of S3.
const MAX_PARTS: u64 = 10_000;
/// How much is read at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// A file whose content is known.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    file: Arc<File>,
    length: u64,
    sha256: [u8; 32],
    crc64: u64,
    parts: Arc<[Part]>,
    pace: Pace,
}

/// A part of an upload in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Counted from 1.
    pub(crate) number: i32,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// CRC-64/NVME.
    pub(crate) crc64: u64,
}

impl Source {
    /// Reads `file` through.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when it is not what `put` announces.
    pub(crate) async fn measure(put: &Put, file: OwnedFd, pace: &Pace) -> Result<Self, Failure> {
        let (length, pace, key) = (put.length, pace.clone(), put.key.clone());
        let measured = tokio::task::spawn_blocking(move || read_through(file.into(), length, pace));
        let unread = |e: &dyn std::fmt::Display| failure(Kind::Invalid, format!("{key}: {e}"));
        let source = measured.await.map_err(|e| unread(&e))?.map_err(|e| unread(&e))?;
        if source.length != put.length || hex::encode(source.sha256) != put.sha256 {
            return Err(unread(&"the file that came has another length or hash than announced"));
        }
        Ok(source)
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    pub(crate) fn crc64(&self) -> u64 {
        self.crc64
    }

    /// Its parts; one alone is sent in one request.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The whole of it, to be sent.
    pub(crate) fn whole(&self) -> ByteStream {
        self.stream(0, self.length)
    }

    /// One part, to be sent.
    pub(crate) fn part(&self, part: Part) -> ByteStream {
        self.stream(part.offset, part.length)
    }

    fn stream(&self, offset: u64, length: u64) -> ByteStream {
        let (file, pace) = (Arc::clone(&self.file), self.pace.clone());
        ByteStream::new(SdkBody::retryable(move || {
            let (file, pace) = (Arc::clone(&file), pace.clone());
            SdkBody::from_body_1_x(Pieces { file, offset, left: length, pace, waiting: None })
        }))
    }
}

/// The size of the parts of a file.
fn part_size(length: u64) -> u64 {
    PART.max(length.div_ceil(MAX_PARTS))
}

fn read_through(file: File, announced: u64, pace: Pace) -> io::Result<Source> {
    let crc = || Crc::new(CrcAlgorithm::Crc64Nvme);
    let (mut sha256, mut whole, mut of_part) = (Sha256::new(), crc(), crc());
    let (size, mut parts) = (part_size(announced), Vec::new());
    let (mut offset, mut begin) = (0, 0);
    let mut buffer = vec![0; PIECE];
    loop {
        let room = usize::try_from(begin + size - offset).unwrap_or(PIECE).min(PIECE);
        let count = file.read_at(&mut buffer[..room], offset)?;
        sha256.update(&buffer[..count]);
        whole.update(&buffer[..count]);
        of_part.update(&buffer[..count]);
        offset += count as u64;
        let over = count == 0 || offset > announced;
        if (over && (offset > begin || parts.is_empty())) || offset == begin + size {
            let number = i32::try_from(parts.len() + 1).map_err(io::Error::other)?;
            let crc64 = std::mem::replace(&mut of_part, crc()).finalize();
            parts.push(Part { number, offset: begin, length: offset - begin, crc64 });
            begin = offset;
        }
        if over {
            break;
        }
    }
    Ok(Source {
        file: Arc::new(file),
        length: offset,
        sha256: sha256.finalize().into(),
        crc64: whole.finalize(),
        parts: parts.into(),
        pace,
    })
}

/// A stretch of a file as the body of a request.
struct Pieces {
    file: Arc<File>,
    offset: u64,
    left: u64,
    pace: Pace,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Pieces {
    /// A short blocking read: the file is local, and was read through a moment ago.
    fn next(&mut self) -> io::Result<Bytes> {
        let wanted = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; wanted];
        self.file.read_exact_at(&mut piece, self.offset)?;
        self.offset += wanted as u64;
        self.left -= wanted as u64;
        Ok(piece.into())
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.waiting.is_none() {
            let size = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
            self.waiting = self.pace.take(size).map(|from: Instant| Box::pin(sleep_until(from)));
        }
        if let Some(waiting) = &mut self.waiting {
            std::task::ready!(waiting.as_mut().poll(context));
            self.waiting = None;
        }
        Poll::Ready(Some(self.next().map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8], announced: u64) -> Source {
        let file = karakuri_sandbox::memfd::sealed("file", content).unwrap();
        read_through(file.into(), announced, Pace::new(None)).unwrap()
    }

    #[test]
    fn parts_are_as_large_as_the_store_allows_and_cover_the_file() {
        let content: Vec<u8> = (0..PART + MIB + 1).map(|i| (i % 251) as u8).collect();
        let length = content.len() as u64;
        let source = read(&content, length);
        let found: Vec<_> = source.parts().iter().map(|p| (p.number, p.offset, p.length)).collect();
        assert_eq!(found, [(1, 0, PART), (2, PART, MIB + 1)]);
        let crc = |bytes| crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes);
        let split = usize::try_from(PART).unwrap();
        assert_eq!(source.parts()[0].crc64, crc(&content[..split]));
        assert_eq!(source.parts()[1].crc64, crc(&content[split..]));
        assert_eq!((source.crc64(), source.length()), (crc(&content), length));
        assert_eq!(source.sha256()[..], Sha256::digest(&content)[..]);
    }

    #[test]
    fn a_file_of_one_part_or_none_has_one() {
        for (length, parts) in [(0, 1), (1, 1), (PART, 1), (PART + 1, 2), (2 * PART, 2)] {
            let content = vec![7; usize::try_from(length).unwrap()];
            assert_eq!(read(&content, length).parts().len(), parts, "{length}");
        }
        assert_eq!(part_size(MAX_PARTS * PART), PART);
        assert_eq!(part_size(MAX_PARTS * PART + 1), PART + 1);
    }

    #[test]
    fn a_longer_file_is_not_read_to_its_end() {
        let source = read(&vec![0; 4 * PIECE], 10);
        assert_eq!(source.length(), PIECE as u64);
    }
}
