"""What models see in the two images of an edit: both at once, or each by itself as the metrics of single images do.

What is kept of a single image, and the distance to a source, are what runs over single images keep: each finds the
other's.
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from aim_tui.core.metrics.spec import Role
from aim_tui.engine.cache_keys import PREPROCESSING
from aim_tui.engine.metrics.base import UnsuitableError
from aim_tui.engine.metrics.caption_similarity import CaptionSimilarity
from aim_tui.engine.metrics.captions import CaptionMetric
from aim_tui.engine.metrics.lpips import fitted
from aim_tui.engine.models.editclip import resized
from aim_tui.engine.models.lpips import POLICY
from aim_tui.store.cache import Space

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.models.editclip import EditClip as EditClipModel
    from aim_tui.engine.models.loading import LoadedModel
    from aim_tui.engine.models.lpips import Lpips

    Embedding = npt.NDArray[np.float32]
    #: Content hashes of source and target.
    Pair = tuple[str, str]


class PairLook(ABC):
    """What a model sees in source and target together. Only `prepare` is called from several threads."""

    role: Role

    def __init__(self, models: Mapping[Role, LoadedModel], cache: Cache | None) -> None:
        self._models = models
        self._cache = cache if cache is not None and self.role in cache.identities else None

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """How many pairs are worth computing at once on the device in use."""

    @abstractmethod
    def prepare(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """What a batch needs of two uint8 (height, width, 3). UnsuitableError where the model cannot take them."""

    @abstractmethod
    def recall(self, pairs: Sequence[Pair]) -> list[Any]:
        """The kept feature of each pair, None where there is none."""

    @abstractmethod
    def look(self, batch: Sequence[torch.Tensor]) -> list[Any]:
        """A feature of each prepared pair, in the order of the batch."""

    @abstractmethod
    def keep(self, pairs: Sequence[Pair], features: Sequence[Any]) -> None:
        """Keep what `look` gave; what could not be computed is left out."""

    def free(self) -> None:  # noqa: B027 - nothing is held between batches
        """Let go of what can be computed again, because memory ran out."""


class LpipsPair(PairLook):
    """The LPIPS distance of the target to the source, by the policy and in the cache of the metric of single images."""

    role = Role.LPIPS

    def __init__(self, models: Mapping[Role, LoadedModel], cache: Cache | None) -> None:
        super().__init__(models, cache)
        self._held: tuple[torch.Tensor, Any] | None = None

    @property
    def _lpips(self) -> Lpips:
        return cast("Lpips", self._models[Role.LPIPS])

    @property
    def batch_size(self) -> int:
        """4: each pair is computed by itself, since no two sources are the same."""
        return 4

    def prepare(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Source, in the target's size, and target: uint8 (2, height, width, 3)."""
        height, width = target.shape[:2]
        if min(height, width) < self._lpips.min_side:
            raise UnsuitableError(
                f"{width} x {height} is too small for LPIPS {self._lpips.net} (at least {self._lpips.min_side} a side)"
            )
        return torch.stack([fitted(source, (height, width)), target])

    def recall(self, pairs: Sequence[Pair]) -> list[float | None]:
        """The kept distance of each pair."""
        if self._cache is None:
            return [None] * len(pairs)
        kept: dict[Pair, float] = {}
        for source, targets in _by_source(pairs).items():
            found = self._cache.keeper.values(self._space(source), targets)
            kept |= {(source, target): value for target, value in found.items()}
        return [kept.get(pair) for pair in pairs]

    def look(self, batch: Sequence[torch.Tensor]) -> list[float]:
        """The distance of each pair; exactly 0 between equal pixels."""
        return [self._distance(pair) for pair in batch]

    def keep(self, pairs: Sequence[Pair], features: Sequence[float]) -> None:
        """Keep the distances that are finite numbers."""
        if self._cache is not None:
            for (source, target), distance in zip(pairs, features, strict=True):
                if math.isfinite(distance):
                    self._cache.keeper.keep_values(self._space(source), {target: distance})

    def _distance(self, pair: torch.Tensor) -> float:
        source, target = pair
        if torch.equal(source, target):
            return 0.0
        # Those that share a source come one after the other: its features are half of the work.
        if self._held is None or not torch.equal(self._held[0], source):
            self._held = source.clone(), self._lpips.features(source)
        return self._lpips.distances([target], self._held[1])[0]

    def free(self) -> None:
        """Let go of the source's features."""
        self._held = None

    def _space(self, source: str) -> Space:
        assert self._cache is not None
        return self._cache.distances(Role.LPIPS, source, POLICY)


class EditClipPair(PairLook):
    """EditCLIP's features of a pair: float32 (dim,) of length one."""

    role = Role.EDITCLIP

    def __init__(self, models: Mapping[Role, LoadedModel], cache: Cache | None, resize: int | None) -> None:
        super().__init__(models, cache)
        self._resize = resize

    @property
    def _model(self) -> EditClipModel:
        return cast("EditClipModel", self._models[Role.EDITCLIP])

    @property
    def batch_size(self) -> int:
        """8 on a CPU, where more brings nothing; 32 elsewhere."""
        return 8 if self._model.on_cpu else 32

    def prepare(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Both images as the image processor makes them: (2, 3, h, w)."""
        return self._model.prepare_pair(resized(source, self._resize), resized(target, self._resize))

    def recall(self, pairs: Sequence[Pair]) -> list[Embedding | None]:
        """The kept features of each pair."""
        if self._cache is None:
            return [None] * len(pairs)
        keys = [pair_key(pair) for pair in pairs]
        kept = self._cache.keeper.vectors(self._space(), keys)
        return [kept.get(key) for key in keys]

    def look(self, batch: Sequence[torch.Tensor]) -> list[Embedding]:
        """The features of each pair."""
        return list(self._model.pair_features(batch).numpy())

    def keep(self, pairs: Sequence[Pair], features: Sequence[Embedding]) -> None:
        """Keep features whose every number is finite."""
        if self._cache is not None:
            rows = zip(pairs, features, strict=True)
            sound = {pair_key(pair): row for pair, row in rows if bool(np.isfinite(row).all())}
            self._cache.keeper.keep_vectors(self._space(), sound)

    def _space(self) -> Space:
        assert self._cache is not None
        model = self._cache.identities[Role.EDITCLIP]
        scaled = f"scaled to {self._resize} x {self._resize}, Pillow bicubic" if self._resize else "as it is"
        return Space.embedding(
            model.fingerprint,
            preprocessing=f"{PREPROCESSING}; source and target on six channels, each {scaled}",
            dtype=model.computing,
            reading=self._cache.reading,
        )


class CaptionLook(CaptionSimilarity):
    """Captions of single images, without the sentence encoder that compares them with a topic."""

    recall = CaptionMetric.recall


def pair_key(pair: Pair) -> str:
    """The key of a pair in the cache: 64 hex digits."""
    return hashlib.sha256("".join(pair).encode("ascii")).hexdigest()


def _by_source(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for source, target in pairs:
        found.setdefault(source, []).append(target)
    return found
