"""Bytes of metadata as text, in the encodings that writers use, whatever the field says of itself."""

from __future__ import annotations

import codecs
import re
import unicodedata

from aim_tui.inputs.prompts.found import PromptError

_USER_COMMENT_HEAD = 8
_ODD = frozenset({"Cn", "Co", "Cs", "Cc"})
_FOREIGN = re.compile(r"[^\x00-\x7f]{3}")
# Characters that are looked at to tell byte orders apart.
_SAMPLE = 2000


def text_of(data: bytes) -> str:
    """UTF-8 where the bytes are UTF-8, UTF-32 and UTF-16 where they look like it, else Latin-1."""
    if data.startswith((codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE)):
        return data.decode("utf-32", "replace").rstrip("\0")
    if data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return data.decode("utf-16", "replace").rstrip("\0")
    bare = data.rstrip(b"\0")
    if bare.count(0) * 4 > len(bare):
        return utf16(data)
    try:
        return bare.decode("utf-8-sig")
    except UnicodeDecodeError:
        return bare.decode("latin-1")


def text_of_file(data: bytes) -> str:
    """A text file in Unicode or Windows' Western encoding; PromptError where it is in neither, or not text."""
    wide = data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE))
    if b"\0" in data and not wide and data.count(0) * 4 < len(data):
        raise PromptError("is not text")
    if not wide and b"\0" not in data:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return _western(data)
    text = text_of(data)
    if "\0" in text:
        raise PromptError("is not text")
    return text


def _western(data: bytes) -> str:
    # In Western languages hardly three letters with accents stand together; in other scripts nearly all do.
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    if not text or _FOREIGN.search(text):
        raise PromptError("is not UTF-8, and its encoding cannot be known")
    return text


def user_comment(raw: bytes | str) -> str:
    r"""EXIF's UserComment; its first eight bytes are 'ASCII\0\0\0', 'UNICODE\0', 'JIS\0\0\0\0\0' or zeros."""
    if isinstance(raw, str):
        return raw
    head, body = raw[:_USER_COMMENT_HEAD], raw[_USER_COMMENT_HEAD:]
    name = head.rstrip(b"\0 ")
    if name == b"UNICODE":
        bare = body.strip(b"\0")
        if b"\0" not in bare and not body.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
            try:
                # Several writers put UTF-8 under this heading.
                return bare.decode("utf-8-sig")
            except UnicodeDecodeError:
                pass
        return utf16(body)
    if name == b"JIS":
        for encoding in ("iso2022_jp", "shift_jis", "utf-8"):
            try:
                return body.decode(encoding).rstrip("\0 ")
            except UnicodeDecodeError:
                continue
        raise PromptError("its comment is not valid JIS")
    return text_of(body if name in (b"ASCII", b"") else raw).rstrip("\0 ")


def utf16(data: bytes) -> str:
    """UTF-16 in either byte order: the standard means that of the file, most writers use big-endian."""
    if data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return data.decode("utf-16", "replace").rstrip("\0")
    whole = data[: len(data) // 2 * 2]
    texts = [whole.decode(encoding, "replace").rstrip("\0") for encoding in ("utf-16-be", "utf-16-le")]
    # In most scripts the high byte hardly varies; in the wrong order many characters are none.
    varied = [len(set(whole[start::2])) for start in (0, 1)]
    best = min((0, 1), key=lambda order: (_odd(texts[order]), varied[order]))
    if _odd(texts[best]) * 2 > max(1, min(len(texts[best]), _SAMPLE)):
        raise PromptError("its comment is not valid UTF-16")
    return texts[best]


def _odd(text: str) -> int:
    """How many of the first characters no text has."""
    return sum(
        char == "\ufffd" or (unicodedata.category(char) in _ODD and char not in "\t\r\n") for char in text[:_SAMPLE]
    )
