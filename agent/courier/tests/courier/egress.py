"""A network in which every address is this machine's own, and everything sent is seen.

Started in namespaces of its own, as their root, by egress.rs. A JSON object on the command line: `cert`,
`key`, and the `ports` to listen at. It answers name
servers' questions and stands in for the store, the lender of roles, KMS and the metadata services, just
far enough that a courier does all it ever does. A line on stdin is answered with what was seen so far.
"""

import hashlib
import json
import socket
import socketserver
import ssl
import subprocess
import sys
import threading

facts = json.loads(sys.argv[1])
seen: set[tuple[str, int]] = set()
names: dict[str, str] = {}
stored: dict[str, tuple[str, str]] = {}
LAST = ("192.0.2.1", 9)
reached_last = threading.Event()
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(facts["cert"], facts["key"])

LENT = {
    "AccessKeyId": "ASIATEST",
    "SecretAccessKey": "secret",
    "Token": "token",
    "Expiration": "2099-01-01T00:00:00Z",
    "Code": "Success",
}


def connect_loopback() -> None:
    """Makes every address one of this machine: what is sent anywhere comes by on `lo`."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    route = ["route", "replace", "local", "default", "dev", "lo"]
    subprocess.run(["ip", *route], check=True)
    # A machine without IPv6 has no such table, and nobody there sends any.
    subprocess.run(["ip", "-6", *route], check=False)


def watch(packets: socket.socket) -> None:
    """Notes each beginning of a connection and each datagram that is no answer of ours."""
    while True:
        packet, (_, kind, direction, *_) = packets.recvfrom(65536)
        if direction != socket.PACKET_OUTGOING:
            continue
        if kind == 0x0800:
            head, protocol = (packet[0] & 15) * 4, packet[9]
            address = socket.inet_ntop(socket.AF_INET, packet[16:20])
        elif kind == 0x86DD:
            head, protocol = 40, packet[6]
            address = "[" + socket.inet_ntop(socket.AF_INET6, packet[24:40]) + "]"
        else:
            seen.add((f"ethertype {kind:#x}", 0))
            continue
        body = packet[head:]
        source, port = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
        if protocol == socket.IPPROTO_TCP:
            if body[13] & 0x12 == 0x02:  # SYN, and no ACK
                seen.add((address, port))
        elif protocol == socket.IPPROTO_UDP:
            if (address, port) == LAST:
                reached_last.set()
            elif source != 53:
                seen.add((address, port))
        elif protocol in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6):
            pass  # the kernel's own: neighbours, and ports at which nobody listens
        else:
            seen.add((f"{address} protocol {protocol}", 0))


def look_up(question: bytes) -> bytes:
    """RFC 1035, 4: an address of its own for each name; none of IPv6."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    kind = int.from_bytes(question[at + 1 : at + 3], "big")
    name = ".".join(labels).lower()
    address = names.setdefault(name, f"198.18.0.{len(names) + 1}")
    answer = b""
    if kind == 1:
        answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x01\0\x04" + socket.inet_aton(address)
    count = len(answer and b"1").to_bytes(2, "big")
    return question[:2] + b"\x81\x80\0\x01" + count + bytes(4) + question[12 : at + 5] + answer


class Names(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        question, sock = self.request
        sock.sendto(look_up(question), self.client_address)


class Service(socketserver.StreamRequestHandler):
    """HTTP/1.1, and CONNECT where it is the proxy. What comes in TLS begins with byte 22."""

    def handle(self) -> None:
        if self.connection.recv(1, socket.MSG_PEEK) == b"\x16":
            self.connection = tls.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
        while line := self.rfile.readline().decode().strip():
            headers = {}
            while header := self.rfile.readline().decode().strip():
                name, _, value = header.partition(": ")
                headers[name.lower()] = value
            method, target, _ = line.split(" ", 2)
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                seen.add((host + " through the proxy", int(port)))
                self.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                self.connection = tls.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                continue
            body = self.rfile.read(int(headers.get("content-length", "0")))
            self.answer(method, target, headers, body)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        more, text = {}, b""
        if method == "PUT" and target.startswith("/latest/api/token"):
            text = b"token"
            more["x-aws-ec2-metadata-token-ttl-seconds"] = "21600"
        elif target.endswith(("/security-credentials/", "/security-credentials-extended/")):
            text = b"role"
        elif method == "GET":
            text = json.dumps(LENT).encode()
        elif method == "PUT":
            stored[target.split("?")[0]] = str(len(body)), headers["x-amz-checksum-sha256"]
        elif method == "HEAD":
            more["content-length"], more["x-amz-checksum-sha256"] = stored[target.split("?")[0]]
        elif b"Action=" in body:
            action = body.split(b"Action=")[1].split(b"&")[0].decode()
            lent = LENT | {"SessionToken": LENT["Token"]}
            fields = "".join(f"<{k}>{v}</{k}>" for k, v in lent.items() if k not in ("Token", "Code"))
            text = (
                f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                f"<{action}Result><Credentials>{fields}</Credentials></{action}Result>"
                f"</{action}Response>"
            ).encode()
        else:
            key = json.loads(body)["KeyId"]
            wrapped = hashlib.sha256(body).hexdigest()
            blob = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
            text = json.dumps({"KeyId": key, "CiphertextBlob": wrapped, "Plaintext": blob}).encode()
        more = {"content-length": str(len(text)), **more}
        head = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        self.connection.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + text)


class Datagrams(socketserver.ThreadingUDPServer):
    daemon_threads = True


class Streams(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET

    def handle_error(self, request: object, client_address: object) -> None:
        """A courier that hangs up has heard enough."""


def main() -> None:
    connect_loopback()
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    threading.Thread(target=watch, args=(packets,), daemon=True).start()
    servers = [Datagrams(("0.0.0.0", 53), Names)]
    servers += [Streams(("", port), Service) for port in facts["ports"]]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    last = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in sys.stdin:
        # What was sent before this datagram has been seen when it has.
        reached_last.clear()
        last.sendto(b"last", LAST)
        reached_last.wait()
        of = {address: name for name, address in names.items()}
        print(json.dumps(sorted([of.get(host, host), port] for host, port in seen)), flush=True)


main()
