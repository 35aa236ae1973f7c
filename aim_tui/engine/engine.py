"""The engine: decode once, batch per metric, report each batch as it ends, and compute nothing twice.

    files -> survey: what is kept of them -> threads: read, decode, prepare what lacks -> batchers -> events

Models stay loaded between jobs, and what images are compared with is embedded once. The same engine runs in the
worker process and in the headless command.
"""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from aim_tui.core.metrics import edits
from aim_tui.core.metrics.registry import get_metric, in_order, roles_in_order
from aim_tui.core.metrics.spec import MetricSpec, Need
from aim_tui.core.scoring.events import Event, ModelLoaded, Notice, Phase, PhaseName, captioned
from aim_tui.engine.cache_keys import Cache, Identity, identify, reading_key
from aim_tui.engine.cache_lookup import Survey
from aim_tui.engine.feature_cache import Keeper
from aim_tui.engine.heatmaps import make_map, role_for
from aim_tui.engine.item_pass import Backing, ItemwisePass, edit_judges, own_judges
from aim_tui.engine.logits import kept_logits, logits_of
from aim_tui.engine.metrics.base import FeatureMetric
from aim_tui.engine.metrics.loading import made, metric_class, told_of
from aim_tui.engine.models.device import Placement, place
from aim_tui.engine.models.loading import LoadedModel, load, load_key
from aim_tui.engine.out_of_memory import release_memory, settle
from aim_tui.engine.runtime import configure_torch, cores
from aim_tui.engine.shared_pass import Scoring
from aim_tui.engine.text_embeddings import TextBook
from aim_tui.errors import ModelUnavailableError, UsageError
from aim_tui.inputs.images import ImageError, LoadedImage, read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from aim_tui.core.embeddings.zero_shot import Logits
    from aim_tui.core.heatmaps import MakeMap, Map, MapMethod
    from aim_tui.core.metrics.spec import ModelRef, Role
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Item
    from aim_tui.core.scoring.jobs import EngineSettings, Job
    from aim_tui.engine.cache_lookup import Window
    from aim_tui.engine.metrics.base import Metric
    from aim_tui.engine.metrics.per_item import Judge
    from aim_tui.store.cache import Space


def never() -> bool:
    """For jobs that nobody cancels."""
    return False


class Engine:
    """Scores jobs, one at a time, with the models of its settings."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._models: dict[Role, LoadedModel] = {}
        self._keys: dict[Role, tuple[ModelRef, Placement]] = {}
        self._identities: dict[Role, Identity | None] = {}
        self._metrics: dict[str, Metric] = {}
        self._made_for: dict[str, object] = {}
        self._keeper: Keeper | None = None

    def configure(self, settings: EngineSettings) -> None:
        """Take other settings for the jobs that follow; models that they do not change stay loaded."""
        if settings.store != self._settings.store:
            self.close()
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
        ready = (name for name in self._metrics if all(role in self._models for role in get_metric(name).roles))
        return {name: self._metrics[name] for name in ready}

    def batch_size(self, metric: str) -> int:
        """How many images of a loaded metric a batch starts with: the settings' number, the model's, the metric's."""
        own = [self._settings.models[role].batch_size for role in get_metric(metric).roles]
        chosen = self._settings.batch_size or next((size for size in own if size), None)
        return max(1, chosen or self._metrics[metric].batch_size)

    def can_map(self, method: MapMethod) -> bool:
        """Whether the model for such a map is loaded."""
        return role_for(method) in self._models

    def make_map(self, request: MakeMap) -> Map:
        """A map of one image, with the model that scores it; between two events of a job, or when none runs.

        AimError says why there is none.
        """
        configure_torch()
        return make_map(request, self._model, self._read)

    def embed_texts(self, role: Role, texts: Sequence[str]) -> TextBook:
        """What the model of a role, CLIP's or the sentence encoder's, makes of texts; kept, as those of prompts are.

        The model is loaded where one of them is new. AimError where it cannot be had.
        """
        configure_torch()
        self._check_roles([role])
        identities = self._identities
        book = TextBook(role, self._models, self._open_cache([role]))
        # A job may be under way: what it knows of models that it has not loaded yet stays known.
        self._identities = {**identities, **self._identities}
        if lacking := book.lacking(texts):
            self._model(role)
            book.embed(lacking)
        if self._keeper is not None:
            self._keeper.flush()
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
        if self._keeper is not None:
            self._keeper.flush()
        return found

    def embeddings(self, role: Role, sha256s: Sequence[str]) -> Mapping[str, npt.NDArray[np.float32]]:
        """The kept embedding, float32 (dim,) of length one, of each image that has one, by content hash.

        They are those of jobs with the present settings, which need a store.
        """
        cache = self._open_cache([role])
        if cache is None or role not in cache.identities:
            return {}
        return cache.keeper.vectors(cache.embeddings(role), sha256s)

    def can_embed(self, role: Role) -> bool:
        """Whether the model of a role is loaded."""
        return role in self._models

    def space(self, role: Role) -> Space | None:
        """Where the embeddings of images by a role's model are kept, after it was asked for; None where none are."""
        identity = self._identities.get(role)
        if self._keeper is None or not self._keeper.usable or identity is None:
            return None
        return Cache(self._keeper, {role: identity}, reading_key(self._settings.reading)).embeddings(role)

    def fingerprint(self, role: Role) -> str:
        """What tells the files of a role's model from all others; empty where they cannot be read."""
        ref = self._settings.models[role]
        identity = self._identities.get(role) or identify(role, ref, self._place(role, ref))
        return identity.fingerprint if identity else ""

    def close(self) -> None:
        """Write what waits and let go of the store; a job after that opens it again."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

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
        if any(item.edit for item in job.items):
            families, roles = self._check_edits(job)
            steps = self._run_itemwise(job.items, edit_judges(families), roles, cancelled)
        elif any(item.context for item in job.items):
            specs = self._check(job)
            steps = self._run_itemwise(
                _with_context(job), own_judges([spec.id for spec in specs]), _roles(specs), cancelled
            )
        else:
            specs = self._check(job)
            cache = self._open_cache(_roles(specs))
            steps = self._run(job, specs, cache, cancelled)
        try:
            for event in steps:
                yield event
                yield from self._notices()
        finally:
            if self._keeper is not None:
                self._keeper.flush()
        yield from self._notices()

    def _run(
        self, job: Job, specs: Sequence[MetricSpec], cache: Cache | None, cancelled: Callable[[], bool]
    ) -> Iterator[Event]:
        metrics = {spec.id: self._metric(spec, cache) for spec in specs}
        kept = {name: metric for name, metric in metrics.items() if isinstance(metric, FeatureMetric)}
        asked = [spec.id for spec in specs if job.context.need(spec.id).strip()]
        for name, metric in kept.items():
            if name in asked or job.features_only:
                with told_of(name):
                    metric.expect(job.context, self._read)
        known = {name: metric for name, metric in kept.items() if metric.cache is not None}
        policy, threads = self._settings.reading, self._reading_threads(_roles(specs))
        with closing(Survey(job.items, known, cache, policy, threads).windows()) as windows:
            first = next(windows)
            everything = cache is None or not job.items
            wanted = set(_roles(specs)) if everything else self._wanted(metrics, first)
            for role in _roles(specs):
                if cancelled():
                    return
                yield from self._load(role) if role in wanted else self._recall(role, cache)
            for name in asked:
                with told_of(name):
                    said = metrics[name].set_context(job.context, self._read)
                yield from said
            if not job.items or cancelled():
                return
            yield Phase(PhaseName.SCORING)
            scoring = Scoring(metrics, cache, policy, threads, cancelled)
            for window in chain((first,), windows):
                yield from self._load_midway(self._wanted(metrics, window))
                for name in self.metrics.keys() & metrics.keys():
                    scoring.size_batches(name, self.batch_size(name))
                yield from scoring.score(window, partial(self._load_midway, set(_roles(specs))))
                if cancelled():
                    return
            yield from scoring.end()

    def _run_itemwise(
        self,
        items: Sequence[Item],
        judges: Mapping[Judge, tuple[str, ...]],
        roles: Sequence[Role],
        cancelled: Callable[[], bool],
    ) -> Iterator[Event]:
        cache = self._open_cache(roles)
        # Models that are loaded already belong to what made the numbers, as those do that are loaded on the way.
        for role in roles:
            if role in self._models:
                yield from self._load(role)
        yield Phase(PhaseName.SCORING)
        threads = self._reading_threads(roles)
        backing = Backing(self._models, cache, self._settings, threads, self._load_midway)
        scoring = ItemwisePass(judges, backing, cancelled)
        yield from scoring.run(items)
        for role in roles:
            if role in scoring.used and role not in self._models:
                yield from self._recall(role, cache)

    def _check_edits(self, job: Job) -> tuple[tuple[str, ...], tuple[Role, ...]]:
        """The families and models that a job of edits asks for, as far as can be told before a model is loaded."""
        if not all(item.edit for item in job.items):
            raise UsageError("edits and single images cannot be scored in one job")
        try:
            families = edits.families(job.metrics)
        except KeyError as error:
            raise UsageError(str(error.args[0])) from None
        if not families:
            raise UsageError("no metric is asked for")
        roles = edits.roles_for(families, captioned=captioned(job.items))
        self._check_roles(roles)
        return families, roles

    def _check(self, job: Job) -> list[MetricSpec]:
        """The metrics of the job, which can be asked for as far as can be told before a model is loaded."""
        try:
            specs = [get_metric(metric) for metric in in_order(job.metrics)]
        except KeyError as error:
            raise UsageError(str(error.args[0])) from None
        if not specs:
            raise UsageError("no metric is asked for")
        # An item that brings its own may lack a prompt, which is then its own missing value.
        if job.items and not any(item.context for item in job.items):
            _check_context(job.context, specs, job.features_only)
        self._check_roles(_roles(specs))
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
        if self._keeper is None:
            self._keeper = Keeper(self._settings.store)
        self._keeper.open()
        if not self._keeper.usable:
            return None
        for role in roles:
            # A loaded model is what its files were when it was loaded.
            if role not in self._models:
                ref = self._settings.models[role]
                self._identities[role] = identify(role, ref, self._place(role, ref))
        identities = {role: identity for role, identity in self._identities.items() if identity is not None}
        return Cache(self._keeper, identities, reading_key(self._settings.reading))

    def _notices(self) -> Iterator[Event]:
        if self._keeper is not None and (text := self._keeper.take_notice()):
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

    def _wanted(self, metrics: Mapping[str, Metric], window: Window) -> set[Role]:
        """The models that the items of a window need, as far as they are not loaded."""
        wanted: set[Role] = set()
        for name, metric in metrics.items():
            roles = {role for role in get_metric(name).roles if role not in self._models}
            if not roles:
                continue
            column = window.features.get(name, [None] * len(window.items))
            if isinstance(metric, FeatureMetric):
                wanted |= metric.wants([feature for feature in column if feature is not None]) & roles
            lacking = (item for item, feature in zip(window.items, column, strict=True) if feature is None)
            # Files that cannot be read are looked at in every job anew; no model is loaded for them alone.
            if not roles <= wanted and any(self._readable(item) for item in lacking):
                wanted |= roles
        return wanted

    def _readable(self, item: Item) -> bool:
        try:
            self._read(item.path)
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
        if self._keeper is not None and (identity := self._identities[role]) is not None:
            Cache(self._keeper, {role: identity}, "").keep_info(role, self._models[role].info)
        yield ModelLoaded(self._models[role].info)

    def _model(self, role: Role) -> LoadedModel:
        """The model of a role; ModelUnavailableError or UsageError where it cannot be had."""
        if role not in self._settings.models:
            raise UsageError(f"the profile names no {role} model", "add it to the profile in the settings")
        deque(self._load(role), maxlen=0)
        return self._models[role]

    def _recall(self, role: Role, cache: Cache | None) -> Iterator[Event]:
        """Report a model that nothing is left to do for, or load it where nothing is recorded of it."""
        info = None
        if cache is not None and role not in self._models and role in cache.identities:
            info = cache.recall_info(role, self._settings.models[role])
        if info is None:
            yield from self._load(role)
        else:
            yield ModelLoaded(info)

    def _load_midway(self, wanted: set[Role]) -> Iterator[Event]:
        """Load what the first images did not need."""
        missing = [role for role in roles_in_order(wanted) if role not in self._models]
        for role in missing:
            yield from self._load(role)
        if missing:
            yield Phase(PhaseName.SCORING)

    def _let_go(self, role: Role) -> None:
        del self._models[role], self._keys[role], self._identities[role]
        self._metrics = {name: metric for name, metric in self._metrics.items() if role not in get_metric(name).roles}

    def _metric(self, spec: MetricSpec, cache: Cache | None) -> Metric:
        """The metric's code, made anew where its models are others."""
        identities = tuple(self._identities.get(role) for role in spec.roles)
        models = (tuple(self._key(role) for role in spec.roles), identities if cache else None)
        if spec.id not in self._metrics or self._made_for[spec.id] != models:
            self._metrics[spec.id] = made(spec, self._models)
            self._made_for[spec.id] = models
        metric = self._metrics[spec.id]
        if isinstance(metric, FeatureMetric):
            metric.cache = cache if cache and all(role in cache.identities for role in spec.roles) else None
        return metric

    def _read(self, path: str) -> LoadedImage:
        return read_image(path, self._settings.reading)

    def _reading_threads(self, roles: Sequence[Role]) -> int:
        """Enough to keep the models busy: on a CPU they are slow, and every core they do not get makes them slower."""
        places = [self._place(role, self._settings.models[role]) for role in roles]
        on_cpu = all(placement.device.type == "cpu" for placement in places)
        return max(1, min(8, cores() // 4)) if on_cpu else max(1, min(16, cores() - 1))


def _with_context(job: Job) -> list[Item]:
    """The items, each with the whole context that it is judged against, as far as that is asked for."""
    needs = {get_metric(metric).needs for metric in job.metrics}
    items = []
    for item in job.items:
        context = job.context.overlaid(item.context)
        if Need.REFERENCE not in needs and context.reference:
            context = replace(context, reference="")
        items.append(replace(item, context=context))
    return items


def _roles(specs: Sequence[MetricSpec]) -> list[Role]:
    return list(roles_in_order(role for spec in specs for role in spec.roles))


def _check_context(context: Context, specs: Sequence[MetricSpec], features_only: bool) -> None:
    if features_only:
        specs = [spec for spec in specs if not getattr(metric_class(spec), "sees_image_alone", False)]
    for metric, reason in context.missing_for(tuple(spec.id for spec in specs)).items():
        raise UsageError(f"{metric} was asked for, but there is {reason}", f"give it, or leave {metric} out")
    for name, text in (("prompt", context.prompt), ("topic", context.topic)):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"the {name} holds bytes that are not UTF-8", f"type the {name} again") from None
