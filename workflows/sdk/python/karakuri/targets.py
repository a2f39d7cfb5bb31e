"""How a place on the screen is named.

A target is what one of the functions here returns, or a string: `text:"Save"` (`ocr:` means the
same), `image:save.png`, `alias:NAME` for an entry of the workflow's `[targets]`. Something that
was found (a `Hit`, `Line` or `Word`) is a target too: its rectangle.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional, Union

from .results import Hit, Line, Rect, Word


class Target:
    """What to look for and how to choose. Each method returns a new, narrower target."""

    __slots__ = ("_wire",)

    def __init__(self, wire: Mapping[str, Any]) -> None:
        self._wire = dict(wire)

    def to_wire(self) -> dict[str, Any]:
        """The object form."""
        return self._wire

    def __repr__(self) -> str:
        return f"Target({self._wire!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Target) and self._wire == other._wire

    def __hash__(self) -> int:
        return hash(repr(self._wire))

    def near(self, other: TargetLike) -> Target:
        """The one closest to `other`."""
        return self._related("near", other)

    def right_of(self, other: TargetLike) -> Target:
        """To the right of `other`, on the same line."""
        return self._related("right_of", other)

    def left_of(self, other: TargetLike) -> Target:
        """To the left of `other`, on the same line."""
        return self._related("left_of", other)

    def above(self, other: TargetLike) -> Target:
        """Higher up than `other`, in the same column."""
        return self._related("above", other)

    def below(self, other: TargetLike) -> Target:
        """Lower down than `other`, in the same column."""
        return self._related("below", other)

    def inside(self, other: TargetLike) -> Target:
        """Within the rectangle of `other`."""
        return self._related("inside", other)

    def nth(self, index: int) -> Target:
        """Number `index` of several matches, counted from 0 in reading order."""
        return Target({**self._wire, "nth": index})

    def offset(self, dx: int, dy: int) -> Target:
        """Act this many pixels away from the middle."""
        return Target({**self._wire, "offset": [dx, dy]})

    def confidence(self, least: float) -> Target:
        """Only what is found with at least this confidence, 0 to 1."""
        return Target({**self._wire, "confidence": least})

    def _related(self, relation: str, other: TargetLike) -> Target:
        relations = [*self._wire.get("relations", []), {relation: to_wire(other)}]
        return Target({**self._wire, "relations": relations})


TargetLike = Union[str, Target, Hit, Line, Word]


def to_wire(target: TargetLike) -> Union[str, dict[str, Any]]:
    """The form in which a target is sent."""
    if isinstance(target, str):
        return target
    if isinstance(target, Target):
        return target.to_wire()
    if isinstance(target, (Hit, Line, Word)):
        return {"find": {"region": list(target.rect)}}
    raise TypeError(f"{target!r} is not a target: use text(), image(), point()… or a string")


def text(value: str, match: Optional[str] = None, distance: Optional[int] = None) -> Target:
    """Visible text.

    `match` is "exact" (a whole line or whole words of one; the default), "contains", "regex" or
    "fuzzy" with at most `distance` edits. Width of letters and runs of spaces do not matter.
    """
    return Target({"find": {"text": _given(value=value, match=match, distance=distance)}})


def image(name: str, threshold: Optional[float] = None, margin: Optional[float] = None) -> Target:
    """A picture from the workflow's `images/` directory.

    `threshold` is the least likeness, 0.97 if left out, where 1 is the same pixels; `margin` how
    far the best match must lead, 0.02 if left out.
    """
    return Target({"find": {"image": _given(name=name, threshold=threshold, margin=margin)}})


def role(role: str, name: Optional[str] = None, match: Optional[str] = None) -> Target:
    """A thing by what it is for: `role("button", "Save")`, `role("window", "Print")`.

    Roles are "button", "field", "check_box", "radio_button", "combo_box", "slider", "link",
    "menu_item", "tab", "list_item", "cell", "label", "heading", "image" and "window", whose name is
    its title. The application says what is there; buttons, fields and check boxes of one that does
    not are told by their looks. `match` compares the name as `text()` does; exact means all of it.
    """
    return Target({"find": {"role": _given(role=role, name=name, match=match)}})


def point(x: int, y: int) -> Target:
    """A pixel."""
    return Target({"find": {"point": [x, y]}})


def region(left: int, top: int, width: int, height: int) -> Target:
    """A rectangle."""
    return Target({"find": {"region": [left, top, width, height]}})


def named(name: str) -> Target:
    """An entry of the workflow's `[targets]`."""
    return Target({"find": {"named": name}})


def any_of(*targets: TargetLike) -> Target:
    """The first of these that is found."""
    return Target({"find": {"any_of": [to_wire(target) for target in targets]}})


def all_of(*targets: TargetLike) -> Target:
    """The place where all of these overlap."""
    return Target({"find": {"all_of": [to_wire(target) for target in targets]}})


def not_(target: TargetLike) -> Target:
    """Holds while `target` is not found."""
    return Target({"find": {"not": to_wire(target)}})


RegionLike = Union[Target, Hit, Line, Word, Rect, "tuple[int, int, int, int]"]


def region_to_wire(place: Optional[RegionLike]) -> Optional[list[int]]:
    """The rectangle that `place` names; None is the whole screen."""
    if place is None:
        return None
    if isinstance(place, (Hit, Line, Word)):
        return list(place.rect)
    if isinstance(place, Target):
        rect = place.to_wire()["find"].get("region")
        if rect is None or len(place.to_wire()) > 1:
            raise TypeError("a place to read is a plain region(left, top, width, height)")
        return list(rect)
    return list(place)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
