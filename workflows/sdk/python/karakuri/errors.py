"""What can go wrong with a call: one exception for each kind of error in `openrpc.json`."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping, Optional, Sequence

from .results import Hit


class KarakuriError(Exception):
    """A call was not done. `kind` is the word used in `openrpc.json` and in the report."""

    kind: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        method: Optional[str] = None,
        candidates: Sequence[Hit] = (),
        nearest: Sequence[Hit] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.method = method
        self.candidates = tuple(candidates)
        self.nearest = tuple(nearest)


class InvalidParams(KarakuriError):
    """The parameters do not fit the method."""

    kind = "invalid_params"


class NotFound(KarakuriError):
    """The target is not on the screen; `nearest` holds what comes closest."""

    kind = "not_found"


class AmbiguousTarget(KarakuriError):
    """Several things match; `candidates` holds them. Say which with `.nth(0)`, `.below(…)`…"""

    kind = "ambiguous_target"


class Timeout(KarakuriError):
    """The wait was over before it happened."""

    kind = "timeout"


class Denied(KarakuriError):
    """The run's grant does not allow it; the message says which permission would."""

    kind = "denied"


class BudgetExceeded(KarakuriError):
    """The run has used up its actions."""

    kind = "budget_exceeded"


class Unsupported(KarakuriError):
    """This agent does not offer it yet."""

    kind = "unsupported"


class AppFailed(KarakuriError):
    """An application did not start, or its window did not come."""

    kind = "app_failed"


class NotApproved(KarakuriError):
    """No person consented."""

    kind = "not_approved"


class Internal(KarakuriError):
    """The agent itself failed."""

    kind = "internal"


class ChannelClosed(KarakuriError):
    """The agent is gone, or does not speak the protocol. Not an error of a call."""

    kind = "channel_closed"


KINDS: dict[str, type[KarakuriError]] = {
    error.kind: error
    for error in (
        InvalidParams,
        NotFound,
        AmbiguousTarget,
        Timeout,
        Denied,
        BudgetExceeded,
        Unsupported,
        AppFailed,
        NotApproved,
        Internal,
    )
}


def from_wire(method: str, error: Mapping[str, Any]) -> KarakuriError:
    """The exception for the `error` member of an answer."""
    data = error.get("data") or {}
    return KINDS.get(data.get("kind", ""), Internal)(
        error.get("message", "no message"),
        method=method,
        candidates=[Hit.from_wire(hit) for hit in data.get("candidates", ())],
        nearest=[Hit.from_wire(hit) for hit in data.get("nearest", ())],
    )
