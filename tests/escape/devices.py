"""Devices, terminals and the orders they take."""

import fcntl
import os

from probe import call, probe

for name in ("tty", "console", "ptmx", "pts", "kmsg", "mem", "kmem", "port", "kvm", "fuse", "cuse", "net/tun",
             "vhost-net", "vhost-vsock", "vsock", "loop-control", "loop0", "vda", "sda", "nvme0n1", "dm-0",
             "mapper/control", "input", "uinput", "dri", "snd", "video0", "fb0", "userfaultfd", "cpu/0/msr",
             "hpet", "rtc0", "watchdog", "ppp", "autofs", "btrfs-control", "mqueue", "hugepages", "binder",
             "udmabuf", "dma_heap", "vfio/vfio", "rfkill", "uhid", "bus/usb", "tpm0", "mcelog", "sgx_enclave"):
    probe(f"open /dev/{name}", "ENOENT", lambda n=name: os.close(os.open(f"/dev/{n}", os.O_RDONLY | os.O_NONBLOCK)))
for name in ("null", "zero", "full", "random", "urandom"):
    probe(f"read /dev/{name}", "ok", lambda n=name: open(f"/dev/{n}", "rb").read(1), "ok")
probe("write /dev/null", "ok", lambda: open("/dev/null", "w").write("x"), "ok")
probe("write /dev/full", "ENOSPC", lambda: os.write(os.open("/dev/full", os.O_WRONLY), b"x"), "ENOSPC")

# Requests that a terminal, a file system, a socket or a device would obey; asked of a pipe, which
# knows none of them and says ENOTTY where it is asked.
REQUESTS = {
    "TIOCSTI": 0x5412, "TIOCLINUX": 0x541C, "TIOCSCTTY": 0x540E, "TIOCNOTTY": 0x5422, "TIOCCONS": 0x541D,
    "TIOCSETD": 0x5423, "TIOCSPGRP": 0x5410, "TIOCSWINSZ": 0x5414, "TCSETS": 0x5402, "TIOCGPTPEER": 0x5441,
    "KDSETMODE": 0x4B3A, "VT_ACTIVATE": 0x5606, "FS_IOC_SETFLAGS": 0x40086602, "FS_IOC_GETFLAGS": 0x80086601,
    "FICLONE": 0x40049409, "FIFREEZE": 0xC0045877, "FITRIM": 0xC0185879, "FIBMAP": 1, "SIOCGIFCONF": 0x8912,
    "SIOCSIFFLAGS": 0x8914, "TUNSETIFF": 0x400454CA, "BLKRRPART": 0x125F, "LOOP_SET_FD": 0x4C00, "KVM_RUN": 0xAE80,
    "UFFDIO_API": 0xC018AA3F, "NS_GET_PARENT": 0xB702, "NS_GET_USERNS": 0xB701, "PIDFD_GET_INFO": 0xC040FF0B,
    "DRM_IOCTL_VERSION": 0xC0406400, "FIOASYNC": 0x5452, "FIOSETOWN": 0x8901, "SG_IO": 0x2285, "RNDADDENTROPY": 0x40085203,
}


def ask(number):
    read, _ = os.pipe()
    call(16, read, number, bytes(256))


for name, number in REQUESTS.items():
    probe(f"ioctl {name}", "EPERM", lambda n=number: ask(n),
          None if name in ("FIOASYNC", "FIBMAP", "FIFREEZE", "FITRIM", "FIOSETOWN", "FICLONE", "TCSETS") else "ENOTTY")
    # A filter that compares 64 bits is passed by with a bit that the kernel drops (CVE-2019-10063).
    if name in ("TIOCSTI", "TIOCLINUX", "TIOCSCTTY"):
        probe(f"ioctl {name} with high bits", "EPERM", lambda n=number: ask(n | 1 << 32), "ENOTTY")
        probe(f"ioctl {name} with the highest bit", "EPERM", lambda n=number: ask(n | 1 << 63), "ENOTTY")
probe("ioctl FIONREAD", "ok", lambda: fcntl.ioctl(os.pipe()[0], 0x541B, bytes(4)), "ok")
