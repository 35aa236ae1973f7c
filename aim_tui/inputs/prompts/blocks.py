"""The blocks of text in an image file, found without decoding a pixel.

Files are walked by hand: text may stand behind the pixels, be larger than a decoder allows or have a wrong checksum,
and none of that makes it unreadable.
"""

from __future__ import annotations

import io
import json
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.etree import ElementTree

from PIL import Image

from aim_tui.inputs.image_formats import FORMATS, register_plugins
from aim_tui.inputs.prompts.encodings import text_of, user_comment, utf16
from aim_tui.inputs.prompts.found import PromptError

_PNG = b"\x89PNG\r\n\x1a\n"
_LONGEST = 16 << 20
_MOST_BLOCKS = 1000
_XMP_HEAD, _EXIF_HEAD = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0\0"
_EXIF_IFD, _USER_COMMENT, _MAKE, _MODEL = 0x8769, 0x9286, 0x010F, 0x0110
#: EXIF tags with UTF-16 text of Windows.
_WINDOWS = {0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject"}
# In WebP and AVIF, ComfyUI stores its graphs in tags of text, as 'prompt:{...}'.
_KEYED = re.compile(r"\s*(prompt|workflow|parameters|extraMetadata)\s*:\s*(?=\S)", re.I)
_CAPTION_ABSTRACT = b"\x1c\x02\x78"


@dataclass(frozen=True, slots=True)
class Block:
    """A text of a file; `place` is what it is called ('PNG text', 'EXIF UserComment'), `key` its name there."""

    place: str
    key: str
    text: str
    data: Any = field(default=None, compare=False)
    """The text as JSON, where it is an object or a list."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.place} {self.key!r}" if self.key else self.place


@dataclass(slots=True)
class FileBlocks:
    """All blocks of a file; `camera` is what took it, `notes` say what could not be read."""

    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    camera: str = ""

    def add(self, place: str, key: str, text: str) -> None:
        """Keep a text; what is JSON is decoded, once."""
        text = text.strip("\0")
        if not text.strip() or len(self.blocks) >= _MOST_BLOCKS:
            return
        if len(text) > _LONGEST:
            self.notes.append(f"{place}: more than {_LONGEST >> 20} MiB of text")
            return
        self.blocks.append(block_of(place, key, text))


def block_of(place: str, key: str, text: str) -> Block:
    """A block with its JSON decoded."""
    return Block(place, key, text, _json(text))


def _json(text: str) -> Any:
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        data = json.loads(text)
        # Some writers encode what is JSON already.
        data = json.loads(data) if isinstance(data, str) and data.lstrip().startswith("{") else data
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict | list) else None


def read_blocks(path: str) -> FileBlocks:
    """The blocks of a file; PromptError where it is no file, OSError where it cannot be read."""
    if not os.path.isfile(path):  # unlike Path.is_file it never raises
        raise PromptError("no such file" if not os.path.lexists(path) else "is not a regular file")
    found = FileBlocks()
    with open(path, "rb") as file:  # as text: any bytes
        head = file.read(16)
        file.seek(0)
        if head.startswith(_PNG):
            _read_png(file, found)
        elif head.startswith(b"\xff\xd8"):
            _read_jpeg(file, found)
        elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            _read_webp(file, found)
        elif head.startswith((b"GIF87a", b"GIF89a")):
            _read_gif(file, found)
        else:
            _read_other(file, found)
    return found


# -- containers -------------------------------------------------------------------------------------------------------


def _read_png(file: BinaryIO, found: FileBlocks) -> None:
    file.seek(len(_PNG))
    while len(head := file.read(8)) == 8:
        (size,), kind = struct.unpack(">I", head[:4]), head[4:]
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            if size > _LONGEST:
                found.notes.append(f"a {kind.decode()} chunk of more than {_LONGEST >> 20} MiB")
                file.seek(size, os.SEEK_CUR)
            else:
                _png_chunk(kind, file.read(size), found)
        else:
            file.seek(size, os.SEEK_CUR)
        if kind == b"IEND":
            return
        file.seek(4, os.SEEK_CUR)  # the checksum: a text with a wrong one is still a text


def _png_chunk(kind: bytes, data: bytes, found: FileBlocks) -> None:
    if kind == b"eXIf":
        _exif(data, found)
        return
    name, _, rest = data.partition(b"\0")
    key = text_of(name)
    try:
        if kind == b"zTXt":
            rest = _inflated(rest[1:])
        elif kind == b"iTXt":
            packed, rest = rest[:1] == b"\1", rest[2:]
            rest = rest.partition(b"\0")[2].partition(b"\0")[2]
            rest = _inflated(rest) if packed else rest
    except (zlib.error, PromptError) as error:
        found.notes.append(f"PNG text {key[:80]!r}: {error}")
        return
    if key == "XML:com.adobe.xmp":
        _xmp(rest, found)
    elif key.lower() in ("raw profile type exif", "raw profile type app1"):
        _raw_profile(rest, found)
    else:
        found.add("PNG text", key, text_of(rest))


def _inflated(data: bytes) -> bytes:
    """Deflated bytes, as far as they go; PromptError above the limit."""
    inflater = zlib.decompressobj()
    inflated = inflater.decompress(data, _LONGEST + 1)
    if len(inflated) > _LONGEST:
        raise PromptError(f"unpacks to more than {_LONGEST >> 20} MiB")
    return inflated


def _raw_profile(data: bytes, found: FileBlocks) -> None:
    """EXIF as hexadecimal digits, as ImageMagick writes it into PNG."""
    try:
        raw = bytes.fromhex("".join(text_of(data).split()[2:]))
    except ValueError:
        return
    _exif(raw, found)


def _read_jpeg(file: BinaryIO, found: FileBlocks) -> None:
    file.seek(2)
    while len(head := file.read(2)) == 2:
        if head[0] != 0xFF:
            return
        marker = head[1]
        if marker == 0xFF:
            file.seek(-1, os.SEEK_CUR)
            continue
        if marker in (0xD9, 0xDA):
            return
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            continue
        size = int.from_bytes(file.read(2), "big") - 2
        data = file.read(max(size, 0))
        if marker == 0xFE:
            found.add("JPEG comment", "", text_of(data))
        elif marker == 0xE1 and data.startswith(_EXIF_HEAD):
            _exif(data[len(_EXIF_HEAD) :], found)
        elif marker == 0xE1 and data.startswith(_XMP_HEAD):
            _xmp(data[len(_XMP_HEAD) :], found)
        elif marker == 0xED:
            _iptc(data, found)


def _iptc(data: bytes, found: FileBlocks) -> None:
    """The caption in Photoshop's block."""
    place = data.find(_CAPTION_ABSTRACT)
    if place >= 0:
        size = int.from_bytes(data[place + 3 : place + 5], "big")
        found.add("IPTC caption", "", text_of(data[place + 5 : place + 5 + size]))


def _read_webp(file: BinaryIO, found: FileBlocks) -> None:
    file.seek(12)
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[4:], "little")
        if head[:4] in (b"EXIF", b"XMP ") and size <= _LONGEST:
            data = file.read(size)
            if head[:4] == b"EXIF":
                _exif(data.removeprefix(_EXIF_HEAD), found)
            else:
                _xmp(data, found)
            file.seek(size % 2, os.SEEK_CUR)
        else:
            file.seek(size + size % 2, os.SEEK_CUR)


def _read_gif(file: BinaryIO, found: FileBlocks) -> None:
    head = file.read(13)
    file.seek(3 << (head[10] & 7) + 1 if len(head) == 13 and head[10] & 0x80 else 0, os.SEEK_CUR)
    while kind := file.read(1):
        if kind == b"!":
            label = file.read(1)
            data = b"".join(_gif_parts(file))
            if label == b"\xfe":
                found.add("GIF comment", "", text_of(data))
        elif kind == b",":
            flags = file.read(9)[8:]
            if not flags:
                return
            file.seek((3 << (flags[0] & 7) + 1 if flags[0] & 0x80 else 0) + 1, os.SEEK_CUR)
            for _ in _gif_parts(file):
                pass
        else:
            return


def _gif_parts(file: BinaryIO) -> Iterator[bytes]:
    total = 0
    while (size := file.read(1)) and size != b"\0":
        total += size[0]
        data = file.read(size[0])
        yield data if total <= _LONGEST else b""


def _read_other(file: BinaryIO, found: FileBlocks) -> None:
    """TIFF, AVIF and what plug-ins read: through Pillow, which decodes no pixel for it."""
    register_plugins()
    with Image.open(file, formats=FORMATS) as image:
        for key in ("comment", "parameters", "prompt", "workflow"):
            if isinstance(value := image.info.get(key), str | bytes):
                found.add(f"{image.format} text", key, value if isinstance(value, str) else text_of(value))
        exif = image.info.get("exif")
        _exif(exif.removeprefix(_EXIF_HEAD) if isinstance(exif, bytes) else image.getexif(), found)
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
        if isinstance(xmp, bytes | str):
            _xmp(xmp.encode() if isinstance(xmp, str) else xmp, found)


# -- EXIF and XMP ----------------------------------------------------------------------------------------------------


def _exif(source: bytes | Image.Exif, found: FileBlocks) -> None:
    if isinstance(source, bytes):
        exif = Image.Exif()
        try:
            exif.load(source)
        except Exception as error:  # Pillow raises nearly anything on hostile bytes: it always means bad EXIF
            found.notes.append(f"its EXIF cannot be read: {(str(error).splitlines() or ['damaged'])[0][:100]}")
            return
    else:
        exif = source
    try:
        tags, inner = dict(exif), dict(exif.get_ifd(_EXIF_IFD))
    except Exception as error:  # as above
        found.notes.append(f"its EXIF cannot be read: {(str(error).splitlines() or ['damaged'])[0][:100]}")
        return
    for tag, value in sorted(tags.items()):
        if tag in _WINDOWS:
            raw = bytes(value) if isinstance(value, tuple) else value
            if isinstance(raw, bytes):
                found.add(f"EXIF {_WINDOWS[tag]}", "", utf16(raw).rstrip("\0"))
        elif isinstance(value, str):
            # Pillow takes text for Latin-1.
            text = text_of(value.encode("latin-1", "ignore")) if value.isascii() is False else value
            if keyed := _KEYED.match(text):
                found.add("EXIF", keyed[1].lower(), text[keyed.end() :])
            elif tag == 0x010E:
                found.add("EXIF ImageDescription", "", text)
            elif tag in (_MAKE, _MODEL):
                found.camera = f"{found.camera} {text}".strip()
    comment = inner.get(_USER_COMMENT, tags.get(_USER_COMMENT))
    if isinstance(comment, bytes | str) and comment:
        text = user_comment(comment)
        keyed = _KEYED.match(text)
        found.add("EXIF UserComment", keyed[1].lower() if keyed else "", text[keyed.end() :] if keyed else text)


def _xmp(data: bytes, found: FileBlocks) -> None:
    if len(data) > _LONGEST or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        found.notes.append("its XMP is not read: it declares entities or is too long")
        return
    text = text_of(data)
    start, end = text.find("<"), text.rfind(">")
    try:
        tree = ElementTree.parse(io.StringIO(text[start : end + 1]))
    except (ElementTree.ParseError, ValueError, RecursionError):
        found.notes.append("its XMP is not valid XML")
        return
    for element in tree.iter():
        name = element.tag.rpartition("}")[2]
        if name in _XMP_NAMES:
            items = [each.text or "" for each in element.iter() if each.tag.endswith("}li")] or [element.text or ""]
            found.add("XMP", _XMP_NAMES[name], items[0])
        for attribute, value in element.attrib.items():
            if (key := _XMP_NAMES.get(attribute.rpartition("}")[2])) is not None:
                found.add("XMP", key, value)


#: What prompts stand under in XMP; the IPTC has a property of its own for them.
_XMP_NAMES = {
    "UserComment": "UserComment",
    "description": "description",
    "ImageDescription": "description",
    "AIPromptInformation": "prompt",
    "prompt": "prompt",
    "Prompt": "prompt",
    "parameters": "parameters",
    "workflow": "workflow",
}
