"""Why an edit has its numbers: each with its formula, its direction and the model that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.text import printable
from aim_tui.ui.edits.words import EditWords, value_words

if TYPE_CHECKING:
    from aim_tui.ui.session.edits import OpenEdits

_MUTED = "$foreground-muted"


def edit_page(words: EditWords, found: OpenEdits) -> list[Content]:
    """Everything that is known of an edit, as lines of a page."""
    row, edit = words.row, words.row.edit
    assert edit is not None  # every row is one
    lines = [words.instruction(), Content("")]
    if pair := words.pair():
        lines += [*pair, Content("")]
    lines += [*words.opinion(), Content("")]
    for spec in words.results.specs:
        lines += _number(words, spec)
    lines.append(Content(""))
    for side, path, facts in (("source", edit.source, row.source), ("target", row.path, row.facts)):
        about = f"  {facts.width} x {facts.height} {facts.format}" if facts is not None else "  not read yet"
        lines.append(Content.assemble((f"{side}  ", "bold"), printable(path), (about, _MUTED)))
        if facts is not None:
            lines.append(Content.styled(f"  sha256 {facts.sha256}", _MUTED))
    if row.error is not None:
        lines.append(Content.styled(f"! {printable(row.error)}", "$text-error"))
    for name, said in (("source caption", edit.source_caption), ("target caption", edit.target_caption)):
        if said:
            lines.append(Content.assemble((f"{name}  ", _MUTED), printable(said)))
    truth = "  ".join(f"{name} {printable(str(value))}" for name, value in row.truth.items())
    if truth:
        lines.append(Content.styled(f"the file says  {truth}", _MUTED))
    lines += [Content(""), Content.styled("Made by", "bold")]
    models = words.results.models.values()
    for info in models:
        detail = ", ".join(f"{name} {value}" for name, value in info.detail.items())
        lines.append(Content(printable(f"{info.role}: {info.id}  {info.dtype} on {info.device}")))
        lines.append(Content.styled(printable(f"  revision {info.revision[:12] or 'unknown'}  {detail}"), _MUTED))
    if not models:
        lines.append(Content("no model has been loaded yet"))
    if (side_length := found.plan.engine.edit_resize) is not None:
        lines.append(Content(f"both images were scaled to {side_length} x {side_length} before EditCLIP's processor"))
    return lines


def _number(words: EditWords, spec: MetricSpec) -> list[Content]:
    row, models = words.row, words.results.models
    direction = "higher is better" if spec.higher_is_better else "lower is better"
    made = ", ".join(models[str(role)].id for role in spec.roles if str(role) in models)
    value = value_words(row.outcome(spec.id), spec)
    lines = [
        Content.assemble((spec.title, "bold"), (f"  {spec.unit}, {direction}", _MUTED)),
        Content.assemble(f"  {spec.id} = ", value),
        Content(f"  {spec.formula}"),
    ]
    if made:
        lines.append(Content.styled(f"  by {printable(made)}", _MUTED))
    if (caption := row.captions.get(spec.id)) is not None:
        lines.append(Content(f"  from {printable(caption)}"))
    return lines
