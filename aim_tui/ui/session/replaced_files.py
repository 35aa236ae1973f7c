"""Files that were replaced under their names since they were scored: their rows are pending again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Need
from aim_tui.core.scoring.plan import score
from aim_tui.core.scoring.results import Row
from aim_tui.core.text import file_name, printable
from aim_tui.ui.concurrency import in_row_thread

if TYPE_CHECKING:
    from aim_tui.ui.session.workspace import Workspace


class ReplacedFileService:
    """Compares what rows were scored with and what their files hold now; a stored run that is shown stays as it is."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._references: dict[str, str] = {}
        self._looking: dict[bool, asyncio.Task[None]] = {}

    @property
    def reference_content(self) -> str:
        """What the reference held when it was last looked at; empty where there is none."""
        return self._references.get(self._workspace.context.reference, "")

    def look(self, rows: Sequence[Row] | None = None) -> None:
        """The user looks at these rows, or at all: check them, unless that goes on already."""
        looking = self._looking.get(rows is None)
        if looking is None or looking.done():
            self._looking[rows is None] = self._workspace.tasks.run(self._look(rows))

    async def check(self, rows: Sequence[Row] | None = None, *, scored: bool = False) -> list[Row]:
        """Those of these rows, by default of all, whose file was replaced: they are pending from now on.

        The user is told how many, and where they are not `scored` next, how that is done. A row that the running job
        still computes is left out: a later check finds it.
        """
        workspace = self._workspace
        results = workspace.results
        if workspace.viewed is not None:
            return []
        busy = self._being_scored()
        known = [(row, row.facts) for row in (results.rows if rows is None else rows) if row.raws]
        wanted = [pair for pair in known if pair[0].item not in busy]
        changed = await in_row_thread(lambda: [pair for pair in wanted if workspace.contents.replaced(pair[0])])
        if results is not workspace.results or workspace.viewed is not None:
            return []
        busy = self._being_scored()
        replaced = [row for row, facts in changed if row.facts is facts and row.item not in busy]
        for row in replaced:
            row.forget()
        if replaced:
            workspace.mark_changed(row.item for row in replaced)
            workspace.rows_replaced(replaced)
            workspace.notify(replaced_note([row.path for row in replaced], "" if scored else "s scores"))
        await self._check_reference(scored)
        return replaced

    async def _look(self, rows: Sequence[Row] | None) -> None:
        await self.check(rows)

    def _being_scored(self) -> frozenset[int]:
        running = self._workspace.running
        # The items of another list are none of these rows.
        return frozenset(running.unfinished if running is not None and running.on_event is None else ())

    async def _check_reference(self, scored: bool) -> None:
        """Drop what was compared with a reference that is another image now."""
        workspace = self._workspace
        results, reference = workspace.results, workspace.context.reference
        if not reference:
            return
        contents = await in_row_thread(workspace.contents.of_all, [reference])
        if reference not in contents:
            return
        before = self._references.get(reference)
        self._references[reference] = contents[reference]
        if before in (None, contents[reference]) or results is not workspace.results:
            return
        count = 0

        def drop(row: Row) -> bool:
            nonlocal count
            compared = [
                metric
                for metric, raw in row.raws.items()
                if raw.against == reference and get_metric(metric).needs is Need.REFERENCE
            ]
            for metric in compared:
                del row.raws[metric]
            if compared:
                count += 1
                row.scores = score({metric: raw.outcome for metric, raw in row.raws.items()}, results.plan)
            return bool(compared)

        await workspace.change_rows(results, drop)
        if count:
            name = printable(file_name(reference))
            onwards = "" if scored else "; s compares them again"
            workspace.notify(f"the reference {name} has changed since {count} images were compared with it{onwards}")


def replaced_note(paths: Sequence[str], onwards: str = "") -> str:
    """How many images have changed, or which one, and what to do `onwards`."""
    one = len(paths) == 1
    note = f"{printable(file_name(paths[0]))} has" if one else f"{len(paths)} images have"
    note += f" changed since {'it was' if one else 'they were'} scored"
    return f"{note}; {onwards} {'it' if one else 'them'}" if onwards else note
