"""What calls answer: immutable values. All places are in physical pixels from the top left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Mapping, NamedTuple, Optional, Union


class Point(NamedTuple):
    """One pixel."""

    x: int
    y: int


class Rect(NamedTuple):
    """A rectangle."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """One past the last column."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """One past the last row."""
        return self.top + self.height

    @property
    def center(self) -> Point:
        """The middle pixel."""
        return Point(self.left + self.width // 2, self.top + self.height // 2)


@dataclass(frozen=True)
class Hit:
    """A thing that was found: its box, the pixel an act goes to, and why it counts as found."""

    rect: Rect
    at: Point
    text: Optional[str]
    confidence: float
    via: str

    @classmethod
    def from_wire(cls, hit: Mapping[str, Any]) -> Hit:
        return cls(
            Rect(*hit["rect"]), Point(*hit["at"]), hit.get("text"), hit["confidence"], hit["via"]
        )


@dataclass(frozen=True)
class Control(Hit):
    """A thing that can be operated; `text` is a button's text or the label of a field or check box.

    `role` is one of those of `role()`; `via` is "role" where the application says so and "image"
    where it is told by its looks; `checked` is None for what is not on or off; `value` is the text
    in a field.
    """

    role: str
    checked: Optional[bool]
    value: Optional[str]

    @classmethod
    def from_wire(cls, hit: Mapping[str, Any]) -> Control:
        return cls(
            **vars(Hit.from_wire(hit)),
            role=hit["role"],
            checked=hit.get("checked"),
            value=hit.get("value"),
        )


class Money(NamedTuple):
    """An amount and its currency (ISO 4217), None where none stands there."""

    amount: Decimal
    currency: Optional[str]


@dataclass(frozen=True)
class Word:
    """A word of a line."""

    rect: Rect
    text: str
    confidence: float

    @classmethod
    def from_wire(cls, word: Mapping[str, Any]) -> Word:
        return cls(Rect(*word["rect"]), word["text"], word["confidence"])


@dataclass(frozen=True)
class Line:
    """A line of text, its words from left to right."""

    rect: Rect
    text: str
    confidence: float
    words: tuple[Word, ...]

    @classmethod
    def from_wire(cls, line: Mapping[str, Any]) -> Line:
        words = tuple(Word.from_wire(word) for word in line["words"])
        return cls(Rect(*line["rect"]), line["text"], line["confidence"], words)


Value = Union[int, Decimal, date, Money]


class Text(str):
    """What was read, lines joined by newlines; `lines` has their places.

    `value` is what it means where a kind was asked for with `as_`: an int, a Decimal, a date, Money.
    """

    lines: tuple[Line, ...]
    value: Optional[Value]

    @classmethod
    def from_wire(cls, read: Mapping[str, Any], kind: Optional[str] = None) -> Text:
        text = cls(read["text"])
        text.lines = tuple(Line.from_wire(line) for line in read["lines"])
        text.value = None if kind is None else _value(read["value"], kind)
        return text


@dataclass(frozen=True)
class Window:
    """A window of an application; `rect` is without its frame."""

    id: int
    title: str
    cls: str
    rect: Rect
    focused: bool

    @classmethod
    def from_wire(cls, window: Mapping[str, Any]) -> Window:
        return cls(
            window["id"],
            window["title"],
            window["class"],
            Rect(*window["rect"]),
            window["focused"],
        )


@dataclass(frozen=True)
class ActResult:
    """What an act did.

    `effect` is "confirmed", "unverifiable", "suspected_noop" (nothing changed on the screen) or
    "refused"; `at` is None for the keyboard; `changed` is the rectangle that changed.
    """

    effect: str
    via: str
    at: Optional[Point]
    ms: int
    changed: Optional[Rect]

    @classmethod
    def from_wire(cls, act: Mapping[str, Any]) -> ActResult:
        return cls(**_act(act))


@dataclass(frozen=True)
class Launched(ActResult):
    """What starting an application did, and the window that came."""

    window: Window

    @classmethod
    def from_wire(cls, act: Mapping[str, Any]) -> Launched:
        return cls(**_act(act), window=Window.from_wire(act["window"]))


def _value(value: Any, kind: str) -> Value:
    if kind == "money":
        return Money(Decimal(value["amount"]), value["currency"])
    if kind == "date":
        return date.fromisoformat(value)
    return Decimal(value) if kind == "decimal" else int(value)


def _act(act: Mapping[str, Any]) -> dict[str, Any]:
    at, changed = act["at"], act["changed"]
    return {
        "effect": act["effect"],
        "via": act["via"],
        "at": None if at is None else Point(*at),
        "ms": act["ms"],
        "changed": None if changed is None else Rect(*changed),
    }
