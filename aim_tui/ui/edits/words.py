"""An edit in words: the instruction in full, its ratings, its numbers, and the other of its pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from aim_tui.core.metrics.edits import MEASURES
from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.outcomes import Failed, Outcome, Present, reason_of
from aim_tui.core.ratings.opinions import Opinion
from aim_tui.core.scoring.columns import RIGHT, WRONG
from aim_tui.core.scoring.instruction_pairs import InstructionPair, Winner, winner
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.text import printable
from aim_tui.ui.review.card import opinion_lines, rating_words

if TYPE_CHECKING:
    from aim_tui.ui.session.edits import EditService

_MUTED = "$foreground-muted"
_LEADS = ("editclip_score", "edit_score", "directional_similarity")


def lead_of(results: Results, sorted_by: str) -> MetricSpec:
    """The number that pairs are judged by first: the one sorted by, else EditCLIP's, else CLIP's."""
    specs = {spec.id: spec for spec in results.specs}
    names = (sorted_by, *_LEADS, *specs)
    return next((specs[name] for name in names if name in specs), next(iter(MEASURES.values())))


@dataclass(frozen=True, slots=True)
class EditWords:
    """Everything that the words about an edit are made of."""

    results: Results
    item: int
    pairs: Sequence[InstructionPair]
    lead: MetricSpec
    rater: str
    mine: Opinion
    others: Mapping[str, Opinion]

    @classmethod
    def of(cls, service: EditService, item: int, sorted_by: str) -> EditWords:
        """The words about an edit of the open file."""
        assert service.open is not None  # there is an item
        ratings, id = service.ratings, service.results.rows[item].id
        lead = lead_of(service.results, sorted_by)
        opinions = (ratings.rater, ratings.opinion(id), ratings.others(id))
        return cls(service.results, item, service.open.pairs, lead, *opinions)

    @property
    def row(self) -> Row:
        """The edit."""
        return self.results.rows[self.item]

    def instruction(self) -> Content:
        """The instruction as it was given, with what is known of its truth."""
        row = self.row
        correct = row.truth.get("is_correct")
        sign = "" if correct is None else f"{RIGHT} right  " if correct else f"{WRONG} {self._error_type()}  "
        return Content.assemble((sign, "bold"), printable(row.instruction))

    def opinion(self) -> list[Content]:
        """Its ratings and notes, by rater."""
        return opinion_lines(self.mine, self.others, Content.styled(f"{printable(self.rater)}  ", _MUTED))

    def pair(self) -> list[Content]:
        """The right and the wrong instruction next to one another, and which one won, for each pair it is in."""
        lines: list[Content] = []
        mine = [pair for pair in self.pairs if self.item in (pair.right, pair.wrong)]
        for pair in mine:
            won = self._winner(self.lead, pair)
            if not lines or self.item == pair.wrong:
                lines.append(self._side(pair.right, won is Winner.RIGHT))
            lines.append(self._side(pair.wrong, won is Winner.WRONG))
        for pair in mine[:1]:
            verdicts = [self._winner(spec, pair) for spec in self.results.specs]
            words = {Winner.RIGHT: "the right one wins", Winner.WRONG: "the wrong one wins", Winner.TIE: "a tie"}
            lead = self._winner(self.lead, pair)
            verdict = f"{self.lead.title}: {words[lead] if lead is not None else self._undecided(pair)}"
            right, wrong, ties = (verdicts.count(each) for each in (Winner.RIGHT, Winner.WRONG, Winner.TIE))
            counted = f"  (all numbers: right {right}, wrong {wrong}, alike {ties})"
            lines.append(Content.assemble((verdict, "bold"), (counted if right + wrong + ties else "", _MUTED)))
        return lines

    def numbers(self) -> list[Content]:
        """Every number with the direction in which it is better; `trouble` says why one is not there."""
        width = max((len(spec.short) for spec in self.results.specs), default=0) + 2
        return [self._number(spec, width) for spec in self.results.specs]

    def trouble(self) -> list[Content]:
        """Why something is not there."""
        reasons = self.row.errors()
        return [Content.styled(f"! {printable(reasons)}", "$text-error")] if reasons else []

    def brief(self) -> list[Content]:
        """What matters most, in short pieces, of which as many are shown as there is room for."""
        specs = sorted(self.results.specs, key=lambda spec: spec != self.lead)
        return [rating_words(self.mine), *(self._number(spec) for spec in specs)]

    def _number(self, spec: MetricSpec, width: int = 0) -> Content:
        outcome = self.row.outcome(spec.id)
        title = f"{spec.short} {'↑' if spec.higher_is_better else '↓'}"
        value = Content.styled("!", "$text-warning") if isinstance(outcome, Failed) else value_words(outcome, spec)
        return Content.styled(f"{title:<{width}} ", _MUTED) + value

    def _winner(self, spec: MetricSpec, pair: InstructionPair) -> Winner | None:
        rows = self.results.rows
        return winner(spec, rows[pair.right].outcome(spec.id), rows[pair.wrong].outcome(spec.id))

    def _undecided(self, pair: InstructionPair) -> str:
        """Why no instruction of a pair has won."""
        rows = (self.results.rows[item] for item in (pair.right, pair.wrong))
        failed = any(row.error is not None or isinstance(row.outcome(self.lead.id), Failed) for row in rows)
        return "no winner, a number is missing" if failed else "not scored yet"

    def _side(self, item: int, won: bool) -> Content:
        row = self.results.rows[item]
        correct = row.truth.get("is_correct") is True
        value = value_words(row.outcome(self.lead.id), self.lead)
        here = "bold" if item == self.item else ""
        parts: list[str | Content] = [f"{RIGHT if correct else WRONG} ", value, " ★ " if won else "   "]
        return Content.assemble(*parts, (printable(row.instruction), here))

    def _error_type(self) -> str:
        error_type = self.row.truth.get("error_type")
        return f"wrong: {printable(str(error_type))}" if error_type else "wrong"


def value_words(outcome: Outcome | None, spec: MetricSpec) -> Content:
    """A number, or why there is none."""
    if isinstance(outcome, Present):
        return Content.styled(f"{outcome.value:.{spec.decimals}f}", "bold")
    if outcome is None:
        return Content.styled("·", _MUTED)
    return Content.styled("! " + printable(reason_of(outcome) or ""), "$text-warning")
