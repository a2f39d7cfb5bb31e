//! A courier as karakuri-monitor starts it, karakurid's end of its link, and the monitor's.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use karakuri_protocol::courier::{Failure, Put, Said, Stored};
use karakuri_sandbox::link::Link;
use karakuri_sandbox::memfd;
use karakuri_sandbox::monitor::credentials::{Ask, Given};
use karakuri_sandbox::sys::{Join, Namespaces, Privilege, Spawn};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Signal, WaitId, WaitIdOptions};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::servers::servers;

/// How long anything may take before a test gives up.
const PATIENCE: Timespec = Timespec { tv_sec: 180, tv_nsec: 0 };
const MIB: usize = 1024 * 1024;
/// Of the package libfaketime.
#[cfg(target_arch = "x86_64")]
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
#[cfg(target_arch = "aarch64")]
const FAKETIME: &str = "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1";

/// A site of the tenant `acme`; every part can be replaced.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) tenant: &'static str,
    pub(crate) prefix: String,
    pub(crate) bucket: &'static str,
    pub(crate) kms_key: Option<String>,
    pub(crate) role: String,
    pub(crate) s3: String,
    pub(crate) sts: Option<String>,
    pub(crate) kms: String,
    /// Further lines of `[network]`.
    pub(crate) network: String,
    /// What the program for credentials prints.
    pub(crate) credentials: String,
}

impl Site {
    /// One that works, with a part of the bucket of its own.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let servers = servers();
        let credentials = json!({
            "Version": 1, "AccessKeyId": "edge", "SecretAccessKey": "edgesecret",
        });
        Self {
            tenant: "acme",
            prefix: format!("site-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            bucket: "acme",
            kms_key: None,
            role: servers.role.clone(),
            s3: format!("http://127.0.0.1:{}", servers.s3),
            sts: Some(format!("http://127.0.0.1:{}", servers.s3)),
            kms: format!("http://127.0.0.1:{}", servers.kms),
            network: String::new(),
            credentials: credentials.to_string(),
        }
    }

    /// The key in the bucket behind one of the layout.
    pub(crate) fn key(&self, key: &str) -> String {
        format!("{}/{key}", self.prefix)
    }

    fn toml(&self, program: &Path) -> String {
        let Self { tenant, prefix, bucket, role, s3, kms, network, .. } = self;
        let key = &servers().keys[0];
        let sse = self.kms_key.as_ref().map(|key| format!("kms_key = \"{key}\"\n"));
        let sts = self.sts.as_ref().map(|sts| format!(", sts = \"{sts}\""));
        let (sse, sts) = (sse.unwrap_or_default(), sts.unwrap_or_default());
        let program = program.display();
        format!(
            "tenant = \"{tenant}\"\nsite = \"osaka-1\"\n\
             [keys.aws_kms]\nkey = \"{key}\"\n\
             [store.s3]\nbucket = \"{bucket}\"\nregion = \"us-east-1\"\nprefix = \"{prefix}\"\n{sse}\
             [identity]\nrole_arn = \"{role}\"\nexternal_id = \"karakuri\"\n\
             base = {{ process = {{ command = [\"/usr/bin/cat\", \"{program}\"] }} }}\n\
             [network]\nendpoints = {{ s3 = \"{s3}\", kms = \"{kms}\"{sts} }}\n{network}\n"
        )
    }
}

/// A running courier.
#[derive(Debug)]
pub(crate) struct Courier {
    pub(crate) link: Link,
    pidfd: OwnedFd,
    pub(crate) pid: u32,
    directory: TempDir,
    /// How often it asked for credentials.
    pub(crate) asked: Arc<AtomicU64>,
    next: AtomicU64,
    heard: Mutex<HashMap<u64, Vec<Said>>>,
}

impl Courier {
    /// The one that uploads, ready.
    pub(crate) fn upload(site: &Site) -> Self {
        let courier = Self::start("upload", site);
        assert_eq!(courier.hear(), Some(Said::Ready { version: 1 }), "{}", courier.log());
        courier
    }

    /// Starts one as karakuri-monitor does, but in this process's own namespaces.
    pub(crate) fn start(role: &str, site: &Site) -> Self {
        let (directory, file, printed) = written(site);
        let arguments = ["--role", role, "--site", file.to_str().unwrap()];
        Self::spawn(&arguments, directory, printed)
    }

    /// The one that uploads, on a machine whose clock is off by so much, as libfaketime writes it: `-3h`.
    pub(crate) fn upload_off(site: &Site, clock: &str) -> Self {
        Self::upload_jumping(site, clock, Duration::ZERO)
    }

    /// The same, whose clock is right for so long after the start.
    pub(crate) fn upload_jumping(site: &Site, clock: &str, after: Duration) -> Self {
        let (directory, file, printed) = written(site);
        let arguments = ["--role", "upload", "--site", file.to_str().unwrap()];
        let preload = format!("LD_PRELOAD={FAKETIME}");
        let off = format!("FAKETIME={clock}");
        let after = format!("FAKETIME_START_AFTER_SECONDS={}", after.as_secs());
        let environment = [preload.as_str(), &off, &after, "FAKETIME_DONT_FAKE_MONOTONIC=1"];
        let courier = Self::spawn_with(&environment, &arguments, directory, printed);
        assert_eq!(courier.hear(), Some(Said::Ready { version: 1 }), "{}", courier.log());
        courier
    }

    pub(crate) fn spawn(
        arguments: &[&str],
        directory: TempDir,
        printed: std::path::PathBuf,
    ) -> Self {
        Self::spawn_with(&[], arguments, directory, printed)
    }

    fn spawn_with(
        environment: &[&str],
        arguments: &[&str],
        directory: TempDir,
        printed: std::path::PathBuf,
    ) -> Self {
        let asked = Arc::new(AtomicU64::new(0));
        let (link, theirs) = Link::pair().unwrap();
        let (monitor, credentials) = Link::pair().unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let null = File::open("/dev/null").unwrap();
        let program = File::open(env!("CARGO_BIN_EXE_karakuri-courier")).unwrap();
        let words = [&["karakuri-courier"], arguments].concat();
        let [words, environment] = [words.as_slice(), environment]
            .map(|all| all.iter().map(|w| std::ffi::CString::new(*w).unwrap()).collect::<Vec<_>>());
        let spawned = Spawn {
            program: program.as_fd(),
            arguments: &words,
            environment: &environment,
            fds: &[null.as_fd(), log.as_fd(), log.as_fd(), theirs.as_fd(), credentials.as_fd()],
            namespaces: Namespaces::None,
            privilege: Privilege::None { group: None },
            cgroup: Join::Inherit,
        }
        .start()
        .unwrap();
        drop((theirs, credentials));
        let counted = Arc::clone(&asked);
        thread::spawn(move || give_credentials(&monitor, &printed, &counted));
        let pid = pid_of(&spawned.pidfd);
        Self {
            link,
            pidfd: spawned.pidfd,
            pid,
            directory,
            asked,
            next: AtomicU64::new(1),
            heard: Mutex::default(),
        }
    }

    /// What it wrote to its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// Waits for its end; what it wrote to its log.
    pub(crate) fn last_words(&self) -> String {
        assert_eq!(self.hear(), None);
        rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED).unwrap();
        self.log()
    }

    /// The next thing it says; none when it is gone.
    pub(crate) fn hear(&self) -> Option<Said> {
        let mut fds = [PollFd::new(&self.link, PollFlags::IN)];
        let ready = rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, Some(&PATIENCE)));
        assert_eq!(ready, Ok(1), "the courier says nothing: {}", self.log());
        self.link.recv().unwrap().map(|(said, _)| said)
    }

    /// Asks it to store `content`; the request's id.
    pub(crate) fn ask(&self, key: &str, content: &[u8], resume: Option<&str>) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let put = put(id, key, content, resume);
        let file = memfd::sealed("sealed", content).unwrap();
        self.link.send(&put, &[file.as_fd()]).unwrap();
        id
    }

    /// The answer to a request, and what was said of it before.
    pub(crate) fn answer(&self, id: u64) -> (Said, Vec<Said>) {
        loop {
            let mut heard = self.heard.lock().unwrap();
            let is_last = |said: &Said| matches!(said, Said::Stored { .. } | Said::Failed { .. });
            if heard.get(&id).and_then(|all| all.last()).is_some_and(is_last) {
                let mut all = heard.remove(&id).unwrap();
                return (all.pop().unwrap(), all);
            }
            let said = self.hear().unwrap_or_else(|| panic!("it is gone: {}", self.log()));
            heard.entry(id_of(&said)).or_default().push(said);
        }
    }

    /// Stores `content`, or fails.
    pub(crate) fn put(&self, key: &str, content: &[u8]) -> Result<Said, Failure> {
        match self.answer(self.ask(key, content, None)).0 {
            Said::Failed { failure, .. } => Err(failure),
            stored => Ok(stored),
        }
    }

    /// Kills it and waits for its end.
    pub(crate) fn kill(&self) {
        rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL).unwrap();
        rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED).unwrap();
    }

    /// The most memory it has held, in bytes: `VmHWM` of proc(5).
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        // It may have ended, or been killed and waited for.
        let _sent = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ended =
            rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED);
    }
}

/// A site's file and its credentials, in a directory of their own.
fn written(site: &Site) -> (TempDir, std::path::PathBuf, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let [file, printed] = ["site.toml", "credentials.json"].map(|name| directory.path().join(name));
    std::fs::write(&printed, &site.credentials).unwrap();
    std::fs::write(&file, site.toml(&printed)).unwrap();
    (directory, file, printed)
}

/// In the place of karakuri-monitor, whose own part is tested with it.
fn give_credentials(link: &Link, printed: &Path, asked: &AtomicU64) {
    while let Ok(Some((Ask::Credentials, _))) = link.recv::<Ask>() {
        asked.fetch_add(1, Ordering::Relaxed);
        let mut program =
            Command::new("/usr/bin/cat").arg(printed).stdout(Stdio::piped()).spawn().unwrap();
        let output = program.stdout.take().unwrap();
        link.send(&Given::Output, &[output.as_fd()]).unwrap();
        drop(output);
        program.wait().unwrap();
    }
}

fn pid_of(pidfd: &OwnedFd) -> u32 {
    use std::os::fd::AsRawFd;
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).unwrap();
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:")).unwrap();
    pid.trim().parse().unwrap()
}

fn id_of(said: &Said) -> u64 {
    match said {
        Said::Ready { .. } => 0,
        Said::Started { id, .. }
        | Said::Progress { id, .. }
        | Said::Stored { id, .. }
        | Said::Failed { id, .. } => *id,
    }
}

/// A request.
pub(crate) fn put(id: u64, key: &str, content: &[u8], resume: Option<&str>) -> Put {
    Put {
        id,
        key: key.to_owned(),
        length: content.len() as u64,
        sha256: sha256(content),
        class: Some(Stored::Pii),
        resume: resume.map(ToOwned::to_owned),
    }
}

pub(crate) fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// `mib` MiB and a byte, in which no two parts are alike.
pub(crate) fn large(mib: usize) -> Vec<u8> {
    let byte = |i| u8::try_from((i % 251 + i / (16 * MIB)) % 256).unwrap();
    (0..=mib * MIB).map(byte).collect()
}
