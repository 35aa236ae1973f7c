"""The setup of a run: settings and options combined."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from aim_tui.core.metrics.builtin import BERTSCORE, BLIP2, METRICS
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import get_metric, images_in_order, in_order
from aim_tui.core.metrics.spec import Precision
from aim_tui.core.names import comma_separated, one_of
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.jobs import EngineSettings, ExifPolicy
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.records import engine_settings
from aim_tui.errors import UsageError
from aim_tui.exports.images import Provenance
from aim_tui.hub.optional_libraries import require_libraries
from aim_tui.settings.settings import Settings, device_problem, load_settings

# The metrics that compare captions with the topic, by the values of --text-metric.
_OF_CAPTIONS = {"sentence": (BLIP2.id,), "bertscore": (BERTSCORE.id,), "both": (BLIP2.id, BERTSCORE.id)}

_EXIF: dict[str, ExifPolicy] = {"rotate": "rotate", "ignore": "ignore"}
_PRECISIONS: dict[str, Precision] = {"aim": "aim", "fast": "fast"}


@dataclass(frozen=True, slots=True)
class Setup:
    """The settings and the options of a command combined."""

    settings: Settings
    profile: Profile
    context: Context
    enabled: tuple[str, ...]
    """The enabled metrics, at least one, with valid weights."""
    metrics: tuple[str, ...]
    """Those of them that have their prompt, topic or reference."""
    weights: dict[str, float]
    engine: EngineSettings
    not_asked: dict[str, str]
    profile_given: bool = False
    """Whether the profile was named for this command, rather than being the settings' own."""
    fresh: bool = False
    """Whether every file is read again, even one that looks unchanged."""

    def with_store(self, path: Path) -> Setup:
        """The setup with the store whose feature cache the engine uses."""
        return replace(self, engine=replace(self.engine, store=str(path)))

    def provenance(self) -> Provenance:
        """Where the numbers come from, for outputs."""
        return Provenance(self.profile, engine_settings(self.engine), self.not_asked)

    def plan(self) -> ScoringPlan:
        """The scoring plan; UsageError if all metrics are skipped or the weights are invalid."""
        if not self.metrics:
            reasons = "; ".join(f"{metric}: {reason}" for metric, reason in self.not_asked.items())
            raise UsageError(
                f"nothing to score: {reasons}", "give --prompt for clip, --topic for blip2, --reference for lpips"
            )
        try:
            return ScoringPlan(self.metrics, self.weights, self.profile.rules)
        except ValueError as error:
            raise UsageError(str(error)) from None


def resolve(
    *,
    profile: str | None = None,
    topic: str = "",
    prompt: str = "",
    reference: str = "",
    metrics: str | None = None,
    text_metric: str | None = None,
    weights: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    batch_size: int | None = None,
    exif: str | None = None,
    config: Path | None = None,
) -> Setup:
    """Combine settings file, environment and options; options win. UsageError names what is wrong.

    A metric without its prompt, topic or reference is skipped, and `not_asked` has the reason. ModelUnavailableError if
    the library of a metric is not installed.
    """
    Path.cwd()  # Raises if it no longer exists, where torch's MKL would end the worker without a reason.
    settings = load_settings(config)
    if device and (problem := device_problem(device)):
        raise UsageError(problem)
    chosen = settings.profile(profile)
    context = Context(topic, prompt, os.path.abspath(reference) if reference else "")
    enabled, not_asked = _enabled(metrics, chosen, settings)
    if text_metric is not None:
        enabled, not_asked = _with_text_metric(text_metric, enabled, not_asked)
    require_libraries(enabled)
    chosen = chosen.equipped(enabled)
    missing = context.missing_for(enabled)
    all_weights = _weights(weights, chosen)
    try:
        ScoringPlan(enabled, all_weights, chosen.rules)
    except ValueError as error:
        raise UsageError(str(error)) from None
    reading = settings.reading
    if exif is not None:
        reading = replace(reading, exif=one_of("--exif", exif, _EXIF))
    return Setup(
        settings=settings,
        profile=chosen,
        context=context,
        enabled=enabled,
        metrics=tuple(metric for metric in enabled if metric not in missing),
        weights=all_weights,
        engine=EngineSettings(
            models=dict(chosen.models),
            device=device or settings.device,
            precision=settings.precision if precision is None else one_of("--precision", precision, _PRECISIONS),
            batch_size=batch_size or settings.batch_size,
            reading=reading,
            plugin_seconds=settings.plugin_seconds,
        ),
        not_asked=not_asked | missing,
        profile_given=profile is not None,
    )


def _enabled(option: str | None, profile: Profile, settings: Settings) -> tuple[tuple[str, ...], dict[str, str]]:
    """The enabled metrics, and why AIM's others are not."""
    if option is None:
        named = profile.metrics
        off = {metric: "left out by the profile" for metric in METRICS if metric not in named}
        off |= {metric: f"switched off by {name}" for metric, name in settings.disabled.items()}
    else:
        try:
            named = images_in_order(comma_separated(option))
        except KeyError as error:
            raise UsageError(f"--metrics: {error.args[0]}") from None
        if not named:
            raise UsageError("--metrics names no metric", f"AIM's: {', '.join(METRICS)}; all: aim-tui metrics")
        off = {metric: "left out by --metrics" for metric in METRICS if metric not in named}
    return tuple(metric for metric in in_order(named) if metric not in off), off


def _with_text_metric(
    option: str, enabled: tuple[str, ...], off: dict[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The metrics with the caption metrics of the option instead of all others."""
    wanted = one_of("--text-metric", option, _OF_CAPTIONS)
    enabled = in_order([*(metric for metric in enabled if metric not in _OF_CAPTIONS["both"]), *wanted])
    off = {metric: reason for metric, reason in off.items() if metric not in enabled}
    if BLIP2.id not in enabled:
        off[BLIP2.id] = f"replaced by {BERTSCORE.id} (--text-metric); the final score is without it"
    return enabled, off


def _weights(option: str | None, profile: Profile) -> dict[str, float]:
    given: dict[str, float] = {}
    for part in (option or "").split(","):
        if not part.strip():
            continue
        name, _, number = (piece.strip() for piece in part.partition("="))
        try:
            get_metric(name)
        except KeyError as error:
            raise UsageError(f"--weights: {error.args[0]}") from None
        if name in given:
            raise UsageError(f"--weights names {name!r} twice")
        try:
            given[name] = float(number)
        except ValueError:
            raise UsageError(f"--weights: {part.strip()!r} is not of the form {name}=0.5") from None
    return {**profile.weights, **given}
