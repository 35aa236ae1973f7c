"""Topic and prompt: saved with enter, given back with escape, counted as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.events import AppBlur, AppFocus

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def test_the_counter_follows_what_is_typed(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.shows("6/77")
        await app.press("p")
        await app.type(" and a dog")
        await app.shows("9/77")


async def test_a_prompt_past_the_limit_shows_what_is_cut(open_app: Any, folder: Path) -> None:
    words = " ".join(f"word{number}" for number in range(80))
    async with open_app(folder, prompt=words) as app:
        await app.shows("82/77")
        await app.shows("CLIP does not see the end: …word75 word76")


async def test_a_script_that_clip_knows_only_as_bytes_gets_a_hint_with_a_way_out(open_app: Any, folder: Path) -> None:
    async with open_app(folder, prompt="눈 덮인 숲속의 나무 오두막 하나", size=(160, 50)) as app:
        await app.shows("only as bytes")
        await app.shows("google/siglip-base-patch16-256-multilingual")
        await app.press("p", "ctrl+u")
        await app.paste("one cabin")
        await app.until(lambda: "only as bytes" not in app.text())


async def test_escape_gives_the_old_text_back(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("p")
        await app.type(" nonsense")
        await app.shows("nonsense")
        await app.press("escape")
        assert "nonsense" not in app.text()
        assert app.session.workspace.context.prompt == "Only one wooden cabin"
        assert app.app.focused is not None and app.app.focused.id == "scores"


async def test_enter_saves_both_texts_and_gives_the_keyboard_back(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("p")
        await app.type("s")
        await app.press("shift+tab", "end")
        await app.type("!")
        await app.press("enter")
        context = app.session.workspace.context
        assert (context.topic, context.prompt) == ("A wooden cabin with a smoking chimney!", "Only one wooden cabins")
        assert app.app.focused.id == "scores"


async def test_up_and_down_go_through_what_was_saved_before(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        for text in ("first", "second"):
            await app.press("p", "ctrl+u")
            await app.paste(text)
            await app.press("enter")
        await app.press("p")
        await app.type(" draft")
        await app.press("up")
        assert app.app.screen.form.prompt == "first"
        await app.press("up", "up")
        assert app.app.screen.form.prompt == "Only one wooden cabin"
        await app.press("down", "down")
        assert app.app.screen.form.prompt == "second draft"
        await app.press("up", "enter")
        assert app.session.workspace.context.prompt == "first"


async def test_keys_of_the_screen_are_letters_while_typing(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("p")
        await app.type("sSxq?:,/")
        assert app.app.screen.form.prompt.endswith("sSxq?:,/")
        assert app.session.workspace.running is None


async def test_a_prompt_set_elsewhere_is_shown_but_never_over_what_is_being_written(
    open_app: Any, folder: Path
) -> None:
    async with open_app(folder) as app:
        app.session.setup.set_prompt("another topic", "another prompt")
        await app.shows("another prompt")
        await app.press("p")
        await app.type(" of mine")
        app.session.setup.set_prompt("third topic", "third prompt")
        await app.shows("third topic")
        assert app.app.screen.form.prompt == "another prompt of mine"


async def test_tab_goes_between_topic_and_prompt_and_nowhere_else(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("p")
        places = []
        for key in ("tab", "tab", "tab", "shift+tab"):
            await app.press(key)
            places.append(app.app.focused.id)
        assert places == ["topic", "prompt", "topic", "prompt"]


async def test_leaving_a_field_in_any_way_saves_it(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:

        def prompt() -> str:
            return app.session.workspace.context.prompt

        await app.press("p", "1")
        await app.click("#scores")
        assert prompt() == "Only one wooden cabin1"
        await app.press("p", "2", "ctrl+p")
        assert prompt() == "Only one wooden cabin12"
        await app.press("escape", "3")
        await app.press("ctrl+q")
        assert prompt() == "Only one wooden cabin123"


async def test_a_terminal_in_the_background_saves_nothing_half_written(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("p", "1")
        app.app.post_message(AppBlur())
        await app.settle()
        assert app.session.workspace.context.prompt == "Only one wooden cabin"
        app.app.post_message(AppFocus())
        await app.settle()
        await app.press("2", "enter")
        assert app.session.workspace.context.prompt == "Only one wooden cabin12"
