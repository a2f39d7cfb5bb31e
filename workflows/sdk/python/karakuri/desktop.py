"""The screen, the mouse and the keyboard. Places are physical pixels, times are milliseconds.

A call that names a target waits for it (`timeout_ms`, or what `run.timeout` set), and raises
`NotFound` if it does not come and `AmbiguousTarget` if several things match.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, TypedDict, Union, Unpack

from ._channel import call, given
from .errors import InvalidParams
from .results import ActResult, Control, Hit, Launched, Point, Text, Window
from .targets import (
    RegionLike,
    Target,
    TargetLike,
    all_of,
    any_of,
    image,
    named,
    not_,
    point,
    region,
    region_to_wire,
    role,
    text,
    to_wire,
)

__all__ = [
    "PointerOptions",
    "Target",
    "all_of",
    "any_of",
    "click",
    "close",
    "controls",
    "double_click",
    "drag",
    "exists",
    "expect",
    "expect_any",
    "find",
    "find_all",
    "focus",
    "get_clipboard",
    "hold",
    "hover",
    "image",
    "launch",
    "middle_click",
    "mouse_down",
    "mouse_up",
    "named",
    "not_",
    "paste",
    "point",
    "pointer",
    "press",
    "read_table",
    "read_text",
    "region",
    "right_click",
    "role",
    "screenshot",
    "scroll",
    "set_clipboard",
    "text",
    "triple_click",
    "type_secret",
    "type_text",
    "wait_for",
    "wait_gone",
    "wait_still",
]

_SIDES = ("below", "above", "left_of", "right_of")


class PointerOptions(TypedDict, total=False):
    """What a click can be told besides its target, as keywords."""

    below: bool
    """Click beside the target, as for the field under its label; also `above` and so on."""
    above: bool
    left_of: bool
    right_of: bool
    beside: str
    """The same with the side as a word: "below", "above", "left_of", "right_of"."""
    button: str
    """"left", "middle", "right", "back" or "forward"."""
    keys: str
    """Modifiers held meanwhile, "ctrl+shift"."""
    timeout_ms: int
    """How long the target is waited for."""
    approve: str
    """A question a person must consent to first."""


def _pointer(
    method: str, target: Optional[TargetLike], options: Mapping[str, Any]
) -> ActResult:
    unknown = options.keys() - PointerOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"{method}() got an unexpected keyword argument {min(unknown)!r}")
    sides = [side for side in _SIDES if options.get(side)]
    if options.get("beside") is not None:
        sides.append(options["beside"])
    if len(sides) > 1:
        raise InvalidParams(f"{method}: one side at most, not {' and '.join(sides)}")
    plain = {name: value for name, value in options.items() if name not in _SIDES}
    plain.update(
        target=None if target is None else to_wire(target),
        beside=sides[0] if sides else None,
    )
    return ActResult.from_wire(call(method, given(**plain)))


def click(
    target: Optional[TargetLike] = None, **options: Unpack[PointerOptions]
) -> ActResult:
    """Clicks the middle of `target`, or beside it: `below=True` clicks the field under a label.

    Without a target this and the other clicks go to where the pointer is.
    """
    return _pointer("click", target, options)


def double_click(
    target: Optional[TargetLike] = None, **options: Unpack[PointerOptions]
) -> ActResult:
    """Clicks twice within the double-click time."""
    return _pointer("double_click", target, options)


def triple_click(
    target: Optional[TargetLike] = None, **options: Unpack[PointerOptions]
) -> ActResult:
    """Clicks three times."""
    return _pointer("triple_click", target, options)


def right_click(
    target: Optional[TargetLike] = None, **options: Unpack[PointerOptions]
) -> ActResult:
    """Clicks with the right button."""
    return _pointer("right_click", target, options)


def middle_click(
    target: Optional[TargetLike] = None, **options: Unpack[PointerOptions]
) -> ActResult:
    """Clicks with the middle button."""
    return _pointer("middle_click", target, options)


def mouse_down(
    target: Optional[TargetLike] = None, **options: Unpack[PointerOptions]
) -> ActResult:
    """Presses a button and keeps it down, where the pointer is if there is no target."""
    return _pointer("mouse_down", target, options)


def mouse_up(
    target: Optional[TargetLike] = None, **options: Unpack[PointerOptions]
) -> ActResult:
    """Releases a button, where the pointer is if there is no target."""
    return _pointer("mouse_up", target, options)


def hover(target: TargetLike, **options: Unpack[PointerOptions]) -> ActResult:
    """Moves the pointer there."""
    return _pointer("hover", target, options)


def drag(
    from_: TargetLike,
    to: TargetLike,
    *,
    path: Sequence[tuple[int, int]] = (),
    button: Optional[str] = None,
    keys: Optional[str] = None,
    timeout_ms: Optional[int] = None,
) -> ActResult:
    """Presses at `from_`, passes the points of `path`, releases at `to`."""
    params = {"from": to_wire(from_), "to": to_wire(to)}
    points = [list(point) for point in path] or None
    options = given(path=points, button=button, keys=keys, timeout_ms=timeout_ms)
    return ActResult.from_wire(call("drag", {**params, **options}))


def scroll(
    direction: str,
    ticks: int,
    target: Optional[TargetLike] = None,
    *,
    keys: Optional[str] = None,
    timeout_ms: Optional[int] = None,
) -> ActResult:
    """Turns the wheel `ticks` clicks "up", "down", "left" or "right", over `target` if given."""
    where = None if target is None else to_wire(target)
    options = given(target=where, keys=keys, timeout_ms=timeout_ms)
    return ActResult.from_wire(call("scroll", {"direction": direction, "ticks": ticks, **options}))


def type_text(text: str) -> ActResult:
    """Types into the window that has the keyboard; a newline is Return, a tab is Tab."""
    return ActResult.from_wire(call("type_text", {"text": text}))


def type_secret(name: str) -> ActResult:
    """Types a secret that the script never sees."""
    return ActResult.from_wire(call("type_secret", {"name": name}))


def press(keys: str) -> ActResult:
    """Presses a chord such as "ctrl+s", "alt+F4" or "Return"."""
    return ActResult.from_wire(call("press", {"keys": keys}))


def hold(keys: str, ms: int) -> ActResult:
    """Keeps a chord down for `ms`, at most 10,000."""
    return ActResult.from_wire(call("hold", {"keys": keys, "ms": ms}))


def paste(text: Optional[str] = None) -> ActResult:
    """Pastes `text`, or what the clipboard holds."""
    return ActResult.from_wire(call("paste", given(text=text)))


def get_clipboard() -> str:
    """The text on the clipboard."""
    return str(call("get_clipboard", {}))


def set_clipboard(text: str) -> ActResult:
    """Replaces the text on the clipboard."""
    return ActResult.from_wire(call("set_clipboard", {"text": text}))


def launch(app: str, args: Sequence[str] = (), *, timeout_ms: Optional[int] = None) -> Launched:
    """Starts an application of `permissions.apps` and waits for its window."""
    arguments = [args] if isinstance(args, str) else list(args)
    params = given(app=app, args=arguments or None, timeout_ms=timeout_ms)
    return Launched.from_wire(call("launch", params))


def close(window: Union[Window, Launched, int]) -> ActResult:
    """Asks a window to close, as its close button does."""
    return ActResult.from_wire(call("close", {"window": _window_id(window)}))


def focus(window: Union[Window, Launched, int]) -> ActResult:
    """Raises a window and gives it the keyboard."""
    return ActResult.from_wire(call("focus", {"window": _window_id(window)}))


def _window_id(window: Union[Window, Launched, int]) -> int:
    if isinstance(window, Launched):
        return window.window.id
    return window.id if isinstance(window, Window) else window


def wait_for(target: TargetLike, *, timeout_ms: Optional[int] = None) -> Hit:
    """Waits until `target` is there."""
    params = given(target=to_wire(target), timeout_ms=timeout_ms)
    return Hit.from_wire(call("wait_for", params))


def wait_gone(target: TargetLike, *, timeout_ms: Optional[int] = None) -> int:
    """Waits until `target` is gone; returns how many ms that took."""
    params = given(target=to_wire(target), timeout_ms=timeout_ms)
    return int(call("wait_gone", params)["ms"])


def wait_still(
    still_ms: int,
    region: Optional[RegionLike] = None,
    *,
    timeout_ms: Optional[int] = None,
) -> int:
    """Waits until nothing has changed for `still_ms`; returns how many ms that took."""
    place = region_to_wire(region)
    params = given(still_ms=still_ms, region=place, timeout_ms=timeout_ms)
    return int(call("wait_still", params)["ms"])


def exists(target: TargetLike) -> bool:
    """Whether `target` is there now, once or several times."""
    return bool(call("exists", {"target": to_wire(target)}))


def expect(target: TargetLike, *, timeout_ms: Optional[int] = None) -> Hit:
    """As `wait_for`, for what must come if the run goes well; the report shows it as a check."""
    params = given(target=to_wire(target), timeout_ms=timeout_ms)
    return Hit.from_wire(call("expect", params))


def expect_any(targets: Mapping[str, TargetLike], *, timeout_ms: Optional[int] = None) -> str:
    """Waits for the first of several targets; returns its name."""
    wire = {name: to_wire(target) for name, target in targets.items()}
    return str(call("expect_any", given(targets=wire, timeout_ms=timeout_ms)))


def read_text(
    region: Optional[RegionLike] = None,
    *,
    script: Optional[str] = None,
    as_: Optional[str] = None,
) -> Text:
    """Reads a region, or the whole screen: a string whose `lines` have their places.

    `script` is "latin" or "japanese"; the workflow's own language if left out. With `as_` "int",
    "decimal", "date" or "money" the text must be one such value, which is in `value`; `NotFound` if it
    is not. A date that could be two, such as 11/12/2026, is none.
    """
    params = given(**{"region": region_to_wire(region), "script": script, "as": as_})
    return Text.from_wire(call("read_text", params), as_)


def read_table(
    region: Optional[RegionLike] = None, *, script: Optional[str] = None
) -> list[list[str]]:
    """The rows of a table, ruled or aligned, all equally long; the first is usually the header."""
    params = given(region=region_to_wire(region), script=script)
    return [[str(cell) for cell in row] for row in call("read_table", params)]


def controls(
    region: Optional[RegionLike] = None, *, script: Optional[str] = None
) -> list[Control]:
    """The buttons, fields and check boxes in a region, told by shape and text; each is a target."""
    params = given(region=region_to_wire(region), script=script)
    return [Control.from_wire(hit) for hit in call("controls", params)]


def find(target: TargetLike) -> Hit:
    """The one match of `target`, looking once."""
    return Hit.from_wire(call("find", {"target": to_wire(target)}))


def find_all(target: TargetLike) -> list[Hit]:
    """All matches of `target`, looking once."""
    return [Hit.from_wire(hit) for hit in call("find_all", {"target": to_wire(target)})]


def pointer() -> Point:
    """Where the pointer is."""
    return Point(*call("pointer", {}))


def screenshot(name: str, region: Optional[RegionLike] = None) -> str:
    """Keeps a picture of the screen as evidence. Returns the artifact's id."""
    params = given(name=name, region=region_to_wire(region))
    return str(call("screenshot", params)["artifact"])
