"""What a metric is to the engine: it prepares images, and turns a batch of them into raw values.

A metric knows nothing of files, queues, screens or normalisation. A third party's metric is a class of this shape,
named by the `implementation` of its MetricSpec.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from aim_tui.core.outcomes import Failed, Outcome, Present

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    import torch

    from aim_tui.core.metrics.spec import Role
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Event
    from aim_tui.engine.cache_keys import Cache
    from aim_tui.engine.models.loading import LoadedModel
    from aim_tui.inputs.images import LoadedImage

    #: Reads an image file by the job's policy. Raises inputs.images.ImageError.
    Read = Callable[[str], LoadedImage]


class UnsuitableError(Exception):
    """An image that cannot be given to a metric; the text says why."""


@dataclass(frozen=True, slots=True)
class RawOutcome:
    """What a metric says of one image; the caption where it made one."""

    outcome: Outcome
    caption: str | None = None

    @classmethod
    def of(cls, value: float, caption: str | None = None) -> RawOutcome:
        """A present value, or a failure where it is not a finite number."""
        if math.isfinite(value):
            return cls(Present(value), caption)
        return cls(Failed(f"the model's result is not a finite number ({value})"), caption)


class Metric(ABC):
    """A metric with its models loaded. Only `prepare` is called from several threads."""

    @abstractmethod
    def __init__(self, models: Mapping[Role, LoadedModel]) -> None:
        """Take the models of the roles that the MetricSpec names; more may be among them."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """How many images are worth computing at once on the device in use, where nobody says otherwise."""

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
        """Let go of what can be computed again, because memory ran out."""


class FeatureMetric(Metric):
    """A metric in two steps: what a model sees in an image, and what that means in a context.

    The first is costly and belongs to the image alone, so it is kept and found again. The models are in the mapping
    that the constructor is given before they are needed, and not earlier: `expect`, `wants`, `recall` and `keep` do
    without them, and `judge` does with those that `wants` named.
    """

    #: Whether `look` sees the image alone, so that there are features before anybody says what to compare them with.
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

        Missing for all where the expected context has nothing to compare with.
        A number that comes alone stands for its RawOutcome.
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
