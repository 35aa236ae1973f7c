"""Why a row has its score: every number, the branch of the rule it fell on, the weight, and who computed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.core.metrics import METRICS
from aim_tui.core.outcomes import Present, reason_of
from aim_tui.core.text import printable
from aim_tui.ui.screens.dialog import PageDialog
from aim_tui.ui.screens.models import human_bytes
from aim_tui.ui.widgets.weights_bar import share_bar, weights_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aim_tui.core.events import ImageFacts
    from aim_tui.core.profiles import Profile
    from aim_tui.core.results import Results, Row


class ExplainScreen(PageDialog):
    """The story of one score."""

    def __init__(self, row: Row, results: Results, profile: Profile, not_asked: Mapping[str, str]) -> None:
        name = printable(row.path.rpartition("/")[2])
        super().__init__(f"Why {name} scores as it does", explain_page(row, results, profile, not_asked))


def explain_page(row: Row, results: Results, profile: Profile, not_asked: Mapping[str, str]) -> list[Content]:
    """The whole story, line by line."""
    lines = [*_final(row), Content("")]
    for metric in METRICS:
        lines += [*_metric(metric, row, results, not_asked), Content("")]
    lines += [Content.styled("Final score", "bold"), Content(f"  {results.plan.formula()}")]
    lines += [Content("  ") + weights_line(results.plan, not_asked), Content(f"  {profile.rules_note()}"), Content("")]
    lines += _models(results)
    lines += _facts(row.facts)
    if results.prompt is not None:
        read = results.prompt
        cut = ", the end is cut off" if read.truncated else ""
        lines.append(Content(f"prompt     {read.tokens} of {read.limit} tokens{cut}"))
    if profile.notice:
        lines += [Content(""), Content.styled(profile.notice, "$text-warning")]
    return lines


def _final(row: Row) -> list[Content]:
    if row.final is not None:
        return [Content.assemble((f"final score {row.final:.2f} ", "bold"), share_bar(row.final / 100), " of 100")]
    reason = row.errors() or "not scored yet; s scores it"
    return [Content.assemble(("no final score: ", "bold"), printable(reason))]


def _metric(metric: str, row: Row, results: Results, not_asked: Mapping[str, str]) -> list[Content]:
    spec = METRICS[metric]
    direction = "higher is better" if spec.higher_is_better else "lower is better"
    lines = [Content.assemble((spec.title, "bold"), (f"  {spec.unit}, {direction}", "$foreground-muted"))]
    if metric in not_asked:
        return [*lines, Content.styled(f"  not asked: {not_asked[metric]}", "$text-warning")]
    raw = row.raws.get(metric)
    if raw is None:
        return [*lines, Content("  not scored yet")]
    if not isinstance(raw.outcome, Present):
        return [*lines, Content.styled(f"  ! {printable(reason_of(raw.outcome) or '')}", "$text-error")]
    value = raw.outcome.value
    rule = results.plan.rules.rules[metric]
    norm, share = rule.normalise(value), results.plan.shares.get(metric, 0.0)
    lines += [
        Content(f"  {spec.raw_field} = {value:.{spec.decimals}f}   {spec.formula}"),
        Content(f"  {spec.norm_field} = {norm:.4f}   rule {rule.branch(value).describe(spec.raw_field)}"),
        Content(f"  {100 * share:.3g} % of the final score: {100 * share * norm:.2f} of {100 * share:.3g} points"),
    ]
    if row.caption and metric == "blip2":
        lines.append(Content.assemble("  caption: ", (printable(row.caption), "italic")))
    lines.append(Content(f"  against the {spec.needs}: {printable(raw.against)}"))
    if row.stale(metric, results.context):
        lines.append(Content.styled(f"  out of date: the {spec.needs} has changed; s scores again", "$text-warning"))
    return lines


def _models(results: Results) -> list[Content]:
    lines = [Content.styled("Made by", "bold")]
    for info in results.models.values():
        detail = ", ".join(f"{name} {value}" for name, value in info.detail.items())
        lines.append(
            Content.assemble(
                f"{info.role:<11}{printable(info.id)}",
                (f"  revision {info.revision[:12]}, {info.dtype} on {info.device}", "$foreground-muted"),
                (f", {printable(detail)}" if detail else "", "$foreground-muted"),
            )
        )
    return lines if results.models else [*lines, Content("no model has been loaded yet")]


def _facts(facts: ImageFacts | None) -> list[Content]:
    if facts is None:
        return []
    parts = [f"{facts.width} x {facts.height}", facts.format, facts.mode, human_bytes(facts.bytes)]
    if facts.exif_rotated:
        parts.append("turned as its EXIF data says")
    if facts.flattened:
        parts.append(f"transparency on {facts.flattened}")
    if facts.frames > 1:
        parts.append(f"first of {facts.frames} frames")
    return [Content(f"image      {', '.join(part for part in parts if part)}"), Content(f"sha256     {facts.sha256}")]
