"""What is printed when an error ends the script. The last line has the place in the script and the
error: it becomes the run's message."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Optional

from .errors import KarakuriError
from .results import Hit

_HERE = Path(__file__).resolve().parent


def describe(error: KarakuriError, trace: Optional[TracebackType]) -> str:
    """A few lines without the frames of this package, then the place and the message."""
    frames = _frames(trace)[-3:]
    lines = [f"{_place(frame)}{frame.line or ''}".rstrip() for frame in frames]
    lines += [f"  candidate: {_hit(hit)}" for hit in error.candidates]
    lines += [f"  nearest: {_hit(hit)}" for hit in error.nearest]
    where = _place(frames[-1]) if frames else ""
    lines.append(f"{where}{error.kind}: {_visible(error.message)}")
    return "\n".join(lines)


def headline(error: BaseException, trace: Optional[TracebackType]) -> str:
    """The place and the message of any other error, in one line."""
    frames = _frames(trace)
    where = _place(frames[-1]) if frames else ""
    text = traceback.format_exception_only(type(error), error)[-1].strip()
    return f"{where}{_visible(text)}"


def _frames(trace: Optional[TracebackType]) -> list[traceback.FrameSummary]:
    """The frames of the script: below /usr lies what it calls."""
    frames = [f for f in traceback.extract_tb(trace) if Path(f.filename).parent != _HERE]
    return [f for f in frames if not f.filename.startswith(("/usr/", "<frozen"))] or frames


def _place(frame: traceback.FrameSummary) -> str:
    return f"{Path(frame.filename).name}:{frame.lineno}: "


def _hit(hit: Hit) -> str:
    what = hit.via if hit.text is None else f'"{_visible(hit.text)}"'
    left, top, width, height = hit.rect
    return f"{what} at ({left}, {top}), {width} × {height}, confidence {hit.confidence:.2f}"


def _visible(text: str) -> str:
    """Text off a screen may hold terminal escapes and characters that reorder a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def install() -> None:
    """Makes Python print `describe` for an uncaught error of a call, and `headline` after the
    traceback of any other; it exits with 1."""
    before = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, trace: Optional[TracebackType]
    ) -> None:
        if isinstance(error, KarakuriError):
            print(describe(error, trace), file=sys.stderr)
        else:
            before(kind, error, trace)
            if isinstance(error, Exception):
                print(headline(error, trace), file=sys.stderr)

    sys.excepthook = hook
