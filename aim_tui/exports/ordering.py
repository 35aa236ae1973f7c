"""What every page for people says alike: the order of images, values as text, how the run stands."""

from __future__ import annotations

from collections.abc import Iterator

from aim_tui.core.names import natural_key
from aim_tui.core.outcomes import Failed, Outcome, Present
from aim_tui.core.scoring.results import Results, Row
from aim_tui.core.text import file_name
from aim_tui.store.records import Run, RunState

__all__ = ["file_name", "ranked", "score_text", "standing"]


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
    """How many images were scored, what they add up to over how many, and whether the run came to its end."""
    summary = run.results.summary()
    counted = [f"{summary.n_ok} of {summary.n} scored"]
    for count, what in (
        (summary.n_partial, "in part"),
        (summary.n_failed, "failed"),
        (summary.n_pending, "not reached"),
    ):
        if count:
            counted.append(f"{count} {what}")
    lines = [", ".join(counted)]
    if summary.mean is not None and summary.median is not None:
        lines.append(f"final score mean {summary.mean:.2f}, median {summary.median:.2f} ({used(run)})")
    if run.info.state is not RunState.DONE:
        lines.append(f"the run is {run.info.state}")
    return lines


def used(run: Run) -> str:
    """Over how many images an aggregate was taken."""
    summary = run.results.summary()
    left_out = summary.n - summary.n_final
    return f"over {summary.n_final}, {left_out} left out" if left_out else f"over all {summary.n_final}"
