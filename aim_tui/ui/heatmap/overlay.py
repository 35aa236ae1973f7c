"""A map drawn over its image: on the screen at the pane's size, in a file at the image's own."""

from __future__ import annotations

import io
import os
from array import array
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from aim_tui.core.cividis import colour
from aim_tui.core.heatmaps import Map
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.errors import UsageError
from aim_tui.exports.atomic_write import write_whole
from aim_tui.inputs.images import ImageError, read_image
from aim_tui.ui.widgets.picture import Box, Picture, read_picture

_LEVELS = 256
_PALETTE = bytes(part for level in range(_LEVELS) for part in colour(level / (_LEVELS - 1)))


def overlaid(pixels: Image.Image, found: Map, opacity: float) -> Image.Image:
    """The image in grey with the map's colours over it; 0 is the darkest and the map's largest number the brightest.

    What lies outside the map's area stays grey: the model never saw it.
    """
    width, height = pixels.size
    grey = ImageOps.grayscale(pixels).convert("RGB")
    left, top, right, bottom = found.area
    corner = round(left * width), round(top * height)
    size = max(round(right * width) - corner[0], 1), max(round(bottom * height) - corner[1], 1)
    colours = Image.new("RGB", pixels.size)
    colours.paste(_coloured(found, size), corner)
    weight = Image.new("L", pixels.size, 0)
    weight.paste(round(255 * opacity), (*corner, corner[0] + size[0], corner[1] + size[1]))
    return Image.composite(colours, grey, weight)


def _coloured(found: Map, size: tuple[int, int]) -> Image.Image:
    numbers = array("f", (number for row in found.grid for number in row))
    grid = Image.frombytes("F", (found.columns, len(found.grid)), numbers.tobytes())
    scale = (_LEVELS - 1) / found.high if found.high > 0 else 0.0
    levels = grid.resize(size, Image.Resampling.BILINEAR).point(lambda number: number * scale + 0.5).convert("L")
    levels.putpalette(_PALETTE)
    return levels.convert("RGB")


class Overlay:
    """Reads pictures for a preview with a map over them. It is called in the preview's threads."""

    def __init__(self) -> None:
        self.map: Map | None = None
        self.opacity = 0.6
        self.shown = True
        self._base: Picture | None = None

    def __call__(self, path: str, box: Box, policy: ReadingPolicy, known: Picture | None) -> Picture:
        """The picture as it is to be seen now; the file is decoded once for all maps and opacities."""
        base, found = self._base, self.map
        same = base is not None and (base.path, base.box) == (path, box)
        base = self._base = read_picture(path, box, policy, base if same else None)
        if base.pixels is None or found is None or not self.shown:
            # A copy: the preview takes the very picture that it knows for one that need not be shown again.
            return replace(base)
        return replace(base, pixels=overlaid(base.pixels, found, self.opacity))


# -- files -----------------------------------------------------------------------------------------------------------


def suggested_path(image: str, found: Map) -> Path:
    """A name that is free, in a folder beside the images: in their own it would be listed among them."""
    source = Path(image)
    folder, stem = source.parent / "heatmaps", f"{source.stem}_{found.method}"
    path, number = folder / f"{stem}.png", 1
    while os.path.exists(path):
        number += 1
        path = folder / f"{stem}_{number}.png"
    return path


def png_problem(text: str, image: str) -> str:
    """Why no overlay of this image can be written to a path, or an empty text. One missing folder is made."""
    if not text:
        return "a file name is needed"
    path = Path(os.path.expanduser(text))
    if path.suffix.lower() != ".png":
        return "the name must end in .png"
    if os.path.isdir(path):
        return f"{path} is a folder"
    if os.path.exists(path) and path.samefile(image):
        return "that is the image itself"
    folder = path.parent if os.path.exists(path.parent) else path.parent.parent
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    return "" if os.access(folder, os.W_OK) else f"no permission to write in {folder}"


def save_overlay(path: Path, image: str, policy: ReadingPolicy, found: Map, opacity: float) -> None:
    """Write the image at its full size under the map; the file appears whole or not at all, and says what it shows.

    AimError where the image cannot be read or the file not be written.
    """
    try:
        pixels = read_image(image, policy).pixels
    except ImageError as error:
        raise UsageError(f"{image}: {error}", "choose another image") from None
    if pixels.size != (found.width, found.height):
        raise UsageError(f"{image} has changed since its map was made", "make the map again")
    said = PngInfo()
    for name, text in _facts(found, opacity).items():
        said.add_itxt(name, text)
    stream = io.BytesIO()
    overlaid(pixels, found, opacity).save(stream, "PNG", pnginfo=said)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {path.parent} cannot be made: {error.strerror}", "name another file") from None
    write_whole(path, stream.getvalue())


def _facts(found: Map, opacity: float) -> dict[str, str]:
    facts = {
        "Title": f"aim-tui {found.method} map",
        "Method": found.how,
        "Scale": f"cividis, 0 to {found.high:.5g}, opacity {opacity:.0%}",
    }
    if found.text:
        facts["Words"] = found.text.encode("utf-8", "replace").decode("utf-8")
    if found.score is not None:
        facts["Score"] = f"{found.score:.6f}"
    return facts
