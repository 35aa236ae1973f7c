"""CLIP score: cosine of the projected, L2-normalised features of image and prompt, in [-1, 1].

The plain cosine, as AIM uses it: Hessel et al. (2021) report 2.5 * max(cosine, 0), torchmetrics 100 * cosine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np

from aim_tui.core.events import PromptRead
from aim_tui.core.metrics import Role
from aim_tui.core.outcomes import Missing
from aim_tui.worker.identity import text_key
from aim_tui.worker.metrics.base import FeatureMetric, RawOutcome, cosines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import torch

    from aim_tui.core.context import Context
    from aim_tui.core.events import Event
    from aim_tui.worker.metrics.base import Read
    from aim_tui.worker.models.clip import Clip
    from aim_tui.worker.models.loading import LoadedModel

    #: The features of an image or a text: float32 (dim,) of length one.
    Embedding = npt.NDArray[np.float32]


class ClipScore(FeatureMetric):
    """Compares images with the prompt."""

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        self._models = models
        self._prompt: str | None = None
        self._text: Embedding | None = None
        self._read: PromptRead | None = None

    @property
    def _clip(self) -> Clip:
        return cast("Clip", self._models[Role.CLIP])

    @property
    def _nothing(self) -> bool:
        """Whether an empty prompt is expected."""
        return self._prompt is not None and not self._prompt.strip()

    @property
    def batch_size(self) -> int:
        """16 on a CPU, where more brings nothing; 64 elsewhere."""
        return 16 if self._clip.on_cpu else 64

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The resized and cropped image, uint8 (3, h, w)."""
        return self._clip.prepare(pixels)

    def expect(self, context: Context, read: Read) -> None:
        """Take the prompt, and what is kept of it."""
        if self._prompt == context.prompt:
            return
        self._prompt, self._text, self._read = context.prompt, None, None
        if self.cache is None:
            return
        keeper, key = self.cache.keeper, text_key(context.prompt)
        text = keeper.vectors(self.cache.texts(Role.CLIP), [key]).get(key)
        said = keeper.values(self.cache.notes(Role.CLIP, "prompt"), [key]).get(key)
        if text is not None and said is not None:
            self._text, self._read = text, msgspec.json.decode(said, type=PromptRead)

    def wants(self, features: Sequence[object]) -> set[Role]:
        """CLIP, for a prompt that has not been embedded before."""
        return {Role.CLIP} if self._text is None and not self._nothing else set()

    def set_context(self, context: Context, read: Read) -> Sequence[Event]:
        """Embed the prompt, and report how much of it the model sees."""
        if self._text is None or self._read is None:
            text = self._clip.text_features(context.prompt)
            self._text = text.features[0].numpy()
            self._read = PromptRead(text.tokens, text.limit, text.truncated)
            if self.cache is not None and bool(np.isfinite(self._text).all()):
                keeper, key = self.cache.keeper, text_key(context.prompt)
                keeper.keep_vectors(self.cache.texts(Role.CLIP), {key: self._text})
                said = msgspec.json.encode(self._read).decode()
                keeper.keep_values(self.cache.notes(Role.CLIP, "prompt"), {key: said})
        return (self._read,)

    def recall(self, sha256s: Sequence[str]) -> list[Embedding | None]:
        """The kept features of each image."""
        if self.cache is None:
            return [None] * len(sha256s)
        kept = self.cache.keeper.vectors(self.cache.embeddings(Role.CLIP), sha256s)
        return [kept.get(sha256) for sha256 in sha256s]

    def look(self, batch: Sequence[torch.Tensor]) -> list[Embedding]:
        """The features of each image."""
        return list(self._clip.image_features(batch).numpy())

    def keep(self, sha256s: Sequence[str], features: Sequence[Embedding]) -> None:
        """Keep features whose every number is finite."""
        if self.cache is not None:
            pairs = zip(sha256s, features, strict=True)
            sound = {sha256: row for sha256, row in pairs if bool(np.isfinite(row).all())}
            self.cache.keeper.keep_vectors(self.cache.embeddings(Role.CLIP), sound)

    def judge(self, features: Sequence[Embedding]) -> Sequence[float | RawOutcome]:
        """The cosine of each image with the prompt."""
        if self._nothing:
            return [RawOutcome(Missing("no prompt"))] * len(features)
        if self._text is None:
            raise RuntimeError("judge before set_context")
        return cosines(np.stack(features), self._text)
