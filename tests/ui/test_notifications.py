"""What a toast has said can be read when it is gone; the line of keys never loses the help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def test_what_was_said_is_read_later_the_newest_first(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(80, 24), toasts=True) as app:
        app.session.workspace.notify("not stored: disk full [/x]", "error")
        app.session.workspace.notify("wrote /tmp/a.csv")
        await app.until(lambda: len(app.app.past_notifications) >= 2)
        app.app.clear_notifications()
        await app.press("L")
        await app.shows("Messages")
        text = app.text()
        assert text.index("wrote /tmp/a.csv") < text.index("! not stored: disk full [/x]")


async def test_the_help_is_on_the_line_of_keys_however_many_there_are(open_app: Any, folder: Path, gate: Any) -> None:
    async with open_app(folder, size=(80, 24), worker=["--gate", str(gate.path)]) as app:
        await app.press("s")
        await app.shows("x Cancel")
        await app.shows("? Help")
        await app.press("o")
        await app.shows("h Up")
        await app.shows("? Help")
        gate.let(100)
        await app.until(lambda: app.session.workspace.running is None)


async def test_a_mistake_in_a_filter_stays_pointed_at_while_the_rows_are_arranged(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(80, 24)) as app:
        await app.press("f")
        await app.type("final>>7")
        await app.shows("a value is missing after '>'")
        await app.until(lambda: not [worker for worker in app.app.workers if worker.group == "arrange"])
        await app.settle()
        assert "a value is missing after '>'" in app.text()
        await app.press("backspace", "backspace")
        await app.type("7")
        await app.until(lambda: "a value is missing" not in app.text())
