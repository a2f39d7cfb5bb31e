"""Sockets: of no kind, to nowhere."""

import os
import socket

from probe import OUTSIDE, call, probe

FAMILIES = {
    "tcp": (2, 1, 0), "udp": (2, 2, 0), "icmp": (2, 2, 1), "raw": (2, 3, 1), "tcp6": (10, 1, 0), "udp6": (10, 2, 0),
    "raw6": (10, 3, 58), "sctp": (2, 1, 132), "mptcp": (2, 1, 262), "unix stream": (1, 1, 0),
    "unix datagram": (1, 2, 0), "unix seqpacket": (1, 5, 0), "netlink route": (16, 3, 0), "netlink audit": (16, 3, 9),
    "netlink netfilter": (16, 3, 12), "netlink uevent": (16, 3, 15), "packet": (17, 3, 768), "vsock": (40, 1, 0),
    "crypto": (38, 5, 0), "bluetooth": (31, 3, 1), "can": (29, 3, 1), "tipc": (30, 1, 0), "xdp": (44, 3, 0),
    "rds": (21, 5, 0), "kcm": (41, 2, 0), "qrtr": (42, 2, 0), "nfc": (39, 5, 0), "llc": (26, 2, 0),
    "appletalk": (5, 2, 0), "ax25": (3, 5, 0), "x25": (9, 5, 0), "phonet": (35, 2, 0), "smc": (43, 1, 0),
    "iucv": (32, 1, 0), "pppox": (24, 1, 0), "a family that does not exist": (99, 1, 0),
}
ANYWHERE = ("tcp", "udp", "unix stream", "unix datagram", "unix seqpacket", "netlink route")
for name, arguments in FAMILIES.items():
    probe(f"{name} socket", "EPERM", lambda a=arguments: os.close(call(41, *a)), "ok" if name in ANYWHERE else None)
# The kernel looks at the low half of a number only; a filter that looks at all of it is passed by.
probe("tcp socket with high bits", "EPERM", lambda: os.close(call(41, 0x100000002, 1, 0)), "ok")


def connect(family, kind, address):
    with socket.socket(family, kind) as s:
        s.connect(address)
        s.send(b"out")


probe("tcp to the machine", "EPERM", lambda: connect(2, 1, ("127.0.0.1", OUTSIDE["tcp"])), "ok")
probe("udp to the machine", "EPERM", lambda: connect(2, 2, ("127.0.0.1", OUTSIDE["udp"])), "ok")
probe("unix socket by its path", "EPERM", lambda: connect(1, 1, OUTSIDE["unix"]), "ok")
probe("abstract unix socket", "EPERM", lambda: connect(1, 1, "\0" + OUTSIDE["abstract"]), "ok")
probe("display of the machine", "EPERM", lambda: connect(1, 1, "/tmp/.X11-unix/X0"))
probe("session bus of the machine", "EPERM", lambda: connect(1, 1, "/run/dbus/system_bus_socket"))
probe("name lookup", "EPERM", lambda: lookup(), "ok")


def lookup():
    try:
        socket.getaddrinfo("127.0.0.1", 80, flags=socket.AI_NUMERICHOST)
        socket.socket().close()
    except socket.gaierror as e:
        raise OSError(1, str(e)) from e


def close(pair):
    for end in pair:
        end.close()


probe("stream pair", "ok", lambda: close(socket.socketpair(1, 1)), "ok")
probe("seqpacket pair", "ok", lambda: close(socket.socketpair(1, 5)), "ok")
probe("datagram pair", "EPERM", lambda: close(socket.socketpair(1, 2)), "ok")
probe("raw pair", "EPERM", lambda: close(socket.socketpair(1, 3)), "ok")
probe("datagram pair with high bits", "EPERM", lambda: call(53, 1, 0x100000002, 0, bytes(8)), "ok")
probe("datagram pair, not blocking", "EPERM", lambda: call(53, 1, 2 | 0o4000, 0, bytes(8)), "ok")


def address(path):
    return b"\x01\x00" + path.encode() + b"\0"


def send_to(kind):
    a, _ = socket.socketpair(1, kind)
    path = address(OUTSIDE["unix"])
    call(44, a.fileno(), b"x", 1, 0, path, len(path))


def send_message_to(kind):
    a, b = socket.socketpair(1, kind)
    a.sendmsg([b"x"], [], 0, OUTSIDE["unix"])


probe("sendto with an address", "EPERM", lambda: send_to(1), "EISCONN")
probe("sendmsg with an address", "EISCONN", lambda: send_message_to(1), "EISCONN")
# A connected seqpacket socket has one peer and the kernel leaves the address out.
probe("seqpacket sendmsg with an address", "ok", lambda: send_message_to(5), "ok")
for name, number in (("connect", 42), ("accept", 43), ("bind", 49), ("listen", 50), ("accept4", 288)):
    probe(name, "EPERM", lambda n=number: call(n, -1, bytes(16), 16, 0), "EBADF")


def pass_descriptor():
    a, b = socket.socketpair()
    socket.send_fds(a, [b"x"], [os.open("/dev/null", os.O_RDONLY)])
    socket.recv_fds(b, 1, 1)


probe("pass a descriptor within", "ok", pass_descriptor, "ok")
