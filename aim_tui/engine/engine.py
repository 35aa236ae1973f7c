"""The engine: decode once, batch per metric, report each batch as it ends, and compute nothing twice.

    items -> plan: files and features of each -> lookup: what is kept -> pass: read, extract, compute -> events

Models stay loaded between jobs, and what images are compared with is embedded once. The same engine runs in the
worker process and in the headless command.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from aim_tui.core.embeddings.zero_shot import Logits
from aim_tui.core.heatmaps import MakeMap, Map, MapMethod
from aim_tui.core.metrics.edits import DIRECTIONAL, expanded
from aim_tui.core.metrics.package_code import printing_to_stderr
from aim_tui.core.metrics.registry import get_metric, in_order, roles_in_order
from aim_tui.core.metrics.spec import MetricSpec, ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Event, Item, ModelLoaded, Notice, Phase, PhaseName, captioned
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.cache_keys import Cache, Identity, identify, reading_key
from aim_tui.engine.cache_lookup import Lookup, Window
from aim_tui.engine.feature_cache import CacheAccess
from aim_tui.engine.heatmaps import make_map, role_for
from aim_tui.engine.logits import kept_logits, logits_of
from aim_tui.engine.metrics.base import REFERENCE
from aim_tui.engine.metrics.loading import (
    foreign_failure,
    foreign_metrics,
    load_metric,
    metric_class,
    reporting,
)
from aim_tui.engine.metrics.package_thread import PackageThread, PackageThreads
from aim_tui.engine.metrics.plugin_shapes import AdaptedMetric
from aim_tui.engine.models.device import Placement, place
from aim_tui.engine.models.loading import LoadedModel, load, load_key
from aim_tui.engine.out_of_memory import release_memory, settle
from aim_tui.engine.plan import ItemPlan, JobPlan
from aim_tui.engine.reading import Reader
from aim_tui.engine.runtime import configure_torch, cores
from aim_tui.engine.scoring_pass import Backing, ScoringPass
from aim_tui.engine.text_embeddings import ModelTexts, TextEmbeddings
from aim_tui.errors import AimError, ModelUnavailableError, UsageError
from aim_tui.inputs.images import ImageError, LoadedImage, read_image
from aim_tui.store.cache import Space

if TYPE_CHECKING:
    from aim_tui.engine.metrics.base import Columns, Extractor, ItemMetric, MakeExtractor


def never() -> bool:
    """For jobs that cannot be cancelled."""
    return False


class Engine:
    """Scores jobs, one at a time, with the models of its settings."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._models: dict[Role, LoadedModel] = {}
        self._keys: dict[Role, tuple[ModelRef, Placement]] = {}
        self._identities: dict[Role, Identity | None] = {}
        self._metrics: dict[str, ItemMetric] = {}
        self._extractors: dict[str, Extractor] = {}
        self._model_texts: dict[Role, ModelTexts] = {}
        self._made_for: dict[object, object] = {}
        self._package_threads: dict[str, PackageThread] = {}
        self._texts = TextEmbeddings(lambda role: self._model_texts[role])
        self._access: CacheAccess | None = None

    def configure(self, settings: EngineSettings) -> None:
        """Take other settings for the jobs that follow; models that they do not change stay loaded."""
        if settings.store != self._settings.store:
            self.close()
        self._settings = settings
        changed = [role for role in self._models if self._key(role) != self._keys[role]]
        for role in changed:
            self._unload(role)
        if changed:
            release_memory()

    @property
    def models(self) -> Mapping[Role, LoadedModel]:
        """The models that are loaded."""
        return self._models

    @property
    def metrics(self) -> Mapping[str, ItemMetric]:
        """The metrics whose models are loaded, by id."""
        ready = (name for name in self._metrics if all(role in self._models for role in get_metric(name).roles))
        return {name: self._metrics[name] for name in ready}

    @property
    def extractors(self) -> Mapping[str, Extractor]:
        """The extractors whose models are loaded, by name."""
        loaded = self._models.keys()
        return {name: each for name, each in self._extractors.items() if loaded >= set(each.roles)}

    @property
    def texts(self) -> TextEmbeddings:
        """The embeddings of the texts that jobs compare with."""
        return self._texts

    def batch_size(self, extractor: Extractor) -> int:
        """How many images a batch starts with: the settings' number, the model's, the extractor's own."""
        sizes = [self._settings.models[role].batch_size for role in extractor.roles]
        chosen = self._settings.batch_size or next((size for size in sizes if size), None)
        return max(1, chosen or extractor.batch_size)

    def can_map(self, method: MapMethod) -> bool:
        """Whether the model for such a map is loaded."""
        return role_for(method) in self._models

    def make_map(self, request: MakeMap) -> Map:
        """A map of one image, with the model that scores it; between two events of a job, or when none runs.

        Raises AimError with the reason where it cannot be made.
        """
        configure_torch()
        return make_map(request, self._model, self._read)

    def embed_texts(self, role: Role, texts: Sequence[str]) -> ModelTexts:
        """What the model of a role, CLIP's or the sentence encoder's, makes of texts; kept, as those of prompts are.

        The model is loaded where one of them is new. AimError where it cannot be had.
        """
        configure_torch()
        self._check_roles([role])
        identities = self._identities
        book = ModelTexts(role, self._models, self._open_cache([role]))
        # A job may be under way: what it knows of models that it has not loaded yet stays known.
        self._identities = {**identities, **self._identities}
        if lacking := book.lacking(texts):
            self._model(role)
            book.embed(lacking)
        if self._access is not None:
            self._access.flush()
        return book

    def logits(self, role: Role) -> Logits:
        """How a dual encoder makes logits of cosines; it is loaded only where that is not kept. AimError as above."""
        configure_torch()
        self._check_roles([role])
        cache = self._open_cache([role])
        found = None if role in self._models else kept_logits(role, cache)
        if found is None:
            # A model's identity is known once it is loaded.
            model = self._model(role)
            found = logits_of(role, model, self._open_cache([role]))
        if self._access is not None:
            self._access.flush()
        return found

    def embeddings(self, role: Role, sha256s: Sequence[str]) -> Mapping[str, npt.NDArray[np.float32]]:
        """The kept embedding, float32 (dim,) of length one, of each image that has one, by content hash.

        They are those of jobs with the present settings, which need a store.
        """
        cache = self._open_cache([role])
        if cache is None or role not in cache.identities:
            return {}
        return cache.access.vectors(cache.embeddings(role), sha256s)

    def can_embed(self, role: Role) -> bool:
        """Whether the model of a role is loaded."""
        return role in self._models

    def space(self, role: Role) -> Space | None:
        """Where the embeddings of images by a role's model are kept, after it was asked for; None where none are."""
        identity = self._identities.get(role)
        if self._access is None or not self._access.usable or identity is None:
            return None
        return Cache(self._access, {role: identity}, reading_key(self._settings.reading)).embeddings(role)

    def fingerprint(self, role: Role) -> str:
        """The fingerprint of the files of a role's model; empty where they cannot be read."""
        ref = self._settings.models[role]
        identity = self._identities.get(role) or identify(role, ref, self._place(role, ref))
        return identity.fingerprint if identity else ""

    def close(self) -> None:
        """Write what waits and close the store; the next job opens it again."""
        if self._access is not None:
            self._access.close()
            self._access = None

    def run(self, job: Job, cancelled: Callable[[], bool] = never) -> Generator[Event]:
        """Score the items of a job; the events come in the order in which things happen.

        For each metric the rows come in the order of the items. `cancelled` is asked between batches: when it
        says yes the iteration ends, and what has been reported stands. A job without items loads the models,
        embeds what there is to compare with, and ends.

        With a store in the settings, what an earlier job computed is not computed again, and a model that has
        nothing left to do is not loaded: its ModelLoaded then says what it was when the values were computed.

        Raises ModelUnavailableError for a model that cannot be had, and UsageError for an empty prompt or topic
        that a metric needs, a reference that cannot be read, or a device that is not there.
        """
        configure_torch()
        specs = self._check(job)
        cache = self._open_cache(_roles_of_job(job, specs))
        events = self._run(job, specs, cache, cancelled)
        if foreign_metrics(specs):
            events = printing_to_stderr(events)
        try:
            for event in events:
                yield event
                yield from self._notices()
        except (AimError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            if foreign := foreign_metrics(specs):
                raise foreign_failure(foreign, error) from None
            raise
        finally:
            if self._access is not None:
                self._access.flush()
        yield from self._notices()

    def _run(
        self, job: Job, specs: Sequence[MetricSpec], cache: Cache | None, cancelled: Callable[[], bool]
    ) -> Generator[Event]:
        metrics, extractors = self._parts(specs, cache)
        plan = JobPlan(job, metrics, extractors)
        reader = Reader(self._settings.reading, extractors)
        self._check_contexts(plan, metrics, reader)
        threads = self._reading_threads(_roles_of_job(job, specs))
        lookup = Lookup(job.items, plan, extractors, cache, self._settings.reading, threads)
        with closing(lookup.windows()) as windows:
            first = next(windows)
            roles = roles_in_order(plan.all_roles() if job.items else _roles(specs))
            if plan.common is None:
                # Models that see images first: whether texts are embedded at all depends on what they see.
                seeing = {role for extractor in extractors.values() for role in extractor.roles}
                roles = tuple(sorted(roles, key=lambda role: role not in seeing))
            # Without a cache nothing of one context is there; items with their own may all be unreadable.
            everything = not job.items or (cache is None and plan.common is not None)
            wanted = set(roles) if everything else self._wanted(plan, metrics, first)
            for role in roles:
                if cancelled():
                    return
                yield from self._load(role) if role in wanted else self._recall(role, cache, plan.common is not None)
            if plan.common is not None:
                yield from self._begin(plan.common, metrics)
            if not job.items or cancelled():
                return
            yield Phase(PhaseName.SCORING)
            backing = Backing(
                self._settings.reading, cache, threads, self._texts, self._models, self._load_midway, self.batch_size,
                cancelled, self._packages(metrics),
            )  # fmt: skip
            scoring = ScoringPass(plan, metrics, extractors, reader, backing)
            for window in chain((first,), windows):
                yield from self._load_midway(self._wanted(plan, metrics, window))
                yield from scoring.score(window)
                if cancelled():
                    return
            yield from scoring.end()

    def _check_contexts(self, plan: JobPlan, metrics: Mapping[str, ItemMetric], reader: Reader) -> None:
        """Whether the metrics can be computed in the contexts of a job, and its one reference be read."""
        if plan.common is None:
            for name, metric in metrics.items():
                if isinstance(metric, AdaptedMetric) and metric.one_context_only:
                    raise UsageError(
                        f"metric {name!r} takes one {get_metric(name).needs} for all images",
                        "leave it out, or score them by themselves",
                    )
        elif reference := plan.common.sides.get(REFERENCE):
            try:
                reader.hold(reference, self._read(reference))
            except ImageError as error:
                raise UsageError(f"reference {reference}: {error}", "name another reference image") from None

    def _begin(self, plan: ItemPlan, metrics: Mapping[str, ItemMetric]) -> Iterator[Event]:
        """Embed what all items are compared with, metric by metric, and report of it."""
        pinned: dict[Role, list[str]] = {}
        for name, metric in metrics.items():
            if name in plan.missing:
                continue
            with reporting(name):
                wanted = metric.texts(plan.context, [[] for _ in plan.views[name]])
                for role, texts in self._texts.lacking(wanted).items():
                    self._model_texts[role].embed(texts)
                for role, text in wanted:
                    pinned.setdefault(role, []).append(text)
                events = metric.begin(plan.context, self._texts)
            yield from events
        for role, texts in pinned.items():
            self._model_texts[role].pin(texts)

    def _parts(
        self, specs: Sequence[MetricSpec], cache: Cache | None
    ) -> tuple[dict[str, ItemMetric], dict[str, Extractor]]:
        """The metrics of a job, their extractors and texts; those of an earlier job stay while their models do."""
        metrics: dict[str, ItemMetric] = {}
        extractors: dict[str, Extractor] = {}
        for spec in specs:
            if spec.id not in self._metrics or self._made_for["metric", spec.id] != self._made_of(spec.roles, cache):
                self._metrics[spec.id] = load_metric(spec, self._models, self._read)
                self._made_for["metric", spec.id] = self._made_of(spec.roles, cache)
            metric = metrics[spec.id] = self._metrics[spec.id]
            with reporting(spec.id):
                for name, make in metric.extractors().items():
                    if name not in extractors:
                        extractors[name] = self._extractor(name, make, cache)
        for role in _roles(specs):
            if role not in self._model_texts or self._made_for["texts", role] != self._made_of([role], cache):
                self._model_texts[role] = ModelTexts(role, self._models)
                self._made_for["texts", role] = self._made_of([role], cache)
            self._model_texts[role].use_cache(cache)
        return metrics, extractors

    def _packages(self, metrics: Mapping[str, ItemMetric]) -> PackageThreads:
        """The threads of what other packages compute of a job; one that hangs is not called in a later one either."""
        by_metric: dict[str, PackageThread] = {}
        by_extractor: dict[str, PackageThread] = {}
        for name in foreign_metrics(get_metric(name) for name in metrics):
            if name not in self._package_threads:
                self._package_threads[name] = PackageThread(name, self._settings.plugin_seconds)
            by_metric[name] = self._package_threads[name]
            with reporting(name):
                by_extractor |= {
                    extractor: by_metric[name]
                    for extractor in metrics[name].extractors()
                    # One of ours may be what their metric sees with; where it adapts theirs, it has the metric's name.
                    if extractor == name or not type(self._extractors[extractor]).__module__.startswith("aim_tui.")
                }
        return PackageThreads(by_metric, by_extractor)

    def _extractor(self, name: str, make: MakeExtractor, cache: Cache | None) -> Extractor:
        found = self._extractors.get(name)
        if found is None or self._made_for["extractor", name] != self._made_of(found.roles, cache):
            found = self._extractors[name] = make(self._models, self._settings)
            self._made_for["extractor", name] = self._made_of(found.roles, cache)
        found.cache = cache if cache and all(role in cache.identities for role in found.roles) else None
        return found

    def _made_of(self, roles: Iterable[Role], cache: Cache | None) -> object:
        """What a part depends on: its models, and how edits are prepared."""
        roles = tuple(roles)
        identities = tuple(self._identities.get(role) for role in roles) if cache else None
        return tuple(self._key(role) for role in roles), identities, self._settings.edit_resize

    def _check(self, job: Job) -> list[MetricSpec]:
        """The metrics of the job, checked as far as possible before a model is loaded."""
        own = any(item.context for item in job.items)
        if own and any(item.edit for item in job.items) and not all(item.edit for item in job.items):
            raise UsageError("edits and single images cannot be scored in one job")
        try:
            specs = [get_metric(metric) for metric in in_order(expanded(job.metrics))]
        except KeyError as error:
            raise UsageError(str(error.args[0])) from None
        if not specs:
            raise UsageError("no metric was named")
        # An item with a context of its own may lack a prompt, which is then its own missing value.
        if job.items and not own:
            _check_context(job.context, specs, job.features_only)
        self._check_roles(_roles_of_job(job, specs))
        return specs

    def _check_roles(self, roles: Sequence[Role]) -> None:
        for role in roles:
            if role not in self._settings.models:
                raise UsageError(f"the profile names no {role} model", "add it to the profile in the settings")
            self._place(role, self._settings.models[role])

    def _open_cache(self, roles: Sequence[Role]) -> Cache | None:
        """What earlier jobs computed with the models of this one, or None where there is no store that works."""
        self._identities = {role: self._identities[role] for role in self._models}
        if self._settings.store is None:
            return None
        if self._access is None:
            self._access = CacheAccess(self._settings.store)
        self._access.open()
        if not self._access.usable:
            return None
        for role in roles:
            # A loaded model is what its files were when it was loaded.
            if role not in self._models:
                ref = self._settings.models[role]
                self._identities[role] = identify(role, ref, self._place(role, ref))
        identities = {role: identity for role, identity in self._identities.items() if identity is not None}
        return Cache(self._access, identities, reading_key(self._settings.reading))

    def _notices(self) -> Iterator[Event]:
        if self._access is not None and (text := self._access.take_notice()):
            yield Notice(text)

    def _key(self, role: Role) -> tuple[ModelRef, Placement] | None:
        """What the settings want loaded for a role; None where they name nothing that could be."""
        ref = self._settings.models.get(role)
        try:
            return load_key(ref, self._place(role, ref)) if ref else None
        except UsageError:
            return None

    def _place(self, role: Role, ref: ModelRef) -> Placement:
        return place(role, ref, self._settings.device, self._settings.precision)

    def _wanted(self, plan: JobPlan, metrics: Mapping[str, ItemMetric], window: Window) -> set[Role]:
        """The models that the items of a window need, as far as they are not loaded."""
        wanted: set[Role] = set()
        for name, metric in metrics.items():
            if self._models.keys() >= set(get_metric(name).roles):
                continue
            lacking: list[int] = []
            groups: dict[object, tuple[Context, list[list[Any]]]] = {}
            for number, each in enumerate(window.plans):
                row = [window.feature(view, number) for view in each.views[name]]
                if any(feature is None for feature in row):
                    lacking.append(number)
                elif name not in each.missing:
                    groups.setdefault(each.groups[name], (each.context, []))[1].append(row)
            if plan.common is not None and name not in plan.common.missing:
                # The prompt of all is embedded, and reported, even where no image can be read.
                groups.setdefault(plan.common.groups[name], (plan.common.context, []))
            for context, rows in groups.values():
                columns: Columns = list(zip(*rows, strict=True)) or [()] * len(metric.views(context))
                with reporting(name):
                    wanted |= self._texts.lacking(metric.texts(context, columns)).keys()
                    wanted |= metric.wants(context, columns, self._texts)
            for number in lacking:
                each = window.plans[number]
                # Unreadable files are checked again in every job; no model is loaded only for them.
                roles = plan.roles(each, name) - wanted - self._models.keys()
                if roles and self._readable(window.items[number], each):
                    wanted |= roles
        return wanted - self._models.keys()

    def _readable(self, item: Item, plan: ItemPlan) -> bool:
        """Whether the files can be read that an item cannot do without."""
        try:
            for side, path in plan.files(item).items():
                if side != REFERENCE:
                    self._read(path)
        except (ImageError, MemoryError):
            return False
        return True

    def _load(self, role: Role) -> Iterator[Event]:
        """Load a model unless it is there already; report it either way, for it is part of the job's provenance."""
        ref = self._settings.models[role]
        if role not in self._models:
            yield Phase(PhaseName.LOADING, ref.name)
            placement = self._place(role, ref)
            before = identify(role, ref, placement)
            model = load(role, ref, placement)
            if before != self._identities.get(role, before) or before != identify(role, ref, placement):
                raise ModelUnavailableError(f"the files of {ref.name} changed while it was loaded", "score again")
            self._models[role], self._keys[role], self._identities[role] = model, load_key(ref, placement), before
            settle()
        if self._access is not None and (identity := self._identities[role]) is not None:
            Cache(self._access, {role: identity}, "").keep_info(role, self._models[role].info)
        yield ModelLoaded(self._models[role].info)

    def _model(self, role: Role) -> LoadedModel:
        """The model of a role; ModelUnavailableError or UsageError where it cannot be had."""
        if role not in self._settings.models:
            raise UsageError(f"the profile names no {role} model", "add it to the profile in the settings")
        deque(self._load(role), maxlen=0)
        return self._models[role]

    def _recall(self, role: Role, cache: Cache | None, must: bool) -> Iterator[Event]:
        """Report a model that nothing is left to do for; where nothing is recorded of it, load it if it `must`."""
        info = None
        if cache is not None and role not in self._models and role in cache.identities:
            info = cache.recall_info(role, self._settings.models[role])
        if info is not None:
            yield ModelLoaded(info)
        elif must or role in self._models:
            yield from self._load(role)

    def _load_midway(self, wanted: set[Role]) -> Iterator[Event]:
        """Load what the first images did not need."""
        missing = [role for role in roles_in_order(wanted) if role not in self._models]
        for role in missing:
            yield from self._load(role)
        if missing:
            yield Phase(PhaseName.SCORING)

    def _unload(self, role: Role) -> None:
        del self._models[role], self._keys[role], self._identities[role]
        self._metrics = {name: metric for name, metric in self._metrics.items() if role not in get_metric(name).roles}
        self._extractors = {name: each for name, each in self._extractors.items() if role not in each.roles}
        self._model_texts.pop(role, None)

    def _read(self, path: str) -> LoadedImage:
        return read_image(path, self._settings.reading)

    def _reading_threads(self, roles: Sequence[Role]) -> int:
        """Enough to keep the models busy: on a CPU they are slow, and every core they do not get makes them slower."""
        places = [self._place(role, self._settings.models[role]) for role in roles]
        on_cpu = all(placement.device.type == "cpu" for placement in places)
        return max(1, min(8, cores() // 4)) if on_cpu else max(1, min(16, cores() - 1))


def _roles(specs: Sequence[MetricSpec]) -> list[Role]:
    return list(roles_in_order(role for spec in specs for role in spec.roles))


def _roles_of_job(job: Job, specs: Sequence[MetricSpec]) -> list[Role]:
    """The models that a job cannot do without: no captioner for directions between captions that are given."""
    roles = {role for spec in specs if spec != DIRECTIONAL for role in spec.roles}
    if DIRECTIONAL in specs:
        roles |= {Role.CLIP} if job.items and captioned(job.items) else set(DIRECTIONAL.roles)
    return list(roles_in_order(roles))


def _check_context(context: Context, specs: Sequence[MetricSpec], features_only: bool) -> None:
    if features_only:
        specs = [spec for spec in specs if not getattr(metric_class(spec), "sees_image_alone", False)]
    for metric, reason in context.missing_for(tuple(spec.id for spec in specs)).items():
        raise UsageError(f"{metric} was named, but there is {reason}", f"give it, or leave {metric} out")
    for name, text in (("prompt", context.prompt), ("topic", context.topic)):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"the {name} holds bytes that are not UTF-8", f"type the {name} again") from None
