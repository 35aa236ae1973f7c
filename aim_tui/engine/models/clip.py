"""CLIP and other dual encoders: projected image and text features of length one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from aim_tui.core.metrics.spec import ModelRef
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.engine.lower_casing import LOWER_CASED, lower_case
from aim_tui.engine.models.device import Placement
from aim_tui.engine.models.loading import describe, from_pretrained
from aim_tui.engine.models.pixels import ImagePreparation, load_preparation
from aim_tui.engine.runtime import LOCAL_ONLY
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.inventory import LocalModel, role_name

# Architectures whose image and text features live in one space. Others have methods of the same names and do not.
_DUAL_ENCODERS = ("clip", "metaclip_2", "siglip", "altclip", "chinese_clip")
# Trained on texts padded to their full length, with attention to the padding.
_PADDED = frozenset({"siglip"})


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """A prompt's features, float32 (1, dim) of length one, and how much of the prompt they stand for."""

    features: torch.Tensor
    tokens: int
    limit: int

    @property
    def truncated(self) -> bool:
        """Whether the end of the prompt was cut off."""
        return self.tokens > self.limit


@dataclass(frozen=True, slots=True)
class ManyTextFeatures:
    """The features of several texts, float32 (texts, dim), each of length one, and the number of tokens of each."""

    features: torch.Tensor
    tokens: list[int]
    limit: int


class Clip:
    """A dual encoder of transformers, in evaluation mode."""

    def __init__(
        self, model: Any, tokenizer: Any, preparation: ImagePreparation, placement: Placement, info: ModelInfo
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.preparation = preparation
        self.placement = placement
        self.info = info
        self.token_limit = min(int(tokenizer.model_max_length), int(model.config.text_config.max_position_embeddings))

    @property
    def scale(self) -> float:
        """exp(logit_scale), which the model multiplies cosines by: 100 for most CLIPs."""
        return float(self.model.logit_scale.detach().float().exp())

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
        return unit(self.model.get_image_features(pixel_values=pixel_values))

    @torch.inference_mode()
    def text_features(self, text: str) -> TextFeatures:
        """Features of a text, truncated by the tokenizer so that the end token stays."""
        found = self.texts_features([text])
        return TextFeatures(found.features, found.tokens[0], found.limit)

    @torch.inference_mode()
    def texts_features(self, texts: Sequence[str]) -> ManyTextFeatures:
        """Features of several texts at once, each truncated by itself."""
        tokens = [len(ids) for ids in self.tokenizer(list(texts))["input_ids"]]
        padded = self.model.config.model_type in _PADDED
        inputs = self.tokenizer(
            list(texts),
            truncation=True,
            max_length=self.token_limit,
            padding="max_length" if padded else len(texts) > 1,
            return_attention_mask=not padded,
            return_tensors="pt",
        ).to(self.placement.device)
        return ManyTextFeatures(unit(self.model.get_text_features(**inputs)), tokens, self.token_limit)


def load_siglip(ref: ModelRef, local: LocalModel, placement: Placement) -> Clip:
    """Load a SigLIP, or a SigLIP 2 of a fixed size; ModelUnavailableError for any other model."""
    from transformers import AutoConfig

    kind = AutoConfig.from_pretrained(local.path, **LOCAL_ONLY).model_type
    if kind not in _PADDED:
        raise ModelUnavailableError(
            f"SigLIP model {ref.name} is of type {kind!r}, not 'siglip'",
            "name a SigLIP, or a SigLIP 2 of a fixed size (not NaFlex), such as google/siglip2-base-patch16-224",
        )
    return load(ref, local, placement)


def load(ref: ModelRef, local: LocalModel, placement: Placement) -> Clip:
    """Load from a local folder of transformers files."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    kind = AutoConfig.from_pretrained(local.path, **LOCAL_ONLY).model_type
    if kind not in _DUAL_ENCODERS:
        raise ModelUnavailableError(
            f"{role_name(local.role)} {ref.name} is of type {kind!r}, "
            "which does not embed images and texts in one space",
            f"name a model of one of these types in the settings: {', '.join(_DUAL_ENCODERS)}",
        )
    model, detail = from_pretrained(AutoModel, ref, local, placement)
    preparation = load_preparation(local.path)
    tokenizer = AutoTokenizer.from_pretrained(local.path, **LOCAL_ONLY)
    detail |= preparation.detail
    if kind in LOWER_CASED:
        # A tokenizer that reads its SentencePiece model itself is SigLIP 1's, and lower-cases as its files say.
        if (backend := getattr(tokenizer, "backend_tokenizer", None)) is not None:
            lower_case(backend)
        detail["text"] = "lower-cased"
    info = describe(ref, local, placement, model, detail)
    return Clip(model, tokenizer, preparation, placement, info)


def unit(output: Any) -> torch.Tensor:
    """Length one in float32: half precision overflows in the squares and rounds small features to nothing."""
    # transformers 5 returns an output object whose pooler_output is the projected vector; earlier a tensor.
    projected: torch.Tensor = output if isinstance(output, torch.Tensor) else output.pooler_output
    return functional.normalize(projected.float(), dim=-1).cpu()
