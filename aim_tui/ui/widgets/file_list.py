"""The current folder: the way up, folders, then images with what is known of their score."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding

from aim_tui.core.text import printable
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.score_cells import status_look

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style
    from textual.binding import BindingType

    from aim_tui.core.scoring import Status
    from aim_tui.ui.widgets.line_look import Look

_SCORE_WIDTH = 6
_GLYPH_WIDTH = 2
# Below this the names need the room more than the scores do.
_SCORES_FROM_WIDTH = 20


class EntryKind(Enum):
    """What a line of the folder stands for."""

    PARENT = "parent"
    FOLDER = "folder"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a folder. `status` is None for an image that is not among the scored ones."""

    path: str
    name: str
    kind: EntryKind = EntryKind.IMAGE
    status: Status | None = None
    stale: bool = False
    final: float | None = None


class FileList(LineList[str]):
    """Browse a folder: open folders, mark images, see how far each is scored. Keys are paths."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left,backspace", "open_parent", "Up", id="files.parent", tooltip="Open the folder above"),
    ]

    @dataclass
    class FolderOpened(LineList.Fact):
        """The user wants to see another folder."""

        path: str

    @dataclass
    class ImageOpened(LineList.Fact):
        """The user opened an image."""

        path: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._entries: dict[str, Entry] = {}

    def show(self, entries: Sequence[Entry], cursor: str | None = None) -> None:
        """Show a folder, with the cursor on a path where it is known."""
        self._entries = {entry.path: entry for entry in entries}
        self.set_keys(list(self._entries), cursor)

    def entries_changed(self, entries: Iterable[Entry]) -> None:
        """Replace what is known of some paths; paths of other folders are passed over."""
        changed = {entry.path: entry for entry in entries if entry.path in self._entries}
        self._entries.update(changed)
        self.keys_changed(changed)

    @property
    def cursor_entry(self) -> Entry | None:
        """What the cursor is on."""
        key = self.cursor_key
        return None if key is None else self._entries[key]

    @property
    def images(self) -> list[str]:
        """The paths of the images in the folder, in order."""
        return [path for path, entry in self._entries.items() if entry.kind is EntryKind.IMAGE]

    def can_mark(self, key: str) -> bool:
        """Images are marked, folders are not."""
        entry = self._entries.get(key)
        return entry is not None and entry.kind is EntryKind.IMAGE

    def action_open(self) -> None:
        """Enter the folder, or open the image."""
        entry = self.cursor_entry
        if entry is None:
            return
        if entry.kind is EntryKind.IMAGE:
            self.post_message(self.ImageOpened(self, entry.path))
        else:
            self.post_message(self.FolderOpened(self, entry.path))

    def action_open_parent(self) -> None:
        """Go to the folder above."""
        for entry in self._entries.values():
            if entry.kind is EntryKind.PARENT:
                self.post_message(self.FolderOpened(self, entry.path))
                return

    def draw_line(self, index: int, key: str, look: Look, width: int) -> list[Segment]:
        """Status glyph, name, and the final score where there is one and room for it."""
        entry = self._entries[key]
        score_width = _SCORE_WIDTH if width >= _SCORES_FROM_WIDTH else 0
        name_width = width - _GLYPH_WIDTH - score_width
        glyph, glyph_style, name_style = self._manner(entry, look)
        name = printable(entry.name, None) + ("" if entry.kind is EntryKind.IMAGE else "/")
        score = "" if entry.final is None else f"{'~' if entry.stale else ''}{entry.final:.1f}"
        score_style = look.pen(self.get_component_rich_style("line-list--muted")) if entry.stale else look.base
        return [
            Segment(fit(glyph, _GLYPH_WIDTH), glyph_style),
            Segment(fit(name, name_width, "middle"), name_style),
            Segment(score.rjust(score_width)[:score_width], score_style),
        ]

    def _manner(self, entry: Entry, look: Look) -> tuple[str, Style, Style]:
        strong = look.pen(self.get_component_rich_style("line-list--strong"))
        muted = look.pen(self.get_component_rich_style("line-list--muted"))
        if entry.kind is EntryKind.PARENT:
            return "↑", muted, strong
        if entry.kind is EntryKind.FOLDER:
            return "▸", muted, strong
        if entry.status is None:
            return "", look.base, look.base
        status = status_look(entry.status, stale=entry.stale)
        problem = look.pen(self.get_component_rich_style("line-list--problem"))
        return status.glyph, problem if status.problem else muted, look.base
