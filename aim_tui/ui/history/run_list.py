"""Stored runs as lines, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style

from aim_tui.core.names import ShortNames
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look

if TYPE_CHECKING:
    from aim_tui.store.records import RunInfo

_LOOKS = {"done": "✓", "running": "▸", "cancelled": "◐", "interrupted": "◐", "failed": "!"}


class _Column(NamedTuple):
    title: str
    width: int
    right: bool
    from_width: int
    """Below this width of the list the column has no room."""


_COLUMNS = {
    "when": _Column("When", 16, False, 0),
    "state": _Column("State", 13, False, 60),
    "sign": _Column("", 1, False, 0),
    "images": _Column("Images", 11, True, 48),
    "mean": _Column("Mean", 5, True, 0),
    "best": _Column("Best", 5, True, 70),
    "profile": _Column("Profile", 8, False, 100),
    "folder": _Column("Folder", 18, False, 110),
}
_GAP = 2


class RunList(LineList[str]):
    """Keys are the ids of runs."""

    HEADER_LINES: ClassVar[int] = 1

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._infos: dict[str, RunInfo] = {}
        self._of_all = False
        self._folders = ShortNames()

    def show(self, infos: Sequence[RunInfo], *, of_all: bool) -> None:
        """Show these runs; with their folders where they are of all."""
        self._infos, self._of_all = {info.id: info for info in infos}, of_all
        self._folders = ShortNames(info.folder for info in infos)
        self.set_keys(list(self._infos))

    @property
    def current(self) -> RunInfo | None:
        """The run under the cursor."""
        return self._infos.get(self.cursor_key) if self.cursor_key is not None else None

    @property
    def marked(self) -> list[RunInfo]:
        """The marked runs that are shown, in order."""
        return [info for info in self._infos.values() if info.id in self.marks]

    def draw_header(self, width: int) -> list[Segment]:
        """The titles."""
        style = self.get_component_rich_style("line-list--header")
        said = {name: column.title for name, column in _COLUMNS.items()} | {"prompt": "Prompt"}
        return [Segment(" " * self.GUTTER, style), *self._cells(said, width - self.GUTTER, {}, style)]

    def draw_line(self, index: int, key: str, look: Look, width: int) -> list[Segment]:
        """One run."""
        info = self._infos[key]
        summary, state = info.summary, str(info.state)
        mean, best = (summary.mean, summary.best_score) if summary else (None, None)
        said = {
            "when": when(info.started),
            "state": f"{_LOOKS[state]} {state}",
            "sign": _LOOKS[state],
            "images": str(info.images) if info.begun == info.images else f"{info.begun}/{info.images}",
            "mean": "-" if mean is None else f"{mean:.1f}",
            "best": "-" if best is None else f"{best:.1f}",
            "profile": info.profile,
            "folder": self._folders[info.folder],
            "prompt": info.prompt or info.topic,
        }
        strong = look.pen(self.get_component_rich_style("line-list--strong"))
        muted = look.pen(self.get_component_rich_style("line-list--muted"))
        problem = look.pen(self.get_component_rich_style("line-list--problem"))
        manner = problem if state == "failed" else look.base if state == "done" else muted
        styles = {"state": manner, "sign": manner, "mean": strong, "profile": muted, "folder": muted}
        return self._cells(said, width, styles, look.base)

    def _cells(self, said: dict[str, str], width: int, styles: Mapping[str, Style], base: Style) -> list[Segment]:
        segments: list[Segment] = []
        left = width
        for name, column in _COLUMNS.items():
            hidden = (name == "folder" and not self._of_all) or (
                name == "sign" and width >= _COLUMNS["state"].from_width
            )
            if hidden or width < column.from_width:
                continue
            text = (
                said[name][-column.width :].rjust(column.width)
                if column.right
                else fit(said[name], column.width, "name" if name == "folder" else "end")
            )
            segments += [Segment(text, styles.get(name, base)), Segment(" " * _GAP, base)]
            left -= column.width + _GAP
        return [*segments, Segment(fit(said["prompt"], max(left - 1, 0)), base)]


def when(at: datetime) -> str:
    """In the time zone of whoever looks."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")
