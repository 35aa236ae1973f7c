"""Image features of one model, a vector of length one each, compared with a prompt or a reference.

The features of an image are kept by its content, so that another prompt or reference looks at no image again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

import numpy as np
import numpy.typing as npt

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, Notice, PromptRead
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.engine.metrics.base import REFERENCE, Extractor, FeatureView, ItemMetric, RawOutcome, cosines

if TYPE_CHECKING:
    import torch

    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.metrics.base import Columns, Key, MakeExtractor, Models
    from aim_tui.engine.text_embeddings import TextEmbeddings
    from aim_tui.store.cache import Space

    Embedding = npt.NDArray[np.float32]


class ImageEncoder(Protocol):
    """A model that makes one vector of an image."""

    @property
    def on_cpu(self) -> bool:
        """Whether it computes on the CPU."""

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The model's small input from uint8 (height, width, 3); safe in any thread."""

    def image_features(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """float32 (batch, dim) of length one, on the CPU, from prepared images."""


class ImageFeatures(Extractor):
    """The features of an image by the model of a role: float32 (dim,) of length one."""

    def __init__(self, role: Role, models: Models, settings: EngineSettings) -> None:
        self.name = str(role)
        self.roles = (role,)
        self._role = role
        self._models = models

    @property
    def _model(self) -> ImageEncoder:
        return cast("ImageEncoder", self._models[self._role])

    @property
    def batch_size(self) -> int:
        """16 on a CPU, where more brings nothing; 64 elsewhere."""
        return 16 if self._model.on_cpu else 64

    @property
    def prepares_as(self) -> str:
        """As every extractor of its model does."""
        return str(self._role)

    def prepare(self, *pixels: torch.Tensor) -> torch.Tensor:
        """The resized and cropped image, uint8 (3, h, w)."""
        return self._model.prepare(*pixels)

    def recall(self, keys: Sequence[Key]) -> list[Embedding | None]:
        """The kept features of each image."""
        if self.cache is None:
            return [None] * len(keys)
        sha256s = [sha256 for (sha256,) in keys]
        kept = self.cache.access.vectors(self._space(self.cache), sha256s)
        return [kept.get(sha256) for sha256 in sha256s]

    def extract(self, batch: Sequence[torch.Tensor]) -> list[Embedding]:
        """The features of each image."""
        return list(self._model.image_features(batch).numpy())

    def keep(self, keys: Sequence[Key], features: Sequence[Embedding]) -> None:
        """Keep features whose every number is finite."""
        if self.cache is not None:
            pairs = zip(keys, features, strict=True)
            sound = {sha256: row for (sha256,), row in pairs if bool(np.isfinite(row).all())}
            self.cache.access.keep_vectors(self._space(self.cache), sound)

    def _space(self, cache: Cache) -> Space:
        return cache.embeddings(self._role)


class ReferenceFeatures(ImageFeatures):
    """The features of a reference, which is computed in a batch of one.

    Among the images a batch would give it other last bits, and so every value that is compared with it.
    """

    def __init__(self, role: Role, models: Models, settings: EngineSettings) -> None:
        super().__init__(role, models, settings)
        self.name = reference_of(role)

    @property
    def batch_size(self) -> int:
        """1."""
        return 1

    def recall(self, keys: Sequence[Key]) -> list[Embedding | None]:
        """The kept features of each reference, or else of the same image among those that were scored."""
        found = super().recall(keys)
        lacking = [number for number, row in enumerate(found) if row is None]
        if self.cache is not None and lacking:
            sha256s = [keys[number][0] for number in lacking]
            scored = self.cache.access.vectors(self.cache.embeddings(self._role), sha256s)
            for number, sha256 in zip(lacking, sha256s, strict=True):
                if sha256 in scored:
                    found[number] = scored[sha256]
                    self.keep([(sha256,)], [scored[sha256]])
        return found

    def _space(self, cache: Cache) -> Space:
        return cache.references(self._role)


def reference_of(role: Role) -> str:
    """The name of the extractor that sees references with the model of a role."""
    return f"{role} reference"


class EmbeddingMetric(ItemMetric):
    """A metric of the features that the model of its `role` has of an image."""

    role: ClassVar[Role]

    def extractors(self) -> Mapping[str, MakeExtractor]:
        """The features of images."""
        return {str(self.role): partial(ImageFeatures, self.role)}

    def views(self, context: Context) -> tuple[FeatureView, ...]:
        """The features of the image."""
        return (FeatureView(str(self.role)),)


class PromptMetric(EmbeddingMetric):
    """Compares images with the prompt: the cosine, times the model's own scale where `scaled`."""

    scaled: ClassVar[bool] = False

    def texts(self, context: Context, features: Columns) -> Sequence[tuple[Role, str]]:
        """The prompt."""
        return ((self.role, context.prompt),)

    def wants(self, context: Context, features: Columns, texts: TextEmbeddings) -> set[Role]:
        """The model, where its scale is not known."""
        return {self.role} if self.scaled and texts.scale(self.role) is None else set()

    def begin(self, context: Context, texts: TextEmbeddings) -> Sequence[Event]:
        """Report how much of the prompt the model sees."""
        read = texts.of(self.role).reads.get(context.prompt)
        return self.report(read) if read is not None else ()

    def report(self, read: PromptRead) -> Sequence[Event]:
        """What there is to report of a prompt."""
        if not read.truncated:
            return ()
        return (Notice(f"the prompt has {read.tokens} tokens; {self.role} reads the first {read.limit}"),)

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The cosine of each image with the prompt, scaled where it is to be."""
        (images,) = features
        prompt = texts.get(self.role, context.prompt)
        if isinstance(prompt, Failed):
            return [RawOutcome(prompt)] * len(images)
        found = cosines(np.stack(images), prompt)
        if not self.scaled:
            return found
        scale = texts.known_scale(self.role)
        return [scale * value for value in found]


class ReferenceMetric(EmbeddingMetric):
    """Compares images with the reference: the cosine of the features of both."""

    def extractors(self) -> Mapping[str, MakeExtractor]:
        """The features of images, and those of references."""
        return {**super().extractors(), reference_of(self.role): partial(ReferenceFeatures, self.role)}

    def views(self, context: Context) -> tuple[FeatureView, ...]:
        """The features of image and reference."""
        return (FeatureView(str(self.role)), FeatureView(reference_of(self.role), (REFERENCE,)))

    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The cosine of each image with the reference."""
        images, references = features
        return cosines(np.stack(images), references[0])
