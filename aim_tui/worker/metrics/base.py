"""What a metric is to the engine: it prepares images, and turns a batch of them into raw values.

A metric knows nothing of files, queues, screens or normalisation. A third party's metric is a class of this shape,
named by the `implementation` of its MetricSpec.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aim_tui.core.outcomes import Failed, Outcome, Present

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

    from aim_tui.core.context import Context
    from aim_tui.core.events import Event
    from aim_tui.core.metrics import Role
    from aim_tui.worker.models.loading import LoadedModel

    #: Reads an image file by the job's policy: uint8 (height, width, 3). Raises inputs.images.ImageError.
    ReadPixels = Callable[[str], torch.Tensor]


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
        """Take the models of the roles that the MetricSpec names."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """How many images are worth computing at once on the device in use, where nobody says otherwise."""

    @abstractmethod
    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """What a batch needs of uint8 RGB pixels (height, width, 3), on the CPU, as small as it can be.

        Raises UnsuitableError for an image that the metric cannot take.
        """

    @abstractmethod
    def set_context(self, context: Context, read: ReadPixels) -> Sequence[Event]:
        """Embed what images are compared with; a part that has not changed is not embedded again.

        Returns what there is to report of it. Raises UsageError where it cannot be used.
        """

    @abstractmethod
    def score(self, batch: Sequence[torch.Tensor]) -> list[RawOutcome]:
        """The raw value of each prepared image, in the order of the batch."""

    def free(self) -> None:  # noqa: B027 - most metrics keep nothing
        """Let go of what can be computed again, because memory ran out."""
