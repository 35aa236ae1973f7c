"""The language model of BERTScore, and torchmetrics, which computes the score by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from aim_tui.core.metrics.bertscore import chosen_layer
from aim_tui.core.metrics.spec import ModelRef
from aim_tui.core.scoring.events import ModelInfo
from aim_tui.engine.models.device import Placement
from aim_tui.engine.models.loading import describe, from_pretrained
from aim_tui.engine.runtime import LOCAL_ONLY
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub.inventory import LocalModel
from aim_tui.hub.optional_libraries import require_libraries

# The library's own bound; no model of the kind reads more.
_LONGEST = 512
# Every text has one before and one after, which the library leaves out of the score.
_SPECIAL = 2
_AT_ONCE = 16


class BertScorer:
    """An encoder of transformers, in evaluation mode, and its tokenizer."""

    def __init__(
        self, model: Any, tokenizer: Any, layer: int, limit: int, placement: Placement, info: ModelInfo
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.layer = layer
        self.limit = limit
        """How many tokens of a text it reads, those before and after it not counted."""
        self.placement = placement
        self.info = info

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, also where the model does not read them all."""
        ids = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
        return [len(row) for row in ids]

    def f1(self, captions: Sequence[str], topic: str) -> list[float]:
        """The F1 of each caption with the topic, in [0, 1], not rescaled; NaN where the result is not a number.

        Every text must have a token: without one the library returns 0.
        """
        lengths = self.tokens(captions)
        by_length = sorted(range(len(captions)), key=lengths.__getitem__)
        values = [0.0] * len(captions)
        for start in range(0, len(captions), _AT_ONCE):
            part = by_length[start : start + _AT_ONCE]
            for places in [part] if _keeps_order([lengths[place] for place in part]) else [[place] for place in part]:
                for place, value in zip(places, self._f1([captions[place] for place in places], topic), strict=True):
                    values[place] = value
        return values

    def _f1(self, captions: list[str], topic: str) -> list[float]:
        from torchmetrics.functional.text.bert import bert_score

        longest = max(self.tokens([*captions, topic]))
        found = bert_score(
            captions,
            [topic] * len(captions),
            model=self.model,
            user_tokenizer=self.tokenizer,
            user_forward_fn=self._features,
            device=self.placement.device,
            max_length=min(longest, self.limit) + _SPECIAL,
            batch_size=len(captions),
            truncation=True,
        )
        # The library turns an F1 that is not a number into 0; precision and recall show it.
        parts = torch.stack([torch.as_tensor(found[name]).reshape(-1) for name in ("precision", "recall", "f1")])
        parts[2, ~parts.isfinite().all(dim=0)] = torch.nan
        values: list[float] = parts[2].tolist()
        return values

    def _features(self, model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """The features of one layer, float32 (texts, tokens, dim): cosines are not for half precision."""
        output = model(batch["input_ids"], batch["attention_mask"], output_hidden_states=True)
        features: torch.Tensor = output.hidden_states[self.layer]
        return features.float()


def load(ref: ModelRef, local: LocalModel, placement: Placement) -> BertScorer:
    """Load from a local folder of transformers files; ModelUnavailableError for a model of another kind."""
    require_libraries(["bertscore"])
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    what = f"BERTScore model {ref.name}"
    if ref.quantisation != "none":
        raise ModelUnavailableError(
            f"{what}: quantisation {ref.quantisation} is not for it", "set quantisation to 'none' in the settings"
        )
    config = AutoConfig.from_pretrained(local.path, **LOCAL_ONLY)
    tokenizer = AutoTokenizer.from_pretrained(local.path, **LOCAL_ONLY)
    layers = getattr(config, "num_hidden_layers", None)
    if not isinstance(layers, int) or getattr(config, "is_encoder_decoder", False) or not _is_enclosing(tokenizer):
        raise ModelUnavailableError(
            f"{what} is of type {config.model_type!r}, which is not an encoder with a token before and after a text",
            "name a model of the kind of BERT or RoBERTa as bertscore in the settings",
        )
    layer = chosen_layer(ref) or layers
    if layer > layers:
        raise ModelUnavailableError(
            f"{what} has {layers} layers, and no layer {layer}", f"set layer to 1 to {layers} in the settings"
        )
    # Published ones often come without a pooler, which makes one vector of a text and has no part in this.
    model, detail = from_pretrained(AutoModel, ref, local, placement, unneeded=("pooler.",))
    detail |= {"layer": f"{layer} of {layers}", "score": "F1, without idf, not rescaled with a baseline"}
    info = describe(ref, local, placement, model, detail)
    return BertScorer(model, tokenizer, layer, _limit(model, tokenizer) - _SPECIAL, placement, info)


def _keeps_order(lengths: list[int]) -> bool:
    """Whether the library gives the scores of texts with so many tokens in the order of the texts.

    It sorts them by length and then takes the order of sorting for its inverse (torchmetrics 1.9, issue 2728): that is
    right where sorting twice changes nothing. Texts that are sorted already are, but for those of the same length.
    """
    order = torch.tensor(lengths).argsort()
    return torch.equal(order[order], torch.arange(len(lengths)))


def _is_enclosing(tokenizer: Any) -> bool:
    mask = tokenizer("a", return_special_tokens_mask=True)["special_tokens_mask"]
    return len(mask) > _SPECIAL and bool(mask[0]) and bool(mask[-1])


def _limit(model: Any, tokenizer: Any) -> int:
    """How many tokens a text can have; the positions of a RoBERTa begin behind that of its padding."""
    limit = min(int(tokenizer.model_max_length), _LONGEST)
    positions = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    if not isinstance(positions, torch.nn.Embedding):
        return limit
    taken = 0 if positions.padding_idx is None else positions.padding_idx + 1
    return min(limit, positions.num_embeddings - taken)
