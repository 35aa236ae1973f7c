"""Keys of the user's own, themes, compact mode, the palette, help, and the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.events import MouseScrollDown
from textual.widgets import Button

from aim_tui.ui.commands import binding_commands
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.dialogs.help import HelpScreen
from aim_tui.ui.keymap import key_actions
from aim_tui.ui.preferences import Preferences
from aim_tui.ui.review.screen import ReviewScreen
from aim_tui.ui.scores.score_table import ScoreTable
from aim_tui.ui.themes import THEME_NAMES
from aim_tui.ui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def ready(app: Any) -> None:
    await app.until(lambda: app.app.screen.scores.current is not None)


# -- keys ------------------------------------------------------------------------------------------------------------


async def test_a_key_that_was_moved_does_its_work_and_its_old_key_does_nothing(open_app: Any, folder: Path) -> None:
    wanted = Preferences(keymap={"main.sort": "t", "list.down": "ctrl+n,down", "list.up": "j"})
    async with open_app(folder, preferences=wanted) as app:
        await ready(app)
        await app.press("ctrl+n", "ctrl+n", "down", "j")
        assert app.app.screen.scores.current.item == 2
        await app.press("k", "comma")
        assert app.app.screen.scores.current.item == 2
        assert len(app.app.screen_stack) == 1
        await app.press("t", "N")
        await app.until(lambda: app.app.screen.scores.order[0] == 7)


async def test_a_letter_that_got_work_is_still_a_letter_while_typing(open_app: Any, folder: Path) -> None:
    async with open_app(folder, preferences=Preferences(keymap={"main.score": "t"})) as app:
        await app.press("p")
        await app.type(" tt")
        assert app.app.screen.form.prompt.endswith(" tt")
        assert app.session.workspace.running is None


async def test_help_footer_and_palette_show_the_keys_as_they_are(open_app: Any, folder: Path) -> None:
    async with open_app(folder, preferences=Preferences(keymap={"main.score": "ctrl+t"})) as app:
        await ready(app)
        names = [command.title for command in binding_commands(app.app, app.app.screen)]
        assert "Score  (^t)" in names
        await app.shows("^t Score")
        await app.press("question_mark")
        await app.until(lambda: isinstance(app.app.screen, HelpScreen))
        assert any("^t" in line and "Score the marked" in line for line in help_lines(app))


def help_lines(app: Any) -> list[str]:
    return [
        " ".join(str(each.render()) for each in line.children) for line in app.app.screen.query(".key-line").results()
    ]


# -- help and palette ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ((), "Mark or unmark, and move down"),
        (("o",), "Open the folder above"),
    ],
)
async def test_help_has_the_keys_of_whatever_has_the_keyboard(
    open_app: Any, folder: Path, way: tuple[str, ...], told: str
) -> None:
    async with open_app(folder, size=(80, 24)) as app:
        await ready(app)
        await app.press(*way, "question_mark")
        await app.until(lambda: isinstance(app.app.screen, HelpScreen))
        assert any(told in line for line in help_lines(app))


async def test_help_tells_each_of_several_keys_by_its_own_name(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await ready(app)
        await app.press("enter", "question_mark")
        await app.until(lambda: isinstance(app.app.screen, HelpScreen))
        lines = help_lines(app)
        assert any(line.startswith("? f1 ") for line in lines)
        assert any(line.startswith("esc q ") for line in lines)
        assert any(line.startswith("1 Rate 1") for line in lines)


async def test_help_of_a_text_field_comes_with_f1_where_a_question_mark_is_text(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("p", "f1")
        await app.until(lambda: isinstance(app.app.screen, HelpScreen))
        lines = help_lines(app)
        assert any("The text saved before" in line for line in lines)
        assert not any("Score the marked" in line for line in lines)


async def test_help_can_be_read_to_its_end_at_80_by_24(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(80, 24)) as app:
        await ready(app)
        await app.press("question_mark")
        await app.until(lambda: isinstance(app.app.screen, HelpScreen))
        assert "the better direction" not in app.text()
        await app.press(*["pagedown"] * 8)
        await app.shows("the better direction")


async def test_everything_that_has_a_key_on_the_screen_is_found_in_the_palette(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await ready(app)
        screen = app.app.screen
        named = {command.title.rpartition("  (")[0] for command in binding_commands(app.app, screen)}
        for active in screen.active_bindings.values():
            if active.binding.id in key_actions() and "command_palette" not in active.binding.action:
                assert active.binding.description in named, active.binding.id
        assert {"Theme", "Compact", "Detect images again"} <= named | {
            command.title for command in binding_commands(app.app, screen)
        }


# -- looks -----------------------------------------------------------------------------------------------------------


async def test_a_theme_that_was_chosen_is_there_at_the_next_start(open_app: Any, folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state of looks"
    wanted = Preferences(theme="nord")
    async with open_app(folder, state=state, preferences=wanted) as app:
        assert app.app.theme == "nord"
    # Nothing was chosen: the settings may say otherwise the next time.
    async with open_app(folder, state=state, preferences=Preferences(theme="gruvbox")) as app:
        assert app.app.theme == "gruvbox"
        app.app.theme = "high-contrast"
        await app.until(lambda: app.session.workspace.saved_state.looks.theme == "high-contrast")
    async with open_app(folder, state=state, preferences=wanted) as app:
        assert app.app.theme == "high-contrast"


async def test_a_theme_is_chosen_by_keys_alone(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(80, 24)) as app:
        await ready(app)
        await app.press("ctrl+p")
        await app.type("theme")
        await app.shows("Change the colours")
        await app.press("enter")
        await app.pilot.pause()
        await app.type("high-contrast-light")
        await app.shows("high-contrast-light")
        await app.press("enter")
        await app.until(lambda: app.app.theme == "high-contrast-light")


async def test_a_theme_that_is_no_more_gives_way_to_the_one_of_the_settings(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "looks.json").write_text('{"theme": "gone"}')
    async with open_app(folder, state=tmp_path, preferences=Preferences(theme="nord")) as app:
        assert app.app.theme == "nord"


@pytest.mark.parametrize("theme", THEME_NAMES)
async def test_every_theme_can_be_drawn(open_app: Any, folder: Path, theme: str) -> None:
    async with open_app(folder, size=(80, 24), preferences=Preferences(theme=theme)) as app:
        await app.shows("img_0.png")
        await app.press("w")
        await app.shows("no model runs")


async def test_compact_leaves_the_numbers_and_takes_what_is_around_them(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    async with open_app(folder, state=tmp_path / "state") as app:
        await ready(app)
        rows = app.app.screen.scores.size.height
        assert "profile aim" in app.text()
        await app.press("C")
        await app.until(lambda: app.app.screen.scores.size.height >= rows + 3)
        assert "profile aim" not in app.text()
        await app.shows("img_7.png")
    async with open_app(folder, state=tmp_path / "state", topic="", prompt="") as app:
        assert app.app.has_class("-compact")
        await app.press("C")
        await app.shows("as last time")


async def test_compact_keeps_silent_about_weights_but_not_about_what_hinders_scoring(
    open_app: Any, folder: Path, tmp_path: Path
) -> None:
    async with open_app(folder, preferences=Preferences(compact=True)) as app:
        await ready(app)
        assert "Weights" not in app.text()
    async with open_app(folder, preferences=Preferences(compact=True), topic="", prompt="") as app:
        await app.shows("Weights")


# -- the mouse -------------------------------------------------------------------------------------------------------


async def test_a_click_on_a_row_goes_there_and_two_open_it(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await ready(app)
        await app.click("#scores", offset=(10, 4))
        assert app.app.screen.scores.current.item == 3
        await app.click("#scores", offset=(10, 5), times=2)
        await app.until(lambda: isinstance(app.app.screen, ReviewScreen))


async def test_a_click_on_a_title_sorts_and_another_reverses(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await ready(app)
        table = app.app.screen.query_one("#scores")
        for first in (0, 7):
            # Looked for at each click: the columns move while files and preview find their places.
            await app.settle()
            place = next(x for x in range(table.size.width) if table.column_at(x) == "name")
            await app.click("#scores", offset=(place, 0))
            await app.until(lambda first=first: app.app.screen.scores.order[0] == first)


async def test_a_click_in_the_footer_does_what_it_says(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await ready(app)
        line = app.app.screen.query_one(KeyLine)
        await app.until(lambda: "p Prompt" in str(line.render()))
        await app.click(line, offset=(str(line.render()).index("Prompt"), 0))
        await app.until(lambda: app.app.focused is not None and app.app.focused.id == "prompt")


async def test_the_wheel_scrolls_the_table(open_app: Any, make_folder: Any) -> None:
    folder = make_folder(*[f"img_{number:03}.png" for number in range(60)])
    async with open_app(folder, size=(80, 24)) as app:
        await ready(app)
        table = app.app.screen.query_one(ScoreTable)
        # Before it is laid out there is nothing to scroll.
        await app.until(lambda: table.max_scroll_y > 0 and table.show_vertical_scrollbar)
        table.post_message(MouseScrollDown(table, 10, 4, 0, 1, 0, False, False, False))
        await app.until(lambda: table.scroll_offset.y > 0)


async def test_the_buttons_of_a_question_can_be_clicked(open_app: Any, folder: Path, gate: Any) -> None:
    async with open_app(folder, worker=["--gate", str(gate.path)]) as app:
        await ready(app)
        await app.press("s")
        await app.until(lambda: app.session.workspace.running is not None)
        await app.press("q")
        await app.until(lambda: isinstance(app.app.screen, ConfirmScreen))
        buttons = {str(button.label): button for button in app.app.screen.query(Button)}
        await app.click(buttons["Stay"])
        await app.until(lambda: not isinstance(app.app.screen, ConfirmScreen))
        assert app.session.workspace.running is not None
        gate.let(8)
