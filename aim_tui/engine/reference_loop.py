"""The plain way, as AIM's notebook goes: for each metric and each image open, process, forward. For the bench only.

It calls the libraries as their documentation does and shares nothing with the engine but the weights in memory, so
the bench compares two ways of using the same models.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from PIL import Image

from aim_tui.core.metrics.spec import Role
from aim_tui.core.scoring.context import Context
from aim_tui.engine.models.captioner import MAX_NEW_TOKENS, Captioner
from aim_tui.engine.models.clip import Clip
from aim_tui.engine.models.loading import LoadedModel
from aim_tui.engine.models.lpips import Lpips
from aim_tui.engine.models.sentence import SentenceEncoder

if TYPE_CHECKING:
    Plain = Callable[[str], float]


def plain_way(metric: str, models: Mapping[Role, LoadedModel], context: Context) -> Plain | None:
    """How the notebook computes one of AIM's three metrics for one file; None for any other metric."""
    match metric:
        case "clip":
            return _clip(cast("Clip", models[Role.CLIP]), context.prompt)
        case "blip2":
            captioner, encoder = models[Role.CAPTIONER], models[Role.SENTENCE]
            return _blip2(cast("Captioner", captioner), cast("SentenceEncoder", encoder), context.topic)
        case "lpips":
            return _lpips(cast("Lpips", models[Role.LPIPS]), context.reference)
    return None


def _clip(clip: Clip, prompt: str) -> Plain:
    device, dtype = clip.placement.device, clip.placement.dtype

    @torch.no_grad()
    def score(path: str) -> float:
        pixels = clip.preparation.processor(Image.open(path).convert("RGB"), return_tensors="pt")["pixel_values"]
        tokens = clip.tokenizer(prompt, truncation=True, max_length=clip.token_limit, return_tensors="pt")
        image = clip.model.get_image_features(pixel_values=pixels.to(device, dtype)).pooler_output
        text = clip.model.get_text_features(**tokens.to(device)).pooler_output
        return float(torch.nn.functional.cosine_similarity(image.float(), text.float()))

    return score


def _blip2(captioner: Captioner, encoder: SentenceEncoder, topic: str) -> Plain:
    device, dtype = captioner.placement.device, captioner.placement.dtype

    @torch.no_grad()
    def score(path: str) -> float:
        pixels = captioner.preparation.processor(Image.open(path).convert("RGB"), return_tensors="pt")["pixel_values"]
        ids = captioner.model.generate(
            pixel_values=pixels.to(device, dtype), max_new_tokens=MAX_NEW_TOKENS, do_sample=False
        )
        caption = captioner.tokenizer.decode(ids[0], skip_special_tokens=True).strip()
        ours = encoder.model.encode(caption, convert_to_tensor=True, show_progress_bar=False)
        theirs = encoder.model.encode(topic, convert_to_tensor=True, show_progress_bar=False)
        return float(torch.nn.functional.cosine_similarity(ours.float(), theirs.float(), dim=0))

    return score


def _lpips(lpips: Lpips, reference: str) -> Plain:
    # The package leaves the weights in torch's usual memory format, and so does the notebook.
    model = copy.deepcopy(lpips.model).float().to(memory_format=torch.contiguous_format)
    device = lpips.placement.device

    def tensor(image: Image.Image) -> torch.Tensor:
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].to(device).float() / 127.5 - 1.0

    @torch.no_grad()
    def score(path: str) -> float:
        image = Image.open(path).convert("RGB")
        against = Image.open(reference).convert("RGB").resize(image.size, Image.Resampling.BILINEAR)
        return float(model(tensor(image), tensor(against)))

    return score
