"""Image files with text where programs put it, written by hand where a library would not."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def pixels(mode: str = "RGB", size: tuple[int, int] = (16, 12)) -> Image.Image:
    return Image.radial_gradient("L").resize(size).convert(mode)


def chunk(kind: bytes, data: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def text_chunk(key: str, text: str, kind: str = "iTXt", encoding: str = "utf-8", checksum: int | None = None) -> bytes:
    """A chunk of text: tEXt and zTXt in any encoding, iTXt plain or ('iTXt, packed') deflated."""
    raw = text.encode(encoding)
    match kind:
        case "tEXt":
            return chunk(b"tEXt", key.encode() + b"\0" + raw, checksum)
        case "zTXt":
            return chunk(b"zTXt", key.encode() + b"\0\0" + zlib.compress(raw), checksum)
        case "iTXt":
            return chunk(b"iTXt", key.encode() + b"\0\0\0\0\0" + raw, checksum)
    return chunk(b"iTXt", key.encode() + b"\0\1\0\0\0" + zlib.compress(raw), checksum)


def png(path: Path, *chunks: bytes, behind: tuple[bytes, ...] = (), image: Image.Image | None = None) -> str:
    """A PNG with chunks before its pixels, and some behind them."""
    stream = io.BytesIO()
    (image or pixels()).save(stream, "PNG")
    data = stream.getvalue()
    path.write_bytes(data[:33] + b"".join(chunks) + data[33:-12] + b"".join(behind) + data[-12:])
    return str(path)


def png_with(path: Path, **texts: str) -> str:
    return png(path, *(text_chunk(key, text) for key, text in texts.items()))


def exif_with(comment: bytes | None = None, **tags: Any) -> Image.Exif:
    """EXIF with a UserComment, and text in other tags."""
    exif = Image.Exif()
    exif[0x0131] = "writer"  # Pillow writes no EXIF into PNG where the first level is empty
    if comment is not None:
        exif.get_ifd(0x8769)[0x9286] = comment
    numbers = {"description": 0x010E, "make": 0x010F, "model": 0x0110, "title": 0x9C9B, "xpcomment": 0x9C9C}
    for name, value in tags.items():
        exif[numbers[name]] = value
    return exif


def jpeg(path: Path, comment: bytes | None = None, **tags: Any) -> str:
    pixels().save(path, exif=exif_with(comment, **tags))
    return str(path)


def utf16_comment(text: str) -> bytes:
    """A UserComment as A1111 and Civitai write it."""
    return b"UNICODE\0" + text.encode("utf-16-be")


def xmp(**texts: str) -> bytes:
    """XMP with a description and a UserComment."""
    from xml.sax.saxutils import escape

    items = {"description": "dc:description", "comment": "exif:UserComment"}
    body = "".join(
        f"<{items[name]}><rdf:Alt><rdf:li xml:lang='x-default'>{escape(text)}</rdf:li></rdf:Alt></{items[name]}>"
        for name, text in texts.items()
    )
    return (
        "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' "
        "xmlns:exif='http://ns.adobe.com/exif/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/'>"
        f"{body}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ).encode()


def stealth(path: Path, text: str, signature: str) -> str:
    """A PNG with a text in the lowest bits of its pixels, down the columns."""
    payload = text.encode()
    if signature.endswith("comp"):
        payload = gzip.compress(payload)
    data = signature.encode() + struct.pack(">I", 8 * len(payload)) + payload
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    image = np.asarray(pixels("RGBA", (64, 48))).copy()
    bands = image[:, :, 3:] if "png" in signature else image[:, :, :3]
    columns = bands.swapaxes(0, 1).reshape(-1).copy()
    columns[: len(bits)] = columns[: len(bits)] & 254 | bits
    written = columns.reshape(image.shape[1], image.shape[0], -1).swapaxes(0, 1)
    image[:, :, 3 if "png" in signature else slice(0, 3)] = written[:, :, 0] if "png" in signature else written
    mode = "RGBA" if "png" in signature else "RGB"
    Image.fromarray(image).convert(mode).save(path)
    return str(path)


def novelai_comment(prompt: str) -> str:
    return json.dumps({"prompt": prompt, "steps": 28, "uc": "blurry", "sampler": "k_euler"})
