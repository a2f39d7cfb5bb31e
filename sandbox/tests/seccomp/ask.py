"""Puts system calls to a seccomp filter that answers every one of them.

stdin: {"program": hex of the BPF program, "calls": [[number, [six arguments]], ...]}
stdout: {"signal": what ended the asked process, "answers": the errno of each call, 0 if not asked}

With "i386" as argument the process makes one call through the 32-bit entry of x86_64 instead; the
answer is 1 if that returned.
"""

import ctypes
import json
import mmap
import os
import sys

PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2

# mov eax, 20 (getpid); int 0x80; ret
GETPID_I386 = bytes.fromhex("b814000000cd80c3")

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.argtypes = [ctypes.c_long] + [ctypes.c_ulong] * 6
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


class Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def prctl(option, *arguments):
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if libc.prctl(option, *padded) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def install(program):
    steps = bytes.fromhex(program)
    prctl(PR_SET_DUMPABLE, 0)  # no core file of what ends by a signal
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if steps:
        filtered = Program(len(steps) // 8, steps)
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(filtered))


def call_all(program, calls, answers):
    """From the filter on, no call of this process does anything, not even its exit."""
    flat = [(number, *arguments) for number, arguments in calls]
    install(program)
    for index, call in enumerate(flat):
        ctypes.set_errno(0)
        libc.syscall(*call)
        answers[index] = ctypes.get_errno()
    ctypes.string_at(0)


def call_i386(program, answers):
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(GETPID_I386)
    entry = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    install(program)
    entry()
    answers[0] = 1
    ctypes.string_at(0)


def main():
    question = json.load(sys.stdin)
    program, calls = question["program"], question["calls"]
    shared = mmap.mmap(-1, 2 * len(calls))
    answers = (ctypes.c_ushort * len(calls)).from_buffer(shared)
    child = os.fork()
    if child == 0:
        if "i386" in sys.argv:
            call_i386(program, answers)
        else:
            call_all(program, calls, answers)
    _, status = os.waitpid(child, 0)
    signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    json.dump({"signal": signal, "answers": list(answers)}, sys.stdout)


main()
