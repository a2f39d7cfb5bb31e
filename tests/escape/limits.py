"""Resources that run out for the sandbox, not for the machine; outside nothing of this is tried."""

import os
import resource
import signal
import tempfile

from probe import probe

HERE = tempfile.mkdtemp()


def past_the_limit(write):
    """Python ignores the signal, and programs that do not are to be tried."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    write()


def open_files():
    kept = []
    while len(kept) < 100_000:
        kept.append(os.open("/dev/null", os.O_RDONLY))


def file_size():
    with open(os.path.join(HERE, "large"), "wb") as file:
        file.truncate(1 << 40)


def fill(directory):
    """Writes until there is no room."""
    names = []
    try:
        for number in range(64):
            names.append(os.path.join(directory, f"fill{number}"))
            with open(names[-1], "wb", buffering=0) as file:
                for _ in range(16):
                    file.write(bytes(1 << 20))
    finally:
        for name in names:
            os.unlink(name)


def locked_memory():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    block = ctypes.create_string_buffer(8 << 20)
    if libc.mlock(block, 8 << 20) < 0:
        raise OSError(ctypes.get_errno(), "")


def limit(which, value):
    found = resource.getrlimit(which)
    if found != (value, value):
        raise ValueError(f"{found}")


probe("open files", "EMFILE", open_files)
probe("limit of open files", "ok", lambda: limit(resource.RLIMIT_NOFILE, 256))
probe("large file", "EFBIG", file_size)
probe("large file without regard for the error", "SIG25", lambda: past_the_limit(file_size))
probe("locked memory", "ENOMEM", locked_memory)
for directory in ("/tmp", "/dev/shm"):
    probe(f"fill {directory}", "ENOSPC", lambda d=directory: fill(d))
# One byte: a helper in /proc/sys/kernel/core_pattern is run for 0, and for this alone it is not.
probe("core dumps", "ok", lambda: limit(resource.RLIMIT_CORE, 1))
probe("message queues", "ok", lambda: limit(resource.RLIMIT_MSGQUEUE, 0))
probe("real-time priority", "ok", lambda: limit(resource.RLIMIT_RTPRIO, 0))
