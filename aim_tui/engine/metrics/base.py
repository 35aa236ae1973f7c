"""What a metric is to the engine: which features it needs of an item, and how features and context become values.

A metric knows nothing of files, queues, screens or normalisation. Features are extracted by an `Extractor`, so that
metrics share them. A third party's metric is an `ItemMetric`, or one of the two simpler shapes at the end of this
module; the `implementation` of its MetricSpec names the class.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from aim_tui.core.metrics.spec import Role
from aim_tui.core.outcomes import Failed, Missing, Outcome, Present

if TYPE_CHECKING:
    import torch

    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.core.scoring.jobs import EngineSettings
    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.models.loading import LoadedModel
    from aim_tui.engine.text_embeddings import TextEmbeddings
    from aim_tui.inputs.images import LoadedImage

    Read = Callable[[str], LoadedImage]
    Models = Mapping[Role, LoadedModel]
    MakeExtractor = Callable[[Models, EngineSettings], "Extractor"]
    Prepared = torch.Tensor | tuple[torch.Tensor, torch.Tensor]

#: The content hashes of the images that a feature belongs to.
Key = tuple[str, ...]
#: One sequence for each view of a metric, all of the same length: a feature of each item.
Columns = Sequence[Sequence[Any]]

IMAGE, REFERENCE, SOURCE = "image", "reference", "source"


class UnsuitableError(Exception):
    """An image that cannot be given to a metric; the text says why."""


@dataclass(frozen=True, slots=True)
class RawOutcome:
    """A metric's outcome for one item; the caption where one was made."""

    outcome: Outcome
    caption: str | None = None

    @classmethod
    def of(cls, value: float, caption: str | None = None) -> RawOutcome:
        """A present value, or a failure where it is not a finite number."""
        if math.isfinite(value):
            return cls(Present(value), caption)
        return cls(Failed(f"the model's result is not a finite number ({value})"), caption)


@dataclass(frozen=True, slots=True)
class FeatureView:
    """A feature of an item: which extractor sees which of its files, by their sides in the item."""

    extractor: str
    sides: tuple[str, ...] = (IMAGE,)


class Extractor(ABC):
    """What a model sees of one image or of two; it depends only on their content, so it is kept and shared.

    Only `prepare` and `recall` are called from several threads. Models are in the mapping before they are needed.
    """

    name: str
    roles: tuple[Role, ...]
    cache: Cache | None = None
    """Where features are kept; None where nothing is. The engine sets it before each job."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """How many features are worth computing at once on the device in use, unless the settings name a number."""

    @property
    def prepares_as(self) -> str | None:
        """A name under which extractors prepare an image alike, so that it is done once."""
        return self.name

    @abstractmethod
    def prepare(self, *pixels: torch.Tensor) -> Prepared:
        """What a batch needs of one image, or of two, uint8 RGB (height, width, 3): on the CPU, as small as can be.

        Raises UnsuitableError for an image that the model cannot take.
        """

    @abstractmethod
    def recall(self, keys: Sequence[Key]) -> list[Any]:
        """The kept feature of each key, None where there is none."""

    @abstractmethod
    def extract(self, batch: Sequence[Any]) -> Sequence[Any]:
        """A feature of each prepared entry, in the order of the batch."""

    @abstractmethod
    def keep(self, keys: Sequence[Key], features: Sequence[Any]) -> None:
        """Keep what `extract` gave; what could not be computed is left out."""

    def notices(self) -> Sequence[Event]:
        """What there is to report of what was extracted since this was last called."""
        return ()

    def free(self) -> None:  # noqa: B027 - most extractors hold nothing between batches
        """Free what can be computed again, because memory ran out."""


class ItemMetric(ABC):
    """A metric of items that may each have their own context; items of one context are compared together.

    The models of the roles that the MetricSpec names are in the mapping before `values` needs them, and not earlier.
    """

    #: Whether a view sees the image alone, so that there are features before there is anything to compare with.
    sees_image_alone: ClassVar[bool] = True

    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        self.models = models

    @abstractmethod
    def extractors(self) -> Mapping[str, MakeExtractor]:
        """What can make the extractors of its views, by their names."""

    @abstractmethod
    def views(self, context: Context) -> tuple[FeatureView, ...]:
        """The features that are needed of an item in a context."""

    def texts(self, context: Context, features: Columns) -> Sequence[tuple[Role, str]]:
        """The texts whose embeddings `values` reads, each with the role of the model that embeds it."""
        return ()

    def wants(self, context: Context, features: Columns, texts: TextEmbeddings) -> set[Role]:
        """Models that `values` needs besides those that embed texts."""
        return set()

    def begin(self, context: Context, texts: TextEmbeddings) -> Sequence[Event]:
        """Check the one context of a whole job, and return what there is to report of it.

        Raises UsageError where nothing can be compared with it.
        """
        return ()

    @abstractmethod
    def values(self, context: Context, features: Columns, texts: TextEmbeddings) -> Sequence[float | RawOutcome]:
        """The raw value of each item in one context: of a batch, or of a thousand kept features at once.

        A plain number stands for its RawOutcome. An AimError is the failure of all of them.
        """

    def read_texts(self, context: Context) -> Sequence[tuple[Literal["prompt", "topic"], Role, str]]:
        """The texts of a context of which outputs record how much a model reads, with the role of that model."""
        return ()

    def notices(self) -> Sequence[Event]:
        """What there is to report of the values that were computed since this was last called."""
        return ()

    def missing(self, reason: str, features: Sequence[Any]) -> RawOutcome:
        """The outcome of an item with nothing to compare with, of which these features were extracted anyway."""
        return RawOutcome(Missing(reason))


class Metric(ABC):
    """The simplest shape of a metric: a batch of prepared images becomes values, compared with one context for all.

    Only `prepare` is called from several threads.
    """

    @abstractmethod
    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        """Take the models of the roles that the MetricSpec names; more may be among them."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """How many images are worth computing at once on the device in use, where the settings name no other number."""

    @abstractmethod
    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """What a batch needs of uint8 RGB pixels (height, width, 3), on the CPU, as small as it can be.

        Raises UnsuitableError for an image that the metric cannot take.
        """

    @property
    def prepares_as(self) -> str | None:
        """A name under which metrics prepare an image alike, so that it is done once; None for one that does not."""
        return None

    @abstractmethod
    def set_context(self, context: Context, read: Read) -> Sequence[Event]:
        """Embed what images are compared with; a part that has not changed is not embedded again.

        Returns what there is to report of it. Raises UsageError where it cannot be used.
        """

    @abstractmethod
    def score(self, batch: Sequence[torch.Tensor]) -> list[RawOutcome]:
        """The raw value of each prepared image, in the order of the batch."""

    def free(self) -> None:  # noqa: B027 - most metrics keep nothing
        """Free what can be computed again, because memory ran out."""


class FeatureMetric(Metric):
    """A metric in two steps: what a model sees in an image, and what that means in a context.

    The first is costly and depends only on the image, so it is kept and found again. The models are in the mapping
    that the constructor is given before they are needed, and not earlier: `expect`, `wants`, `recall` and `keep` do
    without them, and `judge` does with those that `wants` named.
    """

    #: Whether `look` sees the image alone, so that there are features before there is anything to compare them with.
    sees_image_alone: ClassVar[bool] = True

    cache: Cache | None = None
    """Where features are kept; None where nothing is. The engine sets it before each job."""

    @abstractmethod
    def expect(self, context: Context, read: Read) -> None:
        """Take what images will be compared with. Raises UsageError where it cannot be used."""

    @abstractmethod
    def wants(self, features: Sequence[object]) -> set[Role]:
        """The models that are needed to judge these kept features in the expected context."""

    @abstractmethod
    def recall(self, sha256s: Sequence[str]) -> list[Any]:
        """The kept feature of each image, None where there is none. Called in another thread."""

    @abstractmethod
    def look(self, batch: Sequence[torch.Tensor]) -> Sequence[Any]:
        """A feature of each prepared image, in the order of the batch."""

    @abstractmethod
    def keep(self, sha256s: Sequence[str], features: Sequence[Any]) -> None:
        """Keep what `look` gave; what could not be computed is left out."""

    @abstractmethod
    def judge(self, features: Sequence[Any]) -> Sequence[float | RawOutcome]:
        """The raw value of each feature, in their order: of a batch, or of a hundred thousand at once.

        A plain number stands for its RawOutcome.
        """

    def score(self, batch: Sequence[torch.Tensor]) -> list[RawOutcome]:
        """The raw value of each prepared image, in the order of the batch."""
        judged = self.judge(self.look(batch))
        return [RawOutcome.of(value) if isinstance(value, float) else value for value in judged]


def cosines(rows: npt.NDArray[np.float32], against: npt.NDArray[np.float32]) -> list[float]:
    """The cosine of each row (n, dim) with a vector (dim,), all of length one.

    Not a matrix product: that sums in another order for another number of rows, and a kept feature has to give the
    very value it gave in its first batch.
    """
    values: list[float] = np.einsum("ij,j->i", rows, against).tolist()
    return values


def cosine(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """The cosine of two vectors of length one."""
    return cosines(first[None], second)[0]
