"""LPIPS distance of each image to the reference: AIM's policy.

The reference is resized to the image (Pillow, bilinear), and both are compared at full resolution in [-1, 1]. At a
lower resolution LPIPS is another metric, not an approximation of this one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from PIL import Image

from aim_tui.core.metrics.spec import Role
from aim_tui.engine.metrics.base import FeatureMetric, UnsuitableError
from aim_tui.engine.models.lpips import POLICY, ReferenceCache, SizedReference
from aim_tui.errors import UsageError
from aim_tui.inputs.images import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.engine.metrics.base import Read
    from aim_tui.engine.models.loading import LoadedModel
    from aim_tui.engine.models.lpips import Lpips, Size
    from aim_tui.store.cache import Space

# Images of more pixels fill a CPU by themselves: a batch of them is slower than one after the other.
_ALONE_ON_CPU = 256 * 256
# What an accelerator takes at once: four images of 1024 x 1024 keep it busy, and VGG's features of them fit into 4 GB.
_PIXELS_AT_ONCE = 4 * 1024 * 1024


class LpipsDistance(FeatureMetric):
    """Compares images with the reference."""

    sees_image_alone = False

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        self._models = models
        self._reference: torch.Tensor | None = None
        self._reference_sha256 = ""
        self._sized = ReferenceCache(self._resize)

    @property
    def _lpips(self) -> Lpips:
        return cast("Lpips", self._models[Role.LPIPS])

    @property
    def batch_size(self) -> int:
        """4 on a CPU, where most images are computed alone; 16 elsewhere."""
        return 4 if self._lpips.on_cpu else 16

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The full-size pixels; UnsuitableError where they are too few for the network."""
        height, width = pixels.shape[:2]
        if min(height, width) < self._lpips.min_side:
            raise UnsuitableError(
                f"{width} x {height} is too small for LPIPS {self._lpips.net} (at least {self._lpips.min_side} a side)"
            )
        return pixels

    def expect(self, context: Context, read: Read) -> None:
        """Read the reference; its features are kept where its pixels have not changed."""
        try:
            image = read(context.reference)
        except ImageError as error:
            raise UsageError(f"reference {context.reference}: {error}", "name another reference image") from None
        reference = torch.from_numpy(np.array(image.pixels))
        self._reference_sha256 = image.facts.sha256
        if self._reference is None or not torch.equal(self._reference, reference):
            self._reference = reference
            self._sized.clear()

    def wants(self, features: Sequence[object]) -> set[Role]:
        """Nothing: a kept distance is all there is to say."""
        return set()

    def set_context(self, context: Context, read: Read) -> Sequence[Event]:
        """Nothing is left to do: the features of the reference depend on the images' sizes."""
        return ()

    def recall(self, sha256s: Sequence[str]) -> list[float | None]:
        """The kept distance of each image to the reference."""
        if self.cache is None:
            return [None] * len(sha256s)
        kept: dict[str, float] = self.cache.keeper.values(self._distances_kept(), sha256s)
        return [kept.get(sha256) for sha256 in sha256s]

    def keep(self, sha256s: Sequence[str], features: Sequence[float]) -> None:
        """Keep the distances that are finite numbers."""
        if self.cache is not None:
            pairs = zip(sha256s, features, strict=True)
            sound = {sha256: distance for sha256, distance in pairs if math.isfinite(distance)}
            self.cache.keeper.keep_values(self._distances_kept(), sound)

    def judge(self, features: Sequence[float]) -> Sequence[float]:
        """The distances as they are."""
        return features

    def look(self, batch: Sequence[torch.Tensor]) -> list[float]:
        """The distance of each image, 0 for the reference itself."""
        values = [math.nan] * len(batch)
        for size, positions in _by_size(batch).items():
            reference = self._sized.get(size)
            for part in self._parts(positions, size):
                images = [batch[position] for position in part]
                for position, value in zip(part, self._distances(images, reference), strict=True):
                    values[position] = value
        return values

    def free(self) -> None:
        """Let go of the reference's features."""
        self._sized.clear()

    def _distances_kept(self) -> Space:
        assert self.cache is not None
        return self.cache.distances(Role.LPIPS, self._reference_sha256, POLICY)

    def _distances(self, images: list[torch.Tensor], reference: SizedReference) -> list[float]:
        distances = self._lpips.distances(images, reference.features)
        # In a batch a convolution may round otherwise than for one image alone; between equal pixels it is 0.
        same = (torch.equal(image, reference.pixels) for image in images)
        return [0.0 if equal else distance for equal, distance in zip(same, distances, strict=True)]

    def _parts(self, positions: list[int], size: Size) -> Iterator[list[int]]:
        """Images of one size in the numbers that are worth computing at once."""
        pixels = size[0] * size[1]
        at_once = 1 if self._lpips.on_cpu and pixels >= _ALONE_ON_CPU else max(1, _PIXELS_AT_ONCE // pixels)
        for start in range(0, len(positions), at_once):
            yield positions[start : start + at_once]

    def _resize(self, size: Size) -> SizedReference:
        if self._reference is None:
            raise RuntimeError("look before expect")
        reference = fitted(self._reference, size)
        return SizedReference(reference, self._lpips.features(reference))


def fitted(reference: torch.Tensor, size: Size) -> torch.Tensor:
    """The reference, uint8 (height, width, 3), at an image's (height, width)."""
    if tuple(reference.shape[:2]) == size:
        return reference
    height, width = size
    image = Image.fromarray(reference.numpy()).resize((width, height), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(image))


def _by_size(batch: Sequence[torch.Tensor]) -> dict[Size, list[int]]:
    """The positions in the batch of each (height, width)."""
    groups: dict[Size, list[int]] = {}
    for position, image in enumerate(batch):
        groups.setdefault((image.shape[0], image.shape[1]), []).append(position)
    return groups
