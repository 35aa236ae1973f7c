"""What terminals answer when they are asked what they can do: reading the answers, and keeping late ones from keys."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KITTY_QUERY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
"""Take this image of one pixel, but keep it not."""
CELL_SIZE_QUERY = b"\x1b[16t"
NAME_QUERY = b"\x1b[>0q"
"""XTVERSION: name and version."""
ATTRIBUTES_QUERY = b"\x1b[c"
"""DA1, which every terminal answers; it comes last, so its answer says that no other is to come."""

_SIXEL = 4  # the attribute of DA1

_KITTY = re.compile(rb"\x1b_Gi=31;([^\x1b]*)\x1b\\")
_CELL_SIZE = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
_NAME = re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_ANSWERS = (_KITTY, _CELL_SIZE, _NAME, _ATTRIBUTES)

# The beginnings of answers: such as only a broken key would have, and such as are keys themselves (Escape, Alt+[).
_BEGUN = re.compile(rb"\x1b(_[^\x1b]{0,200}\x1b?|P[^\x1b]{0,200}\x1b?|\[\?[\d;]{0,60}|\[6(;\d{0,4}){0,2})\Z")
_PERHAPS = re.compile(rb"\x1b\[?\Z")


class CellSize(NamedTuple):
    """Size of one terminal cell in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Answers:
    """What a terminal said of itself; where it was not asked or said nothing, what is known without it."""

    asked: bool = False
    complete: bool = False
    """Whether the answer came after which there is no other."""
    kitty: bool = False
    """Whether it takes images by kitty's protocol."""
    sixel: bool = False
    cell: CellSize | None = None
    name: str = ""
    """Such as 'kitty(0.39.1)'."""
    seconds: float = 0.0
    """How long it took."""
    problem: str = ""
    """Why the terminal was not asked or is not understood; empty where it answered."""


def read_answers(data: bytes, seconds: float = 0.0) -> Answers:
    """The answers in what came from a terminal, whatever lies between them."""
    attributes = _ATTRIBUTES.search(data)
    kitty, size, name = _KITTY.search(data), _CELL_SIZE.search(data), _NAME.search(data)
    cell = CellSize(int(size[2]), int(size[1])) if size else None
    codes = attributes[1].split(b";") if attributes else []
    problem = ""
    if attributes is None:
        problem = "its answer is not understood" if data else "it did not answer"
    return Answers(
        asked=True,
        complete=attributes is not None,
        kitty=kitty is not None and kitty[1].startswith(b"OK"),
        # The first is the kind of terminal, and 4 there would be a VT132.
        sixel=str(_SIXEL).encode() in codes[1:],
        cell=cell if cell and cell.width and cell.height else None,
        name=_words(name[1]) if name else "",
        seconds=seconds,
        problem=problem,
    )


def in_multiplexer(environ: Mapping[str, str]) -> str:
    """'tmux' or 'screen' where the terminal is one of theirs, also over SSH; empty where it is none."""
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith("tmux") or environ.get("TERM_PROGRAM") == "tmux":
        return "tmux"
    if environ.get("STY") or term.startswith("screen"):
        # tmux too calls itself so, by its own default of old.
        return "screen"
    return ""


class LateAnswers:
    """Takes answers out of what is typed, for a terminal that was asked and has not answered yet.

    What has begun as an answer is held until it is whole or `hold` seconds have passed; what may as well be a key
    (Escape), for a blink. Once the last answer is seen everything passes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, hold: float = 1.0, blink: float = 0.05) -> None:
        self._clock, self._hold, self._blink = clock, hold, blink
        self._held = b""
        self._until = 0.0
        self.over = False
        """Whether the last answer has come."""

    @property
    def patience(self) -> float | None:
        """Seconds until `release` has something to give; None where nothing is held."""
        return max(self._until - self._clock(), 0.0) if self._held else None

    def feed(self, data: bytes) -> bytes:
        """What is left of the input when answers are taken out."""
        data, self._held = self._held + data, b""
        if self.over:
            return data
        if last := _ATTRIBUTES.search(data):
            self.over = True
            return _without_answers(data[: last.start()]) + data[last.end() :]
        data = _without_answers(data)
        for pattern, seconds in ((_BEGUN, self._hold), (_PERHAPS, self._blink)):
            if begun := pattern.search(data):
                self._held, self._until = data[begun.start() :], self._clock() + seconds
                return data[: begun.start()]
        return data

    def release(self) -> bytes:
        """What was held in vain, where its time is up; an answer that broke off is dropped."""
        if not self._held or self._clock() < self._until:
            return b""
        held, self._held = self._held, b""
        return held if _PERHAPS.search(held) else b""


def _without_answers(data: bytes) -> bytes:
    for pattern in _ANSWERS:
        data = pattern.sub(b"", data)
    return data


def _words(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return "".join(char for char in text if char.isprintable())[:80]
