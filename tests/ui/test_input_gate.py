"""Keys that come in one read do what they do when they come one by one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key, Paste
from textual.keys import key_to_character

from aim_tui.store.database import Database
from aim_tui.store.judgements import JudgementKind, Judgements
from aim_tui.ui.input_gate import one_line

pytestmark = pytest.mark.usefixtures("models_here")

TEXT = "bad 5"
# Keys that open a field, a dialog or a screen, by how to come to where they are pressed.
Modes = dict[tuple[str, ...], list[str]]
FIELDS: Modes = {(): ["p", "slash", "f", "comma"], ("i",): ["n", "f"]}
ALL: Modes = {
    (): [*"pfnwbIEOMHoiczeAL", "slash", "comma", "asterisk", "question_mark", "ctrl+s", "ctrl+p"],
    ("i",): [*"nfcez", "slash", "question_mark"],
    ("t",): ["f", "slash", "e", "question_mark"],
    ("K",): ["i", "b", "ctrl+s", "question_mark"],
    ("E", "escape", "H"): ["question_mark", "d"],
}


def keys_of(text: str) -> list[str]:
    return ["space" if char == " " else char for char in text]


def post(app: Any, key: str) -> None:
    app.app.post_message(Key(key, " " if key == "space" else key_to_character(key)))


async def in_one_write(app: Any, keys: list[str]) -> None:
    for key in keys:
        post(app, key)
    await app.settle()


async def in_steps(app: Any, keys: list[str]) -> None:
    for key in keys:
        post(app, key)
        await asyncio.sleep(0.005)
    await app.settle()


async def one_by_one(app: Any, keys: list[str]) -> None:
    await app.press(*keys)


def focused_value(app: Any) -> str:
    return str(getattr(app.app.focused, "value", ""))


def ratings(store: Path) -> dict[str, object]:
    if not store.exists():
        return {}
    with Database.open(store, read_only=True) as database:
        current = Judgements(database).current(JudgementKind.RATING)
    return {rating.image.path: rating.value for raters in current.values() for rating in raters.values()}


async def outcomes(open_app: Any, folder: Path, way: Any, modes: Modes, store: Path) -> list[Any]:
    """What each key with text after it comes to: the screens, what has the keyboard, the text there, and the table."""
    found: list[Any] = []
    for before, keys in modes.items():
        for key in keys:
            async with open_app(folder, store=store) as app:
                await app.until(lambda: app.rows and app.app.screen.scores.current is not None)
                await app.until(app.app.late_input.settled)
                await app.press(*before)
                await way(app, [key, *keys_of(TEXT)])
                screens, focused = [type(one).__name__ for one in app.app.screen_stack], app.app.focused
                main = app.app.screen_stack[0]
                found.append(
                    (
                        (*before, key),
                        screens,
                        getattr(focused, "id", None),
                        focused_value(app),
                        (main.scores.expression, main.scores.sort, app.session.workspace.context),
                    )
                )
    return [*found, ratings(store)]


@pytest.mark.parametrize("way", [in_one_write, pytest.param(in_steps, marks=pytest.mark.slow)])
@pytest.mark.parametrize("modes", [FIELDS, pytest.param(ALL, marks=pytest.mark.slow)])
async def test_text_after_a_key_that_opens_something_goes_into_it_however_fast_it_comes(
    open_app: Any, folder: Path, way: Any, modes: Modes, tmp_path: Path
) -> None:
    right = await outcomes(open_app, folder, one_by_one, modes, tmp_path / "right.db")
    assert await outcomes(open_app, folder, way, modes, tmp_path / "fast.db") == right
    into_fields = {found[0]: found[3] for found in right[:-1]}
    assert into_fields[("i", "n")] == TEXT
    assert into_fields[("f",)] == TEXT
    if modes is FIELDS:
        assert right[-1] == {}, "nothing was rated"


async def test_deletes_keep_their_place_among_characters(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.until(lambda: app.rows)
        await in_one_write(app, ["slash", *"abc", "ctrl+u", *"img_x", "backspace", "7", "left", "backspace", "_"])
        assert focused_value(app) == "img_7"


@pytest.mark.parametrize("bracketed", [True, False])
async def test_several_lines_pasted_into_a_field_become_one(open_app: Any, folder: Path, bracketed: bool) -> None:
    text = "a small wooden cabin\nq\nwith a red roof\n\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a"
    async with open_app(folder, prompt="") as app:
        await app.until(lambda: app.rows)
        await app.press("p")
        if bracketed:
            app.app.post_message(Paste(text))
        else:
            for char in text:
                app.app.post_message(Key("enter", "\r") if char == "\n" else Key(char, char))
        await app.settle()
        assert focused_value(app) == (
            "a small wooden cabin q with a red roof Negative prompt: blurry Steps: 20, Sampler: Euler a"
        )


async def test_an_enter_that_is_typed_ahead_still_enters(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.until(lambda: app.rows)
        await in_one_write(app, ["f", *"img_3", "enter", "j", "k", *"jjjjjjjjjj"])
        assert app.app.screen.scores.expression == "img_3"
        assert app.app.focused.id == "scores"


def test_a_paste_of_one_line_stays_as_it_is() -> None:
    assert one_line(Paste("  a  b ")).text == "  a  b "
    assert one_line(Paste("a\r\n\r\n  b\n")).text == "a b"
