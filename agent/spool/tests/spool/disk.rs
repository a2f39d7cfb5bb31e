//! A disk that writes down what is done to it, with the real one below, and fails when told to.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use karakuri_spool::{ArtifactId, Disk, Found, LocalDisk, Output};

/// What was done. Files have numbers, as their names change.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    MakeDir(PathBuf),
    Create(usize, PathBuf),
    Write(usize, Vec<u8>),
    Truncate(usize, u64),
    Allocate(usize, u64),
    Sync(usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    RemoveDir(PathBuf),
    SyncDir(PathBuf),
    /// What the test may expect from here on.
    Mark(Mark),
}

/// What became of an artifact, or what may.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    Maybe(ArtifactId, Outcome),
    Now(ArtifactId, Outcome),
}

/// How an artifact is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Absent,
    Pending,
    Delivered,
    Parked,
}

/// What fails, with which errno.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// The name of the call.
    pub(crate) call: &'static str,
    /// The path below the test's directory must contain it.
    pub(crate) path: &'static str,
    pub(crate) errno: i32,
    /// How often it still happens.
    pub(crate) times: usize,
}

#[derive(Debug, Default)]
struct Record {
    ops: Vec<Op>,
    files: usize,
    faults: Vec<Fault>,
    /// Writes take no more than so many bytes at once.
    short: Option<usize>,
}

/// The disk. Clones share the record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Record>>);

#[derive(Debug)]
struct RecordedFile {
    number: usize,
    path: PathBuf,
    output: Box<dyn Output>,
    recorder: Recorder,
}

impl Recorder {
    pub(crate) fn ops(&self) -> Vec<Op> {
        self.0.lock().unwrap().ops.clone()
    }

    pub(crate) fn mark(&self, mark: Mark) {
        self.push(Op::Mark(mark));
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.0.lock().unwrap().faults.push(fault);
    }

    pub(crate) fn heal(&self) {
        self.0.lock().unwrap().faults.clear();
    }

    pub(crate) fn short_writes(&self, length: usize) {
        self.0.lock().unwrap().short = Some(length);
    }

    /// How many operations that `counts` accepts were done.
    pub(crate) fn count(&self, counts: impl Fn(&Op) -> bool) -> usize {
        self.0.lock().unwrap().ops.iter().filter(|op| counts(op)).count()
    }

    fn push(&self, op: Op) {
        self.0.lock().unwrap().ops.push(op);
    }

    /// The error that this call is to have.
    fn check(&self, call: &str, path: &Path) -> io::Result<()> {
        let mut record = self.0.lock().unwrap();
        // Without the directory of the test, whose name is random.
        let below = path.iter().skip_while(|part| !part.to_str().unwrap().starts_with(".tmp"));
        let path: String = below.skip(1).map(|part| format!("/{}", part.display())).collect();
        let wanted = |f: &&mut Fault| f.times > 0 && f.call == call && path.contains(f.path);
        match record.faults.iter_mut().find(wanted) {
            Some(fault) => {
                fault.times -= 1;
                Err(io::Error::from_raw_os_error(fault.errno))
            }
            None => Ok(()),
        }
    }
}

impl Disk for Recorder {
    fn make_dir(&self, path: &Path) -> io::Result<bool> {
        self.check("make_dir", path)?;
        let made = LocalDisk.make_dir(path)?;
        if made {
            self.push(Op::MakeDir(path.to_owned()));
        }
        Ok(made)
    }

    fn lock(&self, dir: &Path) -> io::Result<Option<File>> {
        LocalDisk.lock(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Found>> {
        self.check("list", dir)?;
        LocalDisk.list(dir)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        self.check("open", path)?;
        LocalDisk.open(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        self.check("create", path)?;
        let output = LocalDisk.create(path)?;
        let number = {
            let mut record = self.0.lock().unwrap();
            record.files += 1;
            record.files
        };
        self.push(Op::Create(number, path.to_owned()));
        let (path, recorder) = (path.to_owned(), self.clone());
        Ok(Box::new(RecordedFile { number, path, output, recorder }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check("rename", to)?;
        LocalDisk.rename(from, to)?;
        self.push(Op::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check("remove", path)?;
        LocalDisk.remove(path)?;
        self.push(Op::Remove(path.to_owned()));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.check("remove_dir", path)?;
        LocalDisk.remove_dir(path)?;
        self.push(Op::RemoveDir(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.check("sync_dir", path)?;
        LocalDisk.sync_dir(path)?;
        self.push(Op::SyncDir(path.to_owned()));
        Ok(())
    }
}

impl Write for RecordedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let short = self.recorder.0.lock().unwrap().short.unwrap_or(usize::MAX);
        let some = &bytes[..bytes.len().min(short)];
        if let Err(error) = self.recorder.check("write", &self.path) {
            // As a disk that gets full: half of it is there.
            let half = &some[..some.len() / 2];
            self.output.write_all(half)?;
            self.recorder.push(Op::Write(self.number, half.to_vec()));
            return Err(error);
        }
        let count = self.output.write(some)?;
        self.recorder.push(Op::Write(self.number, some[..count].to_vec()));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl Output for RecordedFile {
    fn allocate(&mut self, length: u64) -> io::Result<()> {
        self.recorder.check("allocate", &self.path)?;
        self.output.allocate(length)?;
        self.recorder.push(Op::Allocate(self.number, length));
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.recorder.check("truncate", &self.path)?;
        self.output.truncate(length)?;
        self.recorder.push(Op::Truncate(self.number, length));
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.recorder.check("sync_data", &self.path)?;
        self.output.sync_data()?;
        self.recorder.push(Op::Sync(self.number));
        Ok(())
    }
}
