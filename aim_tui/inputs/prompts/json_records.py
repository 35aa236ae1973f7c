"""Metadata that programs write as JSON: where each has its prompt."""

from __future__ import annotations

import json
import re
from typing import Any

from aim_tui.inputs.prompts.comfyui import is_graph, is_workflow
from aim_tui.inputs.prompts.found import PromptError
from aim_tui.inputs.prompts.parameters import has_settings, positive_of

#: Members that hold nothing but the prompt, whoever wrote them.
PROMPT_MEMBERS = ("prompt", "positive_prompt", "positivePrompt", "Prompt", "positive", "Positive prompt")
#: Members of a file beside the image that say what it shows.
CAPTION_MEMBERS = ("caption", "text", "description", "Description", "tags")
# A section of SwarmUI's prompts that is not of the whole image.
_SWARM_SECTION = re.compile(
    r"<(?:segment|object|region|refiner|extend|video|videoswap|faceid|clear|base)(?:\[[^\]]*\])?(?::[^>]*)?>", re.I
)
_INVOKE_NEGATIVE = re.compile(r"\s*\[[^\[\]]*\]")
_JOB = re.compile(r"\s*Job ID:\s*[0-9a-f-]{8,}.*$", re.I | re.S)
# Images that a prompt begins with.
_IMAGES = re.compile(r"^(?:\s*<?https?://\S+)+")
_FLAGS = re.compile(r"(?:^|\s)(?:--|—)[a-z][a-z0-9]*(?:\s+(?!--|—)[^\s]+)*", re.I)


def swarm(data: Any) -> str | None:
    """SwarmUI: what it parsed of the prompt, without sections for parts of the image."""
    inner = data.get("sui_image_params") if isinstance(data, dict) else None
    if not isinstance(inner, dict):
        return None
    prompt = _text(inner, "prompt")
    return _SWARM_SECTION.split(prompt, maxsplit=1)[0] or prompt


def invoke(data: Any) -> str | None:
    """InvokeAI since version 3, and version 2, which puts what is not wanted in brackets."""
    if not isinstance(data, dict):
        return None
    if isinstance(image := data.get("image"), dict) and "prompt" in image and ("app_id" in data or "model" in data):
        prompts = image["prompt"]
        if isinstance(prompts, list):
            texts = [each.get("prompt") if isinstance(each, dict) else each for each in prompts]
            prompts = ", ".join(text for text in texts if isinstance(text, str))
        if not isinstance(prompts, str):
            raise PromptError("its prompt is no text")
        return _INVOKE_NEGATIVE.sub("", prompts)
    if "positive_prompt" in data and ("app_version" in data or "generation_mode" in data or "negative_prompt" in data):
        return _text(data, "positive_prompt")
    return None


def dream(text: str) -> str:
    """InvokeAI's command line: the prompt in quotes, then options."""
    match = re.match(r'\s*"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    if match is None:
        raise PromptError("has no prompt in quotes")
    return _INVOKE_NEGATIVE.sub("", match[1].replace('\\"', '"'))


def novelai(data: Any) -> str | None:
    """NovelAI: version 4 and later have a caption for the whole and one for each character."""
    if not isinstance(data, dict):
        return None
    if isinstance(comment := data.get("Comment"), str) and comment.lstrip().startswith("{"):
        # What is hidden in the pixels holds all text chunks in one object.
        try:
            inner = json.loads(comment)
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, dict):
            return novelai(inner) or _optional(data, "Description")
    if "NovelAI" in str(data.get("Software", "")) and "prompt" not in data:
        return _optional(data, "Description")
    if "v4_prompt" not in data and not ("uc" in data and "prompt" in data):
        return None
    v4 = data.get("v4_prompt")
    caption = v4.get("caption") if isinstance(v4, dict) else None
    if isinstance(caption, dict):
        characters = caption.get("char_captions")
        texts = [caption.get("base_caption") or data.get("prompt")]
        texts += (
            [each.get("char_caption") for each in characters if isinstance(each, dict)]
            if isinstance(characters, list)
            else []
        )
        kept = [text.strip().rstrip(",") for text in texts if isinstance(text, str) and text.strip()]
        if kept:
            return ", ".join(kept)
    return _text(data, "prompt")


def fooocus(data: Any) -> str | None:
    """Fooocus and its forks: an object, or a list of labels, keys and values."""
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return next((prompt for each in data if (prompt := fooocus(each) or plain(each))), None)
    if isinstance(data, list) and data and all(isinstance(each, list) and len(each) >= 2 for each in data):
        fields = {str(each[-2] if len(each) > 2 else each[0]).lower(): each[-1] for each in data}
        fields |= {str(each[0]).lower(): each[-1] for each in data}
        return _text(fields, "prompt") if "prompt" in fields else None
    if not isinstance(data, dict):
        return None
    marks = {
        "full_prompt", "base_model", "Base Model", "base_model_name", "fooocus_version", "metadata_scheme", "styles",
        "Styles", "performance", "Performance", "style", "real_prompt", "sharpness", "Sharpness",
    }  # fmt: skip
    if "ooocus" not in f"{data.get('software', '')}{data.get('version', '')}{data.get('Version', '')}" and not (
        marks & set(data)
    ):
        return None
    value = data.get("prompt", data.get("Prompt"))
    if isinstance(value, list):
        value = next((each for each in value if isinstance(each, str) and each.strip()), None)
    return value if isinstance(value, str) else None


def draw_things(data: Any) -> str | None:
    """Draw Things: 'c' is what is wanted, 'uc' what is not."""
    return _text(data, "c") if isinstance(data, dict) and isinstance(data.get("c"), str) and "uc" in data else None


def easy_diffusion(data: Any) -> str | None:
    """Easy Diffusion's object of settings."""
    marks = {"use_stable_diffusion_model", "num_inference_steps", "used_random_seed", "stable_diffusion_model"}
    if not isinstance(data, dict) or not marks & set(data) or not isinstance(data.get("prompt"), str):
        return None
    return _text(data, "prompt")


def civitai(data: Any) -> str | None:
    """Civitai: what its generator was given, beside the graph that it ran; or an image of its API."""
    if not isinstance(data, dict):
        return None
    extra = data.get("extraMetadata")
    if isinstance(extra, str):
        try:
            extra = json.loads(extra)
        except (ValueError, RecursionError):
            extra = None
    if isinstance(extra, dict):
        return _optional(extra, "prompt")
    meta = data.get("meta")
    if isinstance(meta, dict) and isinstance(inner := meta.get("meta", meta), dict):
        return _optional(inner, "prompt")
    return None


def graphs(data: Any) -> tuple[Any, Any]:
    """The graph of ComfyUI's API and that of its editor, where an object is or wraps one."""
    if not isinstance(data, dict):
        return None, None
    if is_workflow(data):
        return None, data
    if is_graph(data):
        return data, None
    members = {str(key).lower(): value for key, value in data.items()}
    found = [_object(members.get(key)) for key in ("prompt", "workflow")]
    return (found[0] if is_graph(found[0]) else None), (found[1] if is_workflow(found[1]) else None)


def plain(data: Any, members: tuple[str, ...] = PROMPT_MEMBERS) -> str | None:
    """The prompt of an object that names it so, whoever wrote it."""
    if not isinstance(data, dict):
        return None
    for key in members:
        value = data.get(key)
        if isinstance(value, list) and key == "tags" and all(isinstance(each, str) for each in value):
            value = ", ".join(value)
        if isinstance(value, str) and value.strip() and not value.lstrip().startswith(("{", "[")):
            return positive_of(value) if has_settings(value) else value
    return None


def midjourney(text: str) -> str:
    """Midjourney's description without its flags and the number of the job."""
    return _FLAGS.split(_JOB.sub("", _IMAGES.sub("", text)), maxsplit=1)[0].strip()


def _object(value: Any) -> Any:
    """A member that may be JSON in a text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        raise PromptError(f"has no text in {key!r}")
    return value


def _optional(record: dict[str, Any], key: str) -> str | None:
    value = record.get(key)
    return value if isinstance(value, str) and value.strip() else None
