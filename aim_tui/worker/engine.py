"""The engine: decode once, batch per metric, report each batch as it ends.

    files -> threads: read, decode, prepare for every metric -> a batcher for each metric -> events

Models stay loaded between jobs, and what images are compared with is embedded once. The same engine runs in the
worker process and in the headless command.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from aim_tui.core.events import Event, ImageFailed, ImageRead, ModelLoaded, Phase, PhaseName
from aim_tui.core.metrics import MetricSpec, Role, get_metric, in_order
from aim_tui.errors import UsageError
from aim_tui.inputs.images import read_image
from aim_tui.worker.batching import Batcher
from aim_tui.worker.memory import release_memory
from aim_tui.worker.models.device import Placement, place
from aim_tui.worker.models.loading import LoadedModel, load, load_key, resolve
from aim_tui.worker.reading import Bounds, ReadAhead, Unreadable, read_item, to_tensor
from aim_tui.worker.runtime import configure_torch, cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import torch

    from aim_tui.core.context import Context
    from aim_tui.core.jobs import EngineSettings, Job
    from aim_tui.core.profiles import ModelRef
    from aim_tui.worker.metrics.base import Metric

#: Bytes of decoded and prepared images that may wait for the models, and for one metric's batch to fill.
READ_AHEAD_BYTES = 256 << 20
BATCH_BYTES = 128 << 20


def never() -> bool:
    """For jobs that nobody cancels."""
    return False


class Engine:
    """Scores jobs, one at a time, with the models of its settings."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._models: dict[Role, LoadedModel] = {}
        self._keys: dict[Role, tuple[ModelRef, Placement]] = {}
        self._metrics: dict[str, Metric] = {}

    def configure(self, settings: EngineSettings) -> None:
        """Take other settings for the jobs that follow; models that they do not change stay loaded."""
        self._settings = settings
        strangers = [role for role in self._models if self._key(role) != self._keys[role]]
        for role in strangers:
            self._let_go(role)
        if strangers:
            release_memory()

    @property
    def models(self) -> Mapping[Role, LoadedModel]:
        """The models that are loaded."""
        return self._models

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics whose models are loaded, by id."""
        return self._metrics

    def batch_size(self, metric: str) -> int:
        """How many images of a loaded metric a batch starts with: the settings' number, the model's, the metric's."""
        own = [self._settings.models[role].batch_size for role in get_metric(metric).roles]
        chosen = self._settings.batch_size or next((size for size in own if size), None)
        return max(1, chosen or self._metrics[metric].batch_size)

    def run(self, job: Job, cancelled: Callable[[], bool] = never) -> Iterator[Event]:
        """Score the items of a job; the events come in the order in which things happen.

        For each metric the rows come in the order of the items. `cancelled` is asked between batches: when it
        says yes the iteration ends, and what has been reported stands. A job without items loads the models,
        embeds what there is to compare with, and ends.

        Raises ModelUnavailableError for a model that cannot be had, and UsageError for an empty prompt or topic
        that a metric needs, a reference that cannot be read, or a device that is not there.
        """
        configure_torch()
        specs = self._check(job)
        for role in _roles(specs):
            if cancelled():
                return
            yield from self._load(role)
        metrics: dict[str, Metric] = {}
        for spec in specs:
            metrics[spec.id] = self._metric(spec)
            if job.context.need(spec.id).strip():
                yield from metrics[spec.id].set_context(job.context, self._read_pixels)
        if job.items and not cancelled():
            yield Phase(PhaseName.SCORING)
            yield from self._score(job, metrics, cancelled)

    def _check(self, job: Job) -> list[MetricSpec]:
        """The metrics of the job, which can be asked for as far as can be told before a model is loaded."""
        try:
            specs = [get_metric(metric) for metric in in_order(job.metrics)]
        except KeyError as error:
            raise UsageError(str(error.args[0])) from None
        if not specs:
            raise UsageError("no metric is asked for")
        if job.items:
            _check_context(job.context, specs)
        for role in _roles(specs):
            if role not in self._settings.models:
                raise UsageError(f"the profile names no {role} model", "add it to the profile in the settings")
            self._place(role, self._settings.models[role])
        return specs

    def _key(self, role: Role) -> tuple[ModelRef, Placement] | None:
        """What the settings want loaded for a role; None where they name nothing that could be."""
        ref = self._settings.models.get(role)
        try:
            return load_key(ref, self._place(role, ref)) if ref else None
        except UsageError:
            return None

    def _place(self, role: Role, ref: ModelRef) -> Placement:
        return place(role, ref, self._settings.device, self._settings.precision)

    def _load(self, role: Role) -> Iterator[Event]:
        """Load a model unless it is there already; report it either way, for it is part of the job's provenance."""
        ref = self._settings.models[role]
        if role not in self._models:
            yield Phase(PhaseName.LOADING, ref.name)
            placement = self._place(role, ref)
            self._models[role] = load(role, ref, placement)
            self._keys[role] = load_key(ref, placement)
        yield ModelLoaded(self._models[role].info)

    def _let_go(self, role: Role) -> None:
        del self._models[role], self._keys[role]
        self._metrics = {name: metric for name, metric in self._metrics.items() if role not in get_metric(name).roles}

    def _metric(self, spec: MetricSpec) -> Metric:
        if spec.id not in self._metrics:
            implementation = resolve(spec.implementation)
            self._metrics[spec.id] = implementation({role: self._models[role] for role in spec.roles})
        return self._metrics[spec.id]

    def _read_pixels(self, path: str) -> torch.Tensor:
        return to_tensor(read_image(path, self._settings.reading))

    def _score(self, job: Job, metrics: dict[str, Metric], cancelled: Callable[[], bool]) -> Iterator[Event]:
        batchers = {name: Batcher(name, metric, self.batch_size(name), BATCH_BYTES) for name, metric in metrics.items()}
        policy = self._settings.reading
        ahead = 2 * max(batcher.batch_size for batcher in batchers.values())
        reader = ReadAhead(
            job.items,
            lambda item: read_item(item, metrics, policy),
            Bounds(self._reading_threads(), ahead, READ_AHEAD_BYTES),
        )
        with closing(iter(reader)) as images:
            for image in images:
                if cancelled():
                    return
                if isinstance(image, Unreadable):
                    yield ImageFailed(image.item, image.reason)
                    continue
                yield ImageRead(image.item, image.facts)
                for name, batcher in batchers.items():
                    batcher.add(image.item, image.prepared[name])
                # While the batch is computed this would keep a full-size image alive for nothing.
                del image
                yield from _flush((batcher for batcher in batchers.values() if batcher.full), cancelled)
        if not cancelled():
            yield from _flush(batchers.values(), cancelled)

    def _reading_threads(self) -> int:
        """Enough to keep the models busy: on a CPU they are slow, and every core they do not get makes them slower."""
        on_cpu = all(placement.device.type == "cpu" for _, placement in self._keys.values())
        return max(1, min(8, cores() // 4)) if on_cpu else max(1, min(16, cores() - 1))


def _flush(batchers: Iterable[Batcher], cancelled: Callable[[], bool]) -> Iterator[Event]:
    for batcher in batchers:
        for event in batcher.flush():
            yield event
            if cancelled():
                return


def _roles(specs: Sequence[MetricSpec]) -> list[Role]:
    needed = {role for spec in specs for role in spec.roles}
    return [role for role in Role if role in needed]


def _check_context(context: Context, specs: Sequence[MetricSpec]) -> None:
    for metric, reason in context.missing_for(tuple(spec.id for spec in specs)).items():
        raise UsageError(f"{metric} was asked for, but there is {reason}", f"give it, or leave {metric} out")
    for name, text in (("prompt", context.prompt), ("topic", context.topic)):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"the {name} holds bytes that are not UTF-8", f"type the {name} again") from None
