"""Source and target beside each other under the instruction, with the words about the edit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import file_name, printable
from aim_tui.ui.widgets.image_preview import ImagePreview

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Row
    from aim_tui.ui.edits.words import EditWords


_BETWEEN = "  "
# What a line leaves blank at both ends.
_PADDING = 2


class EditPane(Vertical):
    """One edit. The instruction takes as many lines as it needs; where there is little room the words are brief."""

    def __init__(self, policy: ReadingPolicy, *, id: str | None = None) -> None:
        super().__init__(id=id)
        # Kept, not queried: a picture may arrive while the screen is being closed.
        self._instruction = Static(classes="edit-instruction", markup=False)
        self._pair = Static(classes="edit-pair", markup=False)
        self._names = [Static(classes="edit-name", markup=False) for _ in range(2)]
        self._images = [ImagePreview(policy=policy, id=f"edit-{side}") for side in ("source", "target")]
        self._card = Static(classes="edit-card", markup=False)
        self._brief = Static(classes="edit-brief", markup=False)
        self._shown: tuple[str, str] | None = None
        self._words: EditWords | None = None

    def compose(self) -> ComposeResult:
        """Words above, images below, and the card beside them."""
        yield self._instruction
        yield self._pair
        yield self._brief
        with Horizontal(classes="edit-sides"):
            for side, name, image in zip(("source", "target"), self._names, self._images, strict=True):
                yield Vertical(name, image, classes=f"edit-side -{side}")
            yield VerticalScroll(self._card, classes="edit-about", can_focus=False)

    def show(self, words: EditWords | None, neighbours: Sequence[Row] = ()) -> None:
        """Show an edit, or none; pictures of its neighbours are read ahead."""
        if words is None:
            for text in (self._instruction, self._pair, self._brief, self._card, *self._names):
                text.update("")
            for image in self._images:
                image.show(None)
            self._shown = self._words = None
            return
        paths = _sides(words.row)
        if paths != self._shown:
            self._shown = paths
            near = [_sides(row) for row in neighbours]
            others = ([source for source, _ in near], [target for _, target in near])
            titles = zip(("Source", "Target"), paths, strict=True)
            for (title, path), name, image, around in zip(titles, self._names, self._images, others, strict=True):
                name.update(Content.assemble((f"{title}  ", "bold"), printable(file_name(path))))
                image.show(path, neighbours=around)
        self.show_words(words)

    def show_words(self, words: EditWords) -> None:
        """Show what is known of the edit now; its images are the same."""
        pair = words.pair()
        self._instruction.update(words.instruction())
        self._pair.update(Content("\n").join(pair))
        self._pair.set_class(not pair, "-none")
        self._words = words
        self._show_brief()
        blank = Content("")
        self._card.update(Content("\n").join([*words.opinion(), *words.trouble(), blank, *words.numbers()]))

    def on_resize(self) -> None:
        """Another width holds other pieces."""
        self._show_brief()

    def _show_brief(self) -> None:
        if (words := self._words) is not None:
            brief = [*words.trouble(), *_in_lines(words.brief(), self.size.width - _PADDING)]
            self._brief.update(Content("\n").join(brief))


def _sides(row: Row) -> tuple[str, str]:
    """The paths of source and target."""
    return (row.edit.source if row.edit is not None else "", row.path)


def _in_lines(pieces: Sequence[Content], width: int) -> list[Content]:
    """Pieces in as many lines as they need; none is broken, unless it is wider than a line alone."""
    lines: list[Content] = []
    for piece in pieces:
        if lines and lines[-1].cell_length + len(_BETWEEN) + piece.cell_length <= width:
            lines[-1] = lines[-1] + _BETWEEN + piece
        else:
            lines.append(piece)
    return lines
