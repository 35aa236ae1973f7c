"""Two runs beside each other: what differs, by how much on average, and which images rose or fell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import MetricSpec
from aim_tui.core.scoring.run_comparison import Comparison, Measure
from aim_tui.core.text import printable
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.history.pair_list import PairList
from aim_tui.ui.history.run_list import when
from aim_tui.ui.widgets.indent import hanging
from aim_tui.ui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from aim_tui.store.records import Run

_LABEL = 10
_Line = tuple[str, Content]


_key = ScreenKeys("compare")


class CompareScreen(AimScreen[None]):
    """Run A is the earlier one; every change is from A to B."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Comparison"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("J,shift+down", "scroll_words(1)", "Scroll", "Scroll the words above a line down", "down", display="J K"),
        _key("K,shift+up", "scroll_words(-1)", "Scroll up", "Scroll the words above a line up", "up", show=False),
        _key.close("Back to the history", opener="c"),
    ]

    def __init__(self, a: Run, b: Run) -> None:
        super().__init__()
        self._a, self._b = a, b
        self._words = Static("comparing…", markup=False)
        self._said: list[_Line] = []
        self._page = VerticalScroll(self._words, id="compared", can_focus=False)

    def compose(self) -> ComposeResult:
        """Heading, words and numbers; the images come when they are sorted."""
        title = Content.assemble(
            ("Comparison  ", "bold"), f"A {when(self._a.info.started)}  →  B {when(self._b.info.started)}"
        )
        yield Static(title, markup=False, classes="heading")
        yield self._page
        yield KeyLine()

    def on_mount(self) -> None:
        """Compare in a thread: many pairs are resampled thousands of times."""
        self._compare()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not offered."""
        return self._page.max_scroll_y > 0 if action == "scroll_words" else True

    def action_scroll_words(self, lines: int) -> None:
        """Move the words above the images by some lines."""
        self._page.scroll_relative(y=lines, animate=False)

    @work(exclusive=True)
    async def _compare(self) -> None:
        from aim_tui.core.scoring.run_comparison import compare

        compared = await asyncio.to_thread(compare, self._a.results, self._b.results)
        self._said = list(_said(self._a, self._b, compared))
        self._show()
        pairs = PairList(compared.pairs, (self._a.results.names, self._b.results.names), id="pairs")
        await self.mount(pairs, before=self.query_exactly_one(KeyLine))
        pairs.focus()

    def on_resize(self) -> None:
        """Other lines, and whether all are in view may be otherwise now."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        if self._said:
            width = self._page.scrollable_content_region.width
            self._words.update(Content("\n").join(hanging(label, words, width) for label, words in self._said))
        self.call_after_refresh(self.refresh_bindings)


def _said(a: Run, b: Run, compared: Comparison) -> Iterator[_Line]:
    """The mean difference; what was left out; what was asked, where it differs, which may be long."""
    yield from (_line(_title(measure), _numbers(measure)) for measure in compared.measures)
    if not _one_scale(a, b):
        scale = "The final scores are not on one scale: metrics, weights or rules differ."
        yield "", Content.styled(scale, "$text-warning")
    if _other_models(a, b):
        yield "", Content.styled("Other models made them: their values are not on one scale.", "$text-warning")
    rose, fell, n = len(compared.rose()), len(compared.fell()), len(compared.pairs)
    yield _line("Images", Content(f"{n} in both: {rose} rose, {fell} fell, {n - rose - fell} stayed"))
    left_out = {
        "only in A": compared.only_a,
        "only in B": compared.only_b,
        "without a final score in one": compared.without_score,
    }
    out = ", ".join(f"{count} {what}" for what, count in left_out.items() if count)
    replaced = compared.replaced()
    other = f"; {replaced} with other content under the same name" if replaced else ""
    yield _line("Left out", Content(f"{out or 'none'}{other}"))
    yield "", Content("")
    for name, (one, other) in _sides(a, b).items():
        if one == other:
            yield _line(name, Content(printable(one)))
        else:
            yield _line(f"{name} A", Content.styled(printable(one) or "none", "bold"))
            yield _line(f"{name} B", Content.styled(printable(other) or "none", "bold"))


def _sides(a: Run, b: Run) -> dict[str, tuple[str, str]]:
    def told(run: Run) -> dict[str, str]:
        context, shares = run.request.context, run.request.plan.shares
        weights = " · ".join(f"{get_metric(metric).short} {100 * share:.3g} %" for metric, share in shares.items())
        return {
            "Prompt": context.prompt,
            "Topic": context.topic,
            "Ref": context.reference,
            "Profile": run.info.profile,
            "Weights": weights,
        }

    one, other = told(a), told(b)
    return {name: (one[name], other[name]) for name in one if one[name] or other[name]}


def _line(name: str, said: Content) -> _Line:
    return f"{name:<{_LABEL}}", said


def _spec(measure: Measure) -> MetricSpec | None:
    """What is measured; None for the final score."""
    from aim_tui.core.scoring.run_comparison import FINAL

    return None if measure.name == FINAL else get_metric(measure.name)


def _title(measure: Measure) -> str:
    spec = _spec(measure)
    return f"{spec.short} {'↑' if spec.higher_is_better else '↓'}" if spec else "Final ↑"


def _numbers(measure: Measure) -> Content:
    spec, change = _spec(measure), measure.change
    decimals = spec.decimals if spec else 2
    if change.low is None or change.high is None:
        interval = "  too few pairs for an interval"
    else:
        interval = f"  95 % interval {change.low:+.{decimals}f} to {change.high:+.{decimals}f}"
        interval += "" if change.decided else ", holds 0"
    means = f"{measure.mean_a:.{decimals}f} → {measure.mean_b:.{decimals}f}  "
    return Content.assemble(means, (f"{change.mean:+.{decimals}f}", "bold"), (interval, "$foreground-muted"))


def _one_scale(a: Run, b: Run) -> bool:
    one, other = a.request.plan, b.request.plan
    return one.shares == other.shares and one.rules.rules == other.rules.rules


def _other_models(a: Run, b: Run) -> bool:
    prints, others = a.request.fingerprints, b.request.fingerprints
    return any(role in others and prints[role] != others[role] for role in prints)
