"""The text that A1111, Forge and many others write: the prompt, the negative prompt, the settings."""

from __future__ import annotations

import re

from aim_tui.inputs.prompts.found import PromptError

_NEGATIVE = re.compile(r"\bNegative prompt:", re.I)
_KEY = (
    r"Steps|Sampler|Schedule type|CFG [Ss]cale|Guidance [Ss]cale|Distilled CFG Scale|Seed|Size|Model hash|Model"
    r"|Denoising strength|Clip skip|Version|VAE|Sharpness|Resolution|Performance|Width|Height|Scheduler"
)
_STEPS = re.compile(r"(?:^|(?<=\s))Steps: ?\d+(?=\s*(?:,|$))", re.M)
# Settings that do not begin with the steps: at least two of them, with a comma between.
_SETTINGS = re.compile(rf"(?:^|(?<=\s))(?:{_KEY}): ?[^,\n]+, ?(?:{_KEY}): ?", re.M)
# Easy Diffusion's file of labels.
_LABELLED = re.compile(r"Prompt: (.*)\n(?:Width|Height|Seed|Negative Prompt|Steps|Stable Diffusion model): ?", re.I)
_TRAILER = re.compile(r"^(?:Negative )?Template:|^(?:Wildcard|Original|Template) (?:negative )?prompt:", re.M | re.I)


def positive_of(parameters: str) -> str:
    """The positive prompt: everything before the negative prompt, the settings and the templates."""
    text = parameters.replace("\r\n", "\n").replace("\r", "\n").strip()
    if labelled := _LABELLED.match(text):
        return labelled[1].strip()
    ends = [end for pattern in (_NEGATIVE, _STEPS, _SETTINGS) if (end := _end(pattern, text)) is not None]
    ends += [match.start() for match in _TRAILER.finditer(text) if match.start() > 0]
    return text[: min(ends, default=len(text))].strip()


def _end(pattern: re.Pattern[str], text: str) -> int | None:
    # Within a line it counts only where none begins a line: beside one, it is words of the prompt.
    places = [match.start() for match in pattern.finditer(text)]
    at_lines = (place for place in places if not text[:place].rpartition("\n")[2].strip())
    return next(at_lines, places[0] if places else None)


def has_settings(text: str) -> bool:
    """Whether a text is one of these: it names a negative prompt or settings."""
    return any(pattern.search(text) for pattern in (_NEGATIVE, _STEPS, _SETTINGS))


def prompt_of_parameters(text: str) -> str:
    """The positive prompt; PromptError where it is empty."""
    prompt = positive_of(text)
    if not prompt:
        raise PromptError("its prompt is empty")
    return prompt
