"""How fast this machine scores: the pipeline compared with the models alone and with the plain way.

All three are measured in turns within one run, on the same files and weights, so that a busy machine disturbs them
alike and their ratios can be trusted where the absolute figures cannot.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
import torch
from PIL import Image

from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFailed, Item, ModelInfo, numbered
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.engine.plan import JobPlan
from aim_tui.engine.reading import Bounds, Readable, ReadAhead, Reader, Unreadable
from aim_tui.engine.reference_loop import plain_way
from aim_tui.engine.runtime import configure_torch, cores
from aim_tui.engine.scoring_pass import BATCH_BYTES
from aim_tui.errors import UsageError

if TYPE_CHECKING:
    from aim_tui.engine.reference_loop import Plain

ImageFormat = Literal["png", "jpeg"]

#: Every way gets at least this many turns, and no more images than this in one.
_TURNS = 3
_IMAGES_A_TURN = 64


@dataclass(slots=True)
class Timing:
    """Seconds that a number of images took, on the wall and on all cores together."""

    images: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0

    def add(self, images: int, work: Callable[[], object]) -> None:
        """Do the work and count its time."""
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        self.wall_s += time.perf_counter() - wall
        self.cpu_s += time.process_time() - cpu
        self.images += images

    def merge(self, other: Timing) -> None:
        """Count the same work on other images."""
        self.images += other.images
        self.extend(other)

    def extend(self, other: Timing) -> None:
        """Count more work on the same images."""
        self.wall_s += other.wall_s
        self.cpu_s += other.cpu_s

    @property
    def rate(self) -> float:
        """Images a second of wall time."""
        return self.images / self.wall_s if self.wall_s else 0.0

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of all cores together for an image."""
        return 1000 * self.cpu_s / self.images if self.images else 0.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times, by the wall clock and by CPU time."""

    wall: float
    cpu: float | None
    """None where the CPU did nothing that could be measured."""

    @classmethod
    def of(cls, slower: Timing, faster: Timing) -> Ratio | None:
        """How many times longer an image takes in `slower`; None where either was not measured."""
        if not (slower.images and faster.images):
            return None
        return cls(faster.rate / slower.rate, slower.cpu_ms / faster.cpu_ms if faster.cpu_ms else None)


@dataclass(slots=True)
class Ways:
    """One metric, or all of them together, in the three ways. `plain` stays empty where no plain way is known."""

    name: str
    batch_size: int | None
    pipeline: Timing = field(default_factory=Timing)
    models_alone: Timing = field(default_factory=Timing)
    """The models' own limit: the same batches already decoded and prepared, forward only."""
    plain: Timing = field(default_factory=Timing)
    """One image at a time: open, process, forward, for each metric and image."""

    @property
    def faster_than_plain(self) -> Ratio | None:
        """How many times faster the pipeline is than the plain way."""
        return Ratio.of(self.plain, self.pipeline)

    @property
    def over_the_limit(self) -> Ratio | None:
        """How many times longer the pipeline takes than the models alone."""
        return Ratio.of(self.pipeline, self.models_alone)

    def to_json(self) -> dict[str, object]:
        """Rates and ratios as plain data."""
        timings = {"pipeline": self.pipeline, "models_alone": self.models_alone, "plain": self.plain}
        return {
            "name": self.name,
            "batch_size": self.batch_size,
            "images_per_s": {way: timing.rate if timing.images else None for way, timing in timings.items()},
            "cpu_ms_per_image": {way: timing.cpu_ms if timing.images else None for way, timing in timings.items()},
            "times_faster_than_plain": msgspec.to_builtins(self.faster_than_plain),
            "times_the_models_alone": msgspec.to_builtins(self.over_the_limit),
        }


@dataclass(slots=True)
class Report:
    """What a bench found."""

    machine: dict[str, str]
    images: int
    mean_bytes: int
    loaded: list[ModelInfo]
    metrics: list[Ways]
    whole: Ways
    reading: Timing
    """Reading, decoding and preparing for all metrics, on all cores, without any model."""

    @property
    def bound_by(self) -> Literal["models", "reading"]:
        """What no pipeline could be faster than."""
        return "reading" if self.reading.rate < self.whole.models_alone.rate else "models"

    @property
    def share_of_the_limit(self) -> float:
        """The whole pipeline's rate over that of what binds it; about 1 is all there is to have."""
        return self.whole.pipeline.rate / min(self.reading.rate, self.whole.models_alone.rate)

    def to_json(self) -> dict[str, object]:
        """The report as plain data, with all ratios."""
        return {
            "machine": self.machine,
            "images": {"count": self.images, "mean_bytes": self.mean_bytes},
            "models": msgspec.to_builtins(self.loaded),
            "metrics": [ways.to_json() for ways in self.metrics],
            "whole": self.whole.to_json(),
            "reading": {"images_per_s": self.reading.rate, "cpu_ms_per_image": self.reading.cpu_ms},
            "bound_by": self.bound_by,
            "share_of_the_limit": self.share_of_the_limit,
        }


def measure(
    settings: EngineSettings,
    metrics: Sequence[str],
    context: Context,
    images: Sequence[str],
    progress: Callable[[str], None] = lambda text: None,
) -> Report:
    """Measure the metrics on image files in all three ways; `progress` receives a line for each step.

    Raises UsageError where a file cannot be read, and what `Engine.run` raises.
    """
    if not images:
        raise UsageError("no images to measure with")
    # Before the engine sets its own: the plain way gets the threads that torch takes by itself.
    threads = torch.get_num_threads()
    # What was kept of an earlier turn would be no work at all.
    settings = replace(settings, store=None)
    engine = Engine(settings)
    progress("loading the models")
    for _ in engine.run(Job(tuple(metrics), context)):
        pass
    bench = _Bench(engine, settings, context, tuple(engine.metrics), threads)
    progress("warming up")
    bench.turn(images[:2], 0)
    bench.forget()
    turns = list(_turns(images))
    for number, turn in enumerate(turns):
        progress(f"turn {number + 1} of {len(turns)}, {len(turn)} images")
        bench.turn(turn, number)
    sizes = [Path(image).stat().st_size for image in images]
    return Report(
        machine={
            "processor": platform.processor() or platform.machine(),
            "cores": str(cores()),
            "devices": ", ".join(sorted({model.info.device for model in engine.models.values()})),
            "torch": torch.__version__,
            "torch_threads": str(torch.get_num_threads()),
            "torch_threads_plain": str(threads),
        },
        images=len(images),
        mean_bytes=sum(sizes) // len(sizes),
        loaded=[model.info for model in engine.models.values()],
        metrics=list(bench.single.values()),
        whole=bench.whole,
        reading=bench.reading,
    )


class _Bench:
    """The clocks, and one turn of everything."""

    def __init__(
        self, engine: Engine, settings: EngineSettings, context: Context, metrics: tuple[str, ...], plain_threads: int
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._context = context
        self._plain_threads = plain_threads
        self._plain = {name: plain_way(name, engine.models, context) for name in metrics}
        extractors = engine.extractors
        common = JobPlan(Job(metrics, context), engine.metrics, extractors).common
        assert common is not None  # no item has a context of its own
        self._plan = common
        self._reader = Reader(settings.reading, extractors)
        self._reader.share(set(common.sides.values()))
        self.forget()

    def forget(self) -> None:
        """Set all clocks to zero."""
        self.single = {name: Ways(name, self._batch_size(name)) for name in self._plain}
        self.whole = Ways("whole", None)
        self.reading = Timing()

    def turn(self, images: Sequence[str], number: int) -> None:
        """Run everything once on these images; each turn begins with another way."""
        ways = [self._pipelines, self._models_alone, self._plain_ways, self._only_reading]
        shift = number % len(ways)
        for way in ways[shift:] + ways[:shift]:
            way(images)

    def _pipelines(self, images: Sequence[str]) -> None:
        self.whole.pipeline.add(len(images), partial(self._score, images, tuple(self.single)))
        for name, ways in self.single.items():
            # A single metric that is the whole need not be measured twice.
            if len(self.single) == 1:
                ways.pipeline = self.whole.pipeline
            else:
                ways.pipeline.add(len(images), partial(self._score, images, (name,)))

    def _score(self, images: Sequence[str], metrics: tuple[str, ...]) -> None:
        for event in self._engine.run(Job(metrics, self._context, numbered(images))):
            if isinstance(event, ImageFailed):
                raise UsageError(f"{images[event.item]}: {event.reason}", "measure with images that can be read")

    def _models_alone(self, images: Sequence[str]) -> None:
        configure_torch()
        read = [self._read(item) for item in numbered(images)]
        readable = [image for image in read if isinstance(image, Readable)]
        whole = Timing(len(readable))
        for name, ways in self.single.items():
            forward = Timing()
            forward.add(len(readable), partial(self._forward, name, readable))
            ways.models_alone.merge(forward)
            whole.extend(forward)
        self.whole.models_alone.merge(whole)

    def _read(self, item: Item) -> Readable | Unreadable:
        return self._reader.read(item, self._plan, self._plan.all_views)

    def _batch_size(self, metric: str) -> int:
        """How many images of a metric are computed at once."""
        return self._engine.batch_size(self._engine.extractors[self._plan.views[metric][0].extractor])

    def _forward(self, metric: str, images: Sequence[Readable]) -> None:
        """The features that one metric sees, and its values."""
        columns = []
        for view in self._plan.views[metric]:
            extractor = self._engine.extractors[view.extractor]
            size = self._engine.batch_size(extractor)
            features: list[Any] = []
            prepared = [tensor for image in images if not isinstance(tensor := image.prepared[view], Failed)]
            for start in range(0, len(prepared), size):
                features += extractor.extract(prepared[start : start + size])
            columns.append(features)
        computed, texts = self._engine.metrics[metric], self._engine.texts
        for role, lacking in texts.lacking(computed.texts(self._plan.context, columns)).items():
            texts.of(role).embed(lacking)
        computed.values(self._plan.context, columns, texts)

    def _plain_ways(self, images: Sequence[str]) -> None:
        torch.set_num_threads(self._plain_threads)
        whole = Timing(len(images))
        for name, way in self._plain.items():
            if way is not None:
                scoring = Timing()
                scoring.add(len(images), partial(_one_by_one, way, images))
                self.single[name].plain.merge(scoring)
                whole.extend(scoring)
        if all(self._plain.values()):
            self.whole.plain.merge(whole)
        configure_torch()

    def _only_reading(self, images: Sequence[str]) -> None:
        reader = ReadAhead(
            numbered(images),
            self._read,
            Bounds(cores(), items=4 * cores(), nbytes=BATCH_BYTES),
        )
        self.reading.add(len(images), lambda: sum(1 for _ in reader))


def synthesise(folder: Path, count: int, size: int, image_format: ImageFormat) -> list[str]:
    """Write `count` seeded square images of `size` pixels: smooth shapes under a little grain, as generations have."""
    suffix = {"png": "png", "jpeg": "jpg"}[image_format]
    paths = []
    for number in range(count):
        rng = np.random.default_rng(number)
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=np.int16)
        grain = rng.integers(-4, 5, (size, size, 1), dtype=np.int16)
        path = folder / f"{number:04}.{suffix}"
        Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(path, quality=92)
        paths.append(os.fspath(path))
    return paths


def _one_by_one(way: Plain, images: Sequence[str]) -> None:
    for image in images:
        way(image)


def _turns(images: Sequence[str]) -> Iterator[Sequence[str]]:
    turns = min(len(images), max(_TURNS, -(-len(images) // _IMAGES_A_TURN)))
    bounds = [round(len(images) * turn / turns) for turn in range(turns + 1)]
    for start, end in zip(bounds, bounds[1:], strict=False):
        yield images[start:end]
