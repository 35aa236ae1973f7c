"""The dialects in which programs store prompts in images: one registry, in the order in which they are tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aim_tui.inputs.prompts import json_records
from aim_tui.inputs.prompts.blocks import Block
from aim_tui.inputs.prompts.comfyui import prompt_of_graph
from aim_tui.inputs.prompts.found import FoundPrompt, NoPrompt, PromptError
from aim_tui.inputs.prompts.parameters import has_settings, positive_of, prompt_of_parameters

_NO_PROMPT = frozenset({"", "none", "null", "undefined", "unknown", "n/a"})
# Keys of PNG texts that never hold a prompt.
_OTHER_KEYS = re.compile(
    r"^(?:software|author|copyright|source|title|disclaimer|warning|creation time|generation time|date:.*|exif:.*"
    r"|generation_mode|signed_hash|icc:.*|png:.*|xmp:.*|thumb::.*|label)$",
    re.I,
)
_JOB = re.compile(r"\bJob ID:\s*[0-9a-f]{8}-", re.I)
_FLAG = re.compile(r"\s--(?:ar|v|niji|stylize|chaos|sref|cref|iw|seed|style|quality)\s+\S", re.I)
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class BlockSource:
    """What the blocks are of: the file's name without its ending, the camera or the program that made it."""

    stem: str = ""
    camera: str = ""
    software: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one program writes; `read` gives None for a block that is not of it, and raises for one without prompt.

    Where a block of a `group` was refused, later dialects of that group say no more than it does.
    """

    name: str
    read: Callable[[Block, BlockSource], str | None]
    group: str = ""


def find_in(blocks: Sequence[Block], source: BlockSource) -> FoundPrompt | NoPrompt:
    """The first prompt that a dialect reads in the blocks, or why there is none."""
    reasons: list[str] = []
    understood: set[int] = set()
    refused: set[str] = set()
    for dialect in DIALECTS:
        if dialect.group and dialect.group in refused:
            understood.update(n for n, block in enumerate(blocks) if any(json_records.graphs(block.data)))
            continue
        for number, block in enumerate(blocks):
            try:
                text = dialect.read(block, source)
            except PromptError as error:
                reasons.append(f"{dialect.name}: {error}")
                understood.add(number)
                refused.add(dialect.group)
                continue
            if text is None:
                continue
            understood.add(number)
            if text.strip().lower() not in _NO_PROMPT:
                return FoundPrompt(text.strip(), dialect.name)
            reasons.append(f"{dialect.name}: is empty")
    unknown = [block.name for n, block in enumerate(blocks) if n not in understood and not _OTHER_KEYS.match(block.key)]
    if unknown:
        shown = ", ".join(dict.fromkeys(unknown[:3]))
        reasons.append(f"{shown}: holds no prompt in a form that is known")
    return NoPrompt("; ".join(dict.fromkeys(reasons)) or "no prompt in its metadata")


# -- dialects ---------------------------------------------------------------------------------------------------------


def _of_data(read: Callable[[object], str | None]) -> Callable[[Block, BlockSource], str | None]:
    return lambda block, source: read(block.data) if block.data is not None else None


def _a1111(block: Block, source: BlockSource) -> str | None:
    """Under its own key always, elsewhere where it has a negative prompt or settings."""
    if block.data is not None and not isinstance(block.data, list):
        return None
    own = block.key.lower() in ("parameters", "postprocessing")
    text = re.sub(r"^\s*parameters\s*:\s*", "", block.text, flags=re.I)
    if isinstance(block.data, list) or not (own or has_settings(text)):
        return None
    if block.key.lower() == "postprocessing":
        return None
    if block.place.startswith("EXIF") or block.place == "XMP":
        text = _without_draw_things_negative(text)
    if own and text.strip().lower() in _NO_PROMPT:
        return text.strip()
    return prompt_of_parameters(text)


def _without_draw_things_negative(text: str) -> str:
    """Draw Things puts what is not wanted on a line that begins with a minus."""
    return re.split(r"\n-(?=\S)", text, maxsplit=1)[0] if re.search(r"\n-\S[^\n]*\nSteps:", text) else text


def _invoke(block: Block, source: BlockSource) -> str | None:
    if block.key.lower() == "dream":
        return json_records.dream(block.text)
    if block.key in ("invokeai_metadata", "sd-metadata"):
        prompt = json_records.invoke(block.data)
        if prompt is None:
            prompt = json_records.plain(block.data)
        if prompt is None:
            raise PromptError("has no prompt" if block.data is not None else "is not valid JSON")
        return prompt
    return json_records.invoke(block.data)


def _novelai(block: Block, source: BlockSource) -> str | None:
    return json_records.novelai(block.data)


def _comfyui_prompt(block: Block, source: BlockSource) -> str | None:
    graph, _ = json_records.graphs(block.data)
    if graph is None:
        return None
    return prompt_of_graph(graph, source.stem)


def _comfyui_workflow(block: Block, source: BlockSource) -> str | None:
    _, graph = json_records.graphs(block.data)
    if graph is None or not graph["nodes"]:
        return None
    return prompt_of_graph(graph, source.stem)


def _midjourney(block: Block, source: BlockSource) -> str | None:
    if block.data is not None or not (_JOB.search(block.text) or _FLAG.search(block.text)):
        return None
    return json_records.midjourney(block.text)


def _labelled(block: Block, source: BlockSource) -> str | None:
    """A text under a key that means the prompt: Easy Diffusion's, and what scripts write."""
    if block.data is not None or block.key.lower() not in ("prompt", "positive_prompt", "positive prompt", "positive"):
        return None
    if block.text.lstrip()[:1] in ("{", "[") and '"' in block.text:
        raise PromptError("is not valid JSON")
    return positive_of(block.text)


def _description(block: Block, source: BlockSource) -> str | None:
    """NovelAI's, where the comment beside it is lost."""
    return block.text if block.key == "Description" and "NovelAI" in source.software else None


def _json(block: Block, source: BlockSource) -> str | None:
    return json_records.plain(block.data)


def _comment(block: Block, source: BlockSource) -> str | None:
    """A comment in words: of no camera, and of more than a word or two, as programs for screenshots leave."""
    if block.place != "EXIF UserComment" or block.data is not None or source.camera:
        return None
    if block.text.lstrip()[:1] in ("{", "[") or "\ufffd" in block.text:
        return None
    words = len(_WORDS.findall(block.text)) + sum(char > "\u2e80" for char in block.text) // 2
    return block.text if words >= 3 else None


#: In the order in which they are tried: what is certain first.
DIALECTS: tuple[Dialect, ...] = (
    Dialect("SwarmUI", _of_data(json_records.swarm)),
    Dialect("NovelAI", _novelai),
    Dialect("InvokeAI", _invoke),
    Dialect("Draw Things", _of_data(json_records.draw_things)),
    Dialect("A1111 parameters", _a1111),
    Dialect("Easy Diffusion", _of_data(json_records.easy_diffusion)),
    Dialect("Fooocus", _of_data(json_records.fooocus)),
    Dialect("Civitai", _of_data(json_records.civitai)),
    Dialect("ComfyUI prompt", _comfyui_prompt, "ComfyUI"),
    Dialect("ComfyUI workflow", _comfyui_workflow, "ComfyUI"),
    Dialect("Midjourney", _midjourney),
    Dialect("prompt text", _labelled),
    Dialect("JSON prompt", _json),
    Dialect("NovelAI description", _description),
    Dialect("EXIF UserComment", _comment),
)
