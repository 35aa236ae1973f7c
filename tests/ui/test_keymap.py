"""Every key on every screen can be pressed at any time; every binding says what it does and can be remapped."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

import pytest
from textual.binding import Binding
from textual.widgets import Input

import aim_tui.ui
from aim_tui.ui.app import AimApp
from aim_tui.ui.history.pair_list import PairList
from aim_tui.ui.history.run_list import RunList
from aim_tui.ui.main.screen import MainScreen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What quits the application is tried by tests of its own.
_ENDS = ("app.quit", "quit", "answer(True)")
_FORBIDDEN = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+j", "ctrl+z"}

#: How to get from the main screen to each other one, by keys.
SCREENS: dict[str, tuple[str, ...]] = {
    "table": (),
    "files": ("o",),
    "topic": ("p", "shift+tab"),
    "prompt": ("p",),
    "find": ("slash",),
    "filter": ("f",),
    "view": ("z",),
    "explain": ("e",),
    "heatmap": ("A",),
    "help": ("question_mark",),
    "messages": ("L",),
    "weights": ("w",),
    "sort": ("comma",),
    "export": ("ctrl+s",),
    "models": ("M",),
    "history": ("H", "a"),
    "correlation": ("K",),
    "open-edits": ("E",),
    "compare": ("H", "a", "space", "space", "c"),
}


def our_bindings() -> Iterator[tuple[type, Binding]]:
    """Every binding that a class of ours declares."""
    for module in pkgutil.walk_packages(aim_tui.ui.__path__, "aim_tui.ui."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and thing.__module__ == module.name:
                for binding in Binding.make_bindings(vars(thing).get("BINDINGS", [])):
                    yield thing, binding


def place(app: Any) -> tuple[Any, ...]:
    """Where the keyboard is."""
    return tuple(type(screen) for screen in app.app.screen_stack), app.app.focused


async def go(app: Any, way: tuple[str, ...], folder: Path) -> None:
    """Close whatever is open, go back to the folder if a key has led out of it, then follow a way from the table."""
    while len(app.app.screen_stack) > 1:
        app.app.pop_screen()
        await app.settle()
    if isinstance(app.app.focused, Input):
        await app.hit("escape")
    if app.session.workspace.listing.folder != folder or app.session.workspace.viewed is not None:
        await app.session.folders.open(folder)
    main = app.app.screen
    main.scores.clear_filter()
    await app.until(lambda: main.scores.current is not None)
    main.remove_class("-browsing")
    main.scores.take_keyboard()
    await app.until(lambda: app.app.focused is not None and app.app.focused.id == "scores")
    table = place(app)
    for key in way:
        await app.hit(key)
        if key == "a":
            await app.until(lambda: app.app.screen.query(RunList) and app.app.screen.query_one(RunList).keys)
    if way[-1:] == ("c",):
        await app.until(lambda: app.app.screen.query(PairList))
    # What is pressed from here on is meant for where the way leads.
    await app.until(lambda: not way or place(app) != table)
    await app.settle()


async def walk(app: Any, way: tuple[str, ...], folder: Path) -> int:
    """Press every key of ours that is active at the end of a way; returns how many there were."""
    await go(app, way, folder)
    keys = [
        key
        for key, active in app.app.screen.active_bindings.items()
        if active.binding.action not in _ENDS and type(active.node).__module__.startswith("aim_tui.")
    ]
    here = place(app)
    for key in keys:
        if place(app) != here:
            await go(app, way, folder)
        await app.hit(key)
        assert app.app.is_running, f"{key} ended the application"
    await go(app, (), folder)
    return len(keys)


@pytest.mark.timeout(1500)
@pytest.mark.usefixtures("models_here")
@pytest.mark.parametrize(
    "size", [(80, 24), *(pytest.param(size, marks=pytest.mark.slow) for size in ((120, 40), (200, 60), (40, 10)))]
)
async def test_every_key_of_every_screen_can_be_pressed(
    open_app: Any, folder: Path, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "store.db"
    async with open_app(folder, size=size, start_scoring=True, store=store) as app:
        await app.all_scored()
        await app.press("S")
        await app.until(lambda: app.session.workspace.running is None and not app.session.jobs.storing)
        # The screens behind the main one look the same at every size that is not tiny.
        ways = SCREENS if size in ((80, 24), (40, 10)) else {"table": SCREENS["table"], "files": SCREENS["files"]}
        pressed = {name: await walk(app, way, folder) for name, way in ways.items()}
        assert isinstance(app.app.screen, MainScreen)
        assert all(pressed.values()), pressed
        print(f"{sum(pressed.values())} keys pressed at {size}: {pressed}")


@pytest.mark.usefixtures("models_here")
async def test_every_key_can_be_pressed_while_a_job_runs(open_app: Any, folder: Path, gate: Any) -> None:
    async with open_app(folder, size=(80, 24), worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        for way in ((), ("q",), ("w",), ("z",)):
            await walk(app, way, folder)
        gate.let(100)
        await app.until(lambda: app.session.workspace.running is None)


def test_every_binding_has_an_id_a_tooltip_and_a_name() -> None:
    bare = [
        (owner.__name__, binding.key)
        for owner, binding in our_bindings()
        if not (binding.id and binding.tooltip and binding.description)
    ]
    assert bare == []


def test_no_id_stands_for_two_actions() -> None:
    actions: dict[str, str] = {}
    for _, binding in our_bindings():
        assert binding.id is not None
        assert actions.setdefault(binding.id, binding.action) == binding.action, binding.id


def test_keys_that_a_terminal_cannot_tell_apart_are_not_bound() -> None:
    assert {binding.key for _, binding in our_bindings()}.isdisjoint(_FORBIDDEN)


@pytest.mark.usefixtures("models_here")
async def test_a_key_can_be_mapped_to_another(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        app.app.set_keymap({"main.help": "h"})
        await app.press("h")
        await app.shows("Keys that work here")


@pytest.mark.usefixtures("models_here")
async def test_help_is_built_from_the_bindings_that_are_active(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(120, 60)) as app:
        await app.press("question_mark")
        await app.shows("Score the marked images, or what is left where none is marked")
        assert "Move to the next line" in app.text()
        assert "End the job" not in app.text()
        await app.press("q")
        await app.press("p", "f1")
        await app.shows("Restore the saved texts and leave")


@pytest.mark.usefixtures("models_here")
async def test_the_palette_finds_an_action_by_name_and_does_it(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("colon")
        await app.type("weights")
        await app.shows("Weights and switches of the metrics")
        await app.press("enter")
        await app.shows("Scored values are weighed anew at once")


def test_the_application_itself_binds_only_what_works_everywhere() -> None:
    assert [binding.key for owner, binding in our_bindings() if owner is AimApp] == ["ctrl+q", "ctrl+p", "C"]
