"""Decode image files to RGB pixels, safely: every kind of bad file is an expected input."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from aim_tui.core.scoring.events import ImageFacts
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.inputs.damaged_files import reason_of_damage, without_damage
from aim_tui.inputs.icc_profiles import profile_name
from aim_tui.inputs.image_formats import FORMATS, SUFFIXES, UNREAD_SUFFIXES, register_plugins, unread_hint
from aim_tui.inputs.pixel_values import PixelValueError, to_rgb

_ORIENTATION = 0x0112
_TURNS = range(2, 9)
# Orientations that swap width and height.
_TRANSPOSED = range(5, 9)
# What takes each orientation back.
_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}

# Pillow's warnings add nothing to the facts and errors below. Silenced for the whole process, since
# warnings.catch_warnings is not safe in the decoding threads.
warnings.filterwarnings("ignore", module=r"PIL\.")


class ImageError(Exception):
    """An image that cannot be used; the message gives the reason, without the path."""


class DamagedError(ImageError):
    """A file whose bytes are not a complete image: damaged, or still being written."""


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """An image in mode 'RGB', and facts about its file."""

    pixels: Image.Image
    facts: ImageFacts


def read_image(path: str, policy: ReadingPolicy, draft: tuple[int, int] | None = None) -> LoadedImage:
    """Read a file once and decode its first frame to RGB by `policy`; raises ImageError.

    With `draft`, the size of a box, a much larger JPEG is decoded at 1/2, 1/4 or 1/8 of its size: several
    times faster, but with different pixels. For display only, never for a score. The facts are those of the full image.
    """
    data = _read_bytes(path, policy.max_bytes)
    try:
        with _opened(path, data, policy) as image:
            return _decode(image, data, policy, draft)
    except DamagedError as error:
        if (repaired := without_damage(data)) is None:
            raise _explained(error, data) from None
        try:
            with _opened(path, repaired.data, policy) as image:
                return _decode(image, data, policy, draft, repaired.damage)
        except DamagedError as further:
            raise _explained(further, data) from None


def open_image(path: str, policy: ReadingPolicy) -> str:
    """The SHA-256 of a file with a valid image header and size; raises ImageError.

    No pixel is decoded: only `read_image` detects damage further on.
    """
    data = _read_bytes(path, policy.max_bytes)
    try:
        with _opened(path, data, policy) as image:
            _check_size(image, policy)
    except DamagedError as error:
        if (repaired := without_damage(data)) is None:
            raise _explained(error, data) from None
        with _opened(path, repaired.data, policy) as image:
            _check_size(image, policy)
    return hashlib.sha256(data).hexdigest()


@contextmanager
def _opened(path: str, data: bytes, policy: ReadingPolicy) -> Iterator[Image.Image]:
    """The image in these bytes; any error, also from within the block, becomes an ImageError."""
    try:
        # Pillow's own limit, which raises at twice its value, also covers frames larger than their canvas.
        Image.MAX_IMAGE_PIXELS = policy.max_pixels
        register_plugins()
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            yield image
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise DamagedError(_not_an_image(path, data)) from None
    except Image.DecompressionBombError:
        raise ImageError(f"too many pixels (the limit is {_megapixels(policy.max_pixels)})") from None
    except MemoryError:
        raise ImageError("not enough memory to decode it") from None
    except Exception as error:  # decoders raise nearly anything on hostile bytes: it always means a bad file
        raise DamagedError(f"cannot be decoded: {_brief(error)}") from error


def _read_bytes(path: str, limit: int) -> bytes:
    file = Path(path)
    try:
        if os.path.isdir(file):
            raise ImageError("is a folder, not an image")
        if not os.path.isfile(file) and os.path.exists(file):
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


def _decode(
    image: Image.Image, data: bytes, policy: ReadingPolicy, draft: tuple[int, int] | None, damage: str = ""
) -> LoadedImage:
    _check_size(image, policy)
    width, height = image.size
    file_format, mode = image.format or "", image.mode
    frames = int(getattr(image, "n_frames", 1))
    image.seek(0)
    if draft is not None:
        image.draft(None, draft)
    profile = image.info.get("icc_profile")
    turn = image.getexif().get(_ORIENTATION, 1)
    turned = image.format == "TIFF"  # Pillow turns these itself while it decodes them
    image.load()
    rotated = policy.exif == "rotate" and turn in _TURNS
    if turned and turn in _TURNS and not rotated:
        image = image.transpose(_BACK[turn])
        if turn in _TRANSPOSED:
            width, height = height, width
    elif rotated and not turned:
        image = ImageOps.exif_transpose(image)
        if turn in _TRANSPOSED:
            width, height = height, width
    try:
        rgb, flattened, levels = to_rgb(image, policy.background)
    except PixelValueError as error:
        raise ImageError(f"is in mode {image.mode} and {error}") from None
    facts = ImageFacts(
        width=rgb.width if draft is None else width,
        height=rgb.height if draft is None else height,
        format=file_format,
        mode=mode,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        exif_rotated=rotated,
        flattened=flattened,
        levels=levels,
        frames=frames,
        icc=profile_name(profile) if isinstance(profile, bytes) and profile else "",
        damage=damage,
    )
    return LoadedImage(rgb, facts)


def _explained(error: DamagedError, data: bytes) -> DamagedError:
    """The error, with what is wrong with the file where that can be told."""
    reason = reason_of_damage(data)
    return DamagedError(f"cannot be decoded: {reason}") if reason else error


def _not_an_image(path: str, data: bytes) -> str:
    suffix = Path(path).suffix.lower()
    if suffix in UNREAD_SUFFIXES and suffix not in SUFFIXES:
        hint = unread_hint(suffix)
        return f"is in a format that is not read ({suffix}{f'; {hint}' if hint else ''})"
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
