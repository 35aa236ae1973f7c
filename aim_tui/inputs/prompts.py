"""The prompt of an image, from its metadata, a sidecar file or its file name. All of it is untrusted data."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from PIL import Image

from aim_tui.inputs.comfyui import GraphError, prompt_of_graph


class PromptFrom(StrEnum):
    """Where to look for prompts."""

    METADATA = "metadata"
    SIDECAR = "sidecar"
    FILENAME = "filename"


@dataclass(frozen=True, slots=True)
class FoundPrompt:
    """A prompt and its origin: 'A1111 parameters', 'cabin.txt'."""

    prompt: str
    origin: str


@dataclass(frozen=True, slots=True)
class NoPrompt:
    """No prompt was found, with the reason."""

    reason: str


class _NoPromptError(Exception):
    """Metadata or a file without a usable prompt; the message says why."""


# Formats that can carry text metadata.
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
    """The prompt of an image; never raises, whatever a file contains."""
    match where:
        case PromptFrom.METADATA:
            found = _prompt_in_metadata(path)
        case PromptFrom.SIDECAR:
            found = _prompt_in_sidecar(path)
        case PromptFrom.FILENAME:
            found = _prompt_in_name(path)
    if isinstance(found, NoPrompt):
        return found
    if len(found.prompt) > _LONGEST:
        return NoPrompt(f"{found.origin}: has {len(found.prompt):,} characters; the limit is {_LONGEST:,}")
    if any("\ud800" <= char <= "\udfff" for char in found.prompt):
        return NoPrompt(f"{found.origin}: contains an unpaired surrogate")
    return found


def positive_of(parameters: str) -> str:
    """The positive prompt of A1111's parameters format: everything before the negative prompt and the settings."""
    lines = parameters.strip().split("\n")
    for number, line in enumerate(lines):
        if line.strip().startswith(_NEGATIVE) or (number == len(lines) - 1 and _SETTINGS.match(line.strip())):
            return "\n".join(lines[:number]).strip()
    return parameters.strip()


# -- metadata ---------------------------------------------------------------------------------------------------------


def _prompt_in_metadata(path: str) -> FoundPrompt | NoPrompt:
    try:
        texts = _texts(path)
    except _NoPromptError as error:
        return NoPrompt(str(error))
    except Exception as error:  # readers raise nearly anything on hostile bytes: it always means a bad file
        brief = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return NoPrompt(f"cannot read its metadata: {brief}")
    reasons = []
    for key, (origin, parse) in _KINDS.items():
        if key not in texts:
            continue
        try:
            prompt = parse(texts[key]).strip()
        except (_NoPromptError, GraphError) as error:
            reasons.append(f"{origin}: {error}")
            continue
        if prompt:
            return FoundPrompt(prompt, origin)
        reasons.append(f"{origin}: is empty")
    return NoPrompt("; ".join(reasons) or "no prompt in its metadata")


def _texts(path: str) -> dict[str, str]:
    """The metadata that may hold a prompt, by the keys of _KINDS; no pixel is decoded."""
    if not os.path.isfile(path):  # noqa: PTH113  # unlike Path.is_file it never raises
        raise _NoPromptError("no such file" if not os.path.lexists(path) else "is not a regular file")
    with Image.open(path, formats=_FORMATS) as image:
        texts = {
            key: value
            for key, value in image.info.items()
            if isinstance(key, str) and isinstance(value, str) and key in _KINDS
        }
        exif = image.getexif()
        for tag in (_MAKE, _MODEL):
            # In WebP, ComfyUI stores its graphs in these tags.
            key, colon, value = str(exif.get(tag, "")).partition(":")
            if colon and key.lower() in ("prompt", "workflow"):
                texts.setdefault(key.lower(), value)
        comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if comment:
        texts["UserComment"] = _user_comment(comment)
    if any(len(text) > _LONGEST_METADATA for text in texts.values()):
        raise _NoPromptError("its metadata is too long")
    return texts


def _user_comment(raw: bytes | str) -> str:
    r"""EXIF's UserComment; its first eight bytes are 'ASCII\0\0\0', 'UNICODE\0', 'JIS\0\0\0\0\0' or zeros."""
    if isinstance(raw, str):
        return raw
    head, body = raw[:8], raw[8:]
    name = head.rstrip(b"\0 ")
    if name == b"UNICODE":
        return _utf16(body).rstrip("\0")
    if name == b"JIS":
        encodings = ("iso2022_jp", "shift_jis")
    elif name in (b"ASCII", b""):
        encodings = ("utf-8", "latin-1")
    else:
        body, encodings = raw, ("utf-8", "latin-1")
    for encoding in encodings:
        try:
            return body.decode(encoding).rstrip("\0 ")
        except UnicodeDecodeError:
            continue
    raise _NoPromptError(f"its comment is not valid {name.decode('ascii', 'replace')}")


def _utf16(body: bytes) -> str:
    """UTF-16 in either byte order: the standard means that of the file, most writers use big-endian."""
    if body.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        encoding = "utf-16"
    else:
        # In most scripts the high byte hardly varies.
        encoding = "utf-16-le" if len(set(body[1::2])) < len(set(body[::2])) else "utf-16-be"
    try:
        return body[: len(body) // 2 * 2].decode(encoding)
    except UnicodeDecodeError:
        raise _NoPromptError("its comment is not valid UTF-16") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise _NoPromptError("is nested too deeply") from None
    except ValueError:
        raise _NoPromptError("is not valid JSON") from None


def _parse_parameters(text: str) -> str:
    """A1111's parameters, or the JSON that other programs write in their place."""
    if not text.lstrip().startswith("{"):
        return positive_of(text)
    try:
        return _prompt_member(_json(text))
    except _NoPromptError:
        # A dynamic prompt may begin with a brace, too.
        return positive_of(text)


def _prompt_member(data: Any) -> str:
    """The prompt among the members of an object."""
    if not isinstance(data, dict):
        raise _NoPromptError("is not an object")
    inner = data.get("sui_image_params")
    for record in (inner, data) if isinstance(inner, dict) else (data,):
        for key in _JSON_KEYS:
            if isinstance(value := record.get(key), str) and value.strip():
                return value
    raise _NoPromptError(f"has none of {', '.join(_JSON_KEYS)}")


def _parse_invoke_2(text: str) -> str:
    """The metadata of InvokeAI 2: one prompt, or several with weights."""
    data = _json(text)
    image = data.get("image") if isinstance(data, dict) else None
    prompt = image.get("prompt") if isinstance(image, dict) else None
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], dict):
        prompt = prompt[0].get("prompt")
    if not isinstance(prompt, str):
        raise _NoPromptError("has no image.prompt")
    return prompt


def _parse_dream(text: str) -> str:
    """InvokeAI's command line: the prompt in quotes, then options."""
    match = re.match(r'\s*"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    if match is None:
        raise _NoPromptError("has no prompt in quotes")
    return match[1].replace('\\"', '"')


def _parse_graph(text: str) -> str:
    return prompt_of_graph(_json(text))


#: The metadata keys that may hold a prompt, in the order in which they are tried, with their name and parser.
_KINDS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "parameters": ("A1111 parameters", _parse_parameters),
    "invokeai_metadata": ("InvokeAI metadata", lambda text: _prompt_member(_json(text))),
    "sd-metadata": ("InvokeAI sd-metadata", _parse_invoke_2),
    "Dream": ("InvokeAI Dream", _parse_dream),
    "prompt": ("ComfyUI prompt", _parse_graph),
    "workflow": ("ComfyUI workflow", _parse_graph),
    "UserComment": ("EXIF UserComment", _parse_parameters),
}


# -- sidecar files and file names -------------------------------------------------------------------------------------


def _prompt_in_sidecar(path: str) -> FoundPrompt | NoPrompt:
    stem = os.path.splitext(path)[0]  # noqa: PTH122  # as text: any bytes
    names = [base + suffix for suffix in (".txt", ".json") for base in (stem, path)]
    reasons = []
    for name in names:
        if not os.path.isfile(name):  # noqa: PTH113
            continue
        origin = os.path.basename(name)  # noqa: PTH119
        try:
            text = _sidecar_text(name)
            prompt = (_prompt_member(_json(text)) if name.endswith(".json") else positive_of(text)).strip()
        except _NoPromptError as error:
            reasons.append(f"{origin}: {error}")
            continue
        if prompt:
            return FoundPrompt(prompt, origin)
        reasons.append(f"{origin}: is empty")
    return NoPrompt("; ".join(reasons) or f"no file {os.path.basename(names[0])} next to it")  # noqa: PTH119


def _sidecar_text(name: str) -> str:
    try:
        with open(name, "rb") as file:  # noqa: PTH123  # as text: any bytes
            data = file.read(_LARGEST_SIDECAR + 1)
    except OSError as error:
        raise _NoPromptError(error.strerror or "cannot be read") from None
    if len(data) > _LARGEST_SIDECAR:
        raise _NoPromptError(f"is larger than {_LARGEST_SIDECAR >> 20} MiB")
    utf16 = data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise _NoPromptError(f"is not {'UTF-16' if utf16 else 'UTF-8'}") from None


def _prompt_in_name(path: str) -> FoundPrompt | NoPrompt:
    """The words of a file name, without the counters and seeds that programs put before and after them."""
    stem = os.path.splitext(os.path.basename(path))[0]  # noqa: PTH119, PTH122
    words = _NUMBER_AFTER.sub("", _NUMBER_BEFORE.sub("", stem))
    words = words.replace("_", " ").replace("+", " ")
    if " " not in words:
        words = words.replace("-", " ")
    words = " ".join(words.split())
    if not any(char.isalpha() for char in words):
        return NoPrompt("no words in its file name")
    return FoundPrompt(words, "file name")
