"""Facts that the engine reports while it scores, in the order they happen.

They are plain data: a headless command consumes them in its own process, the worker process writes them as JSON lines,
and `core.scoring.results` merges them into rows either way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from aim_tui.core.outcomes import Failed, Missing, Outcome, Present
from aim_tui.core.scoring.context import Context


@dataclass(frozen=True, slots=True)
class DataRow:
    """The row of an item in a data file: its id, its paths as written in the file, further columns."""

    id: str
    source: str
    target: str
    truth: dict[str, Any] = field(default_factory=dict)
    """What the file says about the instruction: whether it is right, and its type of error."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image to score: a number that stays the same for the whole job, and its path.

    Its `context` overrides the same parts of the job's. If it has a source, the image is the target of an edit.
    """

    id: int
    path: str
    context: Context | None = None
    data: DataRow | None = None

    @property
    def edit(self) -> Context | None:
        """Source and instruction of an edit; None for a single image."""
        return self.context if self.context is not None and self.context.source else None


def numbered(paths: Iterable[str]) -> list[Item]:
    """An item for each path, counted up from zero."""
    return [Item(number, path) for number, path in enumerate(paths)]


def captioned(items: Iterable[Item]) -> bool:
    """Whether every edit has a caption of its source."""
    return all(item.edit.source_caption for item in items if item.edit)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts from reading an image: size in pixels after EXIF rotation, and how it became RGB."""

    width: int
    height: int
    format: str
    mode: str
    bytes: int
    sha256: str
    exif_rotated: bool = False
    flattened: str = ""
    """The colour on which transparency was flattened; empty if there was none."""
    frames: int = 1
    levels: str = ""
    """Which values were read as black to white, of a mode whose values are not 8-bit levels: '0 to 65535'."""
    icc: str = ""
    """Name of the ICC profile, which is not applied; empty where there is none."""
    damage: str = ""
    """What is broken in the file besides its pixels, which are whole."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A loaded model, as every output records it."""

    role: str
    id: str
    revision: str
    dtype: str
    device: str
    parameters: int
    detail: dict[str, str] = field(default_factory=dict)
    """Attention implementation, image processor backend, resize policy, quantisation."""


class PhaseName(StrEnum):
    """What the engine is busy with."""

    STARTING = "starting"
    LOADING = "loading"
    SCORING = "scoring"


@dataclass(frozen=True, slots=True)
class Phase:
    """The engine has begun something that takes a while; `detail` names the model."""

    name: PhaseName
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """A model is ready."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class PromptRead:
    """How many tokens of a text its model sees: `tokens` with start and end, of at most `limit`.

    The prompt is CLIP's, the topic that of the sentence encoder or of BERTScore.
    """

    tokens: int
    limit: int
    truncated: bool
    text: Literal["prompt", "topic"] = "prompt"
    item: int | None = None
    """The item that brings the text itself; None for the text of all items."""


@dataclass(frozen=True, slots=True)
class ImageRead:
    """An image was read and decoded; of an edit both were, and `source` is that of its source."""

    item: int
    facts: ImageFacts
    source: ImageFacts | None = None


@dataclass(frozen=True, slots=True)
class ImageFailed:
    """An image could not be read: every metric fails for this reason."""

    item: int
    reason: str


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One metric's raw outcome for one image, flat for the wire."""

    item: int
    state: Literal["present", "missing", "failed"]
    value: float | None = None
    reason: str = ""
    caption: str | None = None

    @classmethod
    def of(cls, item: int, outcome: Outcome, caption: str | None = None) -> MetricValue:
        """The flat form of an outcome."""
        match outcome:
            case Present(value):
                return cls(item, "present", value=value, caption=caption)
            case Missing(reason):
                return cls(item, "missing", reason=reason, caption=caption)
            case Failed(reason):
                return cls(item, "failed", reason=reason, caption=caption)

    @property
    def outcome(self) -> Outcome:
        """The outcome; ValueError for a present value without a finite number."""
        if self.state == "present":
            if self.value is None:
                raise ValueError("a present value without a number")
            return Present(self.value)
        return Missing(self.reason) if self.state == "missing" else Failed(self.reason)


@dataclass(frozen=True, slots=True)
class MetricBatch:
    """A batch of one metric has ended."""

    metric: str
    values: list[MetricValue]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know that stops nothing, such as a batch halved for lack of memory."""

    text: str


Event = Phase | ModelLoaded | PromptRead | ImageRead | ImageFailed | MetricBatch | Notice
