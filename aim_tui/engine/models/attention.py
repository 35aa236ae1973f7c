"""What CLIP's image model attends to, and which of it made an image match a text.

Both need the attention weights themselves, which the fast implementations never return: for this one pass the
vision model computes its attention 'eager', and is put back before anything else runs. Its weights are not touched.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aim_tui.engine.models.clip import Clip


def class_attention(clip: Clip, prepared: torch.Tensor) -> torch.Tensor:
    """How much the class token of the last layer attends to each patch: mean over the heads, as AIM v2 draws it.

    `prepared` is one image as `Clip.prepare` gives it. Float32 (rows, columns) on the CPU; the sum is 1 less what
    the class token gives to itself.
    """
    pixels = clip.preparation.finish([prepared], clip.placement.device, clip.placement.dtype)
    with _eager(clip) as vision, torch.no_grad():
        last = vision(pixel_values=pixels, output_attentions=True).attentions[-1]
    return _grid(clip, pixels, last[0].float().mean(dim=0)[0])


def relevance(clip: Clip, prepared: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    """What each patch contributes to the cosine with `text` (1, dim): float32 (rows, columns) on the CPU, at least 0.

    Gradient-weighted attention rolled out over all layers: Chefer, Gur and Wolf, "Generic Attention-model
    Explainability for Interpreting Bi-Modal and Encoder-Decoder Transformers" (ICCV 2021), equations 5 and 6. In
    each layer the attention A of each head is multiplied by its gradient, the positive part is kept, and the mean
    over the heads is Ā; the relevance R begins as the identity and becomes R + Ā R. The class token's row of R is the
    map. The gradient is that of the logit, the cosine times the model's own scale, as in the authors' code for
    CLIP: it weighs paths through several layers against those through one.

    The map shows something even where the text does not describe the image: read it together with the score.
    """
    with _eager(clip), torch.inference_mode(False), torch.enable_grad():
        pixels = clip.preparation.finish([prepared], clip.placement.device, clip.placement.dtype)
        # The weights ask for no gradient, so that the graph begins at the pixels.
        pixels = pixels.clone().requires_grad_(True)
        output = clip.model.get_image_features(pixel_values=pixels, output_attentions=True)
        image = functional.normalize(output.pooler_output.float(), dim=-1)
        logit = clip.model.logit_scale.detach().float().exp() * (image * text.clone().to(image.device)).sum()
        gradients = torch.autograd.grad(logit, output.attentions)
    found = roll_out([layer[0] for layer in output.attentions], [layer[0] for layer in gradients])
    return _grid(clip, pixels, found)


def roll_out(attentions: list[torch.Tensor], gradients: list[torch.Tensor]) -> torch.Tensor:
    """The class token's relevance row (tokens,) from attention and gradient (heads, tokens, tokens) of each layer."""
    tokens = attentions[0].shape[-1]
    found = torch.eye(tokens, device=attentions[0].device)
    for attention, gradient in zip(attentions, gradients, strict=True):
        positive = (attention.detach().float() * gradient.float()).clamp(min=0).mean(dim=0)
        found = found + positive @ found
    return found[0]


@contextmanager
def _eager(clip: Clip) -> Iterator[Any]:
    """The vision model with attention that returns its weights; as it was before when this ends."""
    vision = clip.model.vision_model
    if not hasattr(vision.embeddings, "class_embedding"):
        raise UsageError(
            f"{clip.info.id} has no class token, and these maps are read from it", "use a profile with a CLIP model"
        )
    before = vision.config._attn_implementation
    vision.set_attn_implementation("eager")
    try:
        yield vision
    finally:
        vision.set_attn_implementation(before)


def _grid(clip: Clip, pixels: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
    """The class token's row without itself, as the patches lie in the image."""
    patch = int(clip.model.config.vision_config.patch_size)
    return row[1:].detach().cpu().reshape(pixels.shape[-2] // patch, pixels.shape[-1] // patch)
