"""The prompt in the name of an image: its words, without what programs, cameras and people number files by."""

from __future__ import annotations

import os
import re
import unicodedata

from aim_tui.inputs.prompts.found import FoundPrompt, NoPrompt

_SEPARATORS = r"[\s_+.,()\[\]-]"
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
# A hash has digits and letters, or is longer than any word of a to f.
_HASH = re.compile(
    rf"(?:(?<={_SEPARATORS})|^)(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{{8,128}}(?=$|{_SEPARATORS})"
    rf"|(?:(?<={_SEPARATORS})|^)[0-9a-f]{{20,128}}(?=$|{_SEPARATORS})",
    re.I,
)
_DATE = re.compile(
    rf"(?:(?<={_SEPARATORS})|^)(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])"
    rf"(?:[-_ T@.]*(?:at )?(?:[01]\d|2[0-3])[-_.:hH]?[0-5]\d(?:[-_.:mM]?[0-5]\d)?(?:[-_.]?\d{{3,6}})?Z?)?"
    rf"(?=$|{_SEPARATORS})"
)
#: Names of programs, cameras and their outputs, as they stand at the start of a file's name.
_PROGRAM = re.compile(
    rf"^(?:comfyui(?:[-_ ]temp[-_ ][a-z]{{5}})?|txt2img|img2img|t2i|i2i|img|default"
    rf"|dall[-_ ·.]?e(?:[-_ ]?[23])?|dsc[nf]?"
    rf"|pxl|mvimg|novelai|fooocus|invokeai|swarmui|a1111|automatic1111|stable[-_ ]?diffusion|sdxl|sd(?=[-_\d])"
    rf"|chatgpt[-_ ]image|gemini[-_ ]generated[-_ ]image|gpt[-_ ]image|whatsapp[-_ ]image|screen[-_ ]?shot|grid)"
    rf"(?=$|{_SEPARATORS}|\d)",
    re.I,
)
#: Words that say nothing where a name has no others.
_EMPTY = frozenset({
        "image", "images", "img", "photo", "picture", "pic", "download", "output", "out", "result", "results",
        "sample", "temp", "tmp", "untitled", "unnamed", "file", "render", "gen", "generated", "leonardo",
        "midjourney", "firefly", "forge", "flux", "upscale", "upscaled", "hires", "batch", "seed", "frame",
        "preview", "ideogram", "playground", "civitai", "comfy", "mp", "copy", "final", "grid", "default",
        "bild", "foto", "unbenannt", "clipboard", "pasted", "at",
})  # fmt: skip
_NUMBER = r"(?:#?\d+(?:x\d+)?|v\d+|seed\d*|s\d{4,}|\d+(?:st|nd|rd|th)?)"
_BEFORE = re.compile(rf"^(?:{_SEPARATORS}|{_NUMBER}(?=$|{_SEPARATORS}))+", re.I)
_AFTER = re.compile(rf"(?:{_SEPARATORS}|(?<={_SEPARATORS}){_NUMBER})+$", re.I)
_COPY = re.compile(r"[\s_-]+(?:copy|kopie|copie|final|edited|upscaled?)$", re.I)


def prompt_in_name(path: str) -> FoundPrompt | NoPrompt:
    """The words of a file name, without identifiers, counters, dates and names of programs."""
    stem = unicodedata.normalize("NFC", os.path.splitext(os.path.basename(path))[0])
    words = _HASH.sub("", _UUID.sub("", stem))
    words = _DATE.sub("", words)
    for _ in range(4):
        before = words
        words = _AFTER.sub("", _BEFORE.sub("", words))
        words = _COPY.sub("", _PROGRAM.sub("", words))
        if words == before:
            break
    words = words.replace("_", " ").replace("+", " ")
    if " " not in words.strip():
        words = words.replace("-", " ")
    words = re.sub(r"^[-–—\s]+", "", " ".join(words.split()))
    said = [word for word in re.findall(r"[^\W\d_]+", words.lower()) if word not in _EMPTY]
    if not said:
        return NoPrompt("no words in its file name")
    return FoundPrompt(words, "file name")
