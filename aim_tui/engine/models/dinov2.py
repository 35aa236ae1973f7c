"""DINOv2: one vector an image, the class token of the last layer after its norm, of length one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from aim_tui.core.metrics.spec import ModelRef
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.engine.models.clip import unit
from aim_tui.engine.models.device import Placement
from aim_tui.engine.models.loading import describe, from_pretrained
from aim_tui.engine.models.pixels import ImagePreparation, load_preparation
from aim_tui.engine.runtime import LOCAL_ONLY
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.inventory import LocalModel

# Their pooler_output is the class token; that of other vision models is not.
_KINDS = ("dinov2", "dinov2_with_registers")


class Dinov2:
    """A vision model of transformers, in evaluation mode."""

    def __init__(self, model: Any, preparation: ImagePreparation, placement: Placement, info: ModelInfo) -> None:
        self.model = model
        self.preparation = preparation
        self.placement = placement
        self.info = info

    @property
    def on_cpu(self) -> bool:
        """Whether it computes on the CPU."""
        return self.placement.device.type == "cpu"

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The model's small input from uint8 (height, width, 3); safe in any thread."""
        return self.preparation.prepare(pixels)

    @torch.inference_mode()
    def image_features(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """float32 (batch, dim) of length one, on the CPU, from prepared images."""
        pixel_values = self.preparation.finish(batch, self.placement.device, self.placement.dtype)
        return unit(self.model(pixel_values=pixel_values))


def load(ref: ModelRef, local: LocalModel, placement: Placement) -> Dinov2:
    """Load from a local folder of transformers files; ModelUnavailableError for another kind of model."""
    from transformers import AutoConfig, AutoModel

    kind = AutoConfig.from_pretrained(local.path, **LOCAL_ONLY).model_type
    if kind not in _KINDS:
        raise ModelUnavailableError(
            f"DINOv2 model {ref.name} is of type {kind!r}",
            f"name a model of one of these types as {local.role} in the settings: {', '.join(_KINDS)}",
        )
    model, detail = from_pretrained(AutoModel, ref, local, placement)
    preparation = load_preparation(local.path)
    return Dinov2(
        model, preparation, placement, describe(ref, local, placement, model, {**detail, **preparation.detail})
    )
