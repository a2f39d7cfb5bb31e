//! What a run recorded, decoded by programs that know nothing of Karakuri: ffmpeg and tesseract.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::Agent;

/// The opened artifacts of an agent's last run.
#[derive(Debug)]
pub struct Film {
    directory: TempDir,
    segments: Vec<PathBuf>,
}

/// A picture: width × height pixels, RGB.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: usize,
    /// The bytes.
    pub rgb: Vec<u8>,
}

impl Film {
    /// Opens everything the last run left.
    ///
    /// # Panics
    /// When it cannot be opened.
    #[must_use]
    pub fn of_last(agent: &Agent) -> Self {
        let directory = tempfile::tempdir().unwrap_or_else(|e| panic!("a directory: {e}"));
        let out = directory.path().to_string_lossy().into_owned();
        let output = agent.call(&["artifacts", "decrypt", "last", "--out", &out]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let files = std::fs::read_dir(directory.path()).into_iter().flatten().flatten();
        let mut segments: Vec<PathBuf> = files.map(|file| file.path()).collect();
        segments.retain(|path| path.extension().is_some_and(|kind| kind == "apng"));
        segments.sort();
        Self { directory, segments }
    }

    /// The files of the segments, in order.
    #[must_use]
    pub fn segments(&self) -> &[PathBuf] {
        &self.segments
    }

    /// What the recording shows last.
    ///
    /// # Panics
    /// When there is no recording.
    #[must_use]
    pub fn last(&self) -> Picture {
        let last = self.segments.last().unwrap_or_else(|| panic!("nothing was recorded"));
        let mut pictures = pictures(last);
        pictures.pop().unwrap_or_else(|| panic!("{} is empty", last.display()))
    }

    /// A picture that the run kept as an artifact.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn kept(&self, artifact: &str) -> Picture {
        let path = self.directory.path().join(format!("{artifact}.webp"));
        pictures(&path).pop().unwrap_or_else(|| panic!("{} is empty", path.display()))
    }
}

/// All pictures of a file, whole, as ffmpeg decodes it.
///
/// # Panics
/// When it cannot.
#[must_use]
pub fn pictures(file: &Path) -> Vec<Picture> {
    let size = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0:s=x"])
        .arg(file)
        .output()
        .unwrap_or_else(|e| panic!("ffprobe: {e}"));
    let size = String::from_utf8_lossy(&size.stdout).trim().to_owned();
    let sides = size.split('x').map(str::parse::<usize>).collect::<Result<Vec<_>, _>>();
    let Ok([width, height]) = sides.as_deref() else { panic!("{}: {size:?}", file.display()) };
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("ffmpeg: {e}"));
    // Raw video has no times as fine as 1 ms; every picture comes out all the same.
    let of_times = ["non monotonically increasing dts", "Last message repeated"];
    let said = String::from_utf8_lossy(&decoded.stderr).into_owned();
    let mut errors = said.lines().filter(|line| !of_times.iter().any(|part| line.contains(part)));
    let clean = errors.all(|line| line.trim().is_empty());
    assert!(decoded.status.success() && clean, "{}: {said}", file.display());
    let whole = decoded.stdout.chunks_exact(width * height * 3);
    assert!(whole.remainder().is_empty(), "{} ends within a picture", file.display());
    whole.map(|rgb| Picture { width: *width, rgb: rgb.to_vec() }).collect()
}

impl Picture {
    /// How many pixels differ.
    #[must_use]
    pub fn differing(&self, other: &Self) -> usize {
        assert_eq!((self.width, self.rgb.len()), (other.width, other.rgb.len()));
        self.rgb.chunks_exact(3).zip(other.rgb.chunks_exact(3)).filter(|(a, b)| a != b).count()
    }

    /// What tesseract reads in it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn text(&self) -> String {
        let height = self.rgb.len() / 3 / self.width;
        let mut file = format!("P6 {} {height} 255\n", self.width).into_bytes();
        file.extend_from_slice(&self.rgb);
        let mut reader = Command::new("tesseract")
            .args(["stdin", "stdout", "-l", "eng"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("tesseract: {e}"));
        let written = reader.stdin.take().map(|mut pipe| pipe.write_all(&file));
        assert!(matches!(written, Some(Ok(()))), "tesseract took no picture");
        let output = reader.wait_with_output().unwrap_or_else(|e| panic!("tesseract: {e}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} wide, {} bytes)", self.width, self.rgb.len())
    }
}
