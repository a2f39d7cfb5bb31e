"""The escape suite: every probe tries one thing that a sandbox must refuse, or must allow.

A probe has a name, the answer it must get inside, and where trying it does no harm the answer it gets
outside. An answer is `ok`, the name of an errno, or `SIG` and a number. Each probe runs in a process
of its own. `python3 probe.py table` prints the table, `python3 probe.py run [NAME...]` the answers and
what the process sees of itself, both as JSON; a workflow calls `report()`.
"""

import ctypes
import errno
import json
import os
import signal
import sys

PROBES = []
# What the test outside has prepared: `pid`, `file`, `tcp`, `udp`, `unix`, `abstract`.
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "outside.json")) as prepared:
    OUTSIDE = json.load(prepared)
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
# A probe that has not ended by then hangs, which is an answer of its own (SIG14).
PATIENCE_S = 20


def probe(name, inside, attempt, outside=None, root=None):
    """Adds a probe. `outside` is the control for anybody, `root` the control for root alone."""
    if any(p["name"] == name for p in PROBES):
        raise ValueError(f"two probes are called {name}")
    row = {"name": name, "inside": inside, "outside": outside, "root": root}
    PROBES.append({**row, "attempt": attempt})


def call(number, *arguments):
    """A system call by its number for x86-64."""
    words = [a if isinstance(a, bytes) else ctypes.c_ulong(a & 0xFFFFFFFFFFFFFFFF) for a in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def forked(number, *arguments):
    """A system call that returns twice."""
    if call(number, *arguments) == 0:
        os._exit(0)


def answer(attempt):
    """Runs an attempt in a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_S)
        try:
            attempt()
            told = "ok"
        except OSError as e:
            told = errno.errorcode.get(e.errno, str(e.errno))
        except BaseException as e:  # A probe that is wrong itself must show.
            told = f"{type(e).__name__}: {e}"
        os.write(write, told.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return f"SIG{os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else told


def load():
    """Every subject adds its probes when it is loaded."""
    import devices, files, ipc, kernel, limits, network, processes  # noqa: E401, F401


def report(names=None):
    """The answers by name, and the facts."""
    load()
    from facts import facts

    chosen = [p for p in PROBES if names is None or p["name"] in names]
    return {"facts": facts(), "answers": {p["name"]: answer(p["attempt"]) for p in chosen}}


if __name__ == "__main__":
    # The subjects import this file by its name.
    sys.modules["probe"] = sys.modules["__main__"]
    if sys.argv[1:2] == ["table"]:
        load()
        print(json.dumps([{k: v for k, v in p.items() if k != "attempt"} for p in PROBES]))
    else:
        print(json.dumps(report(sys.argv[2:] or None)))
