//! kill -9 of a real process at every step of the spool, and at random: what it said was kept is
//! there, what it said was deleted is not, and nothing is delivered twice.
//!
//! The process is this program again, which runs one of the ignored tests. Random kills: 10 rounds,
//! or 200 with `KARAKURI_SOAK=1`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs};

use karakuri_spool::{ArtifactId, Disk, Found, LocalDisk, MANIFEST, Output, Spool, State};
use rustix::process::{Signal, getpid, kill_process};
use sha2::{Digest, Sha256};

use crate::{DIRECTORY, NOW, alone, bytes, delivered, directory, open, write};

const STEP: &str = "KARAKURI_TEST_STEP";

/// Kills its own process before or after the call to the disk that has the number `fatal`.
#[derive(Clone, Debug)]
struct Fatal {
    fatal: u64,
    done: Arc<AtomicU64>,
}

#[derive(Debug)]
struct FatalFile(Box<dyn Output>, Fatal);

impl Fatal {
    fn step<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.moment();
        let done = act();
        self.moment();
        done
    }

    fn moment(&self) {
        if self.done.fetch_add(1, Ordering::Relaxed) == self.fatal {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    }
}

impl Disk for Fatal {
    fn make_dir(&self, path: &Path) -> io::Result<bool> {
        self.step(|| LocalDisk.make_dir(path))
    }
    fn lock(&self, dir: &Path) -> io::Result<Option<File>> {
        LocalDisk.lock(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<Found>> {
        LocalDisk.list(dir)
    }
    fn open(&self, path: &Path) -> io::Result<File> {
        LocalDisk.open(path)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let output = self.step(|| LocalDisk.create(path))?;
        Ok(Box::new(FatalFile(output, self.clone())))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| LocalDisk.rename(from, to))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(|| LocalDisk.remove(path))
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.step(|| LocalDisk.remove_dir(path))
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step(|| LocalDisk.sync_dir(path))
    }
}

impl Write for FatalFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // In two halves, so that a kill falls between them.
        let half = bytes.len().div_ceil(2);
        self.1.step(|| self.0.write(&bytes[..half]))
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Output for FatalFile {
    fn allocate(&mut self, length: u64) -> io::Result<()> {
        self.1.step(|| self.0.allocate(length))
    }
    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.1.step(|| self.0.truncate(length))
    }
    fn sync_data(&mut self) -> io::Result<()> {
        self.1.step(|| self.0.sync_data())
    }
}

/// One line of what is certain now; a pipe has it at once.
fn say(word: &str, ids: &[ArtifactId]) {
    let lines: String = ids.iter().map(|id| format!("\n{word} {id}")).collect();
    io::stderr().write_all(format!("{lines}\n").as_bytes()).unwrap();
}

/// A run: two artifacts together, the manifest; delivered, deleted.
fn live(spool: &mut Spool, run: &str) {
    let files = ["0001-evidence.esdk", "0002-output.esdk", MANIFEST];
    let ids = files.map(|file| ArtifactId::new(run, file).unwrap());
    for together in [&ids[..2], &ids[2..]] {
        let written = together.iter().map(|id| write(spool, id).unwrap()).collect();
        spool.commit(written, NOW).unwrap();
        say("kept", together);
    }
    for together in [&ids[..2], &ids[2..]] {
        let ready: Vec<_> = spool.pending().map(|(id, _)| id.clone()).collect();
        assert!(together.iter().all(|id| ready.contains(id)), "{ready:?}");
        let changes = together.iter().map(|id| (id.clone(), delivered())).collect();
        spool.change(changes, NOW).unwrap();
        say("delivered", together);
    }
    spool.delete(&ids, NOW).unwrap();
    say("deleted", &ids);
}

#[test]
#[ignore = "the process that is killed at a step; every_step starts it"]
fn a_life_that_ends_at_a_step() {
    let (Some(root), Some(step)) = (env::var_os(DIRECTORY), env::var(STEP).ok()) else { return };
    let fatal = Fatal { fatal: step.parse().unwrap(), done: Arc::default() };
    let (mut spool, _recovery) = open(Path::new(&root), Arc::new(fatal));
    live(&mut spool, "20261121T000000-a");
    live(&mut spool, "20261121T000001-b");
}

#[test]
#[ignore = "the process that is killed at random; at_random starts it"]
fn a_life_without_end() {
    let (Some(root), Some(first)) = (env::var_os(DIRECTORY), env::var(STEP).ok()) else { return };
    let (mut spool, _recovery) = open(Path::new(&root), Arc::new(LocalDisk));
    let first: u64 = first.parse().unwrap();
    for number in first * 1_000_000.. {
        live(&mut spool, &format!("run-{number:012}"));
    }
}

fn start(test: &str, root: &Path, step: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("kill::{test}"), "--include-ignored", "--nocapture"])
        .env(DIRECTORY, root)
        .env(STEP, step.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The last certain word about each artifact.
type Said = BTreeMap<ArtifactId, String>;

fn hear(said: &mut Said, line: &str) {
    let Some((word, id)) = line.split_once(' ') else { return };
    if let ("kept" | "delivered" | "deleted", Some((run, file))) = (word, id.split_once('/')) {
        said.insert(ArtifactId::new(run, file).unwrap(), word.to_owned());
    }
}

/// Opens what was left, compares it with what was said, and empties it, each artifact once.
fn check(root: &Path, said: &Said) {
    let (mut spool, recovery) = open(root, Arc::new(LocalDisk));
    assert!(!recovery.is_alarming() && recovery.foreign.is_empty(), "{recovery:?}");
    for id in &recovery.adopted {
        assert!(!said.contains_key(id), "{id} was acknowledged and then adopted");
    }
    for (id, word) in said {
        let state = spool.artifact(id).map(|artifact| artifact.state().clone());
        let right = match word.as_str() {
            // The step after the one that was told may be done, or not.
            "kept" => matches!(state, Some(State::Kept | State::Delivered { .. })),
            "delivered" => matches!(state, None | Some(State::Delivered { .. })),
            _ => state.is_none(),
        };
        assert!(right, "{id} was {word}, and is {state:?}");
    }
    let mut found = BTreeSet::new();
    for (id, artifact) in spool.artifacts() {
        let mut read = Vec::new();
        spool.open_artifact(id).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes(id), "{id}");
        assert_eq!(artifact.content().length, read.len() as u64);
        found.insert(id.clone());
    }
    let files = fs::read_dir(root).unwrap().flatten().filter(|e| e.path().is_dir());
    let files = files.flat_map(|run| fs::read_dir(run.path()).unwrap()).count();
    assert_eq!(files, found.len(), "a file too many");
    loop {
        let ready: Vec<_> = spool.pending().map(|(id, _)| (id.clone(), delivered())).collect();
        if ready.is_empty() {
            break;
        }
        spool.change(ready, NOW).unwrap();
    }
    let due = spool.due(NOW);
    assert_eq!(due.iter().cloned().collect::<BTreeSet<_>>(), found);
    spool.delete(&due, NOW).unwrap();
}

#[test]
fn every_step() {
    let _alone = alone();
    for step in 0.. {
        let directory = directory();
        let root = directory.path().join("spool");
        let mut child = start("a_life_that_ends_at_a_step", &root, step);
        let mut said = Said::new();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        lines.for_each(|line| hear(&mut said, &line.unwrap()));
        let ended = child.wait().unwrap();
        check(&root, &said);
        if ended.success() {
            assert!(said.len() == 6 && said.values().all(|word| word == "deleted"), "{said:?}");
            assert!(step > 150, "only {step} moments");
            return;
        }
        assert_eq!(ended.signal(), Some(9), "{step}");
    }
}

/// The process goes on while the lines are read, so that the kill falls where it falls. Each round
/// goes on with what the one before left.
#[test]
fn at_random() {
    let _alone = alone();
    let soak = env::var("KARAKURI_SOAK").is_ok_and(|value| value == "1");
    let directory = directory();
    let root = directory.path().join("spool");
    let mut all = Said::new();
    for round in 0..if soak { 200 } else { 10 } {
        let mut child = start("a_life_without_end", &root, round);
        let mut said = Said::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let seed: [u8; 32] = Sha256::digest(round.to_string()).into();
        let enough = 1 + usize::from(seed[0]);
        lines.by_ref().take(enough).for_each(|line| hear(&mut said, &line.unwrap()));
        child.kill().unwrap();
        // The last line may be cut off anywhere.
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        let whole = rest.iter().filter(|line| line.ends_with(".esdk") || line.ends_with(MANIFEST));
        whole.for_each(|line| hear(&mut said, line));
        child.wait().unwrap();
        check(&root, &said);
        assert!(said.keys().all(|id| !all.contains_key(id)), "a name was used twice");
        all.extend(said);
    }
    assert!(all.len() > 100, "{}", all.len());
}
