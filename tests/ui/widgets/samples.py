"""Rows to show, an app that holds one widget, and ways to read what it painted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import on
from textual.app import App

from aim_tui.core.metrics.normalisation import Piece, Rule, RuleSet
from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import ScoringPlan, score
from aim_tui.core.scoring.results import Raw, Row
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.line_list import LineList

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.message import Message
    from textual.pilot import Pilot
    from textual.widget import Widget

INF = float("inf")
UP = Rule((Piece(0, 0, 0), Piece(1, 0, 1), Piece(INF, 1, 1)))
DOWN = Rule((Piece(0, 1, 1), Piece(1, 1, 0), Piece(INF, 0, 0)))
CONTEXT = Context(topic="a cabin", prompt="one cabin", reference="ref.png")
PLAN = ScoringPlan(
    ("clip", "blip2", "lpips"),
    {"clip": 0.2, "blip2": 0.5, "lpips": 0.3},
    RuleSet("test", {"clip": UP, "blip2": UP, "lpips": DOWN}),
)
FAIL, MISS = Failed("out of memory"), Missing("the caption is empty")

#: File names as hostile or as foreign as they come.
NAMES = [
    "plain.png",
    "고양이와 오두막집.png",
    "雪に覆われた森と煙突のある丸太小屋の絵.png",
    "img[bold]x[nosuchtag].png",
    "evil\x1b[31mred\x1b]0;title\x07.png",
    "two\nlines\tand a tab.png",
    "family 👩‍👩‍👧 and a heart ❤️.png",
    "e\u0301cole.png",
    "flags 🇨🇭🇰🇷 of two.png",
    "क्षत्रिय की झोपड़ी.png",
    "👨‍👩‍👧‍👦" * 20 + ".png",
    "bytes\udcff\udcfe.png",
    "a_name_so_long_that_it_has_to_be_cut_somewhere_in_the_middle_0017.png",
    "",
]


def make_row(item, name=None, clip=None, blip2=None, lpips=None, *, caption=None, against=None):
    """A row with these raw values: a number, an outcome, or None for still to come."""
    captions = {} if caption is None else {"blip2": caption}
    row = Row(item, f"/images/{f'{item:03d}.png' if name is None else name}", captions=captions)
    for metric, value in (("clip", clip), ("blip2", blip2), ("lpips", lpips)):
        if value is not None:
            outcome = Present(value) if isinstance(value, (int, float)) else value
            row.raws[metric] = Raw(outcome, against or CONTEXT.need(metric))
    if row.raws:
        row.scores = score({metric: raw.outcome for metric, raw in row.raws.items()}, PLAN)
    return row


class Holder(App[None]):
    """An app around one widget that remembers the messages that reach it."""

    CSS = "Screen { layout: vertical; }"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.facts: list[Message] = []

    def compose(self):
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()

    @on(LineList.Fact)
    @on(ImagePreview.Shown)
    def _remember(self, fact: Message) -> None:
        self.facts.append(fact)

    def told(self, kind: type[Message]) -> list[Message]:
        """The messages of a kind that came by, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


def painted(widget: Widget) -> list[str]:
    """The lines of a line-drawn widget as text."""
    return [widget.render_line(y).text for y in range(widget.size.height)]


def assert_aligned(widget: Widget) -> None:
    """Every painted line covers exactly the width of the widget, in cells."""
    for line in painted(widget):
        assert cell_len(line) == widget.size.width, repr(line)


async def until(pilot: Pilot[None], true: Callable[[], object], seconds: float = 120.0) -> None:
    """Let the app work until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        await pilot.pause()
