//! A person's way to KMS and the bucket: a karakuri-courier of their own, started with their file, behind the
//! same walls as a site's. A program that gives credentials runs as the person.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use karakuri_protocol::auditor::{Asked, Object, Said, VERSION};
use karakuri_protocol::courier::KeyContext;
use karakuri_sandbox::link::Link;
use karakuri_sandbox::memfd;
use karakuri_sandbox::monitor::credentials::{Ask, Given};
use karakuri_sandbox::sys::{Join, Namespaces, Privilege, Spawn, Spawned};
use karakuri_seal::Context;
use karakuri_seal::kms::{Decrypt, KmsKey};
use karakuri_site::identity::Base;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open};
use zeroize::Zeroizing;

use crate::error::{CliError, at};
use crate::run::program;

/// The most that KMS unwraps to.
const MAX_UNWRAPPED: u64 = 4096;
/// The most objects that are listed: a bucket that says more is wrong.
const MAX_OBJECTS: usize = 20_000_000;
/// How long a program may take to give credentials.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the courier is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// To read and to decrypt.
    Read,
    /// To delete too.
    Erase,
}

/// The courier. It ends with this.
#[derive(Debug)]
pub(crate) struct Auditor {
    link: Link,
    courier: Spawned,
    site: karakuri_site::Site,
    file: String,
}

impl Auditor {
    /// Starts it with this file.
    pub(crate) fn start(file: &Path, right: Right) -> Result<Self, CliError> {
        let text = fs::read_to_string(file).map_err(at(file))?;
        let name = file.display().to_string();
        let site =
            karakuri_site::Site::parse(&text, &name).map_err(|e| CliError::Usage(e.to_string()))?;
        let pair = || Link::pair().map_err(CliError::internal("making a socket pair"));
        let ((link, theirs), (given, asks)) = (pair()?, pair()?);
        let courier = spawn(file, right, &theirs, &asks)?;
        drop((theirs, asks));
        if let Some(Base::Process(process)) = site.identity.as_ref().map(|identity| &identity.base)
        {
            let command = process.command.as_slice().to_vec();
            thread::spawn(move || give_credentials(&given, &command));
        }
        let auditor = Self { link, courier, site, file: name };
        match auditor.hear()? {
            (Said::Ready { version: VERSION }, _) => Ok(auditor),
            (other, _) => Err(auditor.out_of_turn(&other)),
        }
    }

    /// The tenant's key in KMS.
    pub(crate) fn keyring(self) -> Result<KmsKey<Self>, CliError> {
        let arn = self.site.keys.aws_kms.as_ref().map(|kms| kms.key.to_string());
        let arn = arn.ok_or_else(|| {
            CliError::Usage(format!("{}: [keys.aws_kms] is missing: whose key is it?", self.file))
        })?;
        Ok(KmsKey::new(&arn, self))
    }

    /// The objects whose keys begin so.
    pub(crate) fn list(&self, prefix: &str) -> Result<Vec<Object>, CliError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            match self.ask(&Asked::List { prefix: prefix.to_owned(), after })? {
                (Said::Listed { objects, next }, _) => {
                    if objects.is_empty() && next.is_some() || all.len() > MAX_OBJECTS {
                        let message = format!("{prefix}: the bucket's list has no end");
                        return Err(CliError::NotVerified(message));
                    }
                    all.extend(objects);
                    after = next;
                }
                (other, _) => return Err(self.out_of_turn(&other)),
            }
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Has an object written to `file`.
    pub(crate) fn fetch(
        &self,
        Object { key, bytes }: &Object,
        file: &mut File,
    ) -> Result<(), CliError> {
        let (read, write): (PipeReader, PipeWriter) =
            std::io::pipe().map_err(CliError::internal("making a pipe"))?;
        let asked = Asked::Get { key: key.clone() };
        self.link
            .send(&asked, &[write.as_fd()])
            .map_err(CliError::internal("asking the courier"))?;
        drop(write);
        // Not more than the bucket said; and the pipe is closed before the courier is heard, which writes as
        // long as somebody might read.
        let mut read = read.take(bytes.saturating_add(1));
        let copied = std::io::copy(&mut read, file);
        drop(read);
        let said = self.hear();
        let count = copied.map_err(CliError::internal("writing what was fetched"))?;
        if count != *bytes {
            return Err(CliError::NotVerified(format!("{key}: the bucket said another length")));
        }
        match said? {
            (Said::Got { .. }, _) => Ok(()),
            (other, _) => Err(self.out_of_turn(&other)),
        }
    }

    /// Puts a signed record under a key, unless it is there.
    pub(crate) fn record(&self, key: &str, record: &[u8]) -> Result<(), CliError> {
        let asking = "asking the courier";
        let file = memfd::sealed("record", record).map_err(CliError::internal(asking))?;
        let asked = Asked::Record { key: key.to_owned() };
        self.link.send(&asked, &[file.as_fd()]).map_err(CliError::internal(asking))?;
        match self.hear()? {
            (Said::Recorded {}, _) => Ok(()),
            (other, _) => Err(self.out_of_turn(&other)),
        }
    }

    /// Deletes an object with all its versions; how many there were.
    pub(crate) fn erase(&self, key: &str) -> Result<u32, CliError> {
        match self.ask(&Asked::Erase { key: key.to_owned() })? {
            (Said::Erased { versions }, _) => Ok(versions),
            (other, _) => Err(self.out_of_turn(&other)),
        }
    }

    fn ask(&self, asked: &Asked) -> Result<(Said, Vec<OwnedFd>), CliError> {
        self.link.send(asked, &[]).map_err(CliError::internal("asking the courier"))?;
        self.hear()
    }

    fn hear(&self) -> Result<(Said, Vec<OwnedFd>), CliError> {
        match self.link.recv::<Said>().map_err(CliError::internal("hearing the courier"))? {
            Some((Said::Failed(failure), _)) => Err(CliError::Usage(failure.message)),
            Some(said) => Ok(said),
            None => Err(CliError::Usage(format!(
                "karakuri-courier does not go on with {}: what it says is above",
                self.file
            ))),
        }
    }

    fn out_of_turn(&self, said: &Said) -> CliError {
        let reason = format!("the courier answered what nobody asked: {said:?}");
        CliError::Internal { doing: "speaking to the courier", reason }
    }
}

impl Decrypt for Auditor {
    fn decrypt(
        &self,
        arn: &str,
        ciphertext: &[u8],
        context: Option<&Context>,
    ) -> Result<Zeroizing<Vec<u8>>, String> {
        let context = context.map(KeyContext::from);
        let (key_arn, wrapped) = (arn.to_owned(), ciphertext.to_owned());
        let asked = Asked::Unwrap { key_arn, wrapped, context };
        let (said, mut fds) = self.ask(&asked).map_err(|e| e.to_string())?;
        let pipe = fds.pop().filter(|_| said == Said::Unwrapped {});
        let pipe = pipe.ok_or_else(|| self.out_of_turn(&said).to_string())?;
        let mut plaintext = Zeroizing::new(Vec::with_capacity(256));
        let read = File::from(pipe).take(MAX_UNWRAPPED).read_to_end(&mut plaintext);
        read.map(|_| plaintext).map_err(|e| e.to_string())
    }
}

impl Drop for Auditor {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = rustix::process::pidfd_send_signal(&self.courier.pidfd, Signal::KILL);
        let id = WaitId::PidFd(self.courier.pidfd.as_fd());
        let _ended = retry_on_intr(|| rustix::process::waitid(id.clone(), WaitIdOptions::EXITED));
    }
}

fn spawn(file: &Path, right: Right, link: &Link, asks: &Link) -> Result<Spawned, CliError> {
    let path = program("karakuri-courier");
    let program = File::open(&path).map_err(at(&path))?;
    let null = File::open("/dev/null").map_err(at(Path::new("/dev/null")))?;
    let log = std::io::stderr();
    let word = |bytes: &[u8]| {
        CString::new(bytes).map_err(|_| CliError::Usage("a path holds a NUL".to_owned()))
    };
    let role: &[u8] = match right {
        Right::Read => b"auditor",
        Right::Erase => b"eraser",
    };
    let arguments = [
        word(b"karakuri-courier")?,
        word(b"--role")?,
        word(role)?,
        word(b"--site")?,
        word(file.as_os_str().as_encoded_bytes())?,
    ];
    Spawn {
        program: program.as_fd(),
        arguments: &arguments,
        environment: &[],
        fds: &[null.as_fd(), log.as_fd(), log.as_fd(), link.as_fd(), asks.as_fd()],
        namespaces: Namespaces::None,
        privilege: Privilege::Keep,
        cgroup: Join::Inherit,
    }
    .start()
    .map_err(at(&path))
}

/// Starts the person's program as often as the courier asks.
fn give_credentials(link: &Link, command: &[String]) {
    while let Ok(Some((Ask::Credentials, _))) = link.recv::<Ask>() {
        let Some((name, arguments)) = command.split_first() else { return };
        // The courier hears what is sent, or is gone.
        match start_program(name, arguments) {
            Ok((mut child, output)) => {
                drop(link.send(&Given::Output, &[output.as_fd()]));
                drop(output);
                if !ends_in_time(&child) {
                    drop(child.kill());
                }
                drop(child.wait());
            }
            Err(e) => {
                let message = format!("{name}: {e}; identity.base.process names it");
                drop(link.send(&Given::Refused { message }, &[]));
            }
        }
    }
}

fn start_program(name: &str, arguments: &[String]) -> io::Result<(Child, PipeReader)> {
    let (output, theirs) = io::pipe()?;
    let child = Command::new(name).args(arguments).stdin(Stdio::null()).stdout(theirs).spawn()?;
    Ok((child, output))
}

/// Waits for the end of a program, [`PATIENCE`] at most.
fn ends_in_time(child: &Child) -> bool {
    let ended = || {
        let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        let patience = Timespec::try_from(PATIENCE).map_err(|_| Errno::INVAL)?;
        retry_on_intr(|| poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&patience)))
    };
    ended().is_ok_and(|count| count > 0)
}
