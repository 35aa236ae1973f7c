"""What the application shows of what it is opened on: an image, sub-folders, and what is left out."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


@pytest.fixture
def dated(make_folder: Any) -> Path:
    """A folder with two sub-folders that hold an image of one name each, and a file that is not read."""
    folder = make_folder("x.png")
    for day in ("01", "02"):
        (folder / day).mkdir()
        shutil.copy(folder / "x.png", folder / day / "x.png")
    (folder / "x.png").unlink()
    (folder / "phone.heic").touch()
    return folder


async def test_an_image_that_is_named_is_the_current_one_whatever_was_filtered_last_time(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    state = tmp_path / "remembered"
    async with open_app(folder, state=state) as app:
        await app.press("f")
        await app.type("img_1")
        await app.press("enter")
    async with open_app(folder, state=state, current=str(folder / "img_4.png")) as app:
        await app.until(lambda: app.app.screen.scores.current.path == str(folder / "img_4.png"))
        assert len(app.app.screen.scores.order) == len(app.rows)


async def test_what_lies_in_sub_folders_and_what_is_left_out_is_said_on_the_screen_and_in_the_messages(
    open_app: Any, dated: Path
) -> None:
    async with open_app(dated, size=(80, 24)) as app:
        await app.shows("No images in this folder; 2 images in 2 sub-folders.")
        await app.shows("0 images, 2 in sub-folders, 1 left out")
        await app.shows("Left out: 1 .heic: formats that are not read")
        await app.press("L")
        await app.shows("2 images in 2 sub-folders")


async def test_R_in_the_files_shows_images_of_sub_folders_by_names_that_tell_them_apart(
    open_app: Any, dated: Path
) -> None:
    async with open_app(dated, size=(120, 30)) as app:
        await app.press("o", "R")
        await app.shows("2 images, sub-folders too")
        await app.until(lambda: [row.path for row in app.rows] == [str(dated / day / "x.png") for day in ("01", "02")])
        await app.press("o")
        await app.shows("01/x.png")
        await app.shows("02/x.png")
        await app.press("slash")
        await app.type("02/")
        assert app.app.screen.scores.current.item == 1
        await app.press("escape", "o", "R")
        await app.until(lambda: not app.rows)


async def test_images_that_come_to_a_sub_folder_appear_where_it_is_watched_with_its_sub_folders(
    open_app: Any, dated: Path
) -> None:
    async with open_app(dated, paths=(str(dated),), recursive=True, watch=True) as app:
        await app.until(lambda: len(app.rows) == 2)
        shutil.copy2(dated / "01" / "x.png", dated / "01" / "y.png")
        await app.until(lambda: [row.path for row in app.rows][2:] == [str(dated / "01" / "y.png")])
