"""What a process sees of itself and around it."""

import os

STATUS = ("NoNewPrivs", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "Seccomp", "Seccomp_filters", "Groups")


def lines(path, separator):
    with open(path) as file:
        return [line.split(separator) for line in file]


def facts():
    """Every list is sorted; a mount is its root and its place."""
    return {
        "environment": sorted(os.environ),
        "processes": sorted(int(p) for p in os.listdir("/proc") if p.isdigit()),
        "fds": sorted(int(f) for f in os.listdir("/proc/self/fd"))[:-1],
        "status": {row[0]: row[1].strip() for row in lines("/proc/self/status", ":") if row[0] in STATUS},
        "mounts": sorted(row[3:5] for row in lines("/proc/self/mountinfo", " ")),
        "cgroups": sorted({row[-1].strip() for row in lines("/proc/self/cgroup", ":")}),
        "host name": os.uname().nodename,
        "interfaces": sorted(row[0].strip() for row in lines("/proc/self/net/dev", ":") if len(row) > 1),
    }
