"""What is printed when an error of a call ends the script: short, with the place in the script."""

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
    """The message, a few lines without the frames of this package."""
    lines = []
    frames = [f for f in traceback.extract_tb(trace) if Path(f.filename).parent != _HERE]
    for frame in frames[-3:]:
        lines.append(f"{Path(frame.filename).name}:{frame.lineno}: {frame.line or ''}".rstrip())
    lines.append(f"{error.kind}: {_visible(error.message)}")
    lines += [f"  candidate: {_hit(hit)}" for hit in error.candidates]
    lines += [f"  nearest: {_hit(hit)}" for hit in error.nearest]
    return "\n".join(lines)


def _hit(hit: Hit) -> str:
    what = hit.via if hit.text is None else f'"{_visible(hit.text)}"'
    left, top, width, height = hit.rect
    return f"{what} at ({left}, {top}), {width} × {height}, confidence {hit.confidence:.2f}"


def _visible(text: str) -> str:
    """Text off a screen may hold terminal escapes and characters that reorder a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def install() -> None:
    """Makes Python print `describe` for an uncaught error of a call, and exit with 1."""
    before = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, trace: Optional[TracebackType]
    ) -> None:
        if isinstance(error, KarakuriError):
            print(describe(error, trace), file=sys.stderr)
        else:
            before(kind, error, trace)

    sys.excepthook = hook
