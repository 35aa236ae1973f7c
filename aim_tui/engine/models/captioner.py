"""BLIP-2: one greedy caption an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from aim_tui.core.metrics.spec import ModelRef
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.engine.models.device import Placement
from aim_tui.engine.models.loading import describe, from_pretrained
from aim_tui.engine.models.pixels import ImagePreparation, load_preparation
from aim_tui.engine.runtime import LOCAL_ONLY
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.inventory import LocalModel

MAX_NEW_TOKENS = 30
DECODING = f"greedy, max_new_tokens {MAX_NEW_TOKENS}"


class Captioner:
    """BLIP-2 with a decoder-only (OPT) or an encoder-decoder (Flan-T5) language model."""

    def __init__(
        self, model: Any, tokenizer: Any, preparation: ImagePreparation, placement: Placement, info: ModelInfo
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.preparation = preparation
        self.placement = placement
        self.info = info
        self.cut = 0
        """How many captions ended at the limit of tokens and not by themselves."""
        config = model.config
        bos = config.text_config.bos_token_id
        self._prompt = [config.image_token_index] * config.num_query_tokens + ([] if bos is None else [bos])

    @property
    def on_cpu(self) -> bool:
        """Whether it computes on the CPU."""
        return self.placement.device.type == "cpu"

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The model's small input from uint8 (height, width, 3); safe in any thread."""
        return self.preparation.prepare(pixels)

    @torch.inference_mode()
    def captions(self, batch: Sequence[torch.Tensor]) -> list[str]:
        """A caption for each prepared image, stripped; '' where the model generates nothing.

        Every row of a batch has the same prompt, so there is no padding that could change a caption.
        """
        pixel_values = self.preparation.finish(batch, self.placement.device, self.placement.dtype)
        prompt = torch.tensor([self._prompt], device=self.placement.device).repeat(len(batch), 1)
        ids = self.model.generate(
            pixel_values=pixel_values,
            input_ids=prompt,
            max_new_tokens=MAX_NEW_TOKENS,
            do_sample=False,
            num_beams=1,
        )
        # A decoder-only language model returns its prompt before what it wrote; an encoder-decoder does not.
        length = prompt.shape[1]
        if ids.shape[1] >= length and bool((ids[:, :length] == prompt).all()):
            ids = ids[:, length:]
        self.cut += self._cut(ids)
        texts: list[str] = self.tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def _cut(self, ids: torch.Tensor) -> int:
        """How many rows of new tokens are full to the last, so that no end was written."""
        if ids.shape[1] < MAX_NEW_TOKENS:
            return 0
        config = self.model.generation_config
        ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
        last = {None, config.pad_token_id, *ends}
        return sum(token not in last for token in ids[:, -1].tolist())


def load(ref: ModelRef, local: LocalModel, placement: Placement) -> Captioner:
    """Load from a local folder of transformers files, quantised where the reference says so."""
    from transformers import AutoConfig, AutoTokenizer, Blip2ForConditionalGeneration

    config = AutoConfig.from_pretrained(local.path, **LOCAL_ONLY)
    if config.model_type != "blip-2":
        raise ModelUnavailableError(
            f"captioner {ref.name} is a {config.model_type} model, not BLIP-2", "name a BLIP-2 model in the settings"
        )
    if config.image_token_index is None:
        raise ModelUnavailableError(
            f"captioner {ref.name} is of an old revision whose configuration has no image token",
            "fetch its current revision: aim-tui models fetch",
        )
    model, detail = from_pretrained(Blip2ForConditionalGeneration, ref, local, placement)
    preparation = load_preparation(local.path)
    tokenizer = AutoTokenizer.from_pretrained(local.path, **LOCAL_ONLY)
    detail |= {**preparation.detail, "decoding": DECODING}
    info = describe(ref, local, placement, model, detail)
    return Captioner(model, tokenizer, preparation, placement, info)
