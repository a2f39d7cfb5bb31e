"""Other processes, accounts, privileges, namespaces."""

import os
import signal

from probe import OUTSIDE, call, forked, probe

NAMESPACES = {"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
              "pid": 0x20000000, "net": 0x40000000, "time": 0x80}
for name, flag in NAMESPACES.items():
    probe(f"unshare {name}", "EPERM", lambda f=flag: call(272, f), None, "ok")
    if name != "time":
        probe(f"clone {name}", "EPERM", lambda f=flag: forked(56, f | 17, 0, 0, 0, 0), None, "ok")
probe("unshare nothing", "EPERM", lambda: call(272, 0), "ok")
probe("clone user and all others", "EPERM", lambda: forked(56, 0x7E020000 | 17, 0, 0, 0, 0))
probe("clone3", "ENOSYS", lambda: call(435, 0, 0), "EINVAL")
probe("setns by descriptor", "EPERM", lambda: call(308, os.open("/proc/self/ns/mnt", os.O_RDONLY), 0), None, "ok")
probe("setns by nothing", "EPERM", lambda: call(308, -1, 0), "EBADF")
for name, number, arguments in (
    ("mount", 165, (0, 0, 0, 0, 0)), ("umount2", 166, (b"", 0)), ("pivot_root", 155, (0, 0)),
    ("open_tree", 428, (-1, b"x", 0)), ("move_mount", 429, (-1, b"", -1, b"", 4)), ("fsopen", 430, (0, 0)),
    ("fsconfig", 431, (-1, 0, 0, 0, 0)), ("fsmount", 432, (-1, 0, 0)), ("fspick", 433, (-1, b"x", 0)),
    ("mount_setattr", 442, (-1, b"", 0, 0, 0)), ("statmount", 457, (0, 0, 0, 0)), ("listmount", 458, (0, 0, 0, 0)),
):
    # Every argument is one that the kernel refuses, for another reason, where it looks at it.
    probe(name, "EPERM", lambda n=number, a=arguments: call(n, *a))
probe("chroot", "EPERM", lambda: os.chroot("/"), None, "ok")

probe("trace me", "EPERM", lambda: call(101, 0, 0, 0, 0), "ok")
probe("attach to the first process", "EPERM", lambda: call(101, 16, 1, 0, 0))
probe("read memory of a process", "EPERM", lambda: call(310, os.getpid(), 0, 0, 0, 0, 0), "ok")
probe("write memory of a process", "EPERM", lambda: call(311, os.getpid(), 0, 0, 0, 0, 0), "ok")
probe("compare processes", "EPERM", lambda: call(312, os.getpid(), os.getpid(), 0, 0, 0))
probe("advise another process", "EPERM", lambda: call(440, -1, 0, 0, 0, 0), "EBADF")
probe("pidfd_open", "ENOSYS", lambda: os.close(call(434, os.getpid(), 0)), "ok")
probe("pidfd_getfd", "ENOSYS", lambda: call(438, -1, 0, 0), "EBADF")
probe("pidfd_send_signal", "ENOSYS", lambda: call(424, -1, 0, 0, 0), "EBADF")
probe("process_mrelease", "ENOSYS", lambda: call(448, -1, 0), "EBADF")
probe("signal a process of the machine", "ESRCH", lambda: os.kill(OUTSIDE["pid"], 0), "ok")
probe("queue a signal to it", "ESRCH", lambda: call(129, OUTSIDE["pid"], 0, bytes([0] * 8 + [0xFF] * 4 + [0] * 116)), "ok")
probe("signal its group", "ESRCH", lambda: os.killpg(OUTSIDE["pid"], 0))
probe("see it in /proc", "ENOENT", lambda: os.stat(f"/proc/{OUTSIDE['pid']}"), "ok")
probe("kill the first process", "ok", lambda: (os.kill(1, signal.SIGKILL), os.kill(1, signal.SIGSTOP), os.kill(os.getpid(), 0)))
probe("see the first process", "ENOENT", lambda: os.stat("/proc/1"), "ok")
probe("limits of another process", "EPERM", lambda: call(302, os.getppid(), 7, 0, bytes(16)), "ok")
probe("raise an own limit", "EPERM", lambda: raise_limit())
probe("priority", "EPERM", lambda: os.setpriority(os.PRIO_PROCESS, 0, 1), "ok")
probe("real-time scheduling", "EPERM", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)), None, "ok")
probe("deadline scheduling", "EPERM", lambda: call(314, 0, 0, 0), "EINVAL")
probe("i/o priority", "EPERM", lambda: call(251, 1, 0, 0), None)


def raise_limit():
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    call(302, 0, 7, (soft + 1).to_bytes(8, "little") + (hard + 1).to_bytes(8, "little"), 0)


for name, number, arguments in (
    ("setuid", 105, (0,)), ("setgid", 106, (0,)), ("setreuid", 113, (0, 0)), ("setregid", 114, (0, 0)),
    ("setgroups", 116, (0, 0)), ("setresuid", 117, (0, 0, 0)), ("setresgid", 119, (0, 0, 0)),
):
    probe(name, "EPERM", lambda n=number, a=arguments: call(n, *a), None, "ok")
for name, number in (("setfsuid", 122), ("setfsgid", 123)):
    probe(name, "EPERM", lambda n=number: call(n, -1), "ok")
probe("capset", "EPERM", lambda: call(126, 0, 0), "EFAULT")

PRCTL = {
    "set dumpable": (4, 1), "keep capabilities": (8, 0), "machine check": (33, 0), "drop from the bounding set": (24, 99),
    "child subreaper": (36, 0), "seccomp filter": (22, 2, 0), "ptracer": (0x59616D61, -1), "memory map": (35, 99),
    "ambient capability": (47, 99), "time stamp counter": (26, 1), "securebits": (28, 0), "speculation": (53, 0),
    "system call dispatch": (59, 0), "core scheduling": (62, 0), "memory deny write execute": (65, 0),
    "an option that does not exist": (9999,),
}
for name, arguments in PRCTL.items():
    probe(f"prctl {name}", "EPERM", lambda a=arguments: call(157, *a, *[0] * (5 - len(a))))
probe("prctl set dumpable with high bits", "EPERM", lambda: call(157, 0x100000004, 1, 0, 0, 0), "ok")
probe("prctl name", "ok", lambda: call(157, 15, b"probe", 0, 0, 0), "ok")
probe("personality", "EPERM", lambda: call(135, 0x0040000), "ok")
probe("personality with high bits", "EPERM", lambda: call(135, 0x100040000), "ok")
probe("read the personality", "ok", lambda: call(135, 0xFFFFFFFF), "ok")
probe("set-uid programs gain nothing", "ok", lambda: set_uid_program())


def set_uid_program():
    with open("/proc/self/status") as status:
        facts = dict(line.split(":", 1) for line in status)
    if facts["NoNewPrivs"].strip() != "1":
        raise OSError(0, "")
