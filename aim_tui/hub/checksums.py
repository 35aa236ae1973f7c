"""Check whether weight files are complete and undamaged, without loading them."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aim_tui.hub.pickles import pickle_problem

# The limit of the safetensors format; a larger value means that the file has another format.
_MAX_HEADER = 100_000_000
# A thousand tensors take some hundred kilobytes.
_LARGEST_HEADER = 32 << 20
_WIDTHS = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1,
    "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
_CHUNK = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
_DIGITS_IN_NAME = re.compile(r"-([0-9a-f]{8,})\.pth$")


def file_problem(path: Path) -> str:
    """What is wrong with a weights file, by its size and header; '' if nothing is."""
    if not path.is_file():
        return f"{path.name} is missing"
    try:
        if path.stat().st_size == 0:
            return f"{path.name} is empty"
        if path.suffix == ".safetensors":
            return _safetensors_problem(path)
        return pickle_problem(path)
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror or error}"


def _safetensors_problem(path: Path) -> str:
    """The header of a safetensors file states where its last tensor ends; a truncated download ends before that."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > _MAX_HEADER:
            return f"{path.name} is not a safetensors file"
        if size < 8 + length:
            return f"{path.name} is truncated"
        if length > _LARGEST_HEADER:
            return f"{path.name} has a header of {length / 1e6:,.0f} MB; no model needs more than 32 MB"
        raw = file.read(length)
    try:
        header: dict[str, Any] = json.loads(raw)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        expected = 8 + length + max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
        strange = next((name for name, entry in tensors.items() if not _is_sound(entry)), None)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return f"{path.name} has a damaged header"
    if strange is not None:
        return f"{path.name} has a damaged header: the shape of {strange[:80]} does not fit its bytes"
    if size < expected:
        return f"{path.name} is truncated ({size:,} of {expected:,} bytes)"
    if size > expected:
        return f"{path.name} is longer than its header says ({size:,} instead of {expected:,} bytes)"
    return ""


def _is_sound(entry: dict[str, Any]) -> bool:
    """Whether a tensor has as many bytes as its shape and type need; other types are left to the library."""
    begin, end = entry["data_offsets"]
    shape, width = entry["shape"], _WIDTHS.get(entry["dtype"])
    if not all(isinstance(number, int) and number >= 0 for number in (begin, end, *shape)) or begin > end:
        return False
    return width is None or math.prod(shape) * width == end - begin


def hash_problem(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Check a file whose name contains its checksum; '' if it is right, or if the name has none.

    `on_bytes` is called with the size of every chunk read.
    """
    try:
        checksum = named_checksum(path)
        if not checksum:
            return ""
        digest = new_digest(checksum, path.stat().st_size)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                if on_bytes is not None:
                    on_bytes(len(chunk))
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror or error}"
    return "" if digest.hexdigest().startswith(checksum) else f"{path.name} is damaged: its checksum is wrong"


def named_checksum(path: Path) -> str:
    """The checksum in a file's name, or ''.

    The hub's cache links each file to a blob named by its SHA-256, or by its git object id if it is small; names of
    torch.hub's checkpoints end in the first digits of their SHA-256.
    """
    # One link only: a blob may itself be a link into a store that names files by another hash.
    blob = path.readlink() if path.is_symlink() else path
    if blob.parent.name == "blobs" and is_checksum(blob.name):
        return blob.name
    match = _DIGITS_IN_NAME.search(path.name)
    return match[1] if match else ""


def is_checksum(text: str) -> bool:
    """Whether a text is a SHA-256 or a git object id in lower-case hexadecimal digits, and so is a safe file name."""
    return bool(_SHA256.fullmatch(text) or _GIT_SHA1.fullmatch(text))


def new_digest(checksum: str, size: int) -> hashlib._Hash:
    """The hash object whose digest begins with `checksum` once it has read the `size` bytes of the right file.

    40 digits are git's object id, the SHA-1 of a header and the content; anything else is a SHA-256.
    """
    import hashlib

    if _GIT_SHA1.fullmatch(checksum):
        return hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    return hashlib.sha256()
