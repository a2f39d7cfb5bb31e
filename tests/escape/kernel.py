"""Parts of the kernel that nothing in a sandbox has business with."""

import ctypes
import mmap
import time

from probe import call, probe

# Name, number, arguments that do no harm, answer outside for anybody, for root. A kernel is free to
# lack most of these: then there is no control.
CALLS = [
    ("io_uring_setup", 425, (1, 0), None, None), ("io_uring_enter", 426, (-1, 0, 0, 0, 0, 0), None, None),
    ("io_uring_register", 427, (-1, 0, 0, 0), None, None), ("memfd_create", 319, (b"x", 0), "ok", None),
    ("memfd_secret", 447, (0xFF,), None, None), ("seccomp", 317, (99, 0, 0), "EINVAL", None),
    ("landlock_create_ruleset", 444, (0, 0, 1), "ok", None), ("landlock_add_rule", 445, (-1, 0, 0, 0), None, None),
    ("landlock_restrict_self", 446, (-1, 0), None, None), ("mseal", 462, (0, 0, 1), None, None),
    ("bpf", 321, (0, 0, 0), None, "EINVAL"), ("perf_event_open", 298, (0, 0, -1, -1, 0), None, None),
    ("userfaultfd", 323, (0xFFFF,), None, None), ("init_module", 175, (0, 0, 0), None, None),
    ("finit_module", 313, (-1, 0, 0), None, None), ("delete_module", 176, (0, 0), None, None),
    ("kexec_load", 246, (0, 0, 0, 0xFF), None, None), ("kexec_file_load", 320, (-1, -1, 0, 0, 0xFFFF), None, None),
    ("reboot", 169, (0, 0, 0, 0), None, "EINVAL"), ("syslog", 103, (99, 0, 0), None, "EINVAL"),
    ("settimeofday", 164, (1, 0), None, "EFAULT"), ("clock_settime", 227, (99, 0), "EINVAL", None),
    ("adjtimex", 159, (0,), "EFAULT", None), ("clock_adjtime", 305, (99, bytes(256)), "EINVAL", None),
    ("iopl", 172, (99,), None, None), ("ioperm", 173, (0, 0, 0), None, None),
    ("acct", 163, (b"/proc/nonexistent",), None, "ENOENT"), ("swapon", 167, (0, 0), None, "EFAULT"),
    ("swapoff", 168, (0,), None, "EFAULT"), ("sethostname", 170, (0, -1), None, "EINVAL"),
    ("setdomainname", 171, (0, -1), None, "EINVAL"), ("quotactl", 179, (-1, 0, 0, 0), None, None),
    ("quotactl_fd", 443, (-1, 0, 0, 0), None, None), ("vhangup", 153, (), None, None),
    ("modify_ldt", 154, (99, 0, 0), None, None), ("ustat", 136, (0, 0), None, None), ("sysfs", 139, (99, 0, 0), None, None),
    ("_sysctl", 156, (0,), None, None), ("uselib", 134, (0,), None, None), ("nfsservctl", 180, (), None, None),
    ("lookup_dcookie", 212, (0, 0, 0), None, None), ("remap_file_pages", 216, (0, 0, 0, 0, 0), "EINVAL", None),
    ("mbind", 237, (0, 0, 99, 0, 0, 0), None, None), ("set_mempolicy", 238, (99, 0, 0), None, None),
    ("migrate_pages", 256, (0, 0, 0, 0), None, None), ("move_pages", 279, (0, 0, 0, 0, 0, 99), None, None),
    ("add_key", 248, (0, 0, 0, 0, 0), None, None), ("request_key", 249, (0, 0, 0, 0), None, None),
    ("keyctl", 250, (99, 0, 0, 0, 0), None, None), ("fanotify_init", 300, (0xFFFFFFFF, 0), None, None),
    ("fanotify_mark", 301, (-1, 0, 0, -1, 0), None, None), ("mincore of another", 440, (-1, 0, 0, 0, 0), "EBADF", None),
    ("vmsplice", 278, (-1, 0, 0, 0), "EBADF", None), ("process_vm_readv", 310, (0, 0, 0, 0, 0, 1), "EINVAL", None),
    ("map_shadow_stack", 453, (0, 0, 0), None, None), ("pkey_alloc", 330, (1, 0), None, None),
    ("sync", 162, (), None, None), ("syncfs", 306, (-1,), "EBADF", None), ("sched_setattr", 314, (0, 0, 1), "EINVAL", None),
    ("io_setup", 206, (0, 0), None, None), ("io_submit", 209, (0, 0, 0), None, None),
    ("create_module", 174, (), None, None), ("a call that does not exist", 9999, (), "ENOSYS", None),
]
NEWER = {"io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_create", "memfd_secret", "seccomp",
         "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "mseal"}
for name, number, arguments, outside, root in CALLS:
    wall = "ENOSYS" if name in NEWER else "EPERM"
    probe(name, wall, lambda n=number, a=arguments: call(n, *a), outside, root)

# The same numbers as another architecture means them.
for name, number in (("read", 0), ("openat", 257), ("socket", 41), ("execve", 520), ("ptrace", 521)):
    probe(f"x32 {name}", "EPERM", lambda n=number: call(0x40000000 | n, -1, 0, 0), "ENOSYS")


def machine_code(code):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()


# mov eax, N; int 0x80; ret
for name, number in (("getpid", 20), ("socket", 359), ("mount", 21)):
    code = b"\x53\xb8" + number.to_bytes(4, "little") + b"\x31\xdb\xcd\x80\x5b\xc3"
    probe(f"int 0x80 {name}", "SIG31", lambda c=code: machine_code(c), "ok" if name == "getpid" else None)
# push 0x23 and a far return would enter 32-bit code; sysenter from 64-bit code comes in as 32-bit too.
probe("machine code of its own", "ok", lambda: machine_code(b"\xc3"), "ok")
probe("the time can be read", "ok", lambda: time.time(), "ok")
