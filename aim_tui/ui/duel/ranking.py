"""What duels add up to: order, strength with interval, and how it compares with the metrics' own order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from aim_tui.core.names import ShortNames
from aim_tui.core.text import path_bytes, portable_path, printable
from aim_tui.exports.content import Records
from aim_tui.ui.aim_screen import AimScreen, ScreenKeys
from aim_tui.ui.dialogs.session_actions import export_to_file
from aim_tui.ui.session.exports import listed_endings, path_problem, write
from aim_tui.ui.widgets.cell_text import fit
from aim_tui.ui.widgets.key_line import KeyLine
from aim_tui.ui.widgets.line_list import LineList
from aim_tui.ui.widgets.line_look import Look

if TYPE_CHECKING:
    from aim_tui.ui.session.duel_series import DuelSeries

# Title and width of what stands right of the name, each from this width of the list on.
_COLUMNS = (
    ("strength", "Strength", 8, 0),
    ("interval", "95 % interval", 15, 70),
    ("record", "W/T/L", 9, 88),
    ("duels", "Duels", 5, 98),
    ("apart", "Next", 4, 0),
    ("final", "Final", 6, 50),
    ("final_rank", "Rank", 5, 50),
)


def ranking_rows(series: DuelSeries, finals: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """The images, the strongest first, with everything that is known of them."""
    ranking, tallies, order = series.ranking, series.tallies(), series.ranking.order
    known = sorted((v for image in series.images if (v := finals.get(image.path)) is not None), reverse=True)
    rows = []
    for place, number in enumerate(order):
        image, tally = series.images[number], tallies[number]
        low, high = ranking.interval(number)
        after = order[place + 1] if place + 1 < len(order) else None
        final = finals.get(image.path)
        rows.append(
            {
                "rank": place + 1,
                "path": image.path,
                "sha256": image.sha256,
                "strength": float(ranking.mean[number]),
                "low": low,
                "high": high,
                "wins": tally.wins,
                "ties": tally.ties,
                "losses": tally.losses,
                "duels": tally.duels,
                "told_apart_from_next": None if after is None else ranking.differ(number, after),
                "final_score": final,
                "final_rank": None if final is None else known.index(final) + 1,
            }
        )
    return rows


class RankList(LineList[int]):
    """Keys are places in the order."""

    HEADER_LINES: ClassVar[int] = 1

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        super().__init__(id="ranks")
        self._rows = rows
        self._names = ShortNames(row["path"] for row in rows)

    def on_mount(self) -> None:
        """Show all of them."""
        super().on_mount()
        self.set_keys(range(len(self._rows)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Here is only to read."""
        return action in ("move", "page", "first", "last")

    def draw_header(self, width: int) -> list[Segment]:
        """The titles."""
        style = self.get_component_rich_style("line-list--header")
        cells = {name: title for name, title, _, _ in _COLUMNS}
        return [Segment(" " * self.GUTTER + self._line("   # Image", cells, width - self.GUTTER), style)]

    def draw_line(self, index: int, key: int, look: Look, width: int) -> list[Segment]:
        """One image."""
        row = self._rows[key]
        apart, final = row["told_apart_from_next"], row["final_score"]
        cells = {
            "strength": _signed(row["strength"]),
            "interval": f"{_signed(row['low'])} {_signed(row['high'])}",
            "record": f"{row['wins']}/{row['ties']}/{row['losses']}",
            "duels": str(row["duels"]),
            "apart": "" if apart is None else ">" if apart else "≈",
            "final": "-" if final is None else f"{final:.1f}",
            "final_rank": "-" if final is None else f"#{row['final_rank']}",
        }
        return [Segment(self._line(f"{row['rank']:>4} {self._names[row['path']]}", cells, width), look.base)]

    def _line(self, name: str, texts: Mapping[str, str], width: int) -> str:
        cells = "".join("  " + texts[key].rjust(cells) for key, _, cells, least in _COLUMNS if width >= least) + " "
        return fit(name, max(width - len(cells), 0), "name") + cells


def _signed(value: float) -> str:
    # What rounds to nothing has no sign.
    return f"{round(value, 2) + 0.0:+.2f}"


_key = ScreenKeys("ranking")


class RankingScreen(AimScreen[None]):
    """The order after the duels so far."""

    CSS_PATH = "screen.tcss"
    BINDING_GROUP_TITLE = "Ranking"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("ctrl+s", "export", "Export", "Write the ranking as CSV or JSON"),
        _key.help(),
        _key.close("Back to the duels", opener="r"),
    ]

    def __init__(self, series: DuelSeries, finals: Mapping[str, float | None]) -> None:
        super().__init__()
        self._series = series
        self._rows = ranking_rows(series, finals)

    def compose(self) -> ComposeResult:
        """Heading, images, and how to read it."""
        series = self._series
        title = Content.assemble(
            ("Ranking  ", "bold"),
            f"{series.counting} duel{'' if series.counting == 1 else 's'} by {printable(series.rater)}",
            (
                f"  {series.ranking.settled()} of {len(series.images) - 1} neighbours ranked for sure",
                "$foreground-muted",
            ),
        )
        yield Static(title, id="ranking-title", markup=False)
        yield RankList(self._rows)
        about = (
            "Strength in logits (Bradley-Terry; a tie is half a win for each).\n"
            "Next: > surely better than the one below, ≈ not sure yet (95 %)."
        )
        yield Static(about, id="ranking-about", markup=False)
        yield KeyLine()

    @work(exclusive=True)
    async def action_export(self) -> None:
        """Write the ranking to a file."""

        async def write_ranking(path: Path) -> int:
            await asyncio.to_thread(write, ranking_records(self._series, self._rows), path)
            return len(self._rows)

        explanation = f"The ranking as {listed_endings(Records)}; an existing file is replaced."
        suggested = f"{self._series.folder}/ranking.csv"
        await self.report_export(export_to_file(self.app, explanation, suggested, path_problem, write_ranking, "rows"))


def ranking_records(series: DuelSeries, rows: list[dict[str, Any]]) -> Records:
    """The ranking as something to export; a line of a table names series and rater too."""
    named = [row | {"path": portable_path(row["path"]), "path_bytes": path_bytes(row["path"])} for row in rows]
    head = {"series": series.series, "rater": series.rater, "counted_duels": series.counting}
    return Records(head, "ranking", named, lambda row: ({**row, **head},))
