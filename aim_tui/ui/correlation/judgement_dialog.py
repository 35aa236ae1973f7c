"""A file of judgements: which one, how it is to be read, and which of its rows match the images, shown at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual import on, work
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.ui.dialogs.dialog import Dialog
from aim_tui.ui.session.judgement_files import JudgementFile, Preview

# Long enough that a path being typed is not looked for letter by letter.
_LOOK_AFTER_SECONDS = 0.1
_FIELDS = {
    "path": ("File", "CSV, TSV, JSON or JSONL, such as llm_results.json"),
    "columns": ("Columns", "names with commas; empty: what the file is about"),
    "scale": ("Scale", "such as 0-1, 1-5 or 0-10; empty: not declared"),
    "rater": ("Rater column", "names the rater of a row; empty: one rater"),
    "lower": ("Lower is better", "columns of which lower is better, with commas"),
}


class JudgementFileScreen(Dialog[JudgementFile]):
    """The file as described, or None; what is wrong with it or what matches is shown while it is described."""

    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, look: Callable[[JudgementFile], Awaitable[Preview]], file: JudgementFile) -> None:
        super().__init__("Judgements from a file")
        self._look = look
        self._inputs = {
            name: Input(getattr(file, name), placeholder=hint, compact=True, select_on_focus=False)
            for name, (_, hint) in _FIELDS.items()
        }
        self._problem = Static(classes="problem", markup=False)
        self._preview = Static(markup=False, id="file-preview")

    def body(self) -> list[Widget]:
        """A labelled field each, then what comes of them."""
        fields = [
            Horizontal(Static(_FIELDS[name][0], classes="field-label"), field, classes="field")
            for name, field in self._inputs.items()
        ]
        return [*fields, self._problem, self._preview]

    def keys(self) -> str:
        """The keys that matter."""
        return "tab next field · enter reads it · esc closes"

    def on_mount(self) -> None:
        """Type at once."""
        self._problem.display = False
        self._inputs["path"].focus()

    @property
    def file(self) -> JudgementFile:
        """The file as it is described now."""
        return JudgementFile(**{name: field.value.strip() for name, field in self._inputs.items()})

    @on(Input.Changed)
    @work(exclusive=True, group="look")
    async def _changed(self, event: Input.Changed) -> None:
        event.stop()
        await asyncio.sleep(_LOOK_AFTER_SECONDS)
        await self._looked()

    @on(Input.Submitted)
    @work(exclusive=True, group="look")
    async def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        file = self.file
        if await self._looked():
            self.dismiss(file)

    async def _looked(self) -> bool:
        """Show what the file gives; whether it gives anything."""
        file = self.file
        if not file.path:
            self._show(problem="no file is named yet")
            return False
        try:
            found = await self._look(file)
        except AimError as error:
            self._show(problem=str(error))
            return False
        self._show(preview="\n".join(found.lines()))
        return True

    def _show(self, *, preview: str = "", problem: str = "") -> None:
        self._problem.update(printable(problem))
        self._problem.display = bool(problem)
        self._preview.update("\n".join(map(printable, preview.splitlines())))
