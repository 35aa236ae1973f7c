"""Why a row has its score: every number, the branch of the rule it fell on, the weight, and who computed it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.ui.dialogs.dialog import PageDialog
from aim_tui.ui.heatmap.screen import show_heatmap
from aim_tui.ui.review.explain_text import explain_page, prompt_line

if TYPE_CHECKING:
    from aim_tui.core.scoring.results import Results, Row
    from aim_tui.ipc.protocol import TokenCount
    from aim_tui.ui.session.session import Session


class ExplainScreen(PageDialog):
    """The story of one score. `tokens` counts a prompt's, `heatmap` opens the map of this image."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "heatmap", "Heatmap", tooltip="Which regions of this image count", id="explain.heatmap"),
    ]

    def __init__(
        self,
        row: Row,
        results: Results,
        profile: Profile,
        not_asked: Mapping[str, str],
        *,
        tokens: Callable[[str], Awaitable[TokenCount]],
        heatmap: Callable[[], Awaitable[int]],
        whose: str = "",
    ) -> None:
        name = printable(row.path.rpartition("/")[2])
        page = explain_page(row, results, profile, not_asked, whose)
        super().__init__(f"Why {name} scores as it does", page)
        raw = row.raws.get("clip")
        self._prompt = raw.against if raw is not None and "clip" not in not_asked else ""
        # The line is found again by what it says: it is told anew when the tokens are counted.
        self._prompt_at = page.index(prompt_line(self._prompt, None)) if self._prompt else -1
        self._prompt_line: Static | None = None
        self._tokens = tokens
        self._heatmap = heatmap

    def body(self) -> list[Widget]:
        """The page; the line of the prompt is held, for its tokens are counted by the worker."""
        lines = super().body()
        if self._prompt_at >= 0:
            self._prompt_line = lines[self._prompt_at]  # type: ignore[assignment]  # a page is made of Statics
        return lines

    def keys(self) -> str:
        """The keys that matter."""
        return "A heatmap · j k scroll · esc closes"

    def on_mount(self) -> None:
        """Ask what CLIP sees of the prompt."""
        if self._prompt_at >= 0:
            self._count_tokens()

    @work(exclusive=True, group="tokens")
    async def _count_tokens(self) -> None:
        try:
            count = await self._tokens(self._prompt)
        except AimError:
            # The page says how many tokens were read when the image was scored; only the place of a cut is not known.
            return
        if self._prompt_line is not None:
            self._prompt_line.update(prompt_line(self._prompt, count)[2:])

    @work(exclusive=True, group="dialog")
    async def action_heatmap(self) -> None:
        """Which regions of this image count."""
        await self._heatmap()


def explain(app: App[int], session: Session, order: Sequence[int], row: Row) -> None:
    """Show why an image scores as it does; its heatmap goes through the images in `order`."""
    workspace = session.workspace
    facts, whose = (workspace.results, workspace.profile, workspace.skipped), workspace.prompt_origin(row)
    heatmap = partial(show_heatmap, app, session, order, row.item)
    app.push_screen(ExplainScreen(row, *facts, tokens=session.heatmaps.tokens, heatmap=heatmap, whose=whose))
