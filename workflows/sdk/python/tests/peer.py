"""The other end of a real socket pair: answers calls from a list and keeps what was asked."""

import json
import os
import socket
import struct
import threading

from karakuri import _channel


def answer(request, result=None, error=None):
    body = {"jsonrpc": "2.0", "id": request["id"]}
    body.update({"error": error} if error else {"result": result})
    data = json.dumps(body).encode()
    return struct.pack(">I", len(data)) + data


class Peer:
    """Answers each request with `reply(request)`, the bytes to send; b"" closes the connection."""

    def __init__(self, reply):
        self.asked = []
        self._reply = reply
        ours, self.theirs = socket.socketpair()
        self._socket = ours
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with self._socket, self._socket.makefile("rb") as stream:
            while True:
                head = stream.read(4)
                if len(head) < 4:
                    return
                request = json.loads(stream.read(struct.unpack(">I", head)[0]))
                self.asked.append((request["method"], request["params"]))
                data = self._reply(request)
                if not data:
                    return
                # One byte first, so that the reader has to cope with a message in parts.
                self._socket.sendall(data[:1])
                self._socket.sendall(data[1:])

    def __enter__(self):
        _channel.use(_channel.Channel(self.theirs.fileno()))
        return self

    def __exit__(self, *_):
        _channel.use(None)
        self.theirs.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


def results(*values):
    """A reply function that answers the values one after another."""
    left = list(values)
    return lambda request: answer(request, left.pop(0))


def error(kind, code, message, **data):
    """A reply function that answers every request with one error."""
    body = {"code": code, "message": message, "data": {"kind": kind, **data}}
    return lambda request: answer(request, error=body)


HIT = {"rect": [10, 20, 30, 8], "at": [25, 24], "text": "Save", "confidence": 0.9, "via": "text"}
ACT = {"effect": "confirmed", "via": "text", "at": [25, 24], "ms": 7, "changed": [0, 0, 9, 9]}
SDK = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
