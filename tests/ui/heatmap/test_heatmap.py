"""The heatmap screen: the map over the image, its numbers, words switched off, and the file that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aim_tui.core.cividis import CIVIDIS, colour
from aim_tui.core.heatmaps import Map, MapMethod
from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.ui.heatmap.overlay import Overlay, overlaid, png_problem, suggested_path
from aim_tui.ui.heatmap.screen import HeatmapScreen
from aim_tui.ui.main.screen import MainScreen
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.picture import Box

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")

#: The scripted worker's map: 4 1 / 0.5 0.5.
MAP = Map(MapMethod.RELEVANCE, ((4.0, 1.0), (0.5, 0.5)), 60, 40, text="a cabin", score=0.3, how="scripted CLIP")


def shown(app: Any) -> Image.Image:
    """What the pane shows."""
    picture = app.app.screen.query_one(ImagePreview).shown
    assert picture is not None
    return picture.pixels


async def opened(app: Any) -> None:
    await app.press("A")
    await app.until(lambda: isinstance(app.app.screen, HeatmapScreen))
    await app.shows("clip_score")


# -- the screen ------------------------------------------------------------------------------------------------------


async def test_the_map_comes_with_its_score_its_scale_and_its_thirds(folder: Path, open_app: Any) -> None:
    async with open_app(folder, prompt="one wooden cabin") as app:
        await opened(app)
        text = app.text()
        assert "clip_score 0.0300" in text
        assert "2.7× even share" in text
        assert "most: top left, 30%" in text
        assert "scripted CLIP" in text
        await app.shows("Save")


async def test_a_word_that_is_switched_off_changes_the_score_and_is_remembered(folder: Path, open_app: Any) -> None:
    async with open_app(folder, prompt="one wooden cabin") as app:
        await opened(app)
        await app.press("j", "space")
        await app.shows("clip_score 0.0200  -0.0100")
        await app.shows("with 1 of 3 words off")
        await app.press("escape")
        await app.shows("clip_score 0.0300")
        assert "-0.0100" in app.text(), "beside the word"


async def test_only_one_word_and_then_none_but_all(folder: Path, open_app: Any) -> None:
    async with open_app(folder, prompt="one wooden cabin") as app:
        await opened(app)
        await app.press("o")
        await app.shows("with 2 of 3 words off")
        await app.press("o")
        await app.shows("clip_score 0.0300")
        await app.press("space", "space", "space")
        await app.shows("all words are switched off")


async def test_every_word_can_be_weighed(folder: Path, open_app: Any) -> None:
    async with open_app(folder, prompt="one wooden cabin") as app:
        await opened(app)
        await app.press("w")
        await app.until(lambda: app.text().count("-0.0100") == 3)
        assert "clip_score 0.0300" in app.text()


async def test_methods_take_turns_and_a_difference_needs_a_reference(folder: Path, open_app: Any) -> None:
    async with open_app(folder) as app:
        await opened(app)
        await app.press("m")
        await app.shows("Where CLIP looks")
        await app.shows("Words change its score alone")
        await app.press("m")
        await app.shows("there is no reference to compare with")
        await app.press("m")
        await app.shows("What matched the words")
        await app.shows("clip_score")


async def test_the_difference_to_the_reference_is_drawn(folder: Path, open_app: Any) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png")) as app:
        await opened(app)
        await app.press("m", "m")
        await app.shows("lpips_score")
        await app.shows("4.00 local distance")


async def test_the_overlay_is_toggled_and_its_opacity_changed(folder: Path, open_app: Any) -> None:
    async with open_app(folder) as app:
        await opened(app)
        await app.until(lambda: len(set(shown(app).get_flattened_data())) > 1)
        await app.press("t")
        await app.until(lambda: len(set(shown(app).get_flattened_data())) == 1)
        assert "without the map" in app.text()
        await app.press("plus")
        await app.until(lambda: len(set(shown(app).get_flattened_data())) > 1)
        assert "map at 70%" in app.text()
        for _ in range(12):
            await app.press("minus")
        assert "map at 10%" in app.text()


async def test_other_images_follow_and_the_table_goes_along(folder: Path, open_app: Any) -> None:
    async with open_app(folder) as app:
        await opened(app)
        await app.press("J", "J", "K")
        await app.shows("2/8")
        await app.shows("clip_score")
        await app.press("q")
        assert isinstance(app.app.screen, MainScreen)
        assert app.app.screen.scores.current.path.endswith("img_1.png")


async def test_while_a_job_runs_the_screen_says_what_it_waits_for(folder: Path, open_app: Any, gate: Any) -> None:
    async with open_app(folder, worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        await app.until(lambda: app.session.workspace.running is not None)
        await app.press("A")
        await app.shows("waits for the running job")
        assert "Save" not in app.text(), "there is nothing to save yet"
        gate.let(8)
        await app.shows("clip_score")
        await app.shows("Save")


async def test_an_image_that_cannot_be_mapped_says_why(make_folder: Any, open_app: Any) -> None:
    async with open_app(make_folder("broken.png", "fine.png")) as app:
        await app.press("A")
        await app.shows("holds text, not an image")
        await app.press("J")
        await app.shows("clip_score")


async def test_the_worst_prompt_is_shown_as_it_is(folder: Path, open_app: Any) -> None:
    async with open_app(folder, prompt="[/x] [bold] \x1b[31m cabin") as app:
        await opened(app)
        assert "[/x]" in app.text()
        assert "[bold]" in app.text()


async def test_without_colours_words_say_where_it_lies(
    folder: Path, open_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_app(folder) as app:
        await opened(app)
        assert "from 0 to 2.7× even share" in app.text()
        assert "most: top left, 30%" in app.text()


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (200, 60), (30, 6)])
async def test_the_score_is_seen_at_every_size(folder: Path, open_app: Any, size: tuple[int, int]) -> None:
    async with open_app(folder, size=size) as app:
        await opened(app)


# -- the file --------------------------------------------------------------------------------------------------------


async def test_the_map_is_saved_at_full_size_and_says_what_it_shows(folder: Path, open_app: Any) -> None:
    async with open_app(folder, toasts=True) as app:
        # The scripted worker takes every image for one of 512 x 512.
        with (folder / "img_0.png").open("wb") as stream:
            Image.new("RGB", (512, 512), "grey").save(stream, "PNG")
        await opened(app)
        await app.press("ctrl+s")
        await app.shows("Save the map")
        await app.press("enter")
        path = folder / "heatmaps" / "img_0_relevance.png"
        await app.until(path.exists)
        with Image.open(path) as saved:
            assert saved.size == (512, 512)
            assert saved.text["Method"] == "scripted CLIP"
            assert saved.text["Words"] == "Only one wooden cabin"
            assert float(saved.text["Score"]) == 0.04


async def test_a_file_that_is_there_is_replaced_after_a_question_alone(folder: Path, open_app: Any) -> None:
    target = folder.parent / "mine.png"
    target.write_bytes(b"precious")
    async with open_app(folder) as app:
        with (folder / "img_0.png").open("wb") as stream:
            Image.new("RGB", (512, 512), "grey").save(stream, "PNG")
        await opened(app)
        for answer, kept in (("n", True), ("y", False)):
            await app.press("ctrl+s")
            await app.shows("Save the map")
            app.app.screen.focused.value = str(target)
            await app.press("enter")
            await app.shows("Replace the file?")
            await app.press(answer)
            await app.until(lambda: isinstance(app.app.screen, HeatmapScreen))
            await app.until(lambda kept=kept: (target.read_bytes() == b"precious") is kept)


def test_a_suggested_name_is_free_and_not_among_the_images(tmp_path: Path) -> None:
    image = tmp_path / "cabin.jpg"
    assert suggested_path(str(image), MAP) == tmp_path / "heatmaps" / "cabin_relevance.png"
    (tmp_path / "heatmaps").mkdir()
    (tmp_path / "heatmaps" / "cabin_relevance.png").touch()
    assert suggested_path(str(image), MAP) == tmp_path / "heatmaps" / "cabin_relevance_2.png"


def test_names_that_will_not_do_are_refused_with_a_reason(tmp_path: Path) -> None:
    image = tmp_path / "image.png"
    image.touch()
    assert png_problem(str(tmp_path / "new.png"), str(image)) == ""
    assert png_problem(str(tmp_path / "new" / "new.png"), str(image)) == ""
    for text, reason in (
        ("", "needed"),
        (str(tmp_path / "new.jpg"), "end in .png"),
        (str(image), "the image itself"),
        (str(tmp_path / "no" / "such" / "new.png"), "no folder"),
    ):
        assert reason in png_problem(text, str(image))


# -- the colours -----------------------------------------------------------------------------------------------------


def test_the_palette_rises_in_lightness_so_that_every_eye_orders_it() -> None:
    lightness = [0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in map(colour, _steps(100))]
    assert all(after > before for before, after in zip(lightness, lightness[1:], strict=False))
    assert (colour(0.0), colour(1.0), colour(2.0)) == (CIVIDIS[0], CIVIDIS[-1], CIVIDIS[-1])


def _steps(count: int) -> list[float]:
    return [step / count for step in range(count + 1)]


def test_colours_lie_where_the_numbers_do_and_outside_the_area_there_are_none() -> None:
    middle = Map(MapMethod.RELEVANCE, ((4.0, 0.0), (0.0, 0.0)), 60, 40, area=(1 / 6, 0.0, 5 / 6, 1.0))
    drawn = overlaid(Image.new("RGB", (60, 40), (200, 30, 30)), middle, 1.0)
    assert drawn.getpixel((12, 2)) == CIVIDIS[-1]
    assert drawn.getpixel((48, 38)) == CIVIDIS[0]
    for outside in ((2, 2), (58, 38)):
        red, green, blue = drawn.getpixel(outside)
        assert red == green == blue


def test_an_area_beyond_the_image_is_drawn_as_far_as_there_is_image() -> None:
    padded = Map(MapMethod.RELEVANCE, ((1.0, 1.0), (1.0, 1.0)), 60, 40, area=(-0.5, -0.5, 1.5, 1.5))
    drawn = overlaid(Image.new("RGB", (60, 40)), padded, 1.0)
    assert drawn.size == (60, 40)
    assert set(drawn.get_flattened_data()) == {CIVIDIS[-1]}


def test_an_overlay_decodes_its_file_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aim_tui.ui.widgets import picture

    reads: list[str] = []
    real = picture.read_image
    monkeypatch.setattr(picture, "read_image", lambda path, *how: reads.append(path) or real(path, *how))
    overlay = Overlay()
    overlay.map = MAP
    for opacity in (0.2, 0.4, 0.6):
        overlay.opacity = opacity
        overlay(str(folder / "img_0.png"), Box(20, 20), ReadingPolicy(), None)
    assert len(reads) == 1
