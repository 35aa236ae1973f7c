"""Texts hidden in the lowest bits of pixels, as NovelAI and the 'stealth' extensions of A1111 write them.

Bits run down the columns: of alpha alone, or of red, green and blue. A signature comes first, then the length in bits,
then the text, as it is or gzipped.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aim_tui.inputs.prompts.encodings import text_of

_SIGNATURES = {
    b"stealth_pnginfo": ("A", False),
    b"stealth_pngcomp": ("A", True),
    b"stealth_rgbinfo": ("RGB", False),
    b"stealth_rgbcomp": ("RGB", True),
}
_HEAD = 15 * 8
_LONGEST = 4 << 20
_MOST_PIXELS = 100_000_000


def hidden_text(path: str) -> str:
    """The text in an image's pixels, or an empty one; only lossless formats can hold it."""
    with Image.open(path, formats=("PNG", "WEBP")) as image:
        if image.width * image.height > _MOST_PIXELS or image.mode not in ("RGBA", "RGB"):
            return ""
        pixels = np.asarray(image)
    if pixels.shape[2] == 4 and (text := _read(pixels[:, :, 3:], "A")):
        return text
    return _read(pixels[:, :, :3], "RGB")


def _read(pixels: NDArray[np.uint8], channels: str) -> str:
    head = _bytes(pixels, 0, _HEAD + 32)
    known = _SIGNATURES.get(head[:15])
    if known is None or known[0] != channels or len(head) < 19:
        return ""
    size = int.from_bytes(head[15:19], "big")
    if size > 8 * _LONGEST:
        return ""
    data = _bytes(pixels, _HEAD + 32, size)
    if known[1]:
        inflater = zlib.decompressobj(wbits=31)
        try:
            data = inflater.decompress(data, _LONGEST)
        except zlib.error:
            return ""
    return text_of(data)


def _bytes(pixels: NDArray[np.uint8], start: int, count: int) -> bytes:
    """`count` bits from `start` on, down the columns."""
    rows, bands = pixels.shape[0], pixels.shape[2]
    columns = -(-(start + count) // (rows * bands))
    bits = (pixels[:, :columns] & 1).swapaxes(0, 1).reshape(-1)[start : start + count]
    return np.packbits(bits[: len(bits) // 8 * 8]).tobytes()
