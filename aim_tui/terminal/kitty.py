"""Kitty's image protocol with Unicode placeholders: an image is sent once and shown by placeholders in the text.

https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders. Every message suppresses the answer (q=2),
which would arrive among the keys.
"""

from __future__ import annotations

import base64
import io
import os
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_PLACEHOLDER = "\U0010eeee"
_CHUNK = 4096
# The protocol's diacritics for row and column numbers (hexadecimal ranges).
_MARKS = """
305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 5a8-5a9 5ab-5ac 5af
5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 735-736 73a 73d 73f-741 743 745 747
749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 953-954 f82-f83 f86-f87 135d-135f 17dd 193a 1a17 1a75-1a7c
1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 20d4-20d7 20db-20dc
20e1 20e7 20e9 20f0 2cef-2cf1 2de0-2dff a66f a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 aab7-aab8 aabe-aabf aac1
fe20-fe26 10a0f 10a38 1d185-1d189 1d1aa-1d1ad 1d242-1d244
"""


@cache
def _marks() -> str:
    marks: list[str] = []
    for span in _MARKS.split():
        first, _, last = span.partition("-")
        marks.extend(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    return "".join(marks)


#: The largest width and height of an image in cells.
LARGEST = 297

_counter = count(1)
_in_use: set[int] = set()
_free: set[int] = set()
_UNNUMBERED = "i=?,"


def take_number() -> int:
    """An image id of 24 bits, since it is encoded as the colour of placeholders.

    Its upper bits come from the process id, to avoid the ids of other programs in the same terminal.
    """
    number = _free.pop() if _free else (os.getpid() & 0xFF) << 16 | next(_counter) & 0xFFFF
    _in_use.add(number)
    return number


def release_number(number: int) -> None:
    """Allow an id to be reused; its image stays until it is replaced or removed."""
    if number in _in_use:
        _free.add(number)


def encode(pixels: Image.Image, columns: int, rows: int) -> str:
    """The sequence that sends an image and sets the cells that it covers, without an id yet."""
    buffer = io.BytesIO()
    # Fast compression: time matters more than size here.
    pixels.save(buffer, "PNG", compress_level=1)
    data = base64.standard_b64encode(buffer.getvalue()).decode("ascii")
    parts = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    heads = [f"a=T,U=1,{_UNNUMBERED}f=100,c={columns},r={rows},q=2", *["q=2"] * (len(parts) - 1)]
    return "".join(
        f"\x1b_G{head},m={int(at < len(parts))};{part}\x1b\\"
        for at, (head, part) in enumerate(zip(heads, parts, strict=True), 1)
    )


def upload(encoded: str, number: int) -> str:
    """The sequence that sends an encoded image under an id, replacing the previous one."""
    return encoded.replace(_UNNUMBERED, f"i={number},", 1)


def placeholders(row: int, columns: int) -> str:
    """The text of one line of an image; its colour must be the image's id."""
    marks = _marks()
    return "".join(f"{_PLACEHOLDER}{marks[row]}{marks[column]}" for column in range(columns))


def remove_all() -> str:
    """The sequence that deletes the images of this process; empty if there are none."""
    sequences = "".join(f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\" for number in sorted(_in_use))
    _in_use.clear()
    _free.clear()
    return sequences
