//! What a process of ours must not do, tried on the calling thread. The tests of all processes that
//! restrict themselves share it (`#[path]`): each tries everything first as it is, which must work, and
//! then behind that process's own walls.
//!
//! Whatever a wall must be tried on, an open socket or another's file, is made before the walls.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use rustix::process::{PidfdFlags, PidfdGetfdFlags};

/// What came of each attempt.
pub(crate) type Found = Vec<(&'static str, Result<(), Errno>)>;

/// What each attempt meets in a process that has its files and links and no other way out.
const WALLS: &[(&str, Result<(), Errno>)] = &[
    ("tcp socket", Err(Errno::PERM)),
    ("udp socket", Err(Errno::PERM)),
    ("netlink socket", Err(Errno::PERM)),
    ("unix stream socket", Err(Errno::PERM)),
    ("unix datagram socket", Err(Errno::PERM)),
    ("datagram pair", Err(Errno::PERM)),
    ("tcp bind", Err(Errno::PERM)),
    ("tcp listen", Err(Errno::PERM)),
    ("tcp connect", Err(Errno::PERM)),
    ("unix path connect", Err(Errno::PERM)),
    ("unix abstract connect", Err(Errno::PERM)),
    ("datagram to a path", Err(Errno::PERM)),
    ("start a program", Err(Errno::PERM)),
    ("signal by pid", Err(Errno::PERM)),
    ("fd of a process", Err(Errno::NOSYS)),
    ("read /etc/passwd", Err(Errno::ACCESS)),
    ("read another's file", Err(Errno::ACCESS)),
    ("write another's file", Err(Errno::ACCESS)),
    ("make a file", Err(Errno::ACCESS)),
    ("remove a file", Err(Errno::ACCESS)),
    ("make a link", Err(Errno::PERM)),
    ("make a fifo", Err(Errno::PERM)),
    ("change a mode", Err(Errno::PERM)),
    ("list /", Err(Errno::ACCESS)),
    ("look into a process", Err(Errno::ACCESS)),
];

/// What is prepared for the attempts.
#[derive(Debug)]
pub(crate) struct Attempts {
    /// Outside of everything the process may reach.
    outside: tempfile::TempDir,
    secret: PathBuf,
    tcp: TcpListener,
    tcp_sockets: [OwnedFd; 3],
    unix_sockets: [OwnedFd; 2],
    datagrams: OwnedFd,
    abstract_name: Vec<u8>,
    _listening: (UnixListener, UnixListener, UnixDatagram),
}

impl Attempts {
    /// Makes listeners and sockets of every kind, and files in a directory of their own.
    pub(crate) fn prepare() -> Self {
        let outside = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        let abstract_name = outside.path().as_os_str().as_encoded_bytes().to_vec();
        let by_name = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let socket = |family, kind| rustix::net::socket(family, kind, None).unwrap();
        let tcp_socket = |()| socket(AddressFamily::INET, SocketType::STREAM);
        let unix_socket = |()| socket(AddressFamily::UNIX, SocketType::STREAM);
        Self {
            tcp: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
            tcp_sockets: [(); 3].map(tcp_socket),
            unix_sockets: [(); 2].map(unix_socket),
            datagrams: socket(AddressFamily::UNIX, SocketType::DGRAM),
            _listening: (
                UnixListener::bind(outside.path().join("stream")).unwrap(),
                UnixListener::bind_addr(&by_name).unwrap(),
                UnixDatagram::bind(outside.path().join("datagram")).unwrap(),
            ),
            outside,
            secret,
            abstract_name,
        }
    }

    /// Tries everything.
    pub(crate) fn run(&self) -> Found {
        let mut found = self.sockets();
        found.extend(self.open_sockets());
        found.extend(self.processes());
        found.extend(self.files());
        found
    }

    fn sockets(&self) -> Found {
        let socket = |family, kind| rustix::net::socket(family, kind, None).map(drop);
        let pair = |kind| {
            let flags = SocketFlags::CLOEXEC;
            rustix::net::socketpair(AddressFamily::UNIX, kind, flags, None).map(drop)
        };
        vec![
            ("tcp socket", socket(AddressFamily::INET, SocketType::STREAM)),
            ("udp socket", socket(AddressFamily::INET, SocketType::DGRAM)),
            ("netlink socket", socket(AddressFamily::NETLINK, SocketType::RAW)),
            ("unix stream socket", socket(AddressFamily::UNIX, SocketType::STREAM)),
            ("unix datagram socket", socket(AddressFamily::UNIX, SocketType::DGRAM)),
            ("datagram pair", pair(SocketType::DGRAM)),
        ]
    }

    /// On sockets that are open already, as if one had come along by mistake.
    fn open_sockets(&self) -> Found {
        let [to_bind, to_listen, to_connect] = &self.tcp_sockets;
        let [to_path, to_name] = &self.unix_sockets;
        let path = SocketAddrUnix::new(self.outside.path().join("stream")).unwrap();
        let name = SocketAddrUnix::new_abstract_name(&self.abstract_name).unwrap();
        let datagram = SocketAddrUnix::new(self.outside.path().join("datagram")).unwrap();
        let port = self.tcp.local_addr().unwrap();
        let sent = rustix::net::sendto(&self.datagrams, b"x", SendFlags::empty(), &datagram);
        vec![
            ("tcp bind", rustix::net::bind(to_bind, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))),
            ("tcp listen", rustix::net::listen(to_listen, 1)),
            ("tcp connect", rustix::net::connect(to_connect, &port)),
            ("unix path connect", rustix::net::connect(to_path, &path)),
            ("unix abstract connect", rustix::net::connect(to_name, &name)),
            ("datagram to a path", sent.map(drop)),
        ]
    }

    fn processes(&self) -> Found {
        let own = rustix::process::getpid();
        let take = || {
            let pidfd = rustix::process::pidfd_open(own, PidfdFlags::empty())?;
            rustix::process::pidfd_getfd(pidfd, 0, PidfdGetfdFlags::empty()).map(drop)
        };
        vec![
            ("start a program", errno(Command::new("/usr/bin/true").status())),
            ("signal by pid", rustix::process::test_kill_process(own)),
            ("fd of a process", take()),
        ]
    }

    fn files(&self) -> Found {
        let new = |name: &str| self.outside.path().join(name);
        let writing = |path: &Path| errno(OpenOptions::new().write(true).open(path));
        let fifo = rustix::fs::mknodat(CWD, new("fifo"), FileType::Fifo, Mode::RUSR, 0);
        let mode = fs::Permissions::from_mode(0o600);
        vec![
            ("read /etc/passwd", reading("/etc/passwd")),
            ("read another's file", reading(&self.secret)),
            ("write another's file", writing(&self.secret)),
            ("make a file", errno(File::create(new("file")))),
            ("remove a file", errno(fs::remove_file(new("stream")))),
            ("make a link", errno(symlink("secret", new("link")))),
            ("make a fifo", fifo),
            ("change a mode", errno(fs::set_permissions(&self.secret, mode))),
            ("list /", errno(fs::read_dir("/"))),
            ("look into a process", reading("/proc/1/status")),
        ]
    }
}

/// Opens a file for reading.
pub(crate) fn reading(path: impl AsRef<Path>) -> Result<(), Errno> {
    errno(File::open(path))
}

/// Makes a file, writes to it and removes it.
pub(crate) fn writing_below(directory: &Path) -> Result<(), Errno> {
    let path = directory.join("attempt");
    errno(fs::write(&path, "x").and_then(|()| fs::remove_file(&path)))
}

/// Makes this process another program, which returns only if it is refused.
pub(crate) fn becoming_a_program() -> Result<(), Errno> {
    errno::<()>(Err(Command::new("/usr/bin/false").exec()))
}

fn errno<T>(result: io::Result<T>) -> Result<(), Errno> {
    result.map(drop).map_err(|e| Errno::from_io_error(&e).expect("an error of the kernel"))
}

/// Runs `attempts` on a thread of its own, so that walls go with it.
pub(crate) fn apart<T: Send>(attempts: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(attempts).join().unwrap())
}

/// Tries everything without walls; all of it must work, or the walls prove nothing.
pub(crate) fn all_work_without_walls() {
    for (attempt, result) in apart(|| Attempts::prepare().run()) {
        assert_eq!(result, Ok(()), "{attempt}");
    }
}

/// Compares what was found behind walls with [`WALLS`], but for what this process meets `instead`.
pub(crate) fn assert_walls(found: &Found, instead: &[(&str, Result<(), Errno>)]) {
    let mut expected = WALLS.to_vec();
    for (name, result) in instead {
        let usual = expected.iter_mut().find(|(usual, _)| usual == name).unwrap();
        assert_ne!(usual.1, *result, "{name}: this is what all meet");
        usual.1 = *result;
    }
    assert_eq!(*found, expected);
}
