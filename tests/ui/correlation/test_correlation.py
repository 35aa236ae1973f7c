"""The Correlation screen: its figures are those of the analysis, and it says what is missing and which key helps."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from aim_tui.core.agreement.analysis import Options, analyse
from aim_tui.core.agreement.coefficients import CoefficientKind
from aim_tui.core.agreement.report_tables import between, p_value
from aim_tui.core.agreement.study import Scale, Study, StudyColumn, StudyEntry, StudyJudgement
from aim_tui.core.outcomes import Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFacts, ImageRead, Item, MetricBatch, MetricValue
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.settings.settings import load_settings
from aim_tui.store.database import Database
from aim_tui.store.judgements import DuelOutcome, Image, Judgements
from aim_tui.store.records import RunRequest, RunState
from aim_tui.store.runs import Runs
from aim_tui.ui.correlation.judgement_dialog import JudgementFileScreen
from aim_tui.ui.correlation.scatter import MIXED, Plot, frame, raster
from aim_tui.ui.correlation.screen import CorrelationScreen
from aim_tui.ui.correlation.tables import page, plot_of
from aim_tui.ui.history.run_list import RunList
from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.main.screen import MainScreen
from aim_tui.ui.review.screen import ReviewScreen
from aim_tui.ui.session.agreement import groupings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aim_tui.core.agreement.analysis import Analysis

pytestmark = pytest.mark.usefixtures("models_here")

RATINGS = {"ann": [5, 5, 4, 4, 2, 3, 1, 2], "bob": [5, 4, 4, 3, 3, 2, 1, 1]}


SCORES = {"clip": [0.31, 0.33, 0.29, 0.26, 0.27, 0.22, 0.2, 0.21], "lpips": [0.3, 0.42, 0.4, 0.55, 0.5, 0.6, 0.7, 0.62]}


@pytest.fixture
def store(tmp_path: Path, folder: Path) -> Path:
    """One run of the eight images; the better an image, the higher its CLIP score and the lower its LPIPS."""
    store = tmp_path / "store.db"
    profile = load_settings().profile("aim")
    items = [Item(number, f"{folder}/img_{number}.png") for number in range(8)]
    request = RunRequest(
        Context(prompt="a red cabin", reference=items[0].path),
        ScoringPlan(("clip", "lpips"), {"clip": 0.6, "lpips": 0.4}, profile.rules),
        profile,
        folder=str(folder),
    )
    with Database.open(store) as database:
        writer = Runs(database).begin(request, items)
        for item in items:
            writer.write(ImageRead(item.id, ImageFacts(16, 12, "PNG", "RGB", 1, f"{item.id:064}")))
        for metric, values in SCORES.items():
            writer.write(MetricBatch(metric, [MetricValue(n, "present", value) for n, value in enumerate(values)]))
        writer.flush()
        writer.end(RunState.DONE, Runs(database).load(writer.id).results.summary())
    return store


@asynccontextmanager
async def opened(open_app: Any, folder: Path, store: Path, **asked: Any) -> AsyncIterator[Any]:
    """The application with that run in place of the folder."""
    async with open_app(folder, store=store, **asked) as app:
        await app.until(lambda: len(app.rows) == 8 and not app.session.workspace.recalling)
        await app.press("H")
        await app.until(lambda: app.app.screen.query(RunList) and app.app.screen.query_one(RunList).keys)
        await app.press("enter")
        await app.until(lambda: app.session.workspace.viewed is not None)
        await app.until(lambda: isinstance(app.app.screen, MainScreen))
        yield app


def judge(app: Any, store: Path, ratings: dict[str, Sequence[float]], duels: Sequence[tuple[int, int]] = ()) -> None:
    """Keep ratings of the rows, in their order, and duels that the first of two won."""
    images = [Image(row.facts.sha256, row.path) for row in app.rows]
    with Database.open(store) as database:
        words = Judgements(database)
        for rater, values in ratings.items():
            for image, value in zip(images, values, strict=False):
                words.rate(image, value, rater=rater)
        for winner, loser in duels:
            words.duel(images[winner], images[loser], DuelOutcome.LEFT, rater="ann", series="s")


def screen_of(app: Any) -> CorrelationScreen:
    assert isinstance(app.app.screen, CorrelationScreen)
    return app.app.screen


async def correlate(app: Any) -> CorrelationScreen:
    """Open the screen and wait until it has worked out what it shows."""
    await app.press("K")
    await app.until(lambda: isinstance(app.app.screen, CorrelationScreen))
    await worked_out(app)
    return screen_of(app)


async def worked_out(app: Any) -> None:
    await app.until(lambda: isinstance(app.app.screen, CorrelationScreen) and app.app.screen.analysis is not None)
    await app.settle()


async def type_file(app: Any, path: Path, columns: str = "") -> None:
    """Describe a file of judgements in the dialog."""
    await app.press("i")
    await app.until(lambda: isinstance(app.app.screen, JudgementFileScreen))
    await app.press("ctrl+a", "ctrl+k")
    await app.paste(str(path))
    if columns:
        await app.press("tab")
        await app.paste(columns)


def write_csv(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


# -- figures ----------------------------------------------------------------------------------------------------------


def test_an_analysis_says_how_far_it_is_and_what_comes_next() -> None:
    ids = [str(number) for number in range(8)]

    def column(name: str, values: Sequence[float]) -> StudyColumn:
        return StudyColumn(name, tuple(StudyEntry(id, Present(x)) for id, x in zip(ids, values, strict=True)))

    study = Study(
        (column("a", range(8)), column("b", range(8, 0, -1))), (StudyJudgement("r", (column("r", range(8)),)),)
    )
    said: list[tuple[int, int, str]] = []
    analyse(study, Options(resamples=0), lambda *step: said.append(step))
    assert said == [(0, 3, "a against r"), (1, 3, "b against r"), (2, 3, "a with b against r")]


async def test_while_it_is_computed_the_screen_says_how_far_that_is(
    open_app: Any, folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slowly(study: Study, group_by: str, progress: Any) -> Analysis:
        progress(1, 3, "clip_score against rating")
        go_on.wait()
        return analyse(study, Options(top=20))

    monkeypatch.setattr("aim_tui.ui.session.agreement._analyse", slowly)
    async with opened(open_app, folder, store, size=(80, 24)) as app:
        judge(app, store, RATINGS)
        await app.press("K")
        try:
            await app.shows("computing 2 of 3: clip_score against rating")
        finally:
            go_on.set()
        await worked_out(app)
        assert "computing" not in app.text()


async def test_every_coefficient_stands_beside_its_number_of_pairs_where_there_is_little_room(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with opened(open_app, folder, store, size=(36, 24)) as app:
        judge(app, store, RATINGS)
        screen = await correlate(app)
        for cell in screen.analysis.cells:
            await app.shows(f"{cell.coefficients[CoefficientKind.SPEARMAN].value:+.2f} n=8")


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow)])
async def test_the_figures_on_the_screen_are_those_of_the_analysis(
    open_app: Any, folder: Path, store: Path, size: tuple[int, int]
) -> None:
    async with opened(open_app, folder, store, size=size) as app:
        judge(app, store, RATINGS)
        screen = await correlate(app)
        expected = analyse(screen.analysis.study, Options(top=20))
        assert [cell.metric.name for cell in expected.cells] == [one.name for one in screen.analysis.study.metrics]
        assert len(expected.cells) == 3
        for key, kind in (
            ("", CoefficientKind.SPEARMAN),
            ("c", CoefficientKind.PEARSON),
            ("c", CoefficientKind.KENDALL_B),
        ):
            if key:
                await app.press(key)
            await app.shows(kind.label)
            text = app.text()
            for cell in expected.cells:
                found = cell.coefficients[kind]
                interval = f" ({between(found.best_interval, '+.2f')})"
                assert f"{found.value:+.2f}{interval} n = 8" in text
        await app.press("v")
        cell = screen.cell
        found = expected.cell(cell.metric.name, cell.judgement.name)
        permutation = found.coefficients[CoefficientKind.SPEARMAN].permutation
        await app.until(lambda: "permutation p" in app.text())
        assert p_value(permutation.p) in app.text()
        said = [content.plain for content in page(screen.analysis, found, 200)]
        assert any(f"{found.ties.calibrated:.3f} with eps* = {found.ties.eps:.6g}" in words for words in said)
        assert any(f"calling all ties: {found.ties.all_ties:.3f}" in words for words in said)
        assert any("Krippendorff's alpha" in words for words in said)
        assert any(words.startswith("rater ann") for words in said)


async def test_raters_are_kept_apart_and_duels_are_a_judgement_of_their_own(
    open_app: Any, folder: Path, store: Path
) -> None:
    async with opened(open_app, folder, store) as app:
        judge(app, store, RATINGS, duels=[(0, 1), (1, 2), (2, 3), (3, 4), (0, 5)])
        screen = await correlate(app)
        study = screen.analysis.study
        assert [judgement.name for judgement in study.judgements] == ["rating", "duels"]
        assert [column.name for column in study.judgements[0].raters] == ["ann", "bob"]
        assert screen.cell.judgement.name == "rating"
        await app.press("l")
        assert screen.cell.judgement.name == "duels"
        assert screen.cell.pairs.n == 6
        await app.shows("over 6 pairs")


async def test_what_happens_in_the_thread_is_what_the_command_would_find(
    open_app: Any, folder: Path, store: Path
) -> None:
    """The command reads the stored run, the screen the rows in memory: the same samples, values and figures."""
    from aim_tui.cli.agreement.study import StudyRequest, gather_study

    async with opened(open_app, folder, store) as app:
        judge(app, store, RATINGS)
        screen = await correlate(app)
        asked = StudyRequest("last", (), (), None, None, (), "", (), None, None, frozenset(), store)
        told = analyse(gather_study(asked), Options(top=20))
        assert len(told.cells) == len(screen.analysis.cells) == 3
        for one, other in zip(told.cells, screen.analysis.cells, strict=True):
            assert one.coefficients == other.coefficients
            assert one.ties == other.ties
            assert one.worst == other.worst


# -- samples and scatter ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow)])
async def test_a_sample_of_the_worst_opens_its_image(
    open_app: Any, folder: Path, store: Path, size: tuple[int, int]
) -> None:
    async with opened(open_app, folder, store, size=size) as app:
        judge(app, store, RATINGS)
        screen = await correlate(app)
        await app.press("enter")
        worst = [Path(one.id).name for one in screen.cell.worst]
        await app.shows("Worst agreement")
        assert worst[0] in app.text()
        await app.press("j", "enter")
        await app.until(lambda: isinstance(app.app.screen, ViewScreen))
        await app.shows(worst[1])
        await app.press("j", "q")
        assert screen._samples.cursor_index == 2
        await app.press("s")
        await app.shows("Best agreement")
        assert Path(screen.cell.best[0].id).name in app.text()


async def test_ranks_are_drawn_where_they_are_asked_for(open_app: Any, folder: Path, store: Path) -> None:
    async with opened(open_app, folder, store, size=(80, 24)) as app:
        judge(app, store, RATINGS)
        screen = await correlate(app)
        assert "rank of" not in app.text()
        await app.press("r")
        await app.shows("rank of rating")
        assert sorted(screen._scatter.plot.x) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_points_lie_where_their_values_are_and_the_line_is_the_least_squares_line() -> None:
    study = made([0.1, 0.2, 0.3, 0.4, 0.5], [1.0, 2.5, 2.0, 4.0, 5.0], higher=False)
    cell = analyse(study, Options(resamples=0)).cells[0]
    plot = plot_of(cell, ranks=False)
    assert list(plot.x) == [0.1, 0.2, 0.3, 0.4, 0.5]
    slope, intercept = plot.line
    wanted = np.polyfit(plot.x, plot.y, 1)
    assert slope == pytest.approx(wanted[0], abs=1e-9)
    assert intercept == pytest.approx(wanted[1], abs=1e-9)
    cells = raster(plot, 40, 12)
    points = sorted(place for place, mark in cells.items() if mark.part == "point")
    assert len(points) == 5
    # The highest value is in the first line, the lowest in the last, left of it.
    assert points[0][0] == 0
    assert points[-1][0] == 11
    assert points[0][1] > points[-1][1]
    within = frame(plot)
    for (row, column), mark in cells.items():
        if mark.part == "line":
            x = within.left + (column + 0.5) / 40 * (within.right - within.left)
            y = within.top - (row + 0.5) / 12 * (within.top - within.bottom)
            assert abs(slope * x + intercept - y) < 1.1 * (within.top - within.bottom) / 12 + abs(slope) * 0.02


def test_y_equals_x_is_drawn_only_where_both_declare_the_same_scale() -> None:
    values = [0.1, 0.4, 0.3, 0.9]
    apart = made(values, values[::-1])
    shared = made(values, values[::-1], scale=Scale(0, 1))
    for study, wanted in ((apart, False), (shared, True)):
        cell = analyse(study, Options(resamples=0)).cells[0]
        drawn = raster(plot_of(cell, ranks=False), 30, 10).values()
        assert any(mark.part == "identity" for mark in drawn) is wanted
        assert not plot_of(cell, ranks=True).identity


def test_groups_are_told_apart_by_glyphs_and_a_shared_place_by_its_own() -> None:
    x, y = np.array([0.0, 1.0, 2.0, 2.0]), np.array([0.0, 1.0, 2.0, 2.0])
    plot = Plot(x, y, ("a", "b", "c", "d"), "x", "y", ("one", "one", "one", "two"))
    cells = raster(plot, 20, 10)
    assert {mark.glyph for mark in cells.values()} == {"●", MIXED}
    apart = Plot(x, np.array([0.0, 1.0, 2.0, 0.0]), plot.ids, "x", "y", plot.groups)
    assert sorted(mark.glyph for mark in raster(apart, 20, 10).values()) == ["▲", "●", "●", "●"]
    assert [mark.part for mark in raster(apart, 20, 10, "d").values()].count("picked") == 1


def test_very_many_points_are_dots() -> None:
    values = np.linspace(0, 1, 5000)
    plot = Plot(values, values, tuple(map(str, range(5000))), "x", "y")
    cells = raster(plot, 60, 20)
    assert all(0x2800 < ord(mark.glyph) <= 0x28FF for mark in cells.values())
    assert len({row for row, _ in cells}) == 20


# -- groups -----------------------------------------------------------------------------------------------------------


async def test_groups_by_a_column_of_the_file_bring_levels_side_by_side(
    open_app: Any, folder: Path, store: Path, tmp_path: Path
) -> None:
    rows = [["file", "stars", "scene"], *([f"img_{n}.png", 5 - n / 2, "ab"[n % 2]] for n in range(8))]
    judged = write_csv(tmp_path / "stars.csv", rows)
    async with opened(open_app, folder, store) as app:
        await app.press("K")
        await app.shows("Nobody has rated")
        await type_file(app, judged, "stars")
        await app.shows("8 matched")
        await app.press("enter")
        await worked_out(app)
        screen = screen_of(app)
        assert groupings(screen.analysis.study)["scene"] == 2
        await app.press("b")
        await app.shows("scene")
        await app.until(lambda: not isinstance(app.app.screen, CorrelationScreen))
        options = app.app.screen._names
        await app.press(*["j"] * options.index("scene"), "enter")
        await app.until(lambda: screen.analysis is not None and screen.analysis.options.group_by == "scene")
        levels = screen.cell.levels
        assert levels.within.used == 2
        words = [content.plain for content in page(screen.analysis, screen.cell, 200)]
        assert "Levels by scene" in words
        for level in levels.all:
            line_of = next(words_of for words_of in words if words_of.startswith(level.name))
            for kind in (CoefficientKind.PEARSON, CoefficientKind.SPEARMAN, CoefficientKind.KENDALL_B):
                assert (f"{level.values[kind]:+.3f}" if level.values[kind] is not None else "-") in line_of
        await app.shows("● a")


# -- files ------------------------------------------------------------------------------------------------------------


async def test_a_file_shows_what_matches_before_it_is_taken(
    open_app: Any, folder: Path, store: Path, tmp_path: Path
) -> None:
    rows = [["file", "llm_score"], *([f"img_{n}.png", 9 - n] for n in range(6))]
    rows += [["img_0.png", 9], ["img_1.png", 1], ["ghost.png", 4]]
    judged = write_csv(tmp_path / "llm.csv", rows)
    async with opened(open_app, folder, store, size=(80, 24)) as app:
        await app.press("K")
        await app.shows("Nobody has rated")
        await type_file(app, judged)
        # The first line is there before the dialog has grown for the others.
        await app.shows("1 repeated and counted once")
        text = " ".join(app.text().split())
        assert "6 matched" in text and "llm_score (0 to 10)" in text
        assert "2 images without a match (img_6.png, img_7.png)" in text
        assert "1 judgement without a match (ghost.png)" in text
        assert "1 repeated and counted once, 1 contradicting and left out" in text
        await app.press("enter")
        await worked_out(app)
        cell = screen_of(app).cell
        assert cell.pairs.n == 5
        assert {drop.reason for drop in cell.pairs.dropped} == {"has no such id", "given 2 times with different values"}
        assert cell.judgement.scale == Scale(0, 10)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("file,score\nelse.png,1\n", "no judgement is of an image here"),
        ("file,a,b\nimg_0.png,1,2\n", "which column"),
        ("", "is empty"),
    ],
)
async def test_a_file_that_will_not_do_says_why_and_is_not_taken(
    open_app: Any, folder: Path, store: Path, tmp_path: Path, content: str, said: str
) -> None:
    judged = tmp_path / "judged.csv"
    judged.write_text(content)
    async with opened(open_app, folder, store, size=(80, 24)) as app:
        await app.press("K")
        await app.shows("Nobody has rated")
        await type_file(app, judged)
        await app.until(lambda: said in " ".join(app.text().replace("│", " ").split()))
        await app.press("enter")
        await app.settle()
        assert isinstance(app.app.screen, JudgementFileScreen)
        await app.press("escape")
        assert screen_of(app).analysis is None


# -- what is missing --------------------------------------------------------------------------------------------------


async def test_without_scores_or_ratings_the_screen_says_which_key_helps(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    async with open_app(folder, store=tmp_path / "other.db", size=(80, 24)) as app:
        await app.until(lambda: len(app.rows) == 8 and not app.session.workspace.recalling)
        await app.press("K")
        await app.shows("None of these 8 images has a score")
        assert "q goes back; s scores." in " ".join(app.text().split())
        await app.press("q", "s")
        await app.all_scored()
        await app.press("K")
        await app.shows("Nobody has rated one of these images")
        text = " ".join(app.text().split())
        assert "enter reviews and 1 to 5 rate, D duels" in text
        assert "i reads judgements from a file" in text
        await app.press("q", "enter")
        await app.until(lambda: isinstance(app.app.screen, ReviewScreen))


async def test_without_a_store_the_screen_says_so(open_app: Any, folder: Path) -> None:
    async with open_app(folder, start_scoring=True, size=(80, 24)) as app:
        await app.all_scored()
        await app.press("K")
        await app.shows("opened without a store")


async def test_degenerate_ratings_say_why_there_is_no_coefficient(open_app: Any, folder: Path, store: Path) -> None:
    async with opened(open_app, folder, store, size=(80, 24)) as app:
        judge(app, store, {"ann": [5.0] * 8})
        await correlate(app)
        await app.until(lambda: "undefined: all rating values equal 5.0." in " ".join(app.text().split()))
        await app.press("v", "v")
        await app.shows("No sample agrees better than another")


async def test_two_pairs_are_too_few(open_app: Any, folder: Path, store: Path) -> None:
    async with opened(open_app, folder, store, size=(80, 24)) as app:
        judge(app, store, {"ann": [5.0, 2.0]})
        await correlate(app)
        await app.shows("no coefficient, fewer than 3 pairs")


# -- files that are written -------------------------------------------------------------------------------------------


async def test_what_is_written_holds_the_figures_that_are_shown(
    open_app: Any, folder: Path, store: Path, tmp_path: Path
) -> None:
    async with opened(open_app, folder, store, size=(80, 24), toasts=True) as app:
        judge(app, store, RATINGS)
        screen = await correlate(app)
        for name in ("correlation_results.json", "figure.png"):
            await app.press("ctrl+s", "ctrl+a", "ctrl+k")
            await app.paste(str(tmp_path / name))
            await app.press("enter")
            await app.until((tmp_path / name).exists)
            await app.until(lambda: app.app.screen is screen)
        written = json.loads((tmp_path / "correlation_results.json").read_text())
        shown = screen.analysis.cells[0].coefficients[CoefficientKind.SPEARMAN].value
        assert written["correlation_metrics"]["spearman_r"] == pytest.approx(shown, abs=1e-12)
        assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


# -- sizes, keys, start -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(40, 10), pytest.param((80, 24), marks=pytest.mark.slow), (200, 60)])
async def test_the_screen_fits_any_size(open_app: Any, folder: Path, store: Path, size: tuple[int, int]) -> None:
    async with opened(open_app, folder, store, size=size) as app:
        judge(app, store, RATINGS, duels=[(0, 1), (1, 2), (2, 3)])
        screen = await correlate(app)
        for key in ("j", "l", "h", "c", "r", "v", "v", "j", "s", "s", "v", "d", "u", "G"):
            await app.press(key)
            assert max(map(len, app.text().splitlines())) <= size[0] + 1
        assert screen.cell.metric.name == screen.analysis.study.metrics[-1].name
        assert "rating" in app.text()


def test_statistics_are_not_loaded_with_the_screen() -> None:
    code = (
        "import sys, aim_tui.ui.correlation.screen; "
        "print([name for name in ('scipy.stats', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def made(x: Sequence[float], y: Sequence[float], *, higher: bool = True, scale: Scale | None = None) -> Study:
    """A study of one metric and one judgement."""
    names = [f"s{number}" for number in range(len(x))]
    sides = [tuple(StudyEntry(n, Present(v)) for n, v in zip(names, side, strict=True)) for side in (x, y)]
    metric = StudyColumn("metric", sides[0], higher, scale)
    return Study((metric,), (StudyJudgement("judged", (StudyColumn("judged", sides[1], scale=scale),)),))
