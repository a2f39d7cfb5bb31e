"""What a request cannot hold: found here, it fails one call; sent, it would end the run."""

from __future__ import annotations

import math
from typing import Any

from .errors import InvalidParams

MAX_DEPTH = 126  # of 127 levels of arrays and objects the request itself is one
MAX_OUTPUT_DEPTH = 32
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def check(what: str, value: Any, deepest: int = MAX_DEPTH) -> None:
    """Raises `InvalidParams` for a number or a nesting that the agent cannot read; `what` names it."""
    if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        raise InvalidParams(
            f"{what}: a whole number of {value.bit_length()} bits is not from -2**63 to 2**64-1, "
            "the limit; give it as Decimal or str"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidParams(f"{what}: {value} is not a number in JSON; give None or a str")
    if isinstance(value, (dict, list, tuple)):
        _check_parts(what, value.values() if isinstance(value, dict) else value, deepest, deepest)


def _check_parts(what: str, parts: Any, left: int, deepest: int) -> None:
    if left == 0:
        raise InvalidParams(
            f"{what}: lists and dicts lie in each other more than {deepest} deep, which is the limit"
        )
    for part in parts:
        if isinstance(part, (dict, list, tuple)):
            inner = part.values() if isinstance(part, dict) else part
            _check_parts(what, inner, left - 1, deepest)
        else:
            check(what, part)
