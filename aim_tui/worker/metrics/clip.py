"""CLIP score: cosine of the projected, L2-normalised features of image and prompt, in [-1, 1].

The plain cosine, as AIM uses it: Hessel et al. (2021) report 2.5 * max(cosine, 0), torchmetrics 100 * cosine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aim_tui.core.events import PromptRead
from aim_tui.core.metrics import Role
from aim_tui.worker.metrics.base import Metric, RawOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from aim_tui.core.context import Context
    from aim_tui.core.events import Event
    from aim_tui.worker.metrics.base import ReadPixels
    from aim_tui.worker.models.clip import Clip, TextFeatures
    from aim_tui.worker.models.loading import LoadedModel


class ClipScore(Metric):
    """Compares images with the prompt."""

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        self._clip = cast("Clip", models[Role.CLIP])
        self._prompt: str | None = None
        self._text: TextFeatures | None = None

    @property
    def batch_size(self) -> int:
        """16 on a CPU, where more brings nothing; 64 elsewhere."""
        return 16 if self._clip.on_cpu else 64

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The resized and cropped image, uint8 (3, h, w)."""
        return self._clip.prepare(pixels)

    def set_context(self, context: Context, read: ReadPixels) -> Sequence[Event]:
        """Embed the prompt, and report how much of it the model sees."""
        if self._text is None or self._prompt != context.prompt:
            self._text = self._clip.text_features(context.prompt)
            self._prompt = context.prompt
        return (PromptRead(self._text.tokens, self._text.limit, self._text.truncated),)

    def score(self, batch: Sequence[torch.Tensor]) -> list[RawOutcome]:
        """The cosine of each image with the prompt."""
        if self._text is None:
            raise RuntimeError("score before set_context")
        cosines = self._clip.image_features(batch) @ self._text.features[0]
        return [RawOutcome.of(value) for value in cosines.tolist()]
