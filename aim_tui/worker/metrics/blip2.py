"""Caption similarity: cosine of the sentence embeddings of a BLIP-2 caption and the topic, in [-1, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aim_tui.core.metrics import Role
from aim_tui.core.outcomes import Failed, Missing
from aim_tui.errors import UsageError
from aim_tui.worker.metrics.base import Metric, RawOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from aim_tui.core.context import Context
    from aim_tui.core.events import Event
    from aim_tui.worker.metrics.base import ReadPixels
    from aim_tui.worker.models.captioner import Captioner
    from aim_tui.worker.models.loading import LoadedModel
    from aim_tui.worker.models.sentence import SentenceEncoder

# Parameters. A CPU writes captions of larger models so slowly that a small batch is what keeps a screen alive.
_LARGE = 100_000_000
_EMPTY = RawOutcome(Missing("the captioner returned an empty caption"), "")


class CaptionSimilarity(Metric):
    """Captions images and compares the captions with the topic."""

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        self._captioner = cast("Captioner", models[Role.CAPTIONER])
        self._encoder = cast("SentenceEncoder", models[Role.SENTENCE])
        self._topic: str | None = None
        self._embedding: torch.Tensor | None = None

    @property
    def batch_size(self) -> int:
        """32, which fits BLIP-2 OPT-2.7b in float16 into 24 GB; on a CPU 8, or 4 where each caption takes seconds."""
        if not self._captioner.on_cpu:
            return 32
        return 4 if self._captioner.info.parameters > _LARGE else 8

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The resized image, uint8 (3, h, w)."""
        return self._captioner.prepare(pixels)

    def set_context(self, context: Context, read: ReadPixels) -> Sequence[Event]:
        """Embed the topic; UsageError for one that the encoder has no word of."""
        if self._embedding is None or self._topic != context.topic:
            embedding = self._encoder.embed([context.topic])[0]
            if not bool(embedding.any()):
                raise UsageError(
                    f"the sentence encoder {self._encoder.info.id} knows no word of the topic",
                    "word the topic differently, or use another --profile",
                )
            self._topic, self._embedding = context.topic, embedding
        return ()

    def score(self, batch: Sequence[torch.Tensor]) -> list[RawOutcome]:
        """The cosine of each caption with the topic; an empty caption is missing, not similarity 0."""
        if self._embedding is None:
            raise RuntimeError("score before set_context")
        captions = self._captioner.captions(batch)
        spoken = [caption for caption in captions if caption]
        if not spoken:
            return [_EMPTY] * len(captions)
        embeddings = iter(self._encoder.embed(spoken))
        return [_compare(caption, next(embeddings), self._embedding) if caption else _EMPTY for caption in captions]


def _compare(caption: str, embedding: torch.Tensor, topic: torch.Tensor) -> RawOutcome:
    if not bool(embedding.any()):
        return RawOutcome(Failed("the sentence encoder knows no word of the caption"), caption)
    return RawOutcome.of(float(embedding @ topic), caption)
