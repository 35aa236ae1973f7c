"""An image made ready for a pane: read, resized to the pane's exact box, with what there is to say about it.

Everything here may run in a thread; a file that cannot be read becomes a picture that says why.
"""

from __future__ import annotations

import colorsys
from collections import Counter, OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

from PIL import Image

from aim_tui.core.scoring.events import ImageFacts
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import printable
from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.inputs.images import ImageError, read_image

_CACHED_PICTURES = 64
_CACHED_BYTES = 64 * 1024 * 1024


class Box(NamedTuple):
    """The room for an image, in dots, and how large a dot is (only the ratio of the two matters)."""

    columns: int
    rows: int
    dot_width: float = 1.0
    dot_height: float = 1.0

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The largest size in dots that keeps the shape of a `width` x `height` image; at least one dot."""
        scale = min(self.columns * self.dot_width / width, self.rows * self.dot_height / height)
        columns = round(width * scale / self.dot_width)
        rows = round(height * scale / self.dot_height)
        return min(max(columns, 1), self.columns), min(max(rows, 1), self.rows)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image at the size of its box, or the reason why there is none."""

    path: str
    box: Box
    pixels: Image.Image | None = None
    facts: ImageFacts | None = None
    colours: tuple[str, ...] = ()
    problem: str = ""
    file: FileIdentity | None = None
    """Which file it was: another one is another picture."""
    encoded: str = ""
    """What the pane sends to the terminal for it, where that is more than cells."""


def read_picture(
    path: str, box: Box, policy: ReadingPolicy, known: Picture | None = None, *, draft: bool = False
) -> Picture:
    """Read and resize an image; `known` is given back while its file is unchanged. Never raises for a bad file.

    A `draft` is decoded small where its format can do that: quicker, and good enough for a thumbnail.
    """
    file = FileIdentity.of(path)
    if known is not None and file is not None and known.file == file:
        return known
    try:
        # Twice the box, whichever way up the image is, leaves the resize below something to work with.
        loaded = read_image(path, policy, (2 * max(box[:2]),) * 2 if draft else None)
        size = box.fit(*loaded.pixels.size)
        # reducing_gap shrinks by whole steps first: several times faster on large images, and no eye can tell.
        pixels = loaded.pixels.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        return Picture(path, box, pixels, loaded.facts, colour_words(pixels), file=file)
    except ImageError as error:
        return Picture(path, box, problem=str(error), file=file)
    except Exception as error:  # whatever a hostile file does to a resize, the pane says so and the app goes on
        return Picture(path, box, problem=f"cannot be shown: {error or type(error).__name__}", file=file)


def facts_line(facts: ImageFacts) -> str:
    """Size, format and weight in one line."""
    return printable(f"{facts.width} x {facts.height}  {facts.format}  {facts.mode}  {_weight(facts.bytes)}")


def notes_line(facts: ImageFacts) -> str:
    """What was done to the image to read it, empty where nothing was."""
    notes = []
    if facts.exif_rotated:
        notes.append("turned as its EXIF says")
    if facts.flattened:
        notes.append(f"transparency on {facts.flattened}")
    if facts.frames > 1:
        notes.append(f"first of {facts.frames} frames")
    return printable(", ".join(notes))


def colour_words(pixels: Image.Image, most: int = 3) -> tuple[str, ...]:
    """The dominant colours in words, most common first: for terminals that cannot show the image."""
    dots = pixels.convert("RGB").resize((16, 16), Image.Resampling.BOX).tobytes()
    names = Counter(_colour_word(dots[at], dots[at + 1], dots[at + 2]) for at in range(0, len(dots), 3))
    return tuple(name for name, count in names.most_common(most) if count * 10 >= 16 * 16)


class PictureCache:
    """The pictures used last, bounded in number and bytes; any thread may use it."""

    def __init__(self, pictures: int = _CACHED_PICTURES, size: int = _CACHED_BYTES) -> None:
        self._most, self._most_bytes = pictures, size
        self._bytes = 0
        self._pictures: OrderedDict[tuple[str, Box], Picture] = OrderedDict()
        self._lock = Lock()

    def get(self, path: str, box: Box) -> Picture | None:
        """The picture of a path for a box, where it is still there."""
        with self._lock:
            picture = self._pictures.get((path, box))
            if picture is not None:
                self._pictures.move_to_end((path, box))
            return picture

    def put(self, picture: Picture) -> None:
        """Keep a picture, at the cost of the ones unused for longest."""
        key = (picture.path, picture.box)
        with self._lock:
            old = self._pictures.pop(key, None)
            self._bytes += _bytes(picture) - (_bytes(old) if old else 0)
            self._pictures[key] = picture
            while len(self._pictures) > 1 and (len(self._pictures) > self._most or self._bytes > self._most_bytes):
                _, dropped = self._pictures.popitem(last=False)
                self._bytes -= _bytes(dropped)

    def __len__(self) -> int:
        return len(self._pictures)


def _bytes(picture: Picture) -> int:
    return picture.pixels.width * picture.pixels.height * 3 + len(picture.encoded) if picture.pixels else 0


def _weight(size: int) -> str:
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.0f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MiB"


_HUES = ((15, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (195, "teal"), (260, "blue"), (330, "purple"))


def _colour_word(red: int, green: int, blue: int) -> str:
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if value < 0.2:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.85 else "grey"
    name = next((name for upto, name in _HUES if hue * 360 < upto), "red")
    if name in ("red", "orange") and value < 0.6:
        return "brown"
    return f"dark {name}" if value < 0.45 else f"light {name}" if saturation < 0.4 and value > 0.75 else name
