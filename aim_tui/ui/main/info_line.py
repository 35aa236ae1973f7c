"""One line about the current image; `m` turns to the next thing it can say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.text import printable

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Row

KINDS = ("path", "caption", "formula", "prompt")


class InfoLine(Static):
    """The full path or why values are missing, the caption, the formula, or the prompt where images bring theirs."""

    def __init__(self, kind: str = "") -> None:
        super().__init__(id="info", markup=False)
        self._kind = kind if kind in KINDS else KINDS[0]
        self._bring = False

    @property
    def kind(self) -> str:
        """What it says: path, caption, formula or prompt."""
        return self._kind

    def turn(self) -> None:
        """Say the next thing."""
        kinds = KINDS if self._bring else KINDS[:-1]
        self._kind = kinds[(kinds.index(self._kind) + 1) % len(kinds)] if self._kind in kinds else kinds[0]

    def show(
        self, row: Row | None, plan: ScoringPlan, context: Context, not_asked: Mapping[str, str], whose: str = ""
    ) -> None:
        """Say it about this row; `whose` tells whose prompt it is compared with, where images bring theirs."""
        self._bring = bool(whose)
        match self._kind:
            case "prompt" if row is not None and whose:
                self._say(_prompt(row, context, whose))
            case "formula":
                self._say(_formula(plan, not_asked))
            case _ if row is None:
                self._say(Content(""))
            case "caption" if row.caption or not row.errors():
                caption = printable(row.caption) if row.caption else "not captioned yet"
                self._say(Content.assemble(("caption  ", "$foreground-muted"), caption))
            case _:
                self._say(_about(row, plan, context))

    def _say(self, content: Content) -> None:
        # The line keeps its size whatever it says: no other pane has to be laid out again.
        self.update(content, layout=False)


def _about(row: Row, plan: ScoringPlan, context: Context) -> Content:
    """The most pressing thing about a row: a failure, a value that is out of date, else where it is."""
    errors = row.errors()
    if errors:
        return Content.assemble(
            ("! ", "bold $text-error"), printable(errors), ("  ", ""), (printable(row.path), "$foreground-muted")
        )
    stale = [metric for metric in plan.metrics if row.stale(metric, context)]
    if stale:
        names = ", ".join(get_metric(metric).short for metric in stale)
        needs = " and ".join(dict.fromkeys(str(get_metric(metric).needs) for metric in stale))
        return Content.styled(f"{names} scored against another {needs}; s scores again", "$text-warning")
    if row.own is not None and row.own.prompt_origin and not context.overlaid(row.own).prompt.strip():
        reason = printable(row.own.prompt_origin)
        return Content.assemble(("no prompt: ", "$text-warning"), reason, ("  ", ""), printable(row.path))
    return Content(printable(row.path))


def _prompt(row: Row, context: Context, whose: str) -> Content:
    prompt = context.overlaid(row.own).prompt
    said = printable(prompt) if prompt.strip() else "no prompt"
    return Content.assemble(("prompt  ", "$foreground-muted"), said, (f"  ({printable(whose)})", "$foreground-muted"))


def _formula(plan: ScoringPlan, not_asked: Mapping[str, str]) -> Content:
    without = "; ".join(f"without {get_metric(metric).short}: {reason}" for metric, reason in not_asked.items())
    return Content.assemble(plan.formula(), (f"  ({without})" if without else "", "$text-warning"))
