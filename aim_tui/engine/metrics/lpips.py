"""LPIPS distance of an image to its reference, or of an edit's target to its source: AIM's policy.

The reference is resized to the image (Pillow, bilinear), and both are compared at full resolution in [-1, 1]. At a
lower resolution LPIPS is another metric, not an approximation of this one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from PIL import Image

from aim_tui.core.metrics.spec import Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.engine.metrics.base import IMAGE, REFERENCE, Extractor, FeatureView, ItemMetric, UnsuitableError
from aim_tui.engine.models.lpips import POLICY, Lpips, ReferenceCache, Size, SizedReference

if TYPE_CHECKING:
    from aim_tui.engine.metrics.base import Columns, Key, MakeExtractor, Models, RawOutcome
    from aim_tui.engine.text_embeddings import TextEmbeddings

    Pair = tuple[torch.Tensor, torch.Tensor]

LPIPS = str(Role.LPIPS)
# Images of more pixels fill a CPU by themselves: a batch of them is slower than one after the other.
_SINGLE_ON_CPU = 256 * 256
# What an accelerator takes at once: four images of 1024 x 1024 keep it busy, and VGG's features of them fit into 4 GB.
_PIXELS_AT_ONCE = 4 * 1024 * 1024


class LpipsDistances(Extractor):
    """The distance of an image to a reference; images with one reference are computed together."""

    name = LPIPS
    roles = (Role.LPIPS,)

    def __init__(self, models: Models, settings: EngineSettings) -> None:
        self._models = models
        self._reference: torch.Tensor | None = None
        self._sized = ReferenceCache(self._resize)

    @property
    def _lpips(self) -> Lpips:
        return cast("Lpips", self._models[Role.LPIPS])

    @property
    def batch_size(self) -> int:
        """4 on a CPU, where most images are computed one by one; 16 elsewhere."""
        return 4 if self._lpips.on_cpu else 16

    def prepare(self, *pixels: torch.Tensor) -> Pair:
        """Both at full size; UnsuitableError where the image is too small for the network."""
        reference, image = pixels
        check_size(self._lpips, image)
        return reference, image

    def recall(self, keys: Sequence[Key]) -> list[float | None]:
        """The kept distance of each pair."""
        if self.cache is None:
            return [None] * len(keys)
        found: dict[str, dict[str, float]] = {}
        for reference, images in _by_reference(keys).items():
            space = self.cache.distances(Role.LPIPS, reference, POLICY)
            found[reference] = self.cache.access.values(space, images)
        return [found[reference].get(image) for reference, image in keys]

    def keep(self, keys: Sequence[Key], features: Sequence[float]) -> None:
        """Keep the distances that are finite numbers."""
        if self.cache is None:
            return
        sound = {key: distance for key, distance in zip(keys, features, strict=True) if math.isfinite(distance)}
        for reference, images in _by_reference(list(sound)).items():
            space = self.cache.distances(Role.LPIPS, reference, POLICY)
            self.cache.access.keep_values(space, {image: sound[reference, image] for image in images})

    def extract(self, batch: Sequence[Pair]) -> list[float]:
        """The distance of each image, 0 between equal pixels."""
        values: list[float] = []
        while len(values) < len(batch):
            self._take_reference(batch[len(values)][0])
            images = []
            for reference, image in batch[len(values) :]:
                if not self._is_taken(reference):
                    break
                images.append(image)
            values += self._to_reference(images)
        return values

    def free(self) -> None:
        """Free the reference's features."""
        self._sized.clear()

    def _take_reference(self, reference: torch.Tensor) -> None:
        if not self._is_taken(reference):
            self._reference = reference
            self._sized.clear()

    def _is_taken(self, reference: torch.Tensor) -> bool:
        # Usually it is the very same tensor: a file that several items share is decoded once.
        return reference is self._reference or (self._reference is not None and torch.equal(reference, self._reference))

    def _to_reference(self, images: Sequence[torch.Tensor]) -> list[float]:
        """The distance of each image to the one reference."""
        values = [math.nan] * len(images)
        for size, positions in _by_size(images).items():
            reference = self._sized.get(size)
            for part in self._parts(positions, size):
                found = self._distances([images[position] for position in part], reference)
                for position, value in zip(part, found, strict=True):
                    values[position] = value
        return values

    def _distances(self, images: list[torch.Tensor], reference: SizedReference) -> list[float]:
        distances = self._lpips.distances(images, reference.features)
        # In a batch a convolution may round otherwise than for a single image; between equal pixels it is 0.
        same = (torch.equal(image, reference.pixels) for image in images)
        return [0.0 if equal else distance for equal, distance in zip(same, distances, strict=True)]

    def _parts(self, positions: list[int], size: Size) -> Iterator[list[int]]:
        """Images of one size in the numbers that are worth computing at once."""
        pixels = size[0] * size[1]
        at_once = 1 if self._lpips.on_cpu and pixels >= _SINGLE_ON_CPU else max(1, _PIXELS_AT_ONCE // pixels)
        for start in range(0, len(positions), at_once):
            yield positions[start : start + at_once]

    def _resize(self, size: Size) -> SizedReference:
        if self._reference is None:
            raise RuntimeError("no reference was given")
        reference = fitted(self._reference, size)
        return SizedReference(reference, self._lpips.features(reference))


class LpipsDistance(ItemMetric):
    """Compares images with the reference."""

    sees_image_alone = False

    def extractors(self) -> Mapping[str, MakeExtractor]:
        """Distances."""
        return {LPIPS: LpipsDistances}

    def views(self, context: Context) -> tuple[FeatureView, ...]:
        """The distance of image and reference."""
        return (FeatureView(LPIPS, (REFERENCE, IMAGE)),)

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The distances as they are."""
        return features[0]


def check_size(lpips: Lpips, image: torch.Tensor) -> None:
    """UnsuitableError for an image, uint8 (height, width, 3), that is too small for the network."""
    height, width = image.shape[:2]
    if min(height, width) < lpips.min_side:
        raise UnsuitableError(
            f"{width} x {height} is too small for LPIPS {lpips.net} (at least {lpips.min_side} a side)"
        )


def fitted(reference: torch.Tensor, size: Size) -> torch.Tensor:
    """The reference, uint8 (height, width, 3), at an image's (height, width)."""
    if tuple(reference.shape[:2]) == size:
        return reference
    height, width = size
    image = Image.fromarray(reference.numpy()).resize((width, height), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(image))


def _by_size(images: Sequence[torch.Tensor]) -> dict[Size, list[int]]:
    """The positions of each (height, width)."""
    groups: dict[Size, list[int]] = {}
    for position, image in enumerate(images):
        groups.setdefault((image.shape[0], image.shape[1]), []).append(position)
    return groups


def _by_reference(keys: Sequence[Key]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for reference, image in keys:
        groups.setdefault(reference, []).append(image)
    return groups
