"""The run itself: its inputs and outputs, its steps, its log, its end."""

from __future__ import annotations

import functools
import sys
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any, Callable, Iterator, NoReturn, Optional, TypeVar

from ._channel import call, given
from ._limits import MAX_OUTPUT_DEPTH, check
from .errors import (
    BudgetExceeded,
    ChannelClosed,
    Denied,
    InvalidParams,
    KarakuriError,
    Unsupported,
)

__all__ = [
    "attach",
    "fail_app",
    "fail_business",
    "input",
    "log",
    "once",
    "output",
    "retry",
    "secret",
    "soft_fail",
    "step",
    "timeout",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def input(name: str) -> str:
    """The value of a declared input, always a string; for a file its path below `/files`.

    An optional input that was not given is the empty string.
    """
    value = call("input", given(name=name))
    return "" if value is None else str(value)


def output(key: str, value: Any) -> None:
    """Sets a named result that `[outputs]` declares. Decimal and date become strings.

    Whole numbers reach from -2**63 to 2**64-1; lists and dicts lie in each other at most 32 deep.
    """
    check(f"output {key!r}", value, MAX_OUTPUT_DEPTH)
    call("output", {"key": key, "value": value})


def attach(path: str, name: Optional[str] = None) -> str:
    """Keeps a file from `/files` or `/work` as an output. Returns the artifact's id."""
    return str(call("attach", given(path=path, name=name))["artifact"])


class _Step(AbstractContextManager["_Step"]):
    def __exit__(self, *_: object) -> None:
        return None


def step(name: str) -> _Step:
    """Names the part of the run that begins: `with run.step("Save"):` or just the call."""
    call("step", given(name=name))
    return _Step()


def once(name: str) -> bool:
    """Whether the part called `name` was done before, also before a crash.

    `if not run.once("post 4711"): …` does what must not be done twice.
    """
    return bool(call("once", given(name=name)))


def timeout(ms: int) -> None:
    """How long waits last that do not say so, in ms."""
    call("timeout", given(ms=ms))


def secret(name: str) -> str:
    """A handle of a secret for use in other calls, never the secret itself."""
    return str(call("secret", given(name=name)))


def log(message: str, level: Optional[str] = None) -> None:
    """Writes to the run's log; `level` is "debug", "info" (the default), "warning" or "error"."""
    call("log", given(message=message, level=level))


def soft_fail(reason: str) -> None:
    """Notes a defect that does not end the run; the report shows it."""
    call("soft_fail", given(reason=reason))


def fail_business(code: str, message: Optional[str] = None) -> NoReturn:
    """Ends the run: the business case cannot be done. Not a defect."""
    _end("fail_business", given(code=code, message=message))


def fail_app(code: str, message: Optional[str] = None) -> NoReturn:
    """Ends the run: an application misbehaved."""
    _end("fail_app", given(code=code, message=message))


def _end(method: str, params: dict[str, Any]) -> NoReturn:
    # The agent ends the run when it hears this; it may be gone before it answers.
    with suppress(ChannelClosed):
        call(method, params)
    sys.exit(1)


class _Attempt(AbstractContextManager["_Attempt"]):
    """One attempt. An error that another attempt could mend does not leave it, save the last."""

    def __init__(self, number: int, last: bool) -> None:
        self.number = number
        self._last = last
        self.error: Optional[KarakuriError] = None
        self.done = False

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        _: Optional[TracebackType],
    ) -> bool:
        self.done = error is None
        if not isinstance(error, KarakuriError) or isinstance(error, _HOPELESS):
            return False
        self.error = error
        return not self._last


_HOPELESS = (BudgetExceeded, ChannelClosed, Denied, InvalidParams, Unsupported)


class retry:
    """Tries up to `attempts` times, as a loop or as a decorator; each new attempt is recorded.

        for attempt in run.retry(3):
            with attempt:
                d.click('text:"Save"')
                d.wait_for('text:"Saved"')

    Errors that another attempt cannot mend (a denial, a wrong parameter) are raised at once.
    """

    def __init__(self, attempts: int) -> None:
        if attempts < 1:
            raise ValueError("attempts must be 1 or more")
        self._attempts = attempts

    def __iter__(self) -> Iterator[_Attempt]:
        for number in range(1, self._attempts + 1):
            attempt = _Attempt(number, number == self._attempts)
            yield attempt
            if attempt.done or attempt.error is None:
                return
            call("retry", given(attempt=number + 1, reason=str(attempt.error)))

    def __call__(self, function: _F) -> _F:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            for attempt in self:
                with attempt:
                    return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]
