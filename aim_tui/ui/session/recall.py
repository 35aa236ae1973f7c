"""What the store knows of a folder's images: values of earlier runs that would come out the same now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Need
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFacts, ModelInfo
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.core.scoring.results import Raw, Row
from aim_tui.inputs.file_identity import FileIdentity
from aim_tui.runs.provenance import content_of, fingerprints
from aim_tui.store.records import Run, RunInfo
from aim_tui.store.runs import Runs

# A folder's values lie in its newest run; older ones are looked into where that one left something out.
_RUNS_OF_THIS_CONTEXT = 6
_RUNS_OF_OTHERS = 2

# What of a run's settings decides about values; how many pixels are allowed, or a batch holds, does not.
_DECIDING = ("device", "precision", "exif", "background")


@dataclass(slots=True)
class Known:
    """What is known of one image."""

    identity: FileIdentity | None = None
    """What tells the file that it holds for from others under its name."""
    replaced: bool = False
    """Whether a run holds values of another file under its name."""
    facts: ImageFacts | None = None
    captions: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    raws: dict[str, Raw] = field(default_factory=dict)
    models: Mapping[str, ModelInfo] = field(default_factory=dict)
    """By role, who made the values."""


@dataclass(frozen=True, slots=True)
class Making:
    """How values are made now: two that are made alike may stand for each other."""

    profile: Profile
    settings: Mapping[str, Any]
    prints: Mapping[str, str]
    reference: str
    reference_sha256: str

    @classmethod
    def now(cls, profile: Profile, engine: EngineSettings, context: Context) -> Making:
        """As things are; reads small files, so call it in a thread."""
        from aim_tui.core.scoring.records import engine_settings

        return cls(
            profile,
            engine_settings(engine),
            fingerprints(profile.models, profile.roles_for(profile.metrics), profile.name),
            context.reference,
            content_of(context.reference),
        )

    def same(self, run: Run, metric: str) -> bool:
        """Whether a run's values of a metric would come out the same now, against what they were made against."""
        request = run.request
        if any(self.settings.get(name) != request.settings.get(name) for name in _DECIDING):
            return False
        for role in get_metric(metric).roles:
            here, there = self.profile.models.get(role), request.profile.models.get(role)
            if here != there or self.prints.get(role) != request.fingerprints.get(role):
                return False
        # Another image under the reference's name is another reference.
        same_name = get_metric(metric).needs is Need.REFERENCE and request.context.reference == self.reference
        return not same_name or request.reference_sha256 == self.reference_sha256


def recall(
    runs: Runs, folder: str, paths: Sequence[str], context: Context, making: Callable[[], Making], own: Context | None
) -> dict[str, Known]:
    """By path, what earlier runs of this folder found; made against another text where there is nothing else.

    Of a file that was replaced since it was scored nothing is known but that.

    `own` is what some of the images bring themselves, or None.
    """
    history = [info for info in runs.history(folder) if info.begun]
    if not history:
        return {}
    now = making()
    wanted = {path: Known() for path in paths}
    alike = [info for info in history if _alike(info, context)]
    others = [info for info in history if not _alike(info, context)]
    compared = context.overlaid(own)
    left = _take_from(runs, alike[:_RUNS_OF_THIS_CONTEXT], wanted, now, compared)
    if left:
        _take_from(runs, others[:_RUNS_OF_OTHERS], wanted, now, compared)
    return {path: known for path, known in wanted.items() if known.raws or known.replaced}


def _alike(info: RunInfo, context: Context) -> bool:
    return (info.topic, info.prompt, info.reference) == (context.topic, context.prompt, context.reference)


def _take_from(runs: Runs, infos: Sequence[RunInfo], wanted: dict[str, Known], now: Making, context: Context) -> bool:
    """Fill in what is not there yet, from one run after another; whether anything is left to look for."""
    metrics_now = [metric for metric in now.profile.metrics if context.need(metric).strip()]
    for info in infos:
        if all(_is_there(known, metrics_now) for known in wanted.values()):
            return False
        run = runs.load(info.id)
        metrics = [metric for metric in run.request.plan.metrics if now.same(run, metric)]
        roles = {role.value for metric in metrics for role in get_metric(metric).roles}
        models = {role: made for role, made in run.results.models.items() if role in roles}
        rows = [
            row
            for row in (run.results.rows if metrics else ())
            if row.raws and (known := wanted.get(row.path)) is not None and not _is_there(known, metrics_now)
        ]
        unchanged = runs.unchanged(rows, info.started)
        for row in rows:
            known = wanted[row.path]
            if row.item in unchanged:
                known.identity = unchanged[row.item]
                if _take(known, row, metrics):
                    known.models = {**models, **known.models} if known.models else models
            else:
                known.replaced = True
    return not all(_is_there(known, metrics_now) for known in wanted.values())


def _is_there(known: Known, metrics: Sequence[str]) -> bool:
    return all(metric in known.raws for metric in metrics)


def _take(known: Known, row: Row, metrics: Sequence[str]) -> bool:
    """Take what is not there yet; whether that is anything."""
    fresh = {metric: row.raws[metric] for metric in metrics if metric in row.raws and metric not in known.raws}
    if not fresh:
        return False
    known.raws |= fresh
    known.facts, known.error = known.facts or row.facts, known.error or row.error
    if any(get_metric(metric).captions for metric in fresh):
        known.captions = row.captions
    return True
