"""Parse a terminal's answers to capability queries, and keep late answers from being read as keys."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

KITTY_QUERY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
"""Checks an image of one pixel without storing it."""
CELL_SIZE_QUERY = b"\x1b[16t"
NAME_QUERY = b"\x1b[>0q"
"""XTVERSION: name and version."""
ATTRIBUTES_QUERY = b"\x1b[c"
"""DA1, which every terminal answers; it is sent last, so its answer is the last one."""

_SIXEL = 4  # the attribute of DA1

_KITTY = re.compile(rb"\x1b_Gi=31;([^\x1b]*)\x1b\\")
_CELL_SIZE = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
_NAME = re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_ANSWERS = (_KITTY, _CELL_SIZE, _NAME, _ATTRIBUTES)

# Incomplete answers: those that cannot be keys, and those that may be (Escape, Alt+[).
_PARTIAL = re.compile(rb"\x1b(_[^\x1b]{0,200}\x1b?|P[^\x1b]{0,200}\x1b?|\[\?[\d;]{0,60}|\[6(;\d{0,4}){0,2})\Z")
_AMBIGUOUS = re.compile(rb"\x1b\[?\Z")


class CellSize(NamedTuple):
    """Size of one terminal cell in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Answers:
    """The capabilities that a terminal reported; defaults if it was not queried or did not answer."""

    asked: bool = False
    complete: bool = False
    """Whether the last answer has arrived."""
    kitty: bool = False
    """Whether it supports kitty's image protocol."""
    sixel: bool = False
    cell: CellSize | None = None
    name: str = ""
    """For example 'kitty(0.39.1)'."""
    seconds: float = 0.0
    """How long the terminal took to answer."""
    problem: str = ""
    """Why the terminal was not queried, or its answer not understood; empty if it answered."""


def read_answers(data: bytes, seconds: float = 0.0) -> Answers:
    """Parse the answers in what was read from a terminal, ignoring anything between them."""
    attributes = _ATTRIBUTES.search(data)
    kitty, size, name = _KITTY.search(data), _CELL_SIZE.search(data), _NAME.search(data)
    cell = CellSize(int(size[2]), int(size[1])) if size else None
    codes = attributes[1].split(b";") if attributes else []
    problem = ""
    if attributes is None:
        problem = "its answer was not understood" if data else "it did not answer"
    return Answers(
        asked=True,
        complete=attributes is not None,
        kitty=kitty is not None and kitty[1].startswith(b"OK"),
        # The first code is the type of the terminal, where 4 means a VT132.
        sixel=str(_SIXEL).encode() in codes[1:],
        cell=cell if cell and cell.width and cell.height else None,
        name=_printable(name[1]) if name else "",
        seconds=seconds,
        problem=problem,
    )


def in_multiplexer(environ: Mapping[str, str]) -> str:
    """'tmux' or 'screen' if the terminal is one of theirs, also over SSH; otherwise ''."""
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith("tmux") or environ.get("TERM_PROGRAM") == "tmux":
        return "tmux"
    if environ.get("STY") or term.startswith("screen"):
        # Older versions of tmux use this TERM by default, too.
        return "screen"
    return ""


class LateAnswers:
    """Filters late answers from the input of a terminal that has not answered all queries yet.

    An incomplete answer is held until it is complete or `hold` seconds have passed; an ambiguous one, which may be a
    key (Escape), only for `blink` seconds. After the last answer everything passes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, hold: float = 1.0, blink: float = 0.05) -> None:
        self._clock, self._hold, self._blink = clock, hold, blink
        self._held = b""
        self._until = 0.0
        self.over = False
        """Whether the last answer has arrived."""

    @property
    def patience(self) -> float | None:
        """Seconds until `release` may return something; None if nothing is held."""
        return max(self._until - self._clock(), 0.0) if self._held else None

    def feed(self, data: bytes) -> bytes:
        """The input without the answers in it."""
        data, self._held = self._held + data, b""
        if self.over:
            return data
        if last := _ATTRIBUTES.search(data):
            self.over = True
            return _without_answers(data[: last.start()]) + data[last.end() :]
        data = _without_answers(data)
        for pattern, seconds in ((_PARTIAL, self._hold), (_AMBIGUOUS, self._blink)):
            if match := pattern.search(data):
                self._held, self._until = data[match.start() :], self._clock() + seconds
                return data[: match.start()]
        return data

    def release(self) -> bytes:
        """The held input once its time is up; an incomplete answer is dropped."""
        if not self._held or self._clock() < self._until:
            return b""
        held, self._held = self._held, b""
        return held if _AMBIGUOUS.search(held) else b""


def _without_answers(data: bytes) -> bytes:
    for pattern in _ANSWERS:
        data = pattern.sub(b"", data)
    return data


def _printable(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return "".join(char for char in text if char.isprintable())[:80]
