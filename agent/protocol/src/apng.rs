//! The file of one segment of a recording: an animated PNG (PNG Specification, third edition), so that
//! browsers and ffmpeg play it as it is.
//!
//! | chunk | what |
//! | --- | --- |
//! | `IHDR` | the screen, 8-bit RGBA |
//! | `acTL` | number of frames; played once |
//! | `tEXt` | keyword `Start`: milliseconds from the start of the run to the first frame |
//! | `fcTL` `IDAT` | the first frame: the whole screen, opaque |
//! | `fcTL` `fdAT` | each further frame: a rectangle, transparent where nothing changed, blended over |
//! | `IEND` | |
//!
//! The pixels stay compressed here: written by karakuri-desktop, taken apart by karakurid for the
//! report and by `karakuri` for a video.

use crate::geometry::Rect;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// Bit depth 8, colour type RGBA, the only compression and filter method, not interlaced.
const RGBA: [u8; 5] = [8, 6, 0, 0, 0];
const START: &[u8] = b"Start\0";
/// `dispose_op` NONE, and `blend_op` SOURCE for the first frame, OVER for the others.
const KEY: [u8; 2] = [0, 0];
const CHANGE: [u8; 2] = [0, 1];
/// Delays are in milliseconds.
const DENOMINATOR: u16 = 1000;

/// Why bytes are no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApngError {
    /// Cut off, or damaged.
    #[error("a chunk is cut off or its checksum is wrong")]
    Damaged,
    /// A PNG of another kind.
    #[error("it is not an animated PNG as Karakuri writes them")]
    Unexpected,
}

/// One picture of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it lies on the screen.
    pub rect: Rect,
    /// How long it is shown until the next, in ms.
    pub delay_ms: u16,
    /// Its RGBA pixels as in the `IDAT` chunks of a PNG file: filtered, one zlib stream.
    pub data: Vec<u8>,
}

/// A segment: what the screen showed from `start_ms` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// From the start of the run, in ms.
    pub start_ms: u64,
    /// The first is the whole screen.
    pub frames: Vec<Frame>,
}

impl Frame {
    /// A frame from a PNG file of its pixels, 8-bit RGBA.
    ///
    /// # Errors
    /// When the file is another kind of PNG.
    pub fn from_png(png: &[u8], left: i32, top: i32, delay_ms: u16) -> Result<Self, ApngError> {
        let mut chunks = Chunks::open(png)?;
        let (width, height) = header(chunks.expect(b"IHDR")?)?;
        let mut data = Vec::new();
        while let Some((kind, body)) = chunks.next()? {
            if kind == *b"IDAT" {
                data.extend_from_slice(body);
            }
        }
        Ok(Self { rect: Rect::new(left, top, width, height), delay_ms, data })
    }

    /// A PNG file of the frame alone.
    #[must_use]
    pub fn to_png(&self) -> Vec<u8> {
        let mut file = SIGNATURE.to_vec();
        put(&mut file, b"IHDR", &[&ihdr(self.rect)]);
        put(&mut file, b"IDAT", &[&self.data]);
        put(&mut file, b"IEND", &[]);
        file
    }

    fn control(&self, sequence: u32, operations: [u8; 2]) -> Vec<u8> {
        let Rect { left, top, width, height } = self.rect;
        let (left, top) = (left.unsigned_abs(), top.unsigned_abs());
        let words = [sequence, width, height, left, top].map(u32::to_be_bytes);
        let delay = [self.delay_ms, DENOMINATOR].map(u16::to_be_bytes);
        [words.as_flattened(), delay.as_flattened(), &operations].concat()
    }
}

impl Segment {
    /// The file; nothing for a segment without frames.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Some((first, rest)) = self.frames.split_first() else { return Vec::new() };
        let mut file = SIGNATURE.to_vec();
        put(&mut file, b"IHDR", &[&ihdr(first.rect)]);
        let count = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
        put(&mut file, b"acTL", &[&count.to_be_bytes(), &1_u32.to_be_bytes()]);
        put(&mut file, b"tEXt", &[START, self.start_ms.to_string().as_bytes()]);
        put(&mut file, b"fcTL", &[&first.control(0, KEY)]);
        put(&mut file, b"IDAT", &[&first.data]);
        // Control and data chunks of the later frames are numbered in one sequence.
        for (frame, sequence) in rest.iter().zip((1_u32..).step_by(2)) {
            put(&mut file, b"fcTL", &[&frame.control(sequence, CHANGE)]);
            put(&mut file, b"fdAT", &[&(sequence + 1).to_be_bytes(), &frame.data]);
        }
        put(&mut file, b"IEND", &[]);
        file
    }

    /// The frames, each with the time it appears, in ms from the start of the run.
    pub fn timed(&self) -> impl Iterator<Item = (u64, &Frame)> {
        self.frames.iter().scan(self.start_ms, |next, frame| {
            let at = *next;
            *next += u64::from(frame.delay_ms);
            Some((at, frame))
        })
    }

    /// Takes a file apart. Nothing is decompressed.
    ///
    /// # Errors
    /// When it is not what [`Segment::to_bytes`] writes.
    pub fn parse(file: &[u8]) -> Result<Self, ApngError> {
        let mut chunks = Chunks::open(file)?;
        let screen = header(chunks.expect(b"IHDR")?)?;
        let screen = Rect::new(0, 0, screen.0, screen.1);
        chunks.expect(b"acTL")?;
        let text = chunks.expect(b"tEXt")?.strip_prefix(START);
        let start_ms = text.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let start_ms = start_ms.ok_or(ApngError::Unexpected)?;
        let mut frames: Vec<Frame> = Vec::new();
        loop {
            match (chunks.next()?.ok_or(ApngError::Damaged)?, frames.last_mut()) {
                ((kind, body), _) if kind == *b"fcTL" => frames.push(controlled(body, screen)?),
                ((kind, body), Some(frame)) if kind == *b"IDAT" => frame.data.extend(body),
                ((kind, body), Some(frame)) if kind == *b"fdAT" => {
                    frame.data.extend(body.get(4..).ok_or(ApngError::Unexpected)?);
                }
                ((kind, _), Some(_)) if kind == *b"IEND" => break,
                _ => return Err(ApngError::Unexpected),
            }
        }
        if frames.first().is_none_or(|first| first.rect != screen) {
            return Err(ApngError::Unexpected);
        }
        Ok(Self { start_ms, frames })
    }
}

/// Its type and its content.
type Chunk<'a> = ([u8; 4], &'a [u8]);

/// The chunks of a file that are not read yet.
struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    fn open(file: &'a [u8]) -> Result<Self, ApngError> {
        file.strip_prefix(&SIGNATURE).map(Self).ok_or(ApngError::Unexpected)
    }

    /// The next chunk; none at the end.
    fn next(&mut self) -> Result<Option<Chunk<'a>>, ApngError> {
        let Some((length, rest)) = self.0.split_first_chunk::<4>() else {
            return if self.0.is_empty() { Ok(None) } else { Err(ApngError::Damaged) };
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let summed = length.checked_add(4).and_then(|end| rest.split_at_checked(end));
        let (summed, rest) = summed.ok_or(ApngError::Damaged)?;
        let (sum, rest) = rest.split_first_chunk::<4>().ok_or(ApngError::Damaged)?;
        let (kind, body) = summed.split_first_chunk::<4>().ok_or(ApngError::Damaged)?;
        if crc32fast::hash(summed) != u32::from_be_bytes(*sum) {
            return Err(ApngError::Damaged);
        }
        self.0 = rest;
        Ok(Some((*kind, body)))
    }

    fn expect(&mut self, wanted: &[u8; 4]) -> Result<&'a [u8], ApngError> {
        match self.next()? {
            Some((kind, body)) if kind == *wanted => Ok(body),
            _ => Err(ApngError::Unexpected),
        }
    }
}

fn put(file: &mut Vec<u8>, kind: &[u8; 4], parts: &[&[u8]]) {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    file.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    let mut sum = crc32fast::Hasher::new();
    for part in [&kind[..]].iter().chain(parts) {
        sum.update(part);
        file.extend_from_slice(part);
    }
    file.extend(sum.finalize().to_be_bytes());
}

fn ihdr(rect: Rect) -> Vec<u8> {
    let side = [rect.width, rect.height].map(u32::to_be_bytes);
    [side.as_flattened(), &RGBA].concat()
}

fn header(body: &[u8]) -> Result<(u32, u32), ApngError> {
    let Ok([width, height]) = words::<2>(body) else { return Err(ApngError::Unexpected) };
    if body.get(8..) == Some(&RGBA) { Ok((width, height)) } else { Err(ApngError::Unexpected) }
}

/// A frame without its data yet.
fn controlled(body: &[u8], screen: Rect) -> Result<Frame, ApngError> {
    let [_, width, height, left, top] = words::<5>(body)?;
    let place = |value: u32| i32::try_from(value).map_err(|_| ApngError::Unexpected);
    let rect = Rect::new(place(left)?, place(top)?, width, height);
    let delay = body.get(20..22).and_then(|d| d.try_into().ok()).map(u16::from_be_bytes);
    let delay_ms = delay.ok_or(ApngError::Unexpected)?;
    if body.get(22..24) != Some(&DENOMINATOR.to_be_bytes())
        || screen.intersection(&rect) != Some(rect)
    {
        return Err(ApngError::Unexpected);
    }
    Ok(Frame { rect, delay_ms, data: Vec::new() })
}

fn words<const N: usize>(body: &[u8]) -> Result<[u32; N], ApngError> {
    let (words, _) = body.as_chunks::<4>();
    let words = words.first_chunk::<N>().ok_or(ApngError::Unexpected)?;
    Ok(words.map(u32::from_be_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment() -> Segment {
        let frame = |rect, delay_ms| Frame { rect, delay_ms, data: vec![7; 5] };
        let frames = vec![
            frame(Rect::new(0, 0, 64, 32), 20),
            frame(Rect::new(16, 0, 16, 16), 200),
            frame(Rect::new(0, 16, 32, 16), 5000),
        ];
        Segment { start_ms: 12_345, frames }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Segment::parse(&segment().to_bytes()), Ok(segment()));
        let frame = &segment().frames[1];
        assert_eq!(Frame::from_png(&frame.to_png(), 16, 0, 200).as_ref(), Ok(frame));
    }

    #[test]
    fn nothing_cut_off_or_altered_is_read() {
        let file = segment().to_bytes();
        for end in 0..file.len() {
            assert!(Segment::parse(&file[..end]).is_err(), "cut at {end}");
        }
        for at in 0..file.len() {
            let mut altered = file.clone();
            altered[at] ^= 1;
            assert!(Segment::parse(&altered).is_err(), "altered at {at}");
        }
    }

    #[test]
    fn a_frame_beyond_the_screen_is_refused() {
        let mut beyond = segment();
        beyond.frames[1].rect = Rect::new(50, 0, 16, 16);
        assert_eq!(Segment::parse(&beyond.to_bytes()), Err(ApngError::Unexpected));
        let mut part = segment();
        part.frames.remove(0);
        part.frames[0].rect = Rect::new(16, 0, 16, 16);
        assert_eq!(Segment::parse(&part.to_bytes()), Err(ApngError::Unexpected));
    }
}
