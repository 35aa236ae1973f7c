"""Images against texts on the screen: a table of numbers with a cell cursor, sorting, the best ones, review."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.cividis import colour
from aim_tui.core.embeddings.saved_results import MatrixFound
from aim_tui.core.embeddings.similarity_matrix import Cosines
from aim_tui.errors import UsageError
from aim_tui.inputs.saved_results import read_findings
from aim_tui.ui.embeddings.cosine_table import CosineTable
from aim_tui.ui.embeddings.matrix import MatrixScreen
from aim_tui.ui.image_view.screen import ViewScreen
from aim_tui.ui.review.screen import ReviewScreen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")

LONG = (
    "a wooden cabin with a smoking chimney beside a frozen lake, mountains with snow on their tops behind it, and pines"
)
TEXTS = ("a cabin", LONG, "a [/red] \x1b[31mlake", *(f"text number {number}" for number in range(4, 13)))


def matrix(folder: Path, images: int = 8, texts: int = len(TEXTS)) -> MatrixFound:
    """The first image likes the first text best, the second the second, and so on; all else is less."""
    numbers = [
        0.3 + image / 100 if text == image % texts else (7 * image + 3 * text) % 20 / 100 - 0.05
        for image in range(images)
        for text in range(texts)
    ]
    paths = tuple(str(folder / f"img_{number}.png") for number in range(images))
    return MatrixFound(paths, TEXTS[:texts], Cosines(array("d", numbers), texts), "openai/clip", 1, "no yardstick")


def table(app: Any) -> CosineTable:
    return app.app.screen.query_one(CosineTable)


def titles(app: Any) -> str:
    return next(line for line in app.text().splitlines() if line.lstrip().startswith("Image"))


async def test_a_cell_is_moved_to_and_its_text_stands_below_in_full(open_app: Any, folder: Path) -> None:
    async with open_app(folder, findings=matrix(folder), size=(80, 24)) as app:
        await app.shows("8 images against 12 texts by openai/clip, 1 left out")
        assert "T1    a cabin" in app.text() and "no yardstick" in app.text() and "0.3000  place 1 of 8" in app.text()
        await app.press("l")
        await app.shows("T2 ")
        shown = " ".join(app.text().split())
        assert LONG in shown and "its best text is T1, 0.3000" in shown
        await app.press("right", "j", "down")
        await app.shows("0.3200")
        assert "a [/red] \\x1b[31mlake" in app.text() and "\x1b" not in app.text()
        await app.press("h", "left", "k")
        await app.shows("T1    a cabin")
        assert (table(app).cursor_key, table(app).text) == (1, 0)


async def test_names_stay_while_texts_go_by_and_the_header_counts_what_is_out_of_view(
    open_app: Any, folder: Path
) -> None:
    async with open_app(folder, findings=matrix(folder), size=(80, 24)) as app:
        await app.shows("›5")
        assert "‹" not in app.text() and "T8" not in titles(app)
        await app.press("dollar_sign")
        await app.shows("‹5")
        assert "T12" in titles(app) and "T5 " not in titles(app) and "›" not in app.text()
        assert all(f"img_{number}.png" in app.text() for number in range(8))
        await app.press("0")
        await app.shows("›5")


async def test_images_are_sorted_by_the_current_text_both_ways_and_as_given_again(open_app: Any, folder: Path) -> None:
    found = matrix(folder)
    async with open_app(folder, findings=found) as app:
        await app.until(lambda: isinstance(app.app.screen, MatrixScreen))
        await app.press("j", "l", "s")
        await app.shows("by T2, highest first")
        keys = table(app).keys
        numbers = [found.cosines.row(key)[1] for key in keys]
        assert numbers == sorted(numbers, reverse=True) and sorted(keys) == list(range(8)) and keys[0] == 1
        assert table(app).cursor_key == 1
        await app.press("s")
        await app.shows("by T2, lowest first")
        assert list(table(app).keys) == found.cosines.order(1, highest_first=False)
        await app.press("s")
        await app.until(lambda: list(table(app).keys) == list(range(8)))
        title = next(x for x in range(80) if table(app).column_at(x) == "2")
        await app.click(CosineTable, offset=(title, 0))
        await app.shows("by T3, highest first")
        await app.click(CosineTable, offset=(title, 3))
        await app.until(lambda: (table(app).cursor_index, table(app).text) == (2, 2))


async def test_the_best_text_of_an_image_and_the_best_image_of_a_text_are_a_key_away(
    open_app: Any, folder: Path
) -> None:
    async with open_app(folder, findings=matrix(folder), size=(80, 24)) as app:
        await app.until(lambda: isinstance(app.app.screen, MatrixScreen))
        await app.press("G", "b")
        await app.shows("★ its best text")
        assert (table(app).cursor_key, table(app).text) == (7, 7)
        await app.press("0", "B")
        await app.until(lambda: table(app).cursor_key == 0)
        await app.press("v")
        await app.shows("★ 1  text number 8")
        assert "★ 0  text number 9" in app.text()


async def test_numbers_are_shaded_and_without_colours_stand_alone(
    open_app: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    darkest, lightest = ("#{:02x}{:02x}{:02x}".format(*colour(level)) for level in (0, 1))
    async with open_app(folder, findings=matrix(folder)) as app:
        await app.shows("cosine -0.0500")
        svg = app.app.export_screenshot().lower()
        assert darkest in svg and lightest in svg and "█" in svg
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_app(folder, findings=matrix(folder)) as app:
        await app.shows("cosines from -0.0500 to 0.3700")
        svg = app.app.export_screenshot().lower()
        assert darkest not in svg and lightest not in svg and "★ 0.3000" in app.text()


async def test_an_image_opens_in_review_among_those_of_its_folder_in_this_order_and_nothing_is_scored(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with open_app(elsewhere, findings=matrix(folder, 9), store=tmp_path / "s.db", toasts=True) as app:
        await app.until(lambda: isinstance(app.app.screen, MatrixScreen))
        prompt = app.session.workspace.context.prompt
        await app.press("s", "g", "enter")
        await app.until(lambda: isinstance(app.app.screen, ReviewScreen))
        order = [key for key in matrix(folder, 9).cosines.order(0, highest_first=True) if key < 8]
        first, second = (f"img_{key}.png" for key in order[:2])
        await app.shows(first)
        # What is typed in the first moments may be a terminal's answer.
        await app.until(app.app.late_input.settled)
        await app.press("5")
        await app.shows(second)
        await app.until(lambda: app.session.ratings.opinion(str(folder / first)).rating == 5)
        assert (
            app.session.workspace.context.prompt == prompt and not app.scored and app.session.workspace.running is None
        )
        await app.press("q")
        await app.until(lambda: isinstance(app.app.screen, MatrixScreen))
        assert matrix(folder, 9).paths[table(app).cursor_key].endswith(second)
        # Nobody has a ninth image.
        table(app).move_to(8)
        await app.press("enter")
        await app.shows("is not there any more")
        assert isinstance(app.app.screen, MatrixScreen)
        await app.press("g", "z")
        await app.until(lambda: isinstance(app.app.screen, ViewScreen))


@pytest.mark.parametrize(
    "size",
    [
        (40, 10),
        pytest.param((80, 24), marks=pytest.mark.slow),
        pytest.param((120, 40), marks=pytest.mark.slow),
        (200, 60),
    ],
)
@pytest.mark.parametrize(("images", "texts"), [(0, 1), (1, 1), (8, 12)])
async def test_it_fits_every_size(open_app: Any, folder: Path, size: tuple[int, int], images: int, texts: int) -> None:
    async with open_app(folder, findings=matrix(folder, images, texts), size=size) as app:
        await app.until(lambda: isinstance(app.app.screen, MatrixScreen))
        await app.press(*"jkGllhh0$bBsss", "dollar_sign", "v", "v", "question_mark", "escape", "q")
        await app.until(lambda: not isinstance(app.app.screen, MatrixScreen))


async def test_a_file_of_the_command_is_opened_by_key(open_app: Any, folder: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.png")
    rows = [
        {"path": "images/img_1.png", "sha256": "", "cosines": [0.25, 0.5]},
        {"path": "caf?.png", "path_bytes": "Y2Fm6S5wbmc=", "sha256": "", "cosines": [0, -1]},
    ]
    said = {"model": "openai/clip", "texts": ["a", "b"], "left_out": [{}], "notice": "no yardstick", "results": rows}
    # Where the program runs there are no such images, beside the file there are.
    file = folder.parent / "found.json"
    file.write_text(json.dumps(said))
    found = read_findings(file)
    assert isinstance(found, MatrixFound)
    assert found.paths == (str(folder / "img_1.png"), str(folder.parent / odd))
    assert (found.left_out, found.notice, list(found.cosines.row(0))) == (1, "no yardstick", [0.25, 0.5])
    async with open_app(folder) as app:
        await app.press("O")
        await app.shows("Open results")
        await app.press("ctrl+u", *str(file), "enter")
        await app.shows("2 images against 2 texts by openai/clip, 1 left out")


@pytest.mark.parametrize("cosines", [[0.5], [0.5, float("nan")], [0.5, None], [0.5, "0.5"], [0.5, 10**400], "ab", None])
def test_what_is_no_row_of_numbers_is_refused(tmp_path: Path, cosines: Any) -> None:
    file = tmp_path / "found.json"
    rows = [{"path": "a.png", "cosines": cosines}]
    file.write_text(json.dumps({"model": "m", "texts": ["a", "b"], "left_out": [], "results": rows}))
    with pytest.raises(UsageError, match="found.json is damaged or was edited"):
        read_findings(file)


async def test_of_thousands_of_images_only_those_in_view_are_drawn(
    open_app: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    draw_line = CosineTable.draw_line

    def counted(self: CosineTable, index: int, key: int, *rest: Any) -> Any:
        drawn.append(key)
        return draw_line(self, index, key, *rest)

    async with open_app(folder, findings=matrix(folder, 20_000), size=(80, 24)) as app:
        await app.shows("20,000 images")
        monkeypatch.setattr(CosineTable, "draw_line", counted)
        await app.press("G")
        await app.shows("img_19999.png")
        assert set(drawn) <= {0, *range(19_970, 20_000)}
        drawn.clear()
        await app.press("l")
        await app.shows("T2  ")
        # A step to a text in view paints the line of the cursor alone.
        assert set(drawn) == {19_999}


def test_numpy_is_not_there_when_the_screen_of_the_matrix_is() -> None:
    rooms = "aim_tui.ui.app, aim_tui.ui.embeddings.matrix, aim_tui.inputs.saved_results"
    code = f"import {rooms}, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
