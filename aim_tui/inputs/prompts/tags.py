"""Tags in prompts that name networks to load, which no text encoder reads."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(?:lora|lyco|lycoris|hypernet|locon|loha|lokr|lora_?\w*):[^<>]{1,500}>", re.I)


def without_tags(prompt: str) -> tuple[str, tuple[str, ...]]:
    """The prompt without `<lora:...>` and its kin, and those tags."""
    tags = tuple(_TAG.findall(prompt))
    if not tags:
        return prompt, ()
    text = _TAG.sub("\0", prompt)
    # A tag between two commas leaves one of them, a tag between two words one space.
    text = re.sub(r"[ \t]*(?:,[ \t]*)?\0(?:[ \t]*\0)*(?=[ \t]*(?:,|$|\n))", "", text)
    text = re.sub(r"[ \t]*\0[ \t]*", " ", text)
    text = re.sub(r"(?m)^[ \t]*,[ \t]*", "", text)
    return text.strip().rstrip(",").strip(), tags
