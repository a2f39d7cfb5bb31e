"""The wire: JSON-RPC 2.0 on file descriptor 3, each message after its length (big-endian, 32 bit)."""

from __future__ import annotations

import json
import os
import stat
import struct
import sys
import threading
from datetime import date
from decimal import Decimal
from typing import Any, Mapping, Optional

from ._limits import check
from .errors import ChannelClosed, InvalidParams, from_wire

MAX_REQUEST = 1024 * 1024
MAX_RESPONSE = 16 * 1024 * 1024
_FD = 3


class Channel:
    """One connection. Calls from several threads wait for each other."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._last_id = 0
        self._lock = threading.Lock()

    def call(self, method: str, params: Mapping[str, Any]) -> Any:
        """Asks, waits for the answer, returns its result or raises its error."""
        check(method, params)
        with self._lock:
            self._last_id += 1
            request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
            body = json.dumps(request, ensure_ascii=False, allow_nan=False, default=_plain)
            self._send(_encoded(method, body))
            response = self._receive()
        if response.get("id") != self._last_id:
            raise ChannelClosed("the agent answered another request than the one that was asked")
        if "error" in response:
            raise from_wire(method, response["error"])
        return response.get("result")

    def _send(self, body: bytes) -> None:
        data = memoryview(struct.pack(">I", len(body)) + body)
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            raise ChannelClosed(f"the agent has closed the channel: {error}") from None

    def _receive(self) -> dict[str, Any]:
        (length,) = struct.unpack(">I", self._read(4))
        if length > MAX_RESPONSE:
            raise ChannelClosed(f"the agent announced an answer of {length} bytes")
        response = json.loads(self._read(length))
        if not isinstance(response, dict):
            raise ChannelClosed("the agent's answer is not an object")
        return response

    def _read(self, length: int) -> bytes:
        parts = []
        while length:
            try:
                part = os.read(self._fd, length)
            except OSError as error:
                raise ChannelClosed(f"the agent has closed the channel: {error}") from None
            if not part:
                raise ChannelClosed("the agent has closed the channel")
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


def _encoded(method: str, body: str) -> bytes:
    # A lone surrogate (from a file name that is not UTF-8) has no place in JSON on the wire.
    try:
        data = body.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidParams(f"{method}: a text is not valid Unicode: {error.reason}") from None
    if len(data) > MAX_REQUEST:
        raise InvalidParams(
            f"{method}: the request has {len(data)} bytes, at most {MAX_REQUEST} are allowed"
        )
    return data


def _plain(value: object) -> str:
    """Exact values that JSON has no type for."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON; convert it first")


_channel: Optional[Channel] = None


def use(channel: Optional[Channel]) -> None:
    """Speak over `channel`; None means file descriptor 3 again."""
    global _channel
    _channel = channel


def call(method: str, params: Mapping[str, Any]) -> Any:
    """Asks the agent that started this script."""
    global _channel
    if _channel is None:
        if not _is_socket(_FD):
            sys.exit("this workflow was started without an agent; start it with: karakuri run DIR")
        _channel = Channel(_FD)
    return _channel.call(method, params)


def given(**params: Any) -> dict[str, Any]:
    """The parameters that are not None."""
    return {name: value for name, value in params.items() if value is not None}


def _is_socket(fd: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False
