"""The prompt that an image brings: in its metadata, in a file beside it, or in its name. All of it is hostile data."""

from __future__ import annotations

import codecs
import json
import os
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from PIL import Image

from aim_tui.inputs.comfyui import GraphError, prompt_of_graph

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class PromptFrom(StrEnum):
    """Where prompts are looked for."""

    METADATA = "metadata"
    SIDECAR = "sidecar"
    FILENAME = "filename"


@dataclass(frozen=True, slots=True)
class FoundPrompt:
    """A prompt, and where it comes from: 'A1111 parameters', 'cabin.txt'."""

    prompt: str
    origin: str


@dataclass(frozen=True, slots=True)
class NoPrompt:
    """Why there is none."""

    reason: str


class _NoneError(Exception):
    """Something that is there, but gives no prompt; says why."""


# Formats that carry texts.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")
_LONGEST = 100_000
_LONGEST_METADATA = 16 << 20
_LARGEST_SIDECAR = 4 << 20
_USER_COMMENT, _EXIF_IFD, _MAKE, _MODEL = 0x9286, 0x8769, 0x010F, 0x0110
_JSON_KEYS = ("prompt", "positive_prompt", "positive", "caption", "text", "description")
_NEGATIVE = "Negative prompt:"
_SETTINGS = re.compile(r"Steps: ?\d")
_NUMBER_BEFORE = re.compile(r"^(?:\d+[\s_+-]+)+")
_NUMBER_AFTER = re.compile(r"(?:[\s_+-]+\(?\d+\)?|[\s_+-]+)+$")


def find_prompt(path: str, where: PromptFrom) -> FoundPrompt | NoPrompt:
    """The prompt of an image; never raises for what is in a file."""
    match where:
        case PromptFrom.METADATA:
            found = _of_metadata(path)
        case PromptFrom.SIDECAR:
            found = _of_sidecar(path)
        case PromptFrom.FILENAME:
            found = _of_name(path)
    if isinstance(found, NoPrompt):
        return found
    if len(found.prompt) > _LONGEST:
        return NoPrompt(f"{found.origin}: has {len(found.prompt):,} characters; more than {_LONGEST:,} are not taken")
    if any("\ud800" <= char <= "\udfff" for char in found.prompt):
        return NoPrompt(f"{found.origin}: holds half of a character (an unpaired surrogate)")
    return found


def positive_of(parameters: str) -> str:
    """The positive prompt of what A1111 and its relatives write: before the negative one and the settings."""
    lines = parameters.strip().split("\n")
    for number, line in enumerate(lines):
        if line.strip().startswith(_NEGATIVE) or (number == len(lines) - 1 and _SETTINGS.match(line.strip())):
            return "\n".join(lines[:number]).strip()
    return parameters.strip()


# -- metadata ---------------------------------------------------------------------------------------------------------


def _of_metadata(path: str) -> FoundPrompt | NoPrompt:
    try:
        texts = _texts(path)
    except _NoneError as error:
        return NoPrompt(str(error))
    except Exception as error:  # readers raise nearly anything on hostile bytes: all of it is a bad file
        brief = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return NoPrompt(f"its metadata cannot be read: {brief}")
    reasons = []
    for key, (origin, parse) in _KINDS.items():
        if key not in texts:
            continue
        try:
            prompt = parse(texts[key]).strip()
        except (_NoneError, GraphError) as error:
            reasons.append(f"{origin}: {error}")
            continue
        if prompt:
            return FoundPrompt(prompt, origin)
        reasons.append(f"{origin}: is empty")
    return NoPrompt("; ".join(reasons) or "it carries no prompt")


def _texts(path: str) -> dict[str, str]:
    """What an image carries that may hold a prompt, by the keys of _KINDS; no pixel is decoded."""
    if not os.path.isfile(path):  # noqa: PTH113  # unlike Path.is_file it never raises
        raise _NoneError("no such file" if not os.path.lexists(path) else "is not a regular file")
    with Image.open(path, formats=_FORMATS) as image:
        said = ((key, value) for key, value in image.info.items() if isinstance(key, str) and isinstance(value, str))
        texts = {key: value for key, value in said if key in _KINDS}
        exif = image.getexif()
        for tag in (_MAKE, _MODEL):
            # ComfyUI has no other place in WebP.
            key, colon, value = str(exif.get(tag, "")).partition(":")
            if colon and key.lower() in ("prompt", "workflow"):
                texts.setdefault(key.lower(), value)
        comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if comment:
        texts["UserComment"] = _user_comment(comment)
    if any(len(text) > _LONGEST_METADATA for text in texts.values()):
        raise _NoneError("its metadata is too long")
    return texts


def _user_comment(raw: bytes | str) -> str:
    r"""EXIF's UserComment: eight bytes name the encoding, 'ASCII\0\0\0', 'UNICODE\0', 'JIS\0\0\0\0\0' or zeros."""
    if isinstance(raw, str):
        return raw
    head, body = raw[:8], raw[8:]
    name = head.rstrip(b"\0 ")
    if name == b"UNICODE":
        return _utf16(body).rstrip("\0")
    if name == b"JIS":
        codings = ("iso2022_jp", "shift_jis")
    elif name in (b"ASCII", b""):
        codings = ("utf-8", "latin-1")
    else:
        body, codings = raw, ("utf-8", "latin-1")
    for coding in codings:
        try:
            return body.decode(coding).rstrip("\0 ")
        except UnicodeDecodeError:
            continue
    raise _NoneError(f"its comment is no {name.decode('ascii', 'replace')}")


def _utf16(body: bytes) -> str:
    """UTF-16 in either order of bytes: the standard means the file's order, and most writers mean big-endian."""
    if body.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        coding = "utf-16"
    else:
        # Of most scripts one half of each pair of bytes hardly changes.
        coding = "utf-16-le" if len(set(body[1::2])) < len(set(body[::2])) else "utf-16-be"
    try:
        return body[: len(body) // 2 * 2].decode(coding)
    except UnicodeDecodeError:
        raise _NoneError("its comment is no UTF-16") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise _NoneError("is nested too deeply") from None
    except ValueError:
        raise _NoneError("is no JSON") from None


def _of_parameters(text: str) -> str:
    """A1111's parameters; other programs write JSON there."""
    if not text.lstrip().startswith("{"):
        return positive_of(text)
    try:
        return _named(_json(text))
    except _NoneError:
        # A prompt may begin with a brace: dynamic prompts do.
        return positive_of(text)


def _named(data: Any) -> str:
    """The prompt among the members of an object."""
    if not isinstance(data, dict):
        raise _NoneError("is no object")
    inner = data.get("sui_image_params")
    for each in (inner, data) if isinstance(inner, dict) else (data,):
        for key in _JSON_KEYS:
            if isinstance(value := each.get(key), str) and value.strip():
                return value
    raise _NoneError(f"has none of {', '.join(_JSON_KEYS)}")


def _of_old_invoke(text: str) -> str:
    """The metadata of InvokeAI 2: one prompt, or several with weights."""
    data = _json(text)
    image = data.get("image") if isinstance(data, dict) else None
    prompt = image.get("prompt") if isinstance(image, dict) else None
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], dict):
        prompt = prompt[0].get("prompt")
    if not isinstance(prompt, str):
        raise _NoneError("has no image.prompt")
    return prompt


def _of_dream(text: str) -> str:
    """InvokeAI's command line: the prompt in quotes, then options."""
    match = re.match(r'\s*"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    if match is None:
        raise _NoneError("has no prompt in quotes")
    return match[1].replace('\\"', '"')


def _of_graph(text: str) -> str:
    return prompt_of_graph(_json(text))


#: Where prompts are, in the order in which they are tried: the key, what to call it, and how it is read.
_KINDS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "parameters": ("A1111 parameters", _of_parameters),
    "invokeai_metadata": ("InvokeAI metadata", lambda text: _named(_json(text))),
    "sd-metadata": ("InvokeAI sd-metadata", _of_old_invoke),
    "Dream": ("InvokeAI Dream", _of_dream),
    "prompt": ("ComfyUI prompt", _of_graph),
    "workflow": ("ComfyUI workflow", _of_graph),
    "UserComment": ("EXIF UserComment", _of_parameters),
}


# -- beside it, and in its name ---------------------------------------------------------------------------------------


def _of_sidecar(path: str) -> FoundPrompt | NoPrompt:
    stem = os.path.splitext(path)[0]  # noqa: PTH122  # as text: any bytes
    names = [base + suffix for suffix in (".txt", ".json") for base in (stem, path)]
    reasons = []
    for name in names:
        if not os.path.isfile(name):  # noqa: PTH113
            continue
        shown = os.path.basename(name)  # noqa: PTH119
        try:
            text = _sidecar_text(name)
            prompt = (_named(_json(text)) if name.endswith(".json") else positive_of(text)).strip()
        except _NoneError as error:
            reasons.append(f"{shown}: {error}")
            continue
        if prompt:
            return FoundPrompt(prompt, shown)
        reasons.append(f"{shown}: is empty")
    return NoPrompt("; ".join(reasons) or f"there is no {os.path.basename(names[0])} beside it")  # noqa: PTH119


def _sidecar_text(name: str) -> str:
    try:
        with open(name, "rb") as file:  # noqa: PTH123  # as text: any bytes
            data = file.read(_LARGEST_SIDECAR + 1)
    except OSError as error:
        raise _NoneError(error.strerror or "cannot be read") from None
    if len(data) > _LARGEST_SIDECAR:
        raise _NoneError(f"is larger than {_LARGEST_SIDECAR >> 20} MiB")
    utf16 = data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise _NoneError(f"is no {'UTF-16' if utf16 else 'UTF-8'}") from None


def _of_name(path: str) -> FoundPrompt | NoPrompt:
    """The words of a file name, without the numbers that programs put before and after them."""
    stem = os.path.splitext(os.path.basename(path))[0]  # noqa: PTH119, PTH122
    words = _NUMBER_AFTER.sub("", _NUMBER_BEFORE.sub("", stem))
    words = words.replace("_", " ").replace("+", " ")
    if " " not in words:
        words = words.replace("-", " ")
    words = " ".join(words.split())
    if not any(char.isalpha() for char in words):
        return NoPrompt("its name holds no words")
    return FoundPrompt(words, "file name")
