"""The prompt of an image in a file beside it: .txt, .caption or .json, in any case."""

from __future__ import annotations

import functools
import os

from aim_tui.inputs.prompts import json_records
from aim_tui.inputs.prompts.blocks import block_of
from aim_tui.inputs.prompts.dialects import BlockSource, find_in
from aim_tui.inputs.prompts.encodings import text_of_file
from aim_tui.inputs.prompts.found import FoundPrompt, NoPrompt, PromptError
from aim_tui.inputs.prompts.parameters import positive_of

_SUFFIXES = (".txt", ".caption", ".prompt", ".json")
_LARGEST = 4 << 20


def prompt_beside(path: str) -> FoundPrompt | NoPrompt:
    """The prompt in the first of the files that has one."""
    stem = os.path.splitext(path)[0]  # as text: any bytes
    names = [base + suffix for suffix in _SUFFIXES for base in (stem, path)]
    reasons = []
    for name in names:
        if (file := _in_any_case(name)) is None:
            continue
        origin = os.path.basename(file)
        try:
            prompt = _prompt_in(file, os.path.basename(stem)).strip()
        except PromptError as error:
            reasons.append(f"{origin}: {error}")
            continue
        if prompt:
            return FoundPrompt(prompt, origin)
        reasons.append(f"{origin}: is empty")
    return NoPrompt("; ".join(reasons) or f"no file {os.path.basename(names[0])} next to it")


def _in_any_case(name: str) -> str | None:
    """The file of this name, or of one that differs only in the case of its ending."""
    if os.path.isfile(name):
        return name
    folder, wanted = os.path.split(name)
    try:
        state = os.stat(folder or ".").st_mtime_ns
    except OSError:
        return None
    found = _by_lower_case(folder or ".", state).get(_key(wanted))
    path = os.path.join(folder, found) if found else ""
    return path if os.path.isfile(path) else None  # a pipe has no end


def _key(name: str) -> str:
    stem, ending = os.path.splitext(name)
    return stem + ending.lower()


@functools.lru_cache(maxsize=8)
def _by_lower_case(folder: str, state: int) -> dict[str, str]:
    """The files of a folder with one of the endings, in any case; `state` is when it was last changed."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.lower().endswith(_SUFFIXES))
    except OSError:
        return {}
    return {_key(name): name for name in names}


def _prompt_in(file: str, stem: str) -> str:
    text = _text(file)
    if not file.lower().endswith(".json"):
        return positive_of(text)
    block = block_of("file", "", text)
    if block.data is None:
        raise PromptError("is not valid JSON")
    found = find_in([block], BlockSource(stem))
    if isinstance(found, FoundPrompt):
        return found.prompt
    if (caption := json_records.plain(block.data, json_records.CAPTION_MEMBERS)) is not None:
        return caption
    known = ", ".join((*json_records.PROMPT_MEMBERS[:2], *json_records.CAPTION_MEMBERS[:3]))
    raise PromptError(f"has none of {known}" if "form that is known" in found.reason else found.reason)


def _text(file: str) -> str:
    try:
        with open(file, "rb") as stream:  # as text: any bytes
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise PromptError(error.strerror or "cannot be read") from None
    if len(data) > _LARGEST:
        raise PromptError(f"is larger than {_LARGEST >> 20} MiB")
    return text_of_file(data)
