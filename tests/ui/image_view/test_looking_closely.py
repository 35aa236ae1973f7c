"""One image on the whole screen: zoom, fit and one to one, moving the part, and going on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.widgets.image_preview import ImagePreview
from aim_tui.ui.widgets.picture import Box
from aim_tui.ui.widgets.zoom import LARGEST, Zoom, closer, draw_part, farther, fit_scale, read_source

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.fixture(autouse=True)
def many_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)


RED, BLUE = (200, 0, 0), (0, 0, 200)


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    """Three wide images, red on the left and blue on the right."""
    folder = tmp_path / "halves"
    folder.mkdir()
    for number in range(3):
        picture = Image.new("RGB", (1200, 800), RED)
        picture.paste(BLUE, (600, 0, 1200, 800))
        picture.save(folder / f"{number}.png")
    return folder


class Closely:
    """The view of one image, with eyes."""

    def __init__(self, opened: Any) -> None:
        self.opened = opened
        self.preview = opened.app.screen.query_one(ImagePreview)

    @property
    def name(self) -> str:
        return self.preview.shown.path.rpartition("/")[2]

    @property
    def colours(self) -> set[tuple[int, int, int]]:
        picture = self.preview.shown.pixels
        corners = [(0, 0), (picture.width - 1, picture.height - 1)]
        return {picture.getpixel(corner) for corner in corners}

    @property
    def title(self) -> str:
        return str(self.opened.app.screen.query_one("#view-title").content)

    async def press(self, *keys: str) -> None:
        before = self.preview.shown
        await self.opened.press(*keys)
        await self.opened.until(lambda: self.preview.shown is not before)


async def closely(opened: Any) -> Closely:
    await opened.press("z")
    await opened.until(lambda: isinstance(opened.app.screen, ViewScreen))
    view = Closely(opened)
    await opened.until(lambda: view.preview.shown is not None)
    return view


async def test_one_to_one_shows_a_part_and_the_keys_that_go_to_images_move_it(open_app: Any, halves: Path) -> None:
    async with open_app(halves, size=(80, 24)) as opened:
        view = await closely(opened)
        assert view.colours == {RED, BLUE}
        assert "j k go on, + - zoom, f 1:1" in view.title
        await view.press("f")
        assert view.preview.shown.pixels.width == view.preview.box.columns
        assert "100 %" in view.title and "hjkl move" in view.title
        await view.press("l", "l", "l")
        assert view.colours == {BLUE}
        await view.press(*["left"] * 6)
        assert view.colours == {RED}
        assert view.name == "0.png"
        await view.press("f")
        assert view.colours == {RED, BLUE}
        await view.press("j")
        assert view.name == "1.png"


async def test_space_goes_on_and_the_part_stays(open_app: Any, halves: Path) -> None:
    async with open_app(halves, size=(80, 24)) as opened:
        view = await closely(opened)
        await view.press("f")
        await view.press("l", "l", "l", "l")
        await view.press("space")
        assert (view.name, view.colours) == ("1.png", {BLUE})
        assert "hjkl move" in view.title


async def test_escape_goes_back_to_the_whole_image_and_then_to_the_table(open_app: Any, halves: Path) -> None:
    async with open_app(halves, size=(80, 24)) as opened:
        view = await closely(opened)
        await view.press("plus")
        await view.press("escape")
        assert isinstance(opened.app.screen, ViewScreen)
        assert view.colours == {RED, BLUE}
        await opened.press("escape")
        await opened.until(lambda: not isinstance(opened.app.screen, ViewScreen))


async def test_zooming_out_ends_at_the_whole_image(open_app: Any, halves: Path) -> None:
    async with open_app(halves, size=(80, 24)) as opened:
        view = await closely(opened)
        whole = view.title
        await view.press("plus", "plus")
        assert view.title != whole
        await view.press("minus", "minus")
        assert view.title == whole
        await opened.press("minus")
        assert view.title == whole


async def test_a_file_that_goes_while_it_is_looked_at_says_so(open_app: Any, halves: Path) -> None:
    async with open_app(halves, size=(80, 24)) as opened:
        view = await closely(opened)
        (halves / "0.png").unlink()
        await view.press("plus")
        assert view.preview.shown.problem == "no such file"
        await view.press("escape", "j")
        await opened.until(lambda: view.name == "1.png")


async def test_without_pixels_there_is_nothing_to_zoom(open_app: Any, halves: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("AIM_TUI_IMAGES", "none")
    async with open_app(halves, size=(80, 24)) as opened:
        view = await closely(opened)
        whole = view.title
        await opened.press("plus", "f")
        assert view.title == whole
        await view.press("j")
        assert view.name == "1.png"


# --- the arithmetic ---------------------------------------------------------------------------------------------------

BOX = Box(80, 40, 10, 10)


def test_the_whole_image_is_the_smallest_and_the_largest_has_a_limit() -> None:
    assert farther(None, BOX, 800, 100) is None
    zoom = None
    for _ in range(30):
        zoom = closer(zoom, BOX, 800, 100)
    assert zoom is not None and zoom.scale == LARGEST
    for _ in range(30):
        zoom = farther(zoom, BOX, 800, 100)
    assert zoom is None
    assert fit_scale(BOX, 800, 100) == 0.1


@pytest.mark.parametrize("size", [(10, 10), (5000, 3), (3, 5000), (1, 1), (1200, 800)])
@pytest.mark.parametrize("box", [BOX, Box(80, 48, 9, 9.5), Box(7, 3), Box(1, 1)])
def test_a_part_is_never_larger_than_the_pane_nor_leaves_the_image(tmp_path: Path, size: Any, box: Box) -> None:
    path = str(tmp_path / "a.png")
    Image.new("RGB", size, RED).save(path)
    source = read_source(path, _policy(), None)
    for scale in (0.05, 1.0, LARGEST):
        for x, y in ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (7.0, -7.0)):
            drawn = draw_part(source, box, Zoom(scale, x, y)).pixels
            assert drawn is not None
            assert drawn.width <= box.columns and drawn.height <= box.rows


def test_moving_stops_at_the_border() -> None:
    zoom = Zoom(1.0).within(BOX, 160, 40)
    for _ in range(20):
        zoom = zoom.panned(1, 1, BOX, 160, 40)
    assert (zoom.x, zoom.y) == (0.75, 0.5)


def test_at_one_to_one_a_pixel_is_a_dot(tmp_path: Path) -> None:
    path = str(tmp_path / "a.png")
    picture = Image.effect_noise((160, 90), 90).convert("RGB")
    picture.save(path)
    drawn = draw_part(read_source(path, _policy(), None), BOX, Zoom(1.0, 0.0, 0.0)).pixels
    assert drawn is not None
    assert drawn.tobytes() == picture.crop((0, 0, 80, 40)).tobytes()


def _policy() -> Any:
    from aim_tui.core.scoring.jobs import ReadingPolicy

    return ReadingPolicy()
