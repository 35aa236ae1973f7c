"""Jobs for the engine: which models, which images, which context."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aim_tui.core.metrics.spec import ModelRef, Precision, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item

ExifPolicy = Literal["rotate", "ignore"]


@dataclass(frozen=True, slots=True)
class ReadingPolicy:
    """How an image file becomes RGB pixels, and the limits of a file.

    `exif` 'rotate' turns the image as its EXIF orientation says; 'ignore' is AIM's own reading.
    `max_pixels` and `max_bytes` bound a single file; a larger one is refused before it is decoded. A file that has not
    been read and decoded after `max_seconds` fails, and the next ones are read.
    """

    exif: ExifPolicy = "rotate"
    background: str = "white"
    max_pixels: int = 100_000_000
    max_bytes: int = 256 * 1024 * 1024
    max_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Everything that stays the same between jobs; a change means other models or other numbers.

    `device` is 'auto', 'cpu', 'mps', 'cuda' or 'cuda:N' and applies to models without their own.
    `precision` 'fast' runs every model in bfloat16 or float16, with float32 norms.
    `batch_size` overrides every model's own.
    `edit_resize` scales both images of an edit to a square of that side before EditCLIP's image processor sees them, as
    the published script does with 256; None leaves them as they are.
    `plugin_seconds` is how long a batch of a metric of another package may take before that metric fails.
    `store` is the path of the store whose feature cache is used and filled; None computes everything anew.
    """

    models: dict[Role, ModelRef]
    device: str = "auto"
    precision: Precision = "aim"
    batch_size: int | None = None
    reading: ReadingPolicy = field(default_factory=ReadingPolicy)
    store: str | None = None
    edit_resize: int | None = None
    plugin_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Job:
    """Score `items` on `metrics` against `context`. A job without items loads the models and stops.

    A job of edits has an edit in every item, and names families of `core.metrics.edits` as its metrics.

    With `features_only` the features of every image are computed and kept, even without something to compare them with:
    a metric without its prompt or topic reports each image as missing.
    """

    metrics: tuple[str, ...]
    context: Context
    items: list[Item] = field(default_factory=list)
    features_only: bool = False
    fresh: bool = False
