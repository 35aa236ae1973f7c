"""Names, prompts and captions are data: no markup, no escape sequence and no script can harm the screen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.ui.session.messages import UserNotice

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")

NAMES = [
    "[x] [bold red]1.png",
    "\x1b[31m\x1b]52;c;aGk=\x07 2.png",
    "🏔️👨‍👩‍👧 cabin 3.png",
    "눈 덮인 오두막 4.png",
    "line\nbreak\ttab 5.png",
    "\u202egnp.6.png",
    os.fsdecode(b"\xff\xfe 7.png"),
    "a" * 200 + " 8.png",
    "$(reboot) `x` %s {x} 9.png",
]
HOSTILE = "a [/x] [@click=app.quit]cabin[/] \x1b]0;pwned\x07 눈 🏔️ $primary \\ [link=x]"


def raw_screen(app: Any) -> str:
    return app.app.export_screenshot()


@pytest.mark.parametrize("size", [(160, 50), (80, 24), (40, 10)])
async def test_hostile_names_and_prompts_pass_through_every_screen(
    open_app: Any, make_folder: Any, size: tuple[int, int]
) -> None:
    folder = make_folder(*NAMES)
    async with open_app(folder, size=size, topic=HOSTILE, prompt=HOSTILE, toasts=True, start_scoring=True) as app:
        await app.all_scored()
        for _ in NAMES:
            await app.hit("r")
            for key, back in (("e", "q"), ("z", "q"), ("m", "m"), ("y", "Y"), ("o", "o"), ("p", "escape")):
                await app.hit(key)
                await app.hit(back)
            await app.hit("j")
            await app.settle()
            assert "\x1b" not in app.text()
        assert all(row.raws for row in app.rows)
        assert app.app.is_running
        assert "\x07" not in raw_screen(app)


async def test_brackets_are_shown_as_they_are(open_app: Any, make_folder: Any) -> None:
    async with open_app(make_folder("[x] [bold]1.png"), prompt="one [/x] cabin", size=(160, 50)) as app:
        await app.shows("[x] [bold]1.png")
        await app.shows("one [/x] cabin")


async def test_a_toast_with_markup_is_text(open_app: Any, folder: Path) -> None:
    async with open_app(folder, toasts=True) as app:
        app.app.screen.post_message(UserNotice("cannot read [/x] \x1b[2J.png", "error"))
        await app.shows("cannot read [/x] \\x1b[2J.png")


async def test_a_filter_for_a_hostile_text_is_only_a_filter(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        for text in ("[/x]", "final>", "((((", "\\", "💥", "a" * 500):
            await app.press("f", "ctrl+u")
            await app.paste(text)
            await app.press("enter", "escape", "escape")
        assert len(app.rows) == 8
