"""Two images: beside each other, by turns in one place, or where they differ; and what one has more than the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.outcomes import Failed, Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.plan import score
from aim_tui.core.scoring.results import Raw, Results
from aim_tui.ui.compare.numbers import numbers
from aim_tui.ui.compare.screen import PairScreen, companions
from aim_tui.ui.widgets.score_cells import Ink

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def compare(app: Any) -> PairScreen:
    await app.press("c")
    await app.until(lambda: isinstance(app.app.screen, PairScreen))
    screen = app.app.screen
    assert isinstance(screen, PairScreen)
    return screen


def shown(screen: PairScreen, id: str) -> str:
    """The name of the file that a preview has on the screen."""
    picture = screen.query_exactly_one(f"#{id}").shown
    return picture.path.rpartition("/")[2] if picture is not None else ""


def visible(screen: PairScreen) -> list[str]:
    return [id for id in ("pair-first", "pair-second", "pair-map") if screen.query_exactly_one(f"#{id}").size.width]


async def test_the_current_image_stands_beside_the_reference_with_both_scores(open_app: Any, folder: Path) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png"), start_scoring=True) as app:
        await app.all_scored()
        screen = await compare(app)
        await app.until(lambda: (shown(screen, "pair-a"), shown(screen, "pair-b")) == ("img_0.png", "img_7.png"))
        assert visible(screen) == ["pair-first", "pair-second"]
        text = app.text()
        # 0.400 against 0.379: scores fall and distances rise with the number in the name.
        assert "+0.0210 ▲ better" in text
        assert "-0.0490 ▲ better" in text
        await app.press("j")
        await app.until(lambda: shown(screen, "pair-a") == "img_1.png")
        await app.press("q")
        await app.until(lambda: app.app.screen.scores.current.item == 1)


async def test_marked_images_come_before_the_reference_and_tab_turns(open_app: Any, folder: Path) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png")) as app:
        await app.until(lambda: app.rows)
        await app.press("j", "space", "space", "g")
        screen = await compare(app)
        for name in ("img_1.png", "img_2.png", "img_7.png", "img_1.png"):
            await app.until(lambda name=name: shown(screen, "pair-b") == name)
            await app.press("tab")


async def test_flicker_shows_both_in_one_place(open_app: Any, folder: Path) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png")) as app:
        await app.until(lambda: app.rows)
        screen = await compare(app)
        for name in ("img_7.png", "img_0.png", "img_7.png"):
            await app.press("space")
            await app.until(lambda name=name: shown(screen, "pair-a") == name)
            assert visible(screen) == ["pair-first"]
        await app.press("b")
        await app.until(lambda: visible(screen) == ["pair-first", "pair-second"])
        await app.until(lambda: (shown(screen, "pair-a"), shown(screen, "pair-b")) == ("img_0.png", "img_7.png"))


async def test_the_difference_map_is_drawn_and_says_where(open_app: Any, folder: Path) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png")) as app:
        await app.until(lambda: app.rows)
        screen = await compare(app)
        await app.press("d")
        await app.shows("top left")
        await app.until(lambda: visible(screen) == ["pair-map"] and shown(screen, "pair-d") == "img_0.png")
        await app.shows("scripted LPIPS")
        await app.press("d")
        await app.until(lambda: visible(screen) == ["pair-first", "pair-second"])


async def test_a_difference_that_cannot_be_had_says_why(open_app: Any, make_folder: Any) -> None:
    folder = make_folder("broken_0.png", "img_1.png")
    async with open_app(folder, reference=str(folder / "img_1.png")) as app:
        await app.until(lambda: app.rows)
        await compare(app)
        await app.press("d")
        await app.shows("holds text, not an image")


async def test_without_anything_to_compare_with_the_ways_are_named(open_app: Any, folder: Path) -> None:
    async with open_app(folder, toasts=True) as app:
        await app.until(lambda: app.rows)
        await app.press("c")
        await app.shows("nothing to compare with")


async def test_the_review_compares_too(open_app: Any, folder: Path) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png")) as app:
        await app.until(lambda: app.rows)
        await app.press("enter", "j")
        await app.shows("2/8")
        screen = await compare(app)
        await app.until(lambda: shown(screen, "pair-a") == "img_1.png")


@pytest.mark.parametrize("size", [(40, 10), pytest.param((80, 24), marks=pytest.mark.slow), (120, 40)])
async def test_both_images_have_room_at_any_size(open_app: Any, folder: Path, size: tuple[int, int]) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png"), size=size, start_scoring=True) as app:
        await app.all_scored()
        screen = await compare(app)
        await app.settle()
        sides = [screen.query_exactly_one(f"#{id} #preview-pixels").size for id in ("pair-a", "pair-b")]
        assert all(side.width >= 20 and side.height >= 2 for side in sides), sides
        for key in ("space", "space", "d", "b", "j", "k", "question_mark", "q", "q"):
            await app.press(key)


def results_of(open_plan: Any, *raws: dict[str, Raw]) -> Results:
    from aim_tui.core.scoring.events import Item

    results = Results(open_plan, Context("topic", "prompt"))
    results.add(Item(number, f"/{number}.png") for number in range(len(raws)))
    for row, raw in zip(results.rows, raws, strict=True):
        row.raws = dict(raw)
        row.scores = score({metric: each.outcome for metric, each in raw.items()}, open_plan)
    return results


@pytest.fixture
def plan() -> Any:
    from aim_tui.core.scoring.plan import ScoringPlan
    from aim_tui.settings.settings import load_settings

    profile = load_settings().profile("aim")
    return ScoringPlan(("clip", "blip2"), dict(profile.weights), profile.rules)


def test_no_change_is_told_where_a_value_failed_is_missing_or_out_of_date(plan: Any) -> None:
    good = {"clip": Raw(Present(0.3), "prompt"), "blip2": Raw(Present(0.5), "topic")}
    for other, said in (
        ({**good, "clip": Raw(Failed("out of memory"), "prompt")}, ["!", "-"]),
        ({**good, "clip": Raw(Present(0.2), "another prompt")}, ["~0.2000", "made against different things"]),
        ({}, ["·", "-"]),
    ):
        results = results_of(plan, good, other)
        line = numbers(results, *results.rows, Ink.WEIGHT).plain.splitlines()[2]
        assert "better" not in line
        assert "worse" not in line
        assert all(part in line for part in said), line


def test_values_that_look_alike_are_the_same(plan: Any) -> None:
    one = {"clip": Raw(Present(0.30001), "prompt"), "blip2": Raw(Present(0.5), "topic")}
    results = results_of(plan, one, {**one, "clip": Raw(Present(0.30004), "prompt")})
    assert "= same" in numbers(results, *results.rows, Ink.WEIGHT).plain.splitlines()[2]


def test_a_reference_outside_the_folder_has_no_row(plan: Any) -> None:
    results = results_of(plan, {}, {})
    results.context = Context("topic", "prompt", "/elsewhere/reference.png")
    assert companions(results, [0, 1], 0, {0, 1}) == [
        ("/1.png", "marked", 1),
        ("/elsewhere/reference.png", "reference", None),
    ]
