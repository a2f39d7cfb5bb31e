//! What a script meets at its walls, by exact errno, each beside a control that works outside.

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Workflow};
use serde_json::Value;
use std::collections::BTreeMap;

/// Tries things and collects, for each, `ok` or the name of the errno. With arguments only those
/// that are named: outside, some would do harm where they succeed.
const PROBE: &str = r##"
import ctypes, errno, json, os, socket, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
found = {}
only = sys.argv[1:]

def probe(name, attempt):
    if only and name not in only:
        return
    try:
        attempt()
        found[name] = "ok"
    except OSError as e:
        found[name] = errno.errorcode.get(e.errno, str(e.errno))

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")

probe("tcp socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close())
probe("udp socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close())
probe("unix socket", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close())
probe("netlink socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close())
probe("datagram pair", lambda: [s.close() for s in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)])
probe("stream pair", lambda: [s.close() for s in socket.socketpair()])
probe("memfd", lambda: os.close(os.memfd_create("x")))
probe("unshare user", lambda: call(272, 0x10000000))
probe("clone3", lambda: call(435, 0, 0))
probe("io_uring", lambda: call(425, 1, 0))
probe("keyctl", lambda: call(250, 0, -3, 1))
probe("bpf", lambda: call(321, 0, 0, 0))
probe("perf", lambda: call(298, 0, 0, -1, -1, 0))
probe("ptrace", lambda: call(101, 0, 0, 0, 0))
probe("mount", lambda: call(165, b"x", b"/tmp", b"tmpfs", 0, 0))
probe("etc shadow", lambda: open("/etc/shadow").close())
probe("etc hostname", lambda: open("/etc/hostname").close())
probe("root home", lambda: os.listdir("/root"))
probe("home", lambda: os.listdir("/home"))
probe("sys", lambda: os.listdir("/sys"))
probe("proc cmdline", lambda: open("/proc/cmdline").close())
probe("write bundle", lambda: open("/bundle/new", "w").close())
probe("write usr", lambda: open("/usr/new", "w").close())
probe("write root", lambda: open("/new", "w").close())
probe("write work", lambda: open("/work/new", "w").close())
probe("setuid bit", lambda: os.chmod("/work/new", 0o4755))
probe("plain mode", lambda: os.chmod("/work/new", 0o755))
probe("exec from work", lambda: (open("/work/x", "w").write("#!/bin/sh\n"), os.chmod("/work/x", 0o755), subprocess.run(["/work/x"])))
probe("exec from usr", lambda: subprocess.run(["/usr/bin/true"], check=True))
probe("tty injection", lambda: __import__("fcntl").ioctl(0, 0x5412, b"x"))
probe("tty injection high bits", lambda: call(16, 0, 0x100005412, b"x"))

if not only:
    facts = {
        "environment": sorted(os.environ),
        "processes": sorted(int(p) for p in os.listdir("/proc") if p.isdigit()),
        "there": [p for p in ("/boot", "/home", "/media", "/mnt", "/root", "/run", "/srv", "/sys",
                  "/var", "/etc/hostname", "/etc/machine-id", "/etc/shadow", "/etc/ssh",
                  "/tmp/.X11-unix") if os.path.lexists(p)],
        "status": {k: v.strip() for k, v in (l.split(":", 1) for l in open("/proc/self/status"))
                   if k in ("NoNewPrivs", "CapEff", "CapPrm", "CapBnd", "CapAmb", "Seccomp", "Seccomp_filters")},
        "fds": sorted(int(f) for f in os.listdir("/proc/self/fd"))[:-1],
        "groups": os.getgroups(),
        "mounts": [l.split()[3:5] for l in open("/proc/self/mountinfo")],
    }
    from karakuri import run
    run.output("result", {"found": found, "facts": facts})
else:
    print(json.dumps(found))
"##;

/// What each probe meets inside.
const WALLS: &[(&str, &str)] = &[
    ("tcp socket", "EPERM"),
    ("udp socket", "EPERM"),
    ("unix socket", "EPERM"),
    ("netlink socket", "EPERM"),
    ("datagram pair", "EPERM"),
    ("memfd", "ENOSYS"),
    ("unshare user", "EPERM"),
    ("clone3", "ENOSYS"),
    ("io_uring", "ENOSYS"),
    ("keyctl", "EPERM"),
    ("bpf", "EPERM"),
    ("perf", "EPERM"),
    ("ptrace", "EPERM"),
    ("mount", "EPERM"),
    ("etc shadow", "ENOENT"),
    ("etc hostname", "ENOENT"),
    ("root home", "ENOENT"),
    ("home", "ENOENT"),
    ("sys", "ENOENT"),
    ("proc cmdline", "ENOENT"),
    ("write bundle", "EROFS"),
    ("write usr", "EROFS"),
    ("write root", "EROFS"),
    ("setuid bit", "EPERM"),
    ("exec from work", "EACCES"),
    ("tty injection", "EPERM"),
    ("tty injection high bits", "EPERM"),
];

/// What works inside, so that the walls do not merely break everything.
const WORKS: &[&str] = &["stream pair", "write work", "plain mode", "exec from usr"];

/// What works outside for any user, so that a wall is what stops it inside.
const CONTROL: &[&str] = &[
    "tcp socket",
    "udp socket",
    "unix socket",
    "netlink socket",
    "datagram pair",
    "memfd",
    "etc hostname",
    "home",
    "sys",
    "proc cmdline",
    "stream pair",
];

fn inside() -> Value {
    let workflow = Workflow::new(PROBE);
    let finished = Agent::new().run(workflow.path(), &[]);
    finished.ended(Exit::Success);
    finished.result().clone()
}

#[test]
fn every_probe_meets_its_wall() {
    let result = inside();
    for (probe, errno) in WALLS {
        assert_eq!(result["found"][probe], *errno, "{probe}");
    }
    for probe in WORKS {
        assert_eq!(result["found"][probe], "ok", "{probe}");
    }
}

#[test]
fn the_same_probes_work_outside() {
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), PROBE).unwrap();
    let output = std::process::Command::new("/usr/bin/python3")
        .arg(script.path())
        .args(CONTROL)
        .output()
        .unwrap();
    let found: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).unwrap();
    for probe in CONTROL {
        assert_eq!(found[*probe], "ok", "{probe}");
    }
}

#[test]
fn the_script_sees_nothing_but_itself() {
    let facts = inside()["facts"].clone();
    let list = |name: &str| -> Vec<String> {
        let values = facts[name].as_array().unwrap();
        values.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect()
    };
    let environment = [
        "HOME",
        "LANG",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONPATH",
        "PYTHONUNBUFFERED",
        "TMPDIR",
    ];
    assert_eq!(list("environment"), environment);
    assert_eq!(list("fds"), ["0", "1", "2", "3"]);
    assert!(list("processes").len() <= 2, "{:?}", list("processes"));
    assert_eq!(list("there"), Vec::<String>::new());
    for mount in facts["mounts"].as_array().unwrap() {
        // What is mounted lies on the machine where it lies here, or on a file system of the run.
        let (source, target) = (mount[0].as_str().unwrap(), mount[1].as_str().unwrap());
        let of_the_run = ["/", "/bundle", "/sdk", "/work", "/files"].contains(&source);
        assert!(
            of_the_run || source.ends_with(target) || target.ends_with(source),
            "{source} on {target}"
        );
    }
    assert_eq!(facts["status"]["NoNewPrivs"], "1");
    assert_eq!(facts["status"]["Seccomp"], "2");
    for set in ["CapEff", "CapPrm", "CapBnd", "CapAmb"] {
        assert_eq!(facts["status"][set], "0000000000000000", "{set}");
    }
}
