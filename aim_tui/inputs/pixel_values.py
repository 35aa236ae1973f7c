"""Pixels of other kinds than 8 bits, by what their values mean: the same for a file, a PIL image and an array.

16 bits are divided down to 8. Whole numbers of 32 bits (mode I) are 8-bit values where all of them are at most 255,
else 16-bit ones; numbers with a fraction (mode F) are shares of 1 where all of them are at most 1, else 8-bit values.
What is none of these is refused: nothing says what its values mean, and stretching it would make them up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

#: Modes of Pillow whose values are not 8-bit levels.
VALUE_MODES = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N", "F"})
# Modes with the colour multiplied by the transparency, and those without.
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_8_BITS, _16_BITS = 255, 65535


class PixelValueError(ValueError):
    """Values that are not an image's; the message says what they are and what is read."""


class RgbPixels(NamedTuple):
    """RGB pixels, and what was made of others to get them."""

    image: Image.Image
    flattened: str = ""
    """The colour that transparency was flattened on."""
    levels: str = ""
    """Which values were read as black to white, of a mode whose values are not 8-bit levels: '0 to 65535'."""


def to_rgb(image: Image.Image, background: str) -> RgbPixels:
    """RGB pixels of an image of any mode; PixelValueError for values that are not an image's."""
    if image.mode in VALUE_MODES:
        import numpy as np

        levels = _Levels(np.asarray(image), is_16_bit=image.mode.startswith("I;16"))
        return RgbPixels(Image.fromarray(levels.to_8_bits(in_colour=False)).convert("RGB"), "", f"0 to {levels.white}")
    if image.has_transparency_data:
        rgba = image.convert(_PREMULTIPLIED.get(image.mode, image.mode)).convert("RGBA")
        canvas = Image.new("RGBA", rgba.size, background)
        canvas.alpha_composite(rgba)
        return RgbPixels(canvas.convert("RGB"), background)
    return RgbPixels(image if image.mode == "RGB" else image.convert("RGB"))


def from_array(values: npt.NDArray[np.generic]) -> Image.Image:
    """An image of an array (height, width) or (height, width, channels) of 1, 2, 3 or 4 channels; PixelValueError else.

    uint8 and bool are levels; other whole numbers and numbers with a fraction are read as those of files are.
    """
    import numpy as np

    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.size == 0 or not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (2, 3, 4))):
        raise PixelValueError(
            f"an array of {values.dtype} {values.shape} is not an image of (height, width) or (height, width, 1 to 4)"
        )
    if values.dtype == np.bool_:
        return Image.fromarray(values.astype(np.uint8) * _8_BITS)
    if values.dtype == np.uint8:
        return Image.fromarray(np.ascontiguousarray(values))
    if values.dtype.kind not in "iuf":
        raise PixelValueError(f"an array of {values.dtype} is not an image: uint8, uint16, float and bool are read")
    levels = _Levels(values, is_16_bit=values.dtype == np.uint16)
    return Image.fromarray(levels.to_8_bits(in_colour=values.ndim == 3))


class _Levels:
    """Values of more than 8 bits, and which of them is white."""

    def __init__(self, values: npt.NDArray[np.generic], *, is_16_bit: bool) -> None:
        import numpy as np

        self._values = values
        low, high = values.min(), values.max()
        if self._has_fractions:
            if not (np.isfinite(low) and np.isfinite(high)):
                raise PixelValueError("has values that are not finite numbers")
            if low < 0 or high > _8_BITS:
                raise PixelValueError(
                    f"has values from {low:g} to {high:g}; those from 0 to 1, or from 0 to 255, are read as an image"
                )
            self.white = 1 if high <= 1 else _8_BITS
        else:
            if low < 0 or high > _16_BITS:
                raise PixelValueError(
                    f"has whole values from {low} to {high}; those from 0 to 255, or to 65535, are read as an image"
                )
            self.white = _16_BITS if is_16_bit or high > _8_BITS else _8_BITS

    @property
    def _has_fractions(self) -> bool:
        return self._values.dtype.kind == "f"

    def to_8_bits(self, *, in_colour: bool) -> Pixels:
        """The values from 0 to 255; of 16 bits in colour the upper byte, which is what Pillow reads of files."""
        import numpy as np

        if self._has_fractions:
            levels = np.rint(self._values.astype(np.float32) * (_8_BITS // self.white))
        elif self.white == _8_BITS:
            levels = self._values
        else:
            wide = self._values.astype(np.uint32)
            levels = wide >> 8 if in_colour else wide // 257
        pixels: Pixels = levels.astype(np.uint8)
        return pixels
