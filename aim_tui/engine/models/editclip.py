"""EditCLIP: a CLIPModel that sees source and target at once, on six channels with the source first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from aim_tui.core.metrics.spec import ModelRef
from aim_tui.engine.models.clip import Clip, unit
from aim_tui.engine.models.device import Placement
from aim_tui.engine.models.loading import describe, from_pretrained
from aim_tui.engine.models.pixels import load_preparation
from aim_tui.engine.runtime import LOCAL_ONLY
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.inventory import LocalModel, locate
from aim_tui.hub.required_files import has_processors

CHANNELS = 6


class EditClip(Clip):
    """A dual encoder of pairs of images and texts, in evaluation mode."""

    def prepare_pair(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The model's small inputs from two uint8 (height, width, 3): (2, 3, h, w); safe in any thread."""
        return torch.stack([self.prepare(source), self.prepare(target)])

    @torch.inference_mode()
    def pair_features(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """float32 (batch, dim) of length one, on the CPU, from prepared pairs."""
        finish, device, dtype = self.preparation.finish, self.placement.device, self.placement.dtype
        sources = finish([pair[0] for pair in batch], device, dtype)
        targets = finish([pair[1] for pair in batch], device, dtype)
        return unit(self.model.get_image_features(pixel_values=torch.cat([sources, targets], dim=1)))


def resized(pixels: torch.Tensor, side: int | None) -> torch.Tensor:
    """uint8 (height, width, 3) scaled to a square with Pillow's bicubic filter; as it is where `side` is None."""
    if side is None or tuple(pixels.shape[:2]) == (side, side):
        return pixels
    import numpy as np

    image = Image.fromarray(pixels.numpy()).resize((side, side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image))


def load(ref: ModelRef, local: LocalModel, placement: Placement) -> EditClip:
    """Load from a local folder of transformers files; ModelUnavailableError where the model takes single images."""
    from transformers import AutoConfig, AutoTokenizer, CLIPModel

    config = AutoConfig.from_pretrained(local.path, **LOCAL_ONLY)
    if config.model_type != "clip":
        raise ModelUnavailableError(
            f"EditCLIP model {ref.name} is of type {config.model_type!r}, not a CLIP model",
            "name an EditCLIP model, such as QWW/EditCLIP, as editclip in the settings",
        )
    channels = int(config.vision_config.num_channels)
    if channels != CHANNELS:
        raise ModelUnavailableError(
            f"EditCLIP model {ref.name} takes {channels} channels, not {CHANNELS}: it sees single images and no edits",
            "name an EditCLIP model, such as QWW/EditCLIP, as editclip in the settings; it is not used instead",
        )
    processors = _processors(ref, local.path)
    model, detail = from_pretrained(CLIPModel, ref, local, placement)
    preparation = load_preparation(processors)
    tokenizer: Any = AutoTokenizer.from_pretrained(processors, **LOCAL_ONLY)
    detail |= {**preparation.detail, "channels": f"{CHANNELS}, source first"}
    if processors != local.path:
        detail["processor"] = ref.processor or ""
    return EditClip(model, tokenizer, preparation, placement, describe(ref, local, placement, model, detail))


def _processors(ref: ModelRef, folder: Path) -> Path:
    """The folder that image processor and tokenizer come from: the model's own, or the one that the settings name."""
    from aim_tui.core.metrics.spec import ModelRef as Reference
    from aim_tui.core.metrics.spec import Role

    if has_processors(folder):
        return folder
    if ref.processor is None:
        raise ModelUnavailableError(
            f"EditCLIP model {ref.name} has no image processor and tokenizer of its own in {folder}",
            "copy those of the CLIP that it was made from into a folder with it, "
            'or name that CLIP in the settings, such as processor = "openai/clip-vit-large-patch14"',
        )
    try:
        return locate(Role.CLIP, Reference(id=ref.processor)).path
    except ModelUnavailableError as error:
        raise ModelUnavailableError(
            f"EditCLIP model {ref.name} takes image processor and tokenizer from {ref.processor}: {error.message}",
            "fetch that one too; `aim-tui models fetch --profile large --role clip` fetches CLIP large",
        ) from None
