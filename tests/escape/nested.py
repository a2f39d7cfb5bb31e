"""The probes in an application: as it is, and in a user namespace of its own with every capability there.

`python3 nested.py FILE` writes the answers to FILE as JSON. What an application gets that brings a
sandbox of its own is the difference to the answers in one that does not. The probes of limits are left
out: an application has the limits of the display.
"""

import json
import os
import subprocess
import sys

import probe
from probe import call

CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000


def enter():
    """Makes this process the owner of a user namespace, with its one id in it."""
    uid, gid = os.getuid(), os.getgid()
    call(272, CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        file = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(file, text.encode())
        os.close(file)


def sandbox():
    """What Chromium makes: a process in three namespaces, and one in an empty directory."""
    child = call(56, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | 17, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    enter()
    os.chroot("/proc/self/fdinfo")


def within(attempt):
    enter()
    attempt()


def answers(how):
    import devices, files, ipc, kernel, network, processes  # noqa: E401, F401

    probe.probe("a sandbox of its own", "EPERM", sandbox)
    rows = {p["name"]: p["attempt"] for p in probe.PROBES}
    if how == "within":
        rows = {name: lambda a=attempt: within(a) for name, attempt in rows.items()}
    return {name: probe.answer(attempt) for name, attempt in rows.items()}


def main(path):
    """Each kind in a process of its own, as the probes leave files behind."""
    found = {"sees": [int(name) for name in os.listdir("/proc") if name.isdigit()]}
    for how in ("plain", "within"):
        output = subprocess.run([sys.executable, __file__, "--answers", how], stdout=subprocess.PIPE, check=True)
        found[how] = json.loads(output.stdout)
    with open(path + ".tmp", "w") as file:
        json.dump(found, file)
    os.rename(path + ".tmp", path)


if __name__ == "__main__":
    if sys.argv[1] == "--answers":
        print(json.dumps(answers(sys.argv[2])))
    else:
        main(sys.argv[1])
