"""Images with the labels that were given to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from aim_tui.core.embeddings.classification import percent
from aim_tui.core.embeddings.saved_results import ClassifiedImage
from aim_tui.core.names import ShortNames
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look

_SHARE = 7
# Labels and truth are shown beside each other from this width on.
_WIDE = 60
_MARKS = {True: "✓", False: "✗", None: " "}


class ClassList(LineList[int]):
    """Keys are numbers of images."""

    HEADER_LINES: ClassVar[int] = 1

    def __init__(self, images: Sequence[ClassifiedImage], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._images = images
        self._names = ShortNames(image.path for image in images)
        self._told = any(image.truth is not None for image in images)
        longest = max((cell_len(image.top[0].label) for image in images), default=5)
        self._label = min(max(longest, 5), 24)

    def can_mark(self, key: int) -> bool:
        """Lines here are opened, not marked."""
        return False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Images are opened, not marked."""
        return action in ("move", "page", "first", "last", "open")

    def draw_header(self, width: int) -> list[Segment]:
        """The titles."""
        style = self.get_component_rich_style("line-list--header")
        titles = self._line("Image", "label", "", "truth", " ", max(width - self.GUTTER, 0))
        return [Segment(" " * self.GUTTER + titles, style)]

    def draw_line(self, index: int, key: int, look: Look, width: int) -> list[Segment]:
        """Name, label and its probability, and the true label."""
        image = self._images[key]
        best = image.top[0]
        style = look.base
        if image.right is False:
            style = look.pen(self.get_component_rich_style("line-list--problem"))
        name, share = self._names[image.path], percent(best.probability)
        return [Segment(self._line(name, best.label, share, image.truth or "-", _MARKS[image.right], width), style)]

    def _line(self, name: str, label: str, share: str, truth: str, mark: str, width: int) -> str:
        label_width = min(self._label, max(width // 3, 5))
        cells = f"  {fit(label, label_width)}{share.rjust(_SHARE)}"
        if self._told:
            cells += f"  {mark} {fit(truth, label_width)}" if width >= _WIDE else f" {mark}"
        return fit(name, max(width - cell_len(cells), 0), "name") + cells
