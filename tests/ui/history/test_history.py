"""The history: stored runs are listed, opened, compared and deleted, by keys alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Button

from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFacts, ImageRead, Item, MetricBatch, MetricValue
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.settings.settings import load_settings
from aim_tui.store.database import Database
from aim_tui.store.records import RunRequest, RunState
from aim_tui.store.runs import Runs
from aim_tui.ui.history.compare import CompareScreen
from aim_tui.ui.history.pair_list import PairList
from aim_tui.ui.history.run_list import RunList
from aim_tui.ui.history.screen import HistoryScreen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")

PROFILE = load_settings().profile("aim")
PLAN = ScoringPlan(("clip",), {"clip": 1.0}, PROFILE.rules)


def keep(store: Path, folder: Path, prompt: str, values: list[float], state: RunState = RunState.DONE) -> str:
    """A run with these CLIP scores."""
    with Database.open(store) as database:
        request = RunRequest(Context(prompt=prompt), PLAN, PROFILE, folder=str(folder))
        items = [Item(number, f"{folder}/img_{number}.png") for number in range(len(values))]
        writer = Runs(database).begin(request, items)
        for item in items:
            writer.write(ImageRead(item.id, ImageFacts(8, 8, "PNG", "RGB", 1, f"{item.id:064}")))
        writer.write(MetricBatch("clip", [MetricValue(n, "present", value) for n, value in enumerate(values)]))
        writer.flush()
        writer.end(state, Runs(database).load(writer.id).results.summary())
        return writer.id


@pytest.fixture
def store(tmp_path: Path, folder: Path) -> Path:
    """Two runs of the folder and one of another; three images rose, one fell, one stayed."""
    store = tmp_path / "store.db"
    keep(store, folder, "a red cabin", [0.20, 0.22, 0.24, 0.30, 0.25])
    keep(store, folder, "a [/red] cabin <script>\x1b[31m", [0.21, 0.24, 0.27, 0.26, 0.25], RunState.CANCELLED)
    keep(store, folder / "elsewhere", "a boat", [0.3, 0.2])
    return store


def runs_of(app: Any) -> RunList:
    return app.app.screen.query_one(RunList)


async def open_history(app: Any, runs: int = 2) -> None:
    await app.press("H")
    await app.until(lambda: isinstance(app.app.screen, HistoryScreen) and len(runs_of(app).keys) == runs)


async def test_the_runs_of_this_folder_come_first_and_a_shows_all(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store) as app:
        await open_history(app)
        text = app.text()
        assert "2 runs of" in text
        assert "◐ cancelled" in text
        assert "a red cabin" in text
        assert "a [/red] cabin <script>" in text
        assert "a boat" not in text
        await app.press("a")
        await app.until(lambda: len(runs_of(app).keys) == 3)
        await app.shows("elsewhere")
        await app.press("q")
        assert not isinstance(app.app.screen, HistoryScreen)


async def test_a_stored_run_is_shown_with_its_prompt_and_weights_and_esc_goes_back(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store, toasts=True) as app:
        await app.until(lambda: len(app.rows) == 8 and not app.session.workspace.recalling)
        await open_history(app)
        await app.press("j", "enter")
        await app.shows("esc goes back to the folder")
        assert app.session.workspace.context == Context(prompt="a red cabin")
        assert len(app.rows) == 5
        assert len(app.scored) == 5
        await app.shows("CLIP 100 %")
        await app.press("s")
        await app.shows("this is a stored run")
        assert app.session.workspace.running is None
        await app.press("escape")
        await app.until(lambda: len(app.rows) == 8)
        assert app.session.workspace.context.prompt == "Only one wooden cabin"
        assert app.session.workspace.weights["blip2"] == 0.5
        await app.press("s")
        await app.all_scored()


async def test_two_marked_runs_are_compared_the_earlier_one_first(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, size=(120, 40)) as app:
        await open_history(app)
        await app.press("space", "space", "c")
        await app.until(lambda: isinstance(app.app.screen, CompareScreen) and app.app.screen.query(PairList))
        await app.shows("5 in both: 3 rose, 1 fell, 1 stayed")
        text = app.text()
        assert "Left out  none" in text
        assert "95 % interval" in text
        assert text.index("a red cabin") < text.index("a [/red] cabin")
        names = [pair.a.path[-5] for pair in app.app.screen.query_one(PairList)._pairs]
        assert names == ["2", "1", "0", "4", "3"]
        assert "▲" in text
        assert "▼" in text


async def test_the_words_of_a_comparison_are_scrolled_by_keys_where_they_do_not_fit(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store, size=(80, 12)) as app:
        await open_history(app)
        await app.press("space", "space", "c")
        await app.until(lambda: isinstance(app.app.screen, CompareScreen) and app.app.screen.query(PairList))
        page = app.app.screen._page
        await app.press("J", "J")
        await app.until(lambda: page.scroll_y == 2)
        await app.press("K")
        await app.until(lambda: page.scroll_y == 1)
        # Where all of them are in view there is nothing to scroll, and no key for it in the footer.
        await app.resize(80, 30)
        await app.until(lambda: page.max_scroll_y == 0 and "Close" in app.text())
        assert "Scroll" not in app.text()


async def test_comparing_asks_for_two(open_app: Any, folder: Path, store: Path) -> None:
    async with open_app(folder, store=store, toasts=True) as app:
        await open_history(app)
        await app.press("c")
        await app.shows("0 marked; space marks two runs")


async def test_deleting_asks_with_the_number_of_images_and_keeping_is_one_enter_away(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with open_app(folder, store=store) as app:
        await open_history(app)
        await app.press("d")
        await app.shows("The scores of 5 images in this run are gone then")
        assert isinstance(app.app.focused, Button)
        await app.press("enter")
        assert len(runs_of(app).keys) == 2
        await app.press("ctrl+a", "d")
        await app.shows("The scores of 10 images in 2 runs")
        await app.press("y")
        await app.until(lambda: not runs_of(app).keys)
        await app.shows("No run of this folder is stored yet")
    with Database.open(store) as database:
        assert [info.prompt for info in Runs(database).history()] == ["a boat"]


async def test_a_run_that_is_being_filled_cannot_be_deleted(
    open_app: Any, folder: Path, tmp_path: Path, gate: Any
) -> None:
    store = tmp_path / "store.db"
    async with open_app(folder, store=store, worker=["--gate", str(gate.path)], toasts=True) as app:
        await app.press("s")
        gate.let(2)
        await app.until(lambda: len(app.scored) == 2 and store.exists())
        await app.until(lambda: app.session.jobs.storing)
        await open_history(app, 1)
        history = app.app.screen
        await app.press("d")
        await app.until(lambda: app.app.screen is not history)
        await app.press("y")
        await app.shows("is still running")


async def test_without_a_store_the_history_says_so(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("H")
        await app.shows("opened without a store")


async def test_thousands_of_runs_are_a_list_like_any_other(open_app: Any, folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    keep(store, folder, "first", [0.2])
    with Database.open(store) as database, database.writing() as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
        others = ", ".join(column for column in columns if column != "id")
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) "
            f"INSERT INTO runs (id, {others}) SELECT printf('%016X', i), {others} FROM runs, n"
        )
    async with open_app(folder, store=store) as app:
        await open_history(app, 5000)
        await app.press("G", "g", "pagedown")
        assert runs_of(app).cursor_index > 10


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (160, 50)])
async def test_history_and_comparison_fit_any_size(
    open_app: Any, folder: Path, store: Path, size: tuple[int, int]
) -> None:
    async with open_app(folder, store=store, size=size) as app:
        await open_history(app)
        assert max(map(len, app.text().splitlines())) <= size[0] + 1
        await app.press("space", "space", "c")
        await app.until(lambda: app.app.screen.query(PairList))
        await app.press("j", "q", "q")
