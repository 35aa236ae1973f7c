"""The reference image: its name and a swatch of its colours."""

from __future__ import annotations

from PIL import Image
from textual import work
from textual.color import Color
from textual.content import Content
from textual.style import Style
from textual.widgets import Static
from textual.worker import get_current_worker

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import printable, printable_name
from aim_tui.inputs.images import ImageError, read_image

_CELLS = 4


class ReferenceChip(Static):
    """One line: what LPIPS compares with, or how to set it."""

    def __init__(self, policy: ReadingPolicy) -> None:
        super().__init__(id="reference", markup=False)
        self._policy = policy
        self._path: str | None = None
        self._swatch = Content("")
        self._problem = ""

    def show(self, path: str) -> None:
        """Show this reference, or that there is none where the path is empty."""
        if path == self._path:
            return
        self._path, self._swatch, self._problem = path, Content(""), ""
        self._paint()
        if path:
            self._look(path)

    def _paint(self) -> None:
        if not self._path:
            self.update(
                Content.assemble(
                    ("Ref     ", "$foreground-muted"),
                    ("none: LPIPS off; r takes the current image", "$foreground-muted"),
                )
            )
            return
        name = printable_name(self._path)
        problem = (f"  cannot be used: {printable(self._problem)}", "bold $text-error") if self._problem else ""
        space = " " if self._swatch else ""
        self.update(Content.assemble(("Ref     ", "$foreground-muted"), self._swatch, space, name, problem))

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _look(self, path: str) -> None:
        """Read the image for its colours, and find out early whether it can be read at all."""
        worker = get_current_worker()
        swatch, problem = Content(""), ""
        try:
            swatch = _swatch(read_image(path, self._policy).pixels)
        except ImageError as error:
            problem = str(error)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._found, path, swatch, problem)

    def _found(self, path: str, swatch: Content, problem: str) -> None:
        if path == self._path:
            self._swatch, self._problem = swatch, problem
            self._paint()


def _swatch(pixels: Image.Image) -> Content:
    """A row of half blocks in the image's own colours, two pixels to a cell."""
    small = pixels.resize((_CELLS, 2)).tobytes()
    colours = [Color(*small[start : start + 3]) for start in range(0, len(small), 3)]
    cells = zip(colours[:_CELLS], colours[_CELLS:], strict=True)
    return Content.assemble(*[("▀", Style(foreground=top, background=low)) for top, low in cells])
