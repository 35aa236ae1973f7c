"""What a job has to do for each item: which of its files are read, which features extracted, which metrics computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Need, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item
from aim_tui.core.scoring.jobs import Job
from aim_tui.engine.metrics.base import IMAGE, REFERENCE, SOURCE, Extractor, FeatureView, ItemMetric
from aim_tui.engine.metrics.loading import reporting


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """The same for all items of one context; two plans are the same only where they are one object."""

    context: Context
    views: Mapping[str, tuple[FeatureView, ...]]
    """By metric; empty where it sees nothing of the item."""
    missing: Mapping[str, str]
    """Why a metric has nothing to compare the item with."""
    groups: Mapping[str, object]
    """By metric what items have in common that are compared together."""
    all_views: tuple[FeatureView, ...]
    sides: Mapping[str, str]
    """The files besides the image, by their sides, in the order in which they are read."""

    def path(self, item: Item, side: str) -> str:
        """The file on a side of an item of this plan."""
        return item.path if side == IMAGE else self.sides[side]

    def files(self, item: Item) -> dict[str, str]:
        """All files by side; the image that is scored is the last."""
        return {**self.sides, IMAGE: item.path}


class JobPlan:
    """The plans of a job's items: one for all where none has its own context."""

    def __init__(self, job: Job, metrics: Mapping[str, ItemMetric], extractors: Mapping[str, Extractor]) -> None:
        self._job = job
        self.fresh = job.fresh
        """Whether every file is to be read again."""
        self._metrics = metrics
        self._extractors = extractors
        self._plans: dict[tuple[Context, str], ItemPlan] = {}
        self.common = None if any(item.context for item in job.items) else self._plan(job.context)
        """The plan of all items, or None where they have contexts of their own."""
        self.plans = (
            [self.common] * len(job.items)
            if self.common is not None
            else [self._plan(job.context.overlaid(item.context)) for item in job.items]
        )

    @cached_property
    def own_texts(self) -> Mapping[str, AbstractSet[int]]:
        """The items that bring a prompt or a topic of their own, by what they bring."""
        return {
            text: {item.id for item in self._job.items if item.context is not None and getattr(item.context, text)}
            for text in ("prompt", "topic")
        }

    def roles(self, plan: ItemPlan, metric: str) -> set[Role]:
        """The models of a metric that items of a plan may need: no captioner for a source that has a caption."""
        if metric in plan.missing and not plan.views[metric]:
            return set()
        roles = set(get_metric(metric).roles)
        seen = {view.extractor for view in plan.views[metric]}
        for name in self._metrics[metric].extractors():
            # A metric may have extractors for other plans; their models are of no use to this one.
            if name not in seen:
                roles -= set(self._extractors[name].roles) - self._roles_of(seen)
        return roles

    def all_roles(self) -> set[Role]:
        """The models that the whole job may need."""
        plans = [self.common] if self.common else list({id(plan): plan for plan in self.plans}.values())
        return {role for plan in plans for name in self._metrics for role in self.roles(plan, name)}

    def _roles_of(self, extractors: set[str]) -> set[Role]:
        return {role for name in extractors for role in self._extractors[name].roles}

    def _plan(self, context: Context) -> ItemPlan:
        # Why an item has no prompt is part of its outcome, where a prompt was found is not.
        key = (context, "" if context.prompt else context.prompt_origin)
        if key not in self._plans:
            self._plans[key] = self._make(context)
        return self._plans[key]

    def _make(self, context: Context) -> ItemPlan:
        missing = context.missing_for(tuple(self._metrics))
        views = {}
        for name, metric in self._metrics.items():
            with reporting(name):
                seen = metric.views(context) if name not in missing or self._job.features_only else ()
            if name in missing:
                seen = tuple(view for view in seen if view.sides == (IMAGE,))
            views[name] = seen
        all_views = tuple(dict.fromkeys(view for seen in views.values() for view in seen))
        sides = {}
        if context.source:
            sides[SOURCE] = context.source
        if any(REFERENCE in view.sides for view in all_views):
            sides[REFERENCE] = context.reference
        return ItemPlan(context, views, missing, _groups(context, list(self._metrics)), all_views, sides)


def _groups(context: Context, metrics: Sequence[str]) -> dict[str, object]:
    # An edit is compared with more than its source and instruction: captions that came with it.
    return {name: context if get_metric(name).needs is Need.SOURCE else context.need(name) for name in metrics}
