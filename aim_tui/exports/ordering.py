"""What all pages for people share: the order of images, values as text, how the run stands."""

from __future__ import annotations

from collections.abc import Iterator

from aim_tui.core.names import natural_key
from aim_tui.core.outcomes import Failed, Outcome, Present
from aim_tui.core.scoring.results import Results, Row
from aim_tui.store.records import Run, RunState


def ranked(results: Results) -> Iterator[tuple[int | None, Row]]:
    """Rows with their rank, the best final score first; equal scores share a rank, and rows without one have none."""
    rows = sorted(results.rows, key=lambda row: (row.final is None, -(row.final or 0.0), natural_key(row.path)))
    rank, before = 0, None
    for place, row in enumerate(rows, start=1):
        if row.final is None:
            yield None, row
            continue
        if row.final != before:
            rank, before = place, row.final
        yield rank, row


def score_text(outcome: Outcome | None, decimals: int) -> str:
    """Missing shows as '-' and failed as '!': neither is a number, and they are not the same."""
    match outcome:
        case Present(value):
            return f"{value:.{decimals}f}"
        case Failed():
            return "!"
        case _:
            return "-"


def standing(run: Run) -> list[str]:
    """How many images were scored, mean and median over how many, and the state of a run that is not done."""
    summary = run.results.summary()
    lines = [", ".join([f"{summary.n_ok} of {summary.n} scored", *summary.unscored])]
    lines += [summary.averages] if summary.averages else []
    return lines if run.info.state is RunState.DONE else [*lines, f"the run is {run.info.state}"]
