"""The image under the cursor with its facts; moving never waits for a decoder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.core.text import printable, printable_name
from aim_tui.terminal.images import ImageMode, ImageSupport, image_support
from aim_tui.ui.widgets.picture import Box, Picture, PictureCache, facts_line, notes_line, read_picture
from aim_tui.ui.widgets.pixel_pane import PixelPane
from aim_tui.ui.widgets.protocol_pane import pixel_pane, within_colours
from aim_tui.ui.widgets.zoom import Source, Zoom, draw_part, no_part, read_source

if TYPE_CHECKING:
    Reader = Callable[[str, Box, ReadingPolicy, Picture | None], Picture]

#: Seconds the cursor rests before anything is read: a held key passes images without reading them.
DEBOUNCE = 0.04
_EMPTY = "No image here.\nMove to one in the list."
_COMPACT_BELOW = 12


class ImagePreview(Vertical):
    """Shows one image in a pane of fixed size, its facts and caption below.

    Reading and resizing happen in two threads of its own. A result that is no longer wanted is kept for later and
    not shown; while the next image is read the last one stays, so that moving does not flicker.
    """

    DEFAULT_CSS = """
    ImagePreview {
        background: $surface;
        & > #preview-facts { height: 4; color: $text-muted; }
        &.-compact > #preview-facts { height: 1; }
    }
    """

    @dataclass
    class Shown(Message):
        """The image that was asked for is on the screen, or the reason why it cannot be."""

        preview: ImagePreview
        picture: Picture

        @property
        def control(self) -> ImagePreview:
            """The preview, for `@on(..., "#id")`."""
            return self.preview

    def __init__(
        self,
        *,
        support: ImageSupport | None = None,
        policy: ReadingPolicy | None = None,
        read: Reader = read_picture,
        cache: PictureCache | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._support = support or image_support()
        self._policy = policy or ReadingPolicy()
        self._read = read
        self._cache = PictureCache() if cache is None else cache
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="preview")
        self._pane: PixelPane | None = None
        # Held, not looked up: a late fact may come while the screen goes down.
        self._facts_line: Static | None = None
        self._rest: Timer | None = None
        self._generation = 0
        self._path: str | None = None
        self._caption = ""
        self._neighbours: tuple[str, ...] = ()
        self._shown: Picture | None = None
        self._zoom: Zoom | None = None
        self._source: Source | None = None

    def compose(self) -> ComposeResult:
        """Pixels above, facts below."""
        self._support = within_colours(self._support, self.app)
        self._pane = pixel_pane(self._support, id="preview-pixels")
        self._facts_line = Static(id="preview-facts", markup=False)
        yield self._pane
        yield self._facts_line
        if self._path is None:
            self._pane.show_words(_EMPTY)

    def on_unmount(self) -> None:
        """Let the threads go; a read that runs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def on_resize(self) -> None:
        """Another box needs another picture."""
        self.set_class(self.size.height < _COMPACT_BELOW, "-compact")
        self.call_after_refresh(self._read_soon)

    # --- from outside ---------------------------------------------------------------------------------------------

    def show(self, path: str | None, *, caption: str | None = None, neighbours: Sequence[str] = ()) -> None:
        """Show an image, or nothing; the neighbours are read ahead once it is on the screen."""
        self._generation += 1
        self._path, self._caption, self._neighbours = path, caption or "", tuple(neighbours)
        if path is None:
            if self._rest is not None:
                self._rest.stop()
            self._shown = None
            self._say(_EMPTY)
            return
        known = self._cache.get(path, self._box) if self._box is not None else None
        if known is not None and self._zoom is None and self._pane is not None and self._pane.AT_ONCE:
            self._display(known)
        else:
            self._tell_facts()
        self._read_soon()

    def set_caption(self, caption: str | None) -> None:
        """The caption of the current image arrived."""
        self._caption = caption or ""
        self._tell_facts()

    def zoom(self, zoom: Zoom | None) -> None:
        """Show a part, of this image and of the next ones, or the whole again."""
        self._zoom = zoom
        self._generation += 1
        self._read_now()

    @property
    def box(self) -> Box | None:
        """The room for an image, where there is any and images are drawn."""
        return None if self._support.mode is ImageMode.NONE else self._box

    def use(self, support: ImageSupport) -> ImageSupport:
        """Show images in another way from now on; returns what the terminal's colours leave of it."""
        support = within_colours(support, self.app)
        if support != self._support:
            self._support = support
            self._cache = PictureCache()
            self._shown = None
            self.refresh(recompose=True)
            self.call_after_refresh(self._read_soon)
        return support

    @property
    def shown(self) -> Picture | None:
        """What is on the screen; while the next image is read, still the last one."""
        return self._shown

    # --- reading --------------------------------------------------------------------------------------------------

    @property
    def _box(self) -> Box | None:
        box = self._pane.box if self._pane is not None else None
        return box if box is not None and box.columns > 0 and box.rows > 0 else None

    def _read_soon(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        if self._path is not None:
            self._rest = self.set_timer(DEBOUNCE, self._read_now)

    def _read_now(self) -> None:
        # Exclusive: a read ahead that waits for a thread makes way.
        self.run_worker(self._read_and_show(), group="preview", exclusive=True)

    async def _read_and_show(self) -> None:
        path, box, generation = self._path, self._box, self._generation
        if path is None or box is None:
            return
        zoom = self._zoom
        if zoom is not None:
            picture = await self._draw_in_thread(path, box, zoom)
        else:
            self._source = None
            picture = await self._read_in_thread(path, box)
        if generation != self._generation:
            return
        self._display(picture)
        if zoom is not None:
            return
        for neighbour in self._neighbours:
            if self._cache.get(neighbour, box) is None:
                await self._read_in_thread(neighbour, box)

    async def _read_in_thread(self, path: str, box: Box) -> Picture:
        pane = self._pane
        assert pane is not None  # there is a box

        def read() -> Picture:
            known = self._cache.get(path, box)
            picture = self._read(path, box, self._policy, known)
            if picture is known:
                return known
            if picture.pixels is not None and (encoded := pane.encode(picture.pixels)):
                picture = replace(picture, encoded=encoded)
            self._cache.put(picture)
            return picture

        return await asyncio.get_running_loop().run_in_executor(self._threads, read)

    async def _draw_in_thread(self, path: str, box: Box, zoom: Zoom) -> Picture:
        pane = self._pane
        assert pane is not None  # there is a box

        def draw() -> Picture:
            try:
                self._source = read_source(path, self._policy, self._source)
                picture = draw_part(self._source, box, zoom)
            except Exception as error:  # whatever a hostile file does, the pane says so and the app goes on
                return no_part(path, box, error)
            return replace(picture, encoded=pane.encode(picture.pixels) if picture.pixels is not None else "")

        return await asyncio.get_running_loop().run_in_executor(self._threads, draw)

    # --- showing --------------------------------------------------------------------------------------------------

    def _display(self, picture: Picture) -> None:
        assert self._pane is not None
        fresh = picture is not self._shown
        self._shown = picture
        if picture.pixels is None:
            self._pane.show_words(f"! {printable_name(picture.path)}\n{printable(picture.problem)}")
        elif self._support.mode is ImageMode.NONE:
            self._pane.show_words("mostly " + ", ".join(picture.colours) if picture.colours else "many colours")
        else:
            self._pane.show_pixels(picture.pixels, picture.encoded)
        self._tell_facts()
        if fresh:
            self.post_message(self.Shown(self, picture))

    def _say(self, text: str) -> None:
        if self._pane is not None:
            self._pane.show_words(text)
            self._tell_facts()

    def _tell_facts(self) -> None:
        if self._facts_line is None or not self.is_mounted:
            return
        self._facts_line.update(Content("\n".join(self._facts())))

    def _facts(self) -> list[str]:
        if self._path is None:
            return []
        picture = self._shown
        if picture is None or picture.path != self._path:
            return [f"reading {printable_name(self._path)}"]
        if picture.facts is None:
            return []  # the pane says why
        lines = [facts_line(picture.facts)]
        if notes := notes_line(picture.facts):
            lines.append(notes)
        if self._caption:
            lines.append(printable(self._caption))
        return lines
