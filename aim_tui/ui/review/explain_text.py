"""The story of one score, line by line: from the final score down to the models and files behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.core.heatmaps import words_of
from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.registry import get_metric, in_order
from aim_tui.core.metrics.spec import Need
from aim_tui.core.outcomes import Present, reason_of
from aim_tui.core.scoring.events import ImageFacts, ModelInfo
from aim_tui.core.text import printable
from aim_tui.ui.models.screen import human_bytes
from aim_tui.ui.widgets.weights_bar import share_bar, weights_line

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Results, Row
    from aim_tui.ipc.protocol import TokenCount

#: Cells of the bar that stands for all 100 points.
_CELLS = 40
_LABEL = 8


def explain_page(
    row: Row, results: Results, profile: Profile, not_asked: Mapping[str, str], whose: str = ""
) -> list[Content]:
    """The whole story, line by line; `whose` tells whose prompt it is, where images bring theirs."""
    lines = [*_final(row, results), Content("")]
    for metric in in_order((*METRICS, *results.plan.metrics, *not_asked)):
        lines += [*_metric(metric, row, results, not_asked, whose), Content("")]
    lines += [Content.styled("Final score", "bold"), Content(f"  {results.plan.formula()}")]
    lines += [Content("  ") + weights_line(results.plan, not_asked), Content(f"  {profile.rules_note()}"), Content("")]
    lines += _models(results)
    lines += _facts(row.facts)
    for read in (row.text_read("prompt", results.prompt), row.text_read("topic", results.topic)):
        if read is not None:
            cut = ", the end is cut off" if read.truncated else ""
            lines.append(Content(f"{read.text:<10} {read.tokens} of {read.limit} tokens{cut}"))
    if profile.notice:
        lines += [Content(""), Content.styled(profile.notice, "$text-warning")]
    return lines


def edit_page(row: Row, results: Results, head: Sequence[Content], pre_resize: int | None = None) -> list[Content]:
    """Everything that is known of an edit, line by line, below the words about it in `head`."""
    edit = row.edit
    assert edit is not None  # the row is one
    lines = [*head, Content("")]
    for metric in results.plan.metrics:
        lines += _metric(metric, row, results, {}, "")
    lines.append(Content(""))
    for side, path, facts in (("source", edit.source, row.source), ("target", row.path, row.facts)):
        lines.append(Content.assemble((f"{side:<11}", "bold"), printable(path)))
        lines += _facts(facts) or [Content("           not read yet")]
    if row.error is not None:
        lines.append(Content.styled(f"! {printable(row.error)}", "$text-error"))
    said = {"source caption": edit.source_caption, "target caption": edit.target_caption, **row.truth}
    for name, value in said.items():
        if value not in (None, ""):
            lines.append(Content.assemble((f"{printable(name)}  ", "$foreground-muted"), printable(str(value))))
    lines += [Content(""), *_models(results)]
    if pre_resize is not None:
        lines.append(Content(f"both images were scaled to {pre_resize} x {pre_resize} before EditCLIP's processor"))
    return lines


def prompt_line(prompt: str, count: TokenCount | None) -> Content:
    """The prompt with what CLIP does not see of it struck out, and how many tokens there are of how many."""
    if count is None:
        return Content(f"  against the prompt: {printable(prompt)}")
    if count.cut_at is None:
        said = f"{count.tokens} of {count.limit} tokens"
        return Content.assemble(f"  against the prompt: {printable(prompt)}  ", (said, "$foreground-muted"))
    seen, unseen = printable(prompt[: count.cut_at]), printable(prompt[count.cut_at :])
    said = f"  {count.tokens} tokens, of which CLIP reads {count.limit}: what is struck out it does not see"
    return Content.assemble(
        f"  against the prompt: {seen}",
        ("✂ ", "$text-warning"),
        (unseen, "$text-warning strike"),
        (said, "$text-warning"),
    )


# -- the final score -------------------------------------------------------------------------------------------------


def _final(row: Row, results: Results) -> list[Content]:
    """The score, and of what it is made up: a bar a metric, as long as its weight."""
    if row.final is not None:
        bar = share_bar(row.final / 100, _CELLS)
        lines = [Content.assemble(("final score ", "bold"), bar, (f" {row.final:>6.2f}", "bold"), " of 100")]
    else:
        reason = row.errors() or "not scored yet; s scores it"
        lines = [Content.assemble(("no final score: ", "bold"), printable(reason))]
    for metric, share in results.plan.shares.items():
        name = f"  {get_metric(metric).short:<{_LABEL}}  "
        outcome = row.outcome(metric)
        if isinstance(outcome, Present):
            norm = results.plan.rules.rules[metric].normalise(outcome.value)
            cells = max(round(_CELLS * share), 1) if share else 0
            points = f"{' ' * (_CELLS - cells)} {100 * share * norm:>6.2f} of {100 * share:.3g}"
            lines.append(Content.assemble(name, share_bar(norm, cells), points))
        else:
            said = "not scored yet" if outcome is None else f"! {printable(reason_of(outcome) or '')}"
            lines.append(Content.assemble(name, (said, "$text-warning")))
    return lines


# -- a metric --------------------------------------------------------------------------------------------------------


def _metric(metric: str, row: Row, results: Results, not_asked: Mapping[str, str], whose: str) -> list[Content]:
    spec = get_metric(metric)
    direction = "higher is better" if spec.higher_is_better else "lower is better"
    lines = [Content.assemble((spec.title, "bold"), (f"  {spec.unit}, {direction}", "$foreground-muted"))]
    if metric in not_asked:
        return [*lines, Content.styled(f"  skipped: {not_asked[metric]}", "$text-warning")]
    raw = row.raws.get(metric)
    if raw is None:
        return [*lines, Content("  not scored yet")]
    if not isinstance(raw.outcome, Present):
        lines.append(Content.styled(f"  ! {printable(reason_of(raw.outcome) or '')}", "$text-error"))
    else:
        value = raw.outcome.value
        said = f"  {spec.raw_field} = "
        lines.append(Content.assemble(said, (f"{value:.{spec.decimals}f}", "bold"), f"   {spec.formula}"))
        lines += _part(metric, value, results) if row.edit is None else []
    if row.edit is not None:
        return lines + _made_from(metric, row, results)
    lines += _against(metric, row, raw.against)
    stale = row.stale(metric, results.context)
    if whose and spec.needs is Need.PROMPT and not stale:
        lines.append(Content.styled(f"  the prompt is {printable(whose)}", "$foreground-muted"))
    if stale:
        lines.append(Content.styled(f"  out of date: the {spec.needs} has changed; s scores again", "$text-warning"))
    return lines


def _made_from(metric: str, row: Row, results: Results) -> list[Content]:
    """The models that made a number of an edit, and the captions behind it."""
    models = ", ".join(results.models[str(role)].id for role in get_metric(metric).roles if str(role) in results.models)
    lines = [Content.styled(f"  by {printable(models)}", "$foreground-muted")] if models else []
    caption = row.captions.get(metric)
    return [*lines, Content(f"  from {printable(caption)}")] if caption is not None else lines


def _part(metric: str, value: float, results: Results) -> list[Content]:
    """What a raw value is normalised to, and its points; a metric without a part in the final score has neither."""
    if metric not in results.plan.shares:
        return [Content("  no part in the final score")]
    spec, rule, share = get_metric(metric), results.plan.rules.rules[metric], results.plan.shares[metric]
    norm = rule.normalise(value)
    return [
        Content(f"  {spec.norm_field} = {norm:.4f}   rule {rule.branch(value).describe(spec.raw_field)}"),
        Content(f"  {100 * share:.3g} % of the final score: {100 * share * norm:.2f} of {100 * share:.3g} points"),
    ]


def _against(metric: str, row: Row, against: str) -> list[Content]:
    """What the image was compared with; the caption and the topic one above the other, what they share in bold."""
    if metric == "clip":
        return [prompt_line(against, None)]
    if get_metric(metric).captions and row.caption:
        return [
            Content("  caption: ") + _shared(row.caption, against),
            Content("  against the topic: ") + _shared(against, row.caption),
            Content.styled("  words that are in both are bold", "$foreground-muted"),
        ]
    needs = get_metric(metric).needs
    return [Content(f"  against {'' if needs is Need.NOTHING else f'the {needs}: '}{printable(against)}")]


def _shared(text: str, other: str) -> Content:
    """A text whose words are bold where the other text has them too."""
    known = {_bare(word) for word in words_of(other)} - {""}
    words = [(printable(word), "bold" if _bare(word) in known else "") for word in words_of(text)]
    return Content(" ").join(Content.styled(word, style) if style else Content(word) for word, style in words)


def _bare(word: str) -> str:
    return "".join(char for char in word.casefold() if char.isalnum())


# -- who made it -----------------------------------------------------------------------------------------------------


def _models(results: Results) -> list[Content]:
    lines = [Content.styled("Made by", "bold")]
    for info in results.models.values():
        lines += _model(info)
    return lines if results.models else [*lines, Content("no model has been loaded yet")]


def _model(info: ModelInfo) -> list[Content]:
    made = f"revision {info.revision[:12] or 'unknown'}, {info.dtype} on {info.device}"
    if info.parameters:
        made += f", {_count(info.parameters)} parameters"
    detail = ", ".join(f"{name} {value}" for name, value in info.detail.items())
    lines = [Content.assemble(f"{info.role:<11}{printable(info.id)}", (f"  {made}", "$foreground-muted"))]
    return [*lines, Content.styled(f"  {printable(detail)}", "$foreground-muted")] if detail else lines


def _count(number: int) -> str:
    for size, name in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if number >= size:
            return f"{number / size:.3g} {name}"
    return str(number)


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
    if facts.icc:
        parts.append(f"ICC profile {printable(facts.icc)}, not applied")
    if facts.damage:
        parts.append(f"{facts.damage} (its pixels are whole)")
    return [Content(f"image      {', '.join(part for part in parts if part)}"), Content(f"sha256     {facts.sha256}")]
