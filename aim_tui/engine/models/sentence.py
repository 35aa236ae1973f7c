"""The sentence encoder: texts to embeddings of length one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from aim_tui.core.metrics.spec import ModelRef
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.engine.models.device import Placement
from aim_tui.engine.models.loading import describe
from aim_tui.hub.inventory import LocalModel

# Files without a limit have one beyond all numbers of this kind.
_NO_LIMIT = 1 << 31
#: How a model without a limit is recorded.
UNLIMITED = frozenset({"unlimited", "inf"})


class SentenceEncoder:
    """A SentenceTransformer in evaluation mode."""

    def __init__(self, model: Any, info: ModelInfo) -> None:
        self.model = model
        self.info = info
        self.limit = _limit(model)
        """How many tokens of a text it reads, start and end included; None where it reads all of them."""

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, also where the model does not read them all; 0 where there is no limit."""
        if self.limit is None:
            return [0] * len(texts)
        prompt = (self.model.prompts or {}).get(self.model.default_prompt_name) or ""
        ids = self.model.tokenizer([prompt + text for text in texts], truncation=False, padding=False)["input_ids"]
        return [len(row) for row in ids]

    def embed(self, texts: Sequence[str]) -> torch.Tensor:
        """float32 (texts, dim) of length one, on the CPU; a row of zeros for a text without any known word."""
        embeddings: torch.Tensor = self.model.encode(
            list(texts), batch_size=len(texts), convert_to_tensor=True, show_progress_bar=False
        )
        return functional.normalize(embeddings.float(), dim=-1).cpu()


def load(ref: ModelRef, local: LocalModel, placement: Placement) -> SentenceEncoder:
    """Load from a local folder of sentence-transformers files."""
    from sentence_transformers import SentenceTransformer

    model_kwargs = {"attn_implementation": ref.attention} if ref.attention else {}
    # The dtype is set on the whole afterwards: as an argument it would miss the dense layers behind the transformer.
    model = SentenceTransformer(
        str(local.path), device=str(placement.device), local_files_only=True, model_kwargs=model_kwargs
    )
    model.to(dtype=placement.dtype).eval().requires_grad_(False)
    detail = {"max_seq_length": str(model.max_seq_length or "unlimited"), "attention": ref.attention or "default"}
    return SentenceEncoder(model, describe(ref, local, placement, model, detail))


def _limit(model: Any) -> int | None:
    """The tokens of a text that are read."""
    limit = model.max_seq_length
    return int(limit) if isinstance(limit, (int, float)) and limit < _NO_LIMIT else None
