"""The prompt of an image, from its metadata, a file beside it or its name. All of it is untrusted data."""

from __future__ import annotations

import os
from dataclasses import replace

from aim_tui.inputs.prompts.blocks import block_of, read_blocks
from aim_tui.inputs.prompts.dialects import BlockSource, find_in
from aim_tui.inputs.prompts.file_names import prompt_in_name
from aim_tui.inputs.prompts.found import FoundPrompt, NoPrompt, PromptError, PromptFrom, origin_in
from aim_tui.inputs.prompts.sidecars import prompt_beside
from aim_tui.inputs.prompts.stealth import hidden_text
from aim_tui.inputs.prompts.tags import without_tags

__all__ = ["FoundPrompt", "NoPrompt", "PromptFrom", "find_prompt", "origin_in"]

_LONGEST = 100_000


def find_prompt(path: str, where: PromptFrom, *, keep_tags: bool = False) -> FoundPrompt | NoPrompt:
    """The prompt of an image; never raises, whatever a file contains.

    Tags such as `<lora:...>` are taken out, and named in what is found, unless `keep_tags`.
    """
    match where:
        case PromptFrom.METADATA:
            found = _prompt_in_metadata(path)
        case PromptFrom.SIDECAR:
            found = prompt_beside(path)
        case PromptFrom.FILENAME:
            found = prompt_in_name(path)
    if isinstance(found, NoPrompt):
        return found
    if len(found.prompt) > _LONGEST:
        return NoPrompt(f"{found.origin}: has {len(found.prompt):,} characters; the limit is {_LONGEST:,}")
    if any("\ud800" <= char <= "\udfff" for char in found.prompt):
        return NoPrompt(f"{found.origin}: contains an unpaired surrogate")
    if keep_tags:
        return found
    prompt, tags = without_tags(found.prompt)
    if not prompt:
        return NoPrompt(f"{found.origin}: holds nothing but {', '.join(tags[:3])}")
    return replace(found, prompt=prompt, removed=tags)


def _prompt_in_metadata(path: str) -> FoundPrompt | NoPrompt:
    stem = os.path.splitext(os.path.basename(path))[0]  # as text: any bytes
    try:
        blocks = read_blocks(path)
        software = " ".join(block.text[:200] for block in blocks.blocks if block.key.lower() in ("software", "source"))
        source = BlockSource(stem, blocks.camera, software)
        found = find_in(blocks.blocks, source)
    except PromptError as error:
        return NoPrompt(str(error))
    except Exception as error:  # readers raise nearly anything on hostile bytes: it always means a bad file
        return NoPrompt(f"cannot read its metadata: {_brief(error)}")
    if isinstance(found, FoundPrompt):
        return found
    try:
        hidden = hidden_text(path)
    except Exception:  # as above; that the pixels cannot be read is said when they are scored
        hidden = ""
    if hidden:
        in_pixels = find_in([block_of("pixels", "parameters", hidden)], source)
        if isinstance(in_pixels, FoundPrompt):
            return replace(in_pixels, origin=f"{in_pixels.origin}, in the pixels")
    notes = "; ".join(dict.fromkeys(blocks.notes))
    return NoPrompt(f"{found.reason}; {notes}" if notes else found.reason)


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
