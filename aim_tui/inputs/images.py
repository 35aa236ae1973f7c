"""How an image file becomes RGB pixels, safely: every way a file can be bad is an expected input."""

from __future__ import annotations

import hashlib
import io
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from aim_tui.core.scoring.events import ImageFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aim_tui.core.scoring.jobs import ReadingPolicy

#: What the program offers to score; a file of another name is opened when it is named outright.
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

# Formats that Pillow decodes by itself. Those that start another program (EPS runs Ghostscript) stay out.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")
_ORIENTATION = 0x0112
# Orientations that turn an image by a quarter, or mirror it along a diagonal.
_ON_THEIR_SIDE = range(5, 9)

# Pillow warns of what it goes on to decode or to refuse; the facts and reasons below say it better. Once for
# the process, since warnings.catch_warnings is not safe in the decoding threads.
warnings.filterwarnings("ignore", module=r"PIL\.")


class ImageError(Exception):
    """An image that cannot be used; the text says why, without the path."""


class DamagedError(ImageError):
    """An image whose bytes do not make one: broken, or not written to its end yet."""


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """An RGB image of mode 'RGB' and the facts that were seen on the way."""

    pixels: Image.Image
    facts: ImageFacts


def read_image(path: str, policy: ReadingPolicy, draft: tuple[int, int] | None = None) -> LoadedImage:
    """Read a file once and decode its first frame to RGB by `policy`; ImageError says why it cannot be.

    With `draft`, the size of a box, a JPEG that is far larger is decoded at a half, a quarter or an eighth: several
    times faster, with other pixels. Good for looking at it, never for a number. The facts tell of the whole image.
    """
    data = _read_bytes(path, policy.max_bytes)
    with _opened(path, data, policy) as image:
        return _decode(image, data, policy, draft)


def open_image(path: str, policy: ReadingPolicy) -> str:
    """The SHA-256 of a file that begins as an image within the limits; ImageError where it does not.

    No pixel is decoded: damage further on is found by `read_image` alone.
    """
    data = _read_bytes(path, policy.max_bytes)
    with _opened(path, data, policy) as image:
        _check_size(image, policy)
    return hashlib.sha256(data).hexdigest()


@contextmanager
def _opened(path: str, data: bytes, policy: ReadingPolicy) -> Iterator[Image.Image]:
    """The image in these bytes; whatever is wrong with it, also within the block, is an ImageError."""
    try:
        # Pillow's own limit, which raises at twice its value, also covers frames larger than their canvas.
        Image.MAX_IMAGE_PIXELS = policy.max_pixels
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            yield image
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise DamagedError(_not_an_image(path, data)) from None
    except Image.DecompressionBombError:
        raise ImageError(f"too many pixels (the limit is {_megapixels(policy.max_pixels)})") from None
    except MemoryError:
        raise ImageError("not enough memory to decode it") from None
    except Exception as error:  # decoders raise nearly anything on hostile bytes: all of it is a bad file
        raise DamagedError(f"cannot be decoded: {_brief(error)}") from error


def _read_bytes(path: str, limit: int) -> bytes:
    file = Path(path)
    try:
        if file.is_dir():
            raise ImageError("is a folder, not an image")
        if not file.is_file() and file.exists():
            raise ImageError("is not a regular file")
        with file.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError:
        raise ImageError("no such file") from None
    except PermissionError:
        raise ImageError("no permission to read it") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"cannot be read: {_brief(error)}") from None
    if not data:
        raise DamagedError("is empty (0 bytes)")
    if len(data) > limit:
        raise ImageError(f"is larger than the limit of {limit / 2**20:.0f} MiB")
    return data


def _check_size(image: Image.Image, policy: ReadingPolicy) -> None:
    width, height = image.size
    if width * height > policy.max_pixels:
        raise ImageError(
            f"{width} x {height} is {_megapixels(width * height)}, over the limit of {_megapixels(policy.max_pixels)}"
        )


def _decode(image: Image.Image, data: bytes, policy: ReadingPolicy, draft: tuple[int, int] | None) -> LoadedImage:
    _check_size(image, policy)
    width, height = image.size
    file_format, mode = image.format or "", image.mode
    frames = int(getattr(image, "n_frames", 1))
    image.seek(0)
    if draft is not None:
        image.draft(None, draft)
    image.load()
    rotated = False
    if policy.exif == "rotate" and (turn := image.getexif().get(_ORIENTATION, 1)) not in (0, 1):
        image = ImageOps.exif_transpose(image)
        rotated = True
        if turn in _ON_THEIR_SIDE:
            width, height = height, width
    rgb, flattened = _to_rgb(image, policy.background)
    facts = ImageFacts(
        width=rgb.width if draft is None else width,
        height=rgb.height if draft is None else height,
        format=file_format,
        mode=mode,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        exif_rotated=rotated,
        flattened=flattened,
        frames=frames,
    )
    return LoadedImage(rgb, facts)


def _to_rgb(image: Image.Image, background: str) -> tuple[Image.Image, str]:
    """RGB pixels, and the colour that transparency was flattened on ('' where there was none)."""
    if image.mode in ("I", "I;16", "I;16L", "I;16B", "F"):
        return _sixteen_bit(image).convert("RGB"), ""
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        canvas = Image.new("RGBA", rgba.size, background)
        canvas.alpha_composite(rgba)
        return canvas.convert("RGB"), background
    return image if image.mode == "RGB" else image.convert("RGB"), ""


def _sixteen_bit(image: Image.Image) -> Image.Image:
    """Greyscale of more than 8 bits to 8 bits by its declared depth; Pillow's own convert clips at 255 instead."""
    if image.mode == "F":
        low, high = image.getextrema()
        span = float(high) - float(low)  # type: ignore[arg-type]  # one band: a pair of numbers
        scale = 255.0 / span if span > 0 else 0.0
        return image.point(lambda value: value * scale - float(low) * scale).convert("L")  # type: ignore[arg-type]
    wide = image.convert("I")
    return wide.point(lambda value: value * (1 / 257)).convert("L")


def _not_an_image(path: str, data: bytes) -> str:
    suffix = Path(path).suffix.lower()
    claim = f"named {suffix} but " if suffix in SUFFIXES else ""
    text = data[:512]
    looks_like_text = b"\0" not in text and all(byte >= 32 or byte in b"\t\r\n\f" for byte in text)
    return f"{claim}holds text, not an image" if looks_like_text else f"{claim}is not an image that can be read"


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:.0f} megapixels"


def _brief(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
