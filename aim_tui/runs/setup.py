"""What the settings and the options of a command add up to: a plan of work."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.metrics.builtin import BERTSCORE, BLIP2, METRICS
from aim_tui.core.metrics.registry import get_metric, images_in_order, in_order
from aim_tui.core.names import one_of
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.records import engine_settings
from aim_tui.errors import UsageError
from aim_tui.exports.images import Provenance
from aim_tui.hub.optional_libraries import require_libraries

if TYPE_CHECKING:
    from aim_tui.core.metrics.profiles import Profile
    from aim_tui.settings.settings import Settings

# What --text-metric asks for, of the metrics that compare captions with the topic.
_OF_CAPTIONS = {"sentence": (BLIP2.id,), "bertscore": (BERTSCORE.id,), "both": (BLIP2.id, BERTSCORE.id)}


@dataclass(frozen=True, slots=True)
class Setup:
    """What the settings and options of a command add up to."""

    settings: Settings
    profile: Profile
    context: Context
    enabled: tuple[str, ...]
    """The metrics that are wanted, at least one; their weights make sense."""
    metrics: tuple[str, ...]
    """Those of them that have their prompt, topic or reference."""
    weights: dict[str, float]
    engine: EngineSettings
    not_asked: dict[str, str]
    fresh: bool = False
    """Whether every file is read again, even one that looks unchanged."""

    def with_store(self, path: Path) -> Setup:
        """The same, with the store whose feature cache the engine uses."""
        return replace(self, engine=replace(self.engine, store=str(path)))

    def provenance(self) -> Provenance:
        """What outputs say about where the numbers come from."""
        return Provenance(self.profile, engine_settings(self.engine), self.not_asked)

    def plan(self) -> ScoringPlan:
        """The scoring plan; UsageError where nothing can be asked for or the weights make no sense."""
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
    """Put settings file, environment and options together; options win. UsageError names what is wrong.

    A metric without its prompt, topic or reference is not asked for, and `not_asked` says so.
    ModelUnavailableError where the library of a metric is not installed.
    """
    from aim_tui.settings.settings import device_problem, load_settings

    Path.cwd()  # Where it is gone, torch's MKL would end the worker without a reason: `main` says it instead.
    settings = load_settings(config)
    if device and (problem := device_problem(device)):
        raise UsageError(problem)
    chosen = settings.profile(profile)
    context = Context(topic, prompt, os.path.abspath(reference) if reference else "")  # noqa: PTH100  # keeps any bytes
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
    match exif:
        case "rotate" | "ignore":
            reading = replace(reading, exif=exif)
        case str():
            raise UsageError(f"--exif is {exif!r}; it is 'rotate' or 'ignore'")
    wanted_precision = settings.precision
    match precision:
        case "aim" | "fast":
            wanted_precision = precision
        case str():
            raise UsageError(f"--precision is {precision!r}; it is 'aim' or 'fast'")
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
            precision=wanted_precision,
            batch_size=batch_size or settings.batch_size,
            reading=reading,
            plugin_seconds=settings.plugin_seconds,
        ),
        not_asked=not_asked | missing,
    )


def _enabled(option: str | None, profile: Profile, settings: Settings) -> tuple[tuple[str, ...], dict[str, str]]:
    """The metrics that are wanted, and why each of the others is not."""
    if option is None:
        named = profile.metrics
        off = {metric: "left out by the profile" for metric in METRICS if metric not in named}
        off |= {metric: f"switched off by {name}" for metric, name in settings.disabled.items()}
    else:
        try:
            named = images_in_order(part.strip() for part in option.split(",") if part.strip())
        except KeyError as error:
            raise UsageError(f"--metrics: {error.args[0]}") from None
        if not named:
            raise UsageError("--metrics names no metric", f"AIM's: {', '.join(METRICS)}; all: aim-tui metrics")
        off = {metric: "left out by --metrics" for metric in METRICS if metric not in named}
    return tuple(metric for metric in in_order(named) if metric not in off), off


def _with_text_metric(
    option: str, enabled: tuple[str, ...], off: dict[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The metrics with those of captions that the option names, in the place of whatever else is wanted of them."""
    wanted = one_of("--text-metric", option, _OF_CAPTIONS)
    enabled = in_order([*(metric for metric in enabled if metric not in _OF_CAPTIONS["both"]), *wanted])
    off = {metric: reason for metric, reason in off.items() if metric not in enabled}
    if BLIP2.id not in enabled:
        off[BLIP2.id] = f"{BERTSCORE.id} stands in its place (--text-metric), and the final score is without it"
    return enabled, off


def _weights(option: str | None, profile: Profile) -> dict[str, float]:
    weights = dict(profile.weights)
    for part in (option or "").split(","):
        if not part.strip():
            continue
        name, equals, number = (piece.strip() for piece in part.partition("="))
        try:
            get_metric(name)
        except KeyError as error:
            raise UsageError(f"--weights: {error.args[0]}") from None
        try:
            weights[name] = float(number)
        except ValueError:
            raise UsageError(f"--weights: {part.strip()!r} is not of the form {name}=0.5") from None
    return weights
