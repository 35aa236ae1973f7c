"""Metrics that compare what one model sees in an image, a vector of length one, with one or several other vectors.

The features of an image are kept by its content, so that another prompt or reference looks at no image again.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol, cast
from weakref import WeakKeyDictionary

import msgspec
import numpy as np

from aim_tui.core.metrics.spec import Need
from aim_tui.core.outcomes import Missing
from aim_tui.core.scoring.events import Notice, PromptRead
from aim_tui.engine.cache_keys import text_key
from aim_tui.engine.metrics.base import FeatureMetric, RawOutcome, cosines
from aim_tui.engine.reading import to_tensor
from aim_tui.errors import UsageError
from aim_tui.inputs.images import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import torch

    from aim_tui.core.metrics.spec import Role
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.engine.metrics.base import Read
    from aim_tui.engine.models.clip import Clip
    from aim_tui.engine.models.loading import LoadedModel
    from aim_tui.inputs.images import LoadedImage

    #: The features of an image or a text: float32 (dim,) of length one.
    Embedding = npt.NDArray[np.float32]

_SCALE = "logit scale"

# The last batch of each model, which holds its images so that none can be mistaken for a new one.
_seen: WeakKeyDictionary[ImageEncoder, dict[int, tuple[torch.Tensor, Embedding]]] = WeakKeyDictionary()


class ImageEncoder(Protocol):
    """A model that makes one vector of an image."""

    @property
    def on_cpu(self) -> bool:
        """Whether it computes on the CPU."""

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The model's small input from uint8 (height, width, 3); safe in any thread."""

    def image_features(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """float32 (batch, dim) of length one, on the CPU, from prepared images."""


class EmbeddingMetric(FeatureMetric):
    """A metric whose feature is what the model of its `role` makes of an image; `judge` has `judge_rows` to say."""

    role: ClassVar[Role]
    #: What it needs of the user, to say what is missing.
    needs: ClassVar[Need] = Need.NOTHING

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        self._models = models
        self._against: str | None = None

    @property
    def model(self) -> ImageEncoder:
        """The model, once it is loaded."""
        return cast("ImageEncoder", self._models[self.role])

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to compare images with."""
        return self._against is not None and not self._against.strip()

    @property
    def batch_size(self) -> int:
        """16 on a CPU, where more brings nothing; 64 elsewhere."""
        return 16 if self.model.on_cpu else 64

    @property
    def prepares_as(self) -> str:
        """As every metric of its model does."""
        return str(self.role)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """The resized and cropped image, uint8 (3, h, w)."""
        return self.model.prepare(pixels)

    def recall(self, sha256s: Sequence[str]) -> list[Embedding | None]:
        """The kept features of each image."""
        if self.cache is None:
            return [None] * len(sha256s)
        kept = self.cache.keeper.vectors(self.cache.embeddings(self.role), sha256s)
        return [kept.get(sha256) for sha256 in sha256s]

    def look(self, batch: Sequence[torch.Tensor]) -> list[Embedding]:
        """The features of each image: at once, where another metric of the model has just looked at them."""
        model = self.model
        seen = _seen.get(model, {})
        if all(id(image) in seen for image in batch):
            return [seen[id(image)][1] for image in batch]
        rows = list(model.image_features(batch).numpy())
        _seen[model] = {id(image): (image, row) for image, row in zip(batch, rows, strict=True)}
        return rows

    def free(self) -> None:
        """Let go of the last batch."""
        _seen.pop(self.model, None)

    def keep(self, sha256s: Sequence[str], features: Sequence[Embedding]) -> None:
        """Keep features whose every number is finite."""
        if self.cache is not None:
            pairs = zip(sha256s, features, strict=True)
            sound = {sha256: row for sha256, row in pairs if bool(np.isfinite(row).all())}
            self.cache.keeper.keep_vectors(self.cache.embeddings(self.role), sound)

    def judge(self, features: Sequence[Embedding]) -> Sequence[float | RawOutcome]:
        """The raw value of each image; missing where there is nothing to compare it with."""
        if self.nothing:
            return [RawOutcome(Missing(f"no {self.needs}"))] * len(features)
        return self.judge_rows(np.stack(features))

    @abstractmethod
    def judge_rows(self, rows: npt.NDArray[np.float32]) -> list[float]:
        """The raw value of each row of (n, dim), of length one."""


class PromptMetric(EmbeddingMetric):
    """Compares images with the prompt: the cosine, times the model's own scale where `scaled`."""

    needs = Need.PROMPT
    scaled: ClassVar[bool] = False

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        super().__init__(models)
        self._text: Embedding | None = None
        self._read: PromptRead | None = None
        self._scale: float | None = None

    def expect(self, context: Context, read: Read) -> None:
        """Take the prompt, and what is kept of it."""
        if self._against == context.prompt:
            return
        self._against, self._text, self._read = context.prompt, None, None
        if self.cache is None:
            return
        keeper, key = self.cache.keeper, text_key(context.prompt)
        text = keeper.vectors(self.cache.texts(self.role), [key]).get(key)
        said = keeper.values(self.cache.notes(self.role, "prompt"), [key]).get(key)
        if self.scaled and self._scale is None:
            self._scale = kept_scale(self)
        if text is not None and said is not None and not (self.scaled and self._scale is None):
            self._text, self._read = text, msgspec.json.decode(said, type=PromptRead)

    def wants(self, features: Sequence[object]) -> set[Role]:
        """The model, for a prompt that has not been embedded before."""
        return {self.role} if self._text is None and not self.nothing else set()

    def set_context(self, context: Context, read: Read) -> Sequence[Event]:
        """Embed the prompt, and report how much of it the model sees."""
        if self._text is None or self._read is None:
            model = cast("Clip", self.model)
            text = model.text_features(context.prompt)
            self._text = text.features[0].numpy()
            self._read = PromptRead(text.tokens, text.limit, text.truncated)
            if self.scaled:
                self._scale = model.scale
                keep_scale(self, model.scale)
            if self.cache is not None and bool(np.isfinite(self._text).all()):
                keeper, key = self.cache.keeper, text_key(context.prompt)
                keeper.keep_vectors(self.cache.texts(self.role), {key: self._text})
                said = msgspec.json.encode(self._read).decode()
                keeper.keep_values(self.cache.notes(self.role, "prompt"), {key: said})
        return self.said(self._read)

    def said(self, read: PromptRead) -> Sequence[Event]:
        """What there is to report of a prompt."""
        if not read.truncated:
            return ()
        return (Notice(f"the prompt has {read.tokens} tokens; {self.role} reads the first {read.limit}"),)

    def judge_rows(self, rows: npt.NDArray[np.float32]) -> list[float]:
        """The cosine of each image with the prompt, scaled where it is to be."""
        if self._text is None:
            raise RuntimeError("judge before set_context")
        found = cosines(rows, self._text)
        return found if self._scale is None else [self._scale * value for value in found]


class ReferenceMetric(EmbeddingMetric):
    """Compares images with the reference: the cosine of the features of both."""

    needs = Need.REFERENCE

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        super().__init__(models)
        self._image: LoadedImage | None = None
        self._sha256 = ""
        self._reference: Embedding | None = None

    def expect(self, context: Context, read: Read) -> None:
        """Read the reference, and take what is kept of it."""
        self._against = context.reference
        if self.nothing:
            return
        try:
            self._image = read(context.reference)
        except ImageError as error:
            raise UsageError(f"reference {context.reference}: {error}", "name another reference image") from None
        if self._image.facts.sha256 != self._sha256:
            self._sha256, self._reference = self._image.facts.sha256, None
        if self._reference is None and self.cache is not None:
            kept = self.cache.keeper.vectors(self.cache.references(self.role), [self._sha256])
            self._reference = kept.get(self._sha256)
            # It may be one of the images that were looked at.
            if self._reference is None and (seen := self.recall([self._sha256])[0]) is not None:
                self._remember(seen)

    def wants(self, features: Sequence[object]) -> set[Role]:
        """The model, for a reference that has not been looked at before."""
        return {self.role} if self._reference is None and not self.nothing else set()

    def set_context(self, context: Context, read: Read) -> Sequence[Event]:
        """Look at the reference."""
        if self._reference is None:
            if self._image is None:
                self.expect(context, read)
            assert self._image is not None
            self._remember(self.look([self.prepare(to_tensor(self._image))])[0])
        self._image = None
        return ()

    def _remember(self, reference: Embedding) -> None:
        """Apart from the images: among them a batch would give it other last bits, and so to every value."""
        self._reference = reference
        if self.cache is not None and bool(np.isfinite(reference).all()):
            self.cache.keeper.keep_vectors(self.cache.references(self.role), {self._sha256: reference})

    def judge_rows(self, rows: npt.NDArray[np.float32]) -> list[float]:
        """The cosine of each image with the reference."""
        if self._reference is None:
            raise RuntimeError("judge before set_context")
        return cosines(rows, self._reference)


def kept_scale(metric: EmbeddingMetric) -> float | None:
    """The logit scale of a metric's model where it is kept."""
    if metric.cache is None:
        return None
    key = text_key(_SCALE)
    kept = metric.cache.keeper.values(metric.cache.notes(metric.role, _SCALE), [key]).get(key)
    return float(kept) if kept is not None else None


def keep_scale(metric: EmbeddingMetric, scale: float) -> None:
    """Keep the logit scale of a metric's model, so that it need not be loaded for that."""
    if metric.cache is not None:
        metric.cache.keeper.keep_values(metric.cache.notes(metric.role, _SCALE), {text_key(_SCALE): repr(scale)})
