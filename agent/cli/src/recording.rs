//! `karakuri recording`: a video of what a run's screen showed, for the holder of the key.
//!
//! The segments are decrypted in memory, joined to one animated PNG and piped to ffmpeg: nothing in
//! plain text is on disk but the video. ffmpeg gets numbers and one path, no text of the run.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use karakuri_protocol::apng::{Frame, Segment};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::job::Exit;
use karakuri_protocol::recording::{MARKS, Mark};
use karakuri_seal::Unwrap;

use crate::cli::{Recording, RecordingCommand};
use crate::error::{CliError, at};
use crate::kept::Kept;
use crate::output;
use crate::run::make_private_directory;
use crate::site::Site;

/// Pictures a second: as often as a run is looked at.
const RATE: u32 = 5;
/// An act is shown at least so long, in seconds,
const SHOWN: f64 = 0.9;
/// and no more than so many of them: all are one argument, of which Linux takes 128 KiB.
const MOST_MARKS: usize = 500;
/// How long the last picture is shown, in ms.
const LAST_MS: u16 = 1000;
/// A transparent pixel (filter byte, RGBA) as a stored zlib stream (RFC 1950): a frame that changes
/// nothing, for times longer than the delay of one frame can be.
const NOTHING: [u8; 16] = [0x78, 1, 1, 5, 0, 0xfa, 0xff, 0, 0, 0, 0, 0, 0, 5, 0, 1];

pub(crate) fn run(arguments: &Recording) -> Result<Exit, CliError> {
    let RecordingCommand::Export { run, out, opening } = &arguments.command;
    let site = Site::find()?;
    let directory = site.run(run)?;
    let kept = site.kept(&directory)?;
    let keys = site.keyrings(opening)?;
    let film = joined(segments(&kept, &keys)?)
        .ok_or_else(|| CliError::Usage(format!("run {} has no recording", kept.manifest.run)))?;
    let marks = marks(&kept, &keys)?;
    export(&film, &marks, out)?;
    output::line(out.display());
    Ok(Exit::Success)
}

fn segments<U: Unwrap>(kept: &Kept, keys: &[U]) -> Result<Vec<Segment>, CliError> {
    let segments = kept.present().filter(|artifact| artifact.media_type == "image/apng");
    segments
        .map(|artifact| {
            let file = kept.open(keys, artifact)?;
            Segment::parse(&file)
                .map_err(|e| CliError::NotVerified(format!("artifact {}: {e}", artifact.id)))
        })
        .collect()
}

/// What was done meanwhile; nothing where a run did not come to its end.
fn marks<U: Unwrap>(kept: &Kept, keys: &[U]) -> Result<Vec<Mark>, CliError> {
    let Some(artifact) = kept.evidence(MARKS).filter(|a| kept.removal(a).is_none()) else {
        return Ok(Vec::new());
    };
    let json = kept.open(keys, artifact)?;
    serde_json::from_slice(&json).map_err(CliError::internal("reading the acts of the recording"))
}

/// One segment of all; nothing of none. What a screen of another size showed is left out.
fn joined(segments: Vec<Segment>) -> Option<Segment> {
    let first = segments.first()?;
    let (start_ms, screen) = (first.start_ms, first.frames.first()?.rect);
    let mut frames: Vec<Frame> = Vec::new();
    let mut end = start_ms;
    for segment in segments {
        if segment.frames.first().is_none_or(|key| key.rect != screen) {
            eprintln!("karakuri: the screen changed its size; that part is left out");
            continue;
        }
        // What a later segment begins with is on the screen already.
        for (at, frame) in segment.timed().skip(usize::from(!frames.is_empty())) {
            hold(&mut frames, at.saturating_sub(end));
            end = at;
            frames.push(Frame { delay_ms: 0, ..frame.clone() });
        }
    }
    hold(&mut frames, LAST_MS.into());
    Some(Segment { start_ms, frames })
}

/// Shows what there is for so long.
fn hold(frames: &mut Vec<Frame>, mut ms: u64) {
    let Some(last) = frames.last_mut() else { return };
    // ffmpeg takes a delay of nothing for a default one.
    last.delay_ms = u16::try_from(ms).unwrap_or(u16::MAX).max(1);
    ms = ms.saturating_sub(last.delay_ms.into());
    while ms > 0 {
        let delay_ms = u16::try_from(ms).unwrap_or(u16::MAX);
        ms -= u64::from(delay_ms);
        frames.push(Frame { rect: Rect::new(0, 0, 1, 1), delay_ms, data: NOTHING.to_vec() });
    }
}

fn export(film: &Segment, marks: &[Mark], out: &Path) -> Result<(), CliError> {
    if !out.extension().is_some_and(|kind| kind == "mp4" || kind == "mkv") {
        return Err(CliError::Usage(format!("{}: must end in .mp4 or .mkv", out.display())));
    }
    make_private_directory(out.parent().unwrap_or(Path::new("")))?;
    // Readable by the user alone, as everything that was opened.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(at(out))?;
    let encoded = encode(film, marks, out);
    if !matches!(&encoded, Ok(status) if status.success()) {
        fs::remove_file(out).map_err(at(out))?;
    }
    match encoded {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(CliError::Internal {
            doing: "making the video",
            reason: format!("ffmpeg ended with {status}; what it said is above"),
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => Err(CliError::Platform(
            "a video is made by ffmpeg, which is not installed: apt-get install ffmpeg".to_owned(),
        )),
        Err(e) => Err(at(Path::new("ffmpeg"))(e)),
    }
}

fn encode(film: &Segment, marks: &[Mark], out: &Path) -> std::io::Result<ExitStatus> {
    // With its protocol named, no path is taken for another kind of place.
    let mut target = std::ffi::OsString::from("file:");
    target.push(std::path::absolute(out)?);
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-f", "apng", "-i", "pipe:0", "-vf"])
        .arg(filters(film.start_ms, marks))
        .args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"])
        .args(["-movflags", "+faststart", "-y"])
        .arg(target)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let written = ffmpeg.stdin.take().map(|mut pipe| pipe.write_all(&film.to_bytes()));
    let status = ffmpeg.wait()?;
    match written {
        // It says itself why it took no more.
        Some(Err(e)) if status.success() => Err(e),
        _ => Ok(status),
    }
}

/// Even sides, as H.264 wants them, and a box for each act.
fn filters(start_ms: u64, marks: &[Mark]) -> String {
    let mut filters = format!("fps={RATE},format=yuv444p,pad=ceil(iw/2)*2:ceil(ih/2)*2");
    for mark in marks.iter().take(MOST_MARKS) {
        let from = seconds(mark.at_ms.saturating_sub(start_ms));
        let to = from + (f64::from(mark.ms) / 1000.0).max(SHOWN);
        let boxes = [(mark.changed, "0x1971c2", 2), (mark.target, "0xd6336c", 3)];
        for (rect, colour, thickness) in boxes {
            let Some(Rect { left, top, width, height }) = rect else { continue };
            filters += &format!(
                ",drawbox={left}:{top}:{width}:{height}:{colour}:{thickness}:enable='between(t,{from:.3},{to:.3})'"
            );
        }
    }
    filters
}

fn seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Rect = Rect { left: 0, top: 0, width: 64, height: 64 };

    fn segment(start_ms: u64) -> Segment {
        let frame = |rect, delay_ms| Frame { rect, delay_ms, data: vec![0; 4] };
        let frames = vec![frame(SCREEN, 20), frame(Rect::new(0, 0, 16, 16), 100)];
        Segment { start_ms, frames }
    }

    #[test]
    fn a_pause_longer_than_a_delay_is_filled() {
        let all = joined(vec![segment(1_000), segment(101_000)]).unwrap();
        let times: Vec<(u64, u32)> = all.timed().map(|(at, f)| (at, f.rect.width)).collect();
        // The second segment's change comes 20 ms after its first picture.
        assert_eq!(times, [(1_000, 64), (1_020, 16), (66_555, 1), (101_020, 16)]);
        assert_eq!(all.frames.last().map(|last| last.delay_ms), Some(LAST_MS));
        assert!(joined(Vec::new()).is_none());
    }

    #[test]
    fn acts_are_drawn_when_they_happened() {
        let mark = Mark {
            at_ms: 3_500,
            ms: 2_000,
            method: "click".to_owned(),
            target: Some(Rect::new(1, 2, 3, 4)),
            point: None,
            changed: None,
        };
        let drawn = ",drawbox=1:2:3:4:0xd6336c:3:enable='between(t,2.500,4.500)'";
        assert!(filters(1_000, &[mark]).ends_with(drawn));
    }
}
