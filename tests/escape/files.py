"""Files: what is there, what can be read, written, made and executed."""

import mmap
import os
import shutil
import subprocess
import tempfile

from probe import OUTSIDE, call, probe

HERE = tempfile.mkdtemp()
INSIDE = os.environ.get("HOME") == "/work"


def at(name):
    return os.path.join(HERE, name)


def made(path, content="x", mode=0o644):
    with open(path, "w") as file:
        file.write(content)
    os.chmod(path, mode)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read(1)


def write(path):
    with open(path, "r+b") as file:
        file.write(b"x")


def create(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))


# The machine's own places.
for path in ("/boot", "/home", "/media", "/mnt", "/root", "/run", "/srv", "/sys", "/var", "/lost+found"):
    probe(f"stat {path}", "ENOENT", lambda p=path: os.stat(p), "ok" if path in ("/home", "/sys", "/var") else None)
for path in ("shadow", "hostname", "machine-id", "ssh", "sudoers", "fstab", "resolv.conf", "ssl", "environment"):
    probe(f"stat /etc/{path}", "ENOENT", lambda p=path: os.stat(f"/etc/{p}"), "ok" if path == "hostname" else None)
for path in ("cmdline", "cpuinfo", "kallsyms", "kcore", "keys", "kmsg", "meminfo", "modules", "net/tcp", "sys",
             "sysrq-trigger", "version", "mounts/../../etc/shadow", "1/root", "1/cwd", "1/environ", "1/maps",
             "1/fd", "1/ns/mnt", "timer_list", "bus", "irq", "fs", "driver", "scsi", "acpi"):
    control = "ok" if path in ("cmdline", "meminfo", "version") else None
    wall = "ENOENT"
    probe(f"open /proc/{path}", wall, lambda p=path: os.close(os.open(f"/proc/{p}", os.O_RDONLY)), control)
probe("list /", "EACCES", lambda: os.listdir("/"), "ok")
probe("list /..", "EACCES", lambda: os.listdir("/.."), "ok")
probe("read a file of the machine", "ENOENT", lambda: read(OUTSIDE["file"]), "ok")
probe("read it by dots", "ENOENT", lambda: read("/work/../../../../" + OUTSIDE["file"]), None)
probe("read it by /proc/self/root", "ENOENT", lambda: read("/proc/self/root" + OUTSIDE["file"]), "ok")
probe("read it by /proc/self/cwd", "ENOENT", lambda: read("/proc/self/cwd/.." + OUTSIDE["file"]))
probe("read it by a symbolic link", "ENOENT", lambda: (os.symlink(OUTSIDE["file"], at("l1")), read(at("l1"))), "ok")
probe("write it", "ENOENT", lambda: write(OUTSIDE["file"]), "ok")
probe("link it", "ENOENT", lambda: os.link(OUTSIDE["file"], at("l2")))
probe("list its directory", "ENOENT", lambda: os.listdir(os.path.dirname(OUTSIDE["file"])), "ok")

# Nothing but its own places can be changed.
for path in ("/new", "/usr/new", "/etc/new", "/dev/new", "/bundle/new", "/opt/karakuri/sdk/new", "/opt/new"):
    probe(f"create {path}", "EROFS", lambda p=path: create(p))
probe("create /proc/new", "ENOENT", lambda: create("/proc/new"))
probe("remove /etc/passwd", "EROFS", lambda: os.unlink("/etc/passwd"))
probe("write /usr/bin/python3", "EACCES", lambda: write("/usr/bin/python3"))
probe("rename in /usr", "EROFS", lambda: os.rename("/usr/bin/true", "/usr/bin/new"))
probe("remove in /usr", "EROFS", lambda: os.unlink("/usr/bin/true"))
probe("make a directory in /", "EROFS", lambda: os.mkdir("/new"))
probe("change the mode of /usr", "EROFS", lambda: os.chmod("/usr", 0o755))
probe("touch /usr", "EROFS", lambda: os.utime("/usr"))
probe("change the mode of /dev/null", "EROFS", lambda: os.chmod("/dev/null", 0o666))
probe("touch /dev/null", "EROFS", lambda: os.utime("/dev/null"))
probe("truncate in /usr", "EACCES", lambda: os.truncate("/usr/bin/true", 0))
probe("link from /usr", "EXDEV", lambda: os.link("/usr/bin/true", at("l3")))
for name in ("oom_adj", "timerslack_ns", "clear_refs", "comm", "coredump_filter", "mem", "uid_map", "setgroups",
             "attr/current", "sched", "autogroup"):
    probe(f"write /proc/self/{name}", "EACCES", lambda n=name: os.close(os.open(f"/proc/self/{n}", os.O_WRONLY)),
          "ok" if name in ("comm", "mem", "coredump_filter") else None)

# What it may make in its own places.
for name, mode in (("set-uid", 0o4755), ("set-gid", 0o2755)):
    probe(f"{name} bit", "EPERM", lambda n=name, m=mode: os.chmod(made(at(n)), m), "ok")
    probe(f"{name} bit by fchmodat", "EPERM", lambda n=name, m=mode: call(268, -100, made(at(n + "2")).encode(), m), "ok")
probe("fchmodat2", "ENOSYS", lambda: call(452, -100, made(at("s4")).encode(), 0o644, 0))
probe("plain mode", "ok", lambda: os.chmod(made(at("plain")), 0o755), "ok")
probe("give a file away", "EPERM", lambda: os.chown(made(at("own")), 0, 0), root="ok")
probe("extended attribute", "ENOTSUP", lambda: os.setxattr(made(at("xattr")), "user.x", b"x"))
probe("file capability", "ENOTSUP", lambda: os.setxattr(made(at("cap")), "security.capability", bytes(20)))
for kind, mode in (("character device", 0o020600), ("block device", 0o060600), ("pipe", 0o010600), ("socket", 0o140600)):
    probe(f"make a {kind}", "EPERM", lambda k=kind, m=mode: os.mknod(at(k), m, os.makedev(1, 3)),
          "ok" if kind in ("pipe", "socket") else None, "ok")
probe("leave a whiteout device", "EPERM", lambda: whiteout())
probe("a file handle", "EPERM", lambda: call(303, -100, b"/", bytes(64), bytes(8), 0))
probe("open by handle", "EPERM", lambda: call(304, -1, bytes(64), 0))


def whiteout():
    """renameat2 with RENAME_WHITEOUT leaves a device 0:0 behind, without mknod."""
    call(316, -100, made(at("w1")).encode(), -100, at("w2").encode(), 4)


# Nothing that it wrote can be executed.
def program(directory, name):
    """A program in the directory; outside, where it may be somebody's, in one of our own."""
    return shutil.copy("/usr/bin/true", os.path.join(directory if INSIDE else HERE, name))


def script(directory, name):
    return made(os.path.join(directory if INSIDE else HERE, name), "#!/bin/sh\n", 0o755)


for place in ("/work", "/tmp", "/dev/shm"):
    probe(f"execute from {place}", "EACCES", lambda p=place: subprocess.run([program(p, "t1")], check=True), "ok")
    probe(f"execute a script from {place}", "EACCES", lambda p=place: subprocess.run([script(p, "t2")], check=True), "ok")
    probe(f"map code from {place}", "EPERM", lambda p=place: map_code(program(p, "t3")), "ok")


def map_code(path):
    with open(path, "rb") as file:
        mmap.mmap(file.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()


probe("execute from /usr", "ok", lambda: subprocess.run(["/usr/bin/true"], check=True), "ok")
probe("execute by descriptor", "ENOSYS", lambda: call(322, os.open("/usr/bin/true", os.O_RDONLY), b"", 0, 0, 0x1000))
probe("write and read a file", "ok", lambda: read(made(at("file"))), "ok")
probe("a hard link", "ok", lambda: os.link(made(at("h1")), at("h2")), "ok")
probe("a symbolic link", "ok", lambda: os.symlink("x", at("sym")), "ok")
