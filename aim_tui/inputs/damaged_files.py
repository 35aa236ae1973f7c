"""Files with whole pixels and something else that is broken: what it is, and the bytes without it.

Decoders refuse such a file as a whole. Here they are never told to look away: what pixels do not need is left out, and
a file whose pixels are cut off still fails.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"
# Chunks besides the critical ones that pixels depend on, or that say how the image stands.
_KEPT = frozenset({b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT"})
# Pillow reads no text or profile above this.
_MOST_UNPACKED = 1 << 20
_MOST_MENTIONED = 3


@dataclass(frozen=True, slots=True)
class Repaired:
    """The bytes that decode, and what was left out of them."""

    data: bytes
    damage: str


def without_damage(data: bytes) -> Repaired | None:
    """The file without what is broken in it, where its pixels do not need that; None where nothing can be left out."""
    if data.startswith(_PNG):
        return _png_without_extras(data)
    if data.startswith(b"\xff\xd8"):
        return _jpeg_with_end(data)
    return None


def reason_of_damage(data: bytes) -> str:
    """What is wrong with a file whose pixels cannot be decoded, or an empty text where that is not known."""
    if not data.startswith(_PNG):
        return ""
    for kind, _, whole, intact in _png_chunks(data):
        name = kind.decode("latin-1")
        if not whole:
            return f"the PNG ends in the middle of its {name} chunk" if kind.isalpha() else ""
        if not intact and not kind[0] & 0x20:
            return f"the {name} chunk of the PNG is damaged: its checksum is wrong"
    return ""


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes, bool, bool]]:
    """Kind, bytes with head and checksum, whether it is whole, and whether its checksum is right."""
    chunks = []
    place = len(_PNG)
    while place + 8 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        kind, end = data[place + 4 : place + 8], place + 12 + size
        raw = data[place:end]
        whole = end <= len(data)
        intact = whole and zlib.crc32(raw[4:-4]) == struct.unpack(">I", raw[-4:])[0]
        chunks.append((kind, raw, whole, intact))
        if kind == b"IEND":
            break
        place = end
    return chunks


def _png_without_extras(data: bytes) -> Repaired | None:
    kept, damage, dropped = [_PNG], [], False
    for kind, raw, whole, intact in _png_chunks(data):
        ancillary = bool(kind[0] & 0x20)
        if not ancillary or (kind in _KEPT and intact):
            kept.append(raw)
            continue
        if kind == b"tRNS" and not intact:
            return None  # transparency is part of the pixels
        dropped = True
        name = kind.decode("latin-1") if kind.isalpha() else "unknown"
        if not whole:
            damage.append(f"its {name} chunk is cut off")
        elif not intact:
            damage.append(f"its {name} chunk has a wrong checksum")
        elif kind in (b"zTXt", b"iTXt", b"tEXt", b"iCCP") and _large(raw):
            what = "ICC profile" if kind == b"iCCP" else f"text ({name} chunk)"
            damage.append(f"its {what} is larger than 1 MiB and was left out")
    if not dropped:
        return None
    damage = list(dict.fromkeys(damage))
    return Repaired(b"".join(kept), "; ".join(damage[:_MOST_MENTIONED]) or "a chunk beside the pixels is damaged")


def _large(raw: bytes) -> bool:
    """Whether a chunk is, or unpacks to, more than Pillow takes."""
    if len(raw) > _MOST_UNPACKED:
        return True
    start = raw.find(b"\x78", 8)
    while 0 <= start < min(len(raw), 300):
        try:
            return len(zlib.decompressobj().decompress(raw[start:-4], _MOST_UNPACKED + 1)) > _MOST_UNPACKED
        except zlib.error:
            start = raw.find(b"\x78", start + 1)
    return False


def _jpeg_with_end(data: bytes) -> Repaired | None:
    """A JPEG without its end marker whose pixels are all there.

    Whether they are is seen from what follows: with other bytes behind it a cut scan decodes to other pixels.
    """
    body = data.rstrip(b"\xff")
    if data.endswith(b"\xff\xd9") or not _scans_complete(body):
        return None
    # Bits that make no end of block, and others: 0x00 must not follow 0xFF, which cannot occur here.
    filled = [body + filler + b"\xff\xd9" for filler in (b"", b"\x2a\x55" * 2048, b"\xd5\xaa" * 2048)]
    try:
        if len({_pixels(each) for each in filled}) == 1:
            return Repaired(filled[0], "the JPEG has no end marker")
    except Exception:  # decoders raise nearly anything on hostile bytes: it always means a bad file
        return None
    return None


def _pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return image.tobytes()


def _scans_complete(data: bytes) -> bool:
    """Whether the scans of a JPEG hold every coefficient to its last bit; later scans may be missing."""
    place, progressive = 2, False
    components: list[int] = []
    left: dict[tuple[int, int], int] = {}
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            place = data.find(b"\xff", place)
            if place < 0:
                break
            continue
        marker = data[place + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:
            place += 1 if marker == 0xFF else 2
            continue
        size = int.from_bytes(data[place + 2 : place + 4], "big")
        part = data[place + 4 : place + 2 + size]
        if marker in (0xC0, 0xC1, 0xC2) and len(part) >= 6:
            progressive = marker == 0xC2
            components = [part[6 + 3 * number] for number in range(part[5]) if 6 + 3 * number < len(part)]
        elif marker == 0xDA and part:
            count = part[0]
            if len(part) < 4 + 2 * count:
                return False
            first, last, bits = part[-3], part[-2], part[-1] & 15
            for number in range(count):
                for coefficient in range(first, min(last, 63) + 1):
                    left[part[1 + 2 * number], coefficient] = bits if progressive else 0
        place += 2 + size
    wanted = ((component, coefficient) for component in components for coefficient in range(64))
    return bool(components) and all(left.get(each) == 0 for each in wanted)
