"""The current folder: the way up, folders, then images with what is known of their score."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message

from aim_tui.core.scoring.plan import Status
from aim_tui.core.text import file_name, printable
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look
from aim_tui.ui.widgets.score_cells import status_look

_SCORE_WIDTH = 6
_GLYPH_WIDTH = 2
_WRITING, _WRITING_GLYPH = " writing", "…"
# Below this the names need the room more than the scores do.
_SCORES_FROM_WIDTH = 20


class EntryKind(Enum):
    """What a line of the folder stands for."""

    PARENT = "parent"
    FOLDER = "folder"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a folder. `status` is None for an image that is no row, such as one that is only being written."""

    path: str
    name: str
    kind: EntryKind = EntryKind.IMAGE
    status: Status | None = None
    stale: bool = False
    final: float | None = None
    writing: bool = False
    """Whether a program is still writing the file."""

    @property
    def is_to_come(self) -> bool:
        """Whether it is going to be an image, and is no row yet."""
        return self.writing and self.status is None


class FileList(LineList[str]):
    """Browse a folder: open folders, mark images, see how far each is scored. Keys are paths."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left,backspace", "open_parent", "Up", id="files.parent", tooltip="Open the folder above"),
        Binding("R", "turn_recursive", "Sub-folders", id="files.recursive", tooltip="Images in sub-folders too"),
    ]

    @dataclass
    class FolderChosen(LineList.Fact):
        """The user wants to see another folder."""

        path: str

    class RecursiveTurned(Message):
        """The user wants images in sub-folders too, or no longer."""

    @dataclass
    class ImageOpened(LineList.Fact):
        """The user opened an image."""

        path: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._entries: dict[str, Entry] = {}
        self._writing: set[str] = set()

    def show(self, entries: Sequence[Entry], cursor: str | None = None) -> None:
        """Show a folder, with the cursor on a path where it is known."""
        self.show_by_path({entry.path: entry for entry in entries}, cursor)

    def show_by_path(self, entries: dict[str, Entry], cursor: str | None = None) -> None:
        """The same with entries that are by their paths already, and are the list's own from now on."""
        self._entries = entries
        self._writing = set()
        self.set_keys(list(entries), cursor)

    def entries_changed(self, entries: Iterable[Entry]) -> None:
        """Replace what is known of some paths; paths of other folders are passed over."""
        known = ((entry, self._entries.get(entry.path)) for entry in entries)
        changed = {
            entry.path: entry if entry.writing == old.writing else replace(entry, writing=old.writing)
            for entry, old in known
            if old is not None
        }
        self._entries.update(changed)
        self.keys_changed(changed)

    def entries_added(self, entries: Iterable[Entry], writing: Collection[str]) -> None:
        """Images have come behind the others, and these files are being written: those that are none yet come last."""
        before = len(self._entries)
        self._entries.update((entry.path, entry) for entry in entries)
        added = len(self._entries) != before
        for path in self._writing.difference(writing):
            if (entry := self._entries.get(path)) is not None and entry.is_to_come:
                del self._entries[path]
                added = True
            elif entry is not None:
                self._entries[path] = replace(entry, writing=False)
        for path in writing:
            entry = self._entries.get(path)
            added = added or entry is None
            self._entries[path] = replace(entry, writing=True) if entry else Entry(path, file_name(path), writing=True)
        self._writing = set(writing)
        if added:
            self.set_keys(list(self._entries))
        else:
            self.refresh()

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
        return entry is not None and entry.kind is EntryKind.IMAGE and not entry.is_to_come

    def action_open(self) -> None:
        """Enter the folder, or open the image."""
        entry = self.cursor_entry
        if entry is None:
            return
        if entry.is_to_come:
            return
        if entry.kind is EntryKind.IMAGE:
            self.post_message(self.ImageOpened(self, entry.path))
        else:
            self.post_message(self.FolderChosen(self, entry.path))

    def action_turn_recursive(self) -> None:
        """Show images in sub-folders too, or no longer."""
        self.post_message(self.RecursiveTurned())

    def action_open_parent(self) -> None:
        """Go to the folder above."""
        for entry in self._entries.values():
            if entry.kind is EntryKind.PARENT:
                self.post_message(self.FolderChosen(self, entry.path))
                return

    def draw_line(self, index: int, key: str, look: Look, width: int) -> list[Segment]:
        """Status glyph, name, and the final score where there is one and room for it; or that it is being written."""
        entry = self._entries[key]
        wanted = len(_WRITING) if entry.writing else _SCORE_WIDTH
        score_width = wanted if width >= _SCORES_FROM_WIDTH else 0
        # A number that touches the scrollbar reads as if it went on behind it.
        margin = 1 if score_width else 0
        name_width = width - _GLYPH_WIDTH - score_width - margin
        glyph, glyph_style, name_style = self._manner(entry, look)
        name = printable(entry.name, None) + ("" if entry.kind is EntryKind.IMAGE else "/")
        score = "" if entry.final is None else f"{'~' if entry.stale else ''}{entry.final:.1f}"
        if entry.writing:
            score = _WRITING
        faint = entry.stale or entry.writing
        score_style = look.pen(self.get_component_rich_style("line-list--muted")) if faint else look.base
        return [
            Segment(fit(glyph, _GLYPH_WIDTH), glyph_style),
            Segment(fit(name, name_width, "name"), name_style),
            Segment(score.rjust(score_width)[:score_width] + " " * margin, score_style),
        ]

    def _manner(self, entry: Entry, look: Look) -> tuple[str, Style, Style]:
        strong = look.pen(self.get_component_rich_style("line-list--strong"))
        muted = look.pen(self.get_component_rich_style("line-list--muted"))
        if entry.kind is EntryKind.PARENT:
            return "↑", muted, strong
        if entry.kind is EntryKind.FOLDER:
            return "▸", muted, strong
        if entry.writing:
            return _WRITING_GLYPH, muted, muted
        if entry.status is None:
            return "", look.base, look.base
        status = status_look(entry.status, stale=entry.stale)
        problem = look.pen(self.get_component_rich_style("line-list--problem"))
        return status.glyph, problem if status.problem else muted, look.base
