"""Random keys, pastes and sizes of the terminal: `python -m tests.ui.monkey [KEYS] [SEED]` presses 50,000 keys.

Whatever is typed, the application stays open. A seed gives the same keys again.
"""

from __future__ import annotations

import os
import random
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textual.events import Key, Paste
from textual.keys import key_to_character

TEXTS = [
    "a [bold] cabin",
    "final>70 & caption~cabin",
    "../..",
    "0",
    "\x1b[2J",
    "눈 덮인 오두막",
    "x" * 300,
    "~nobody/a.csv",
    "a\nb\n",
    "/",
]
PLAIN = [*string.ascii_letters, *string.digits, "space", "enter", "tab", "shift+tab", "escape"]
PLAIN += ["up", "down", "left", "right", "pageup", "pagedown", "home", "end", "backspace", "delete", "ctrl+u", "ctrl+w"]
SIZES = [(20, 5), (40, 10), (80, 24), (120, 40), (160, 50), (220, 60)]


def bound_keys() -> list[str]:
    """Every key that a screen or widget of ours has a binding for."""
    from tests.ui.test_keymap import our_bindings

    keys = {key for _, binding in our_bindings() for key in binding.key.split(",")}
    return sorted(keys - {"ctrl+q", "ctrl+c"})


def steps(seed: int, count: int) -> Iterator[Key | Paste | tuple[int, int]]:
    """What the monkey does, one thing after another."""
    choose = random.Random(seed)
    bound = bound_keys()
    for _ in range(count):
        dice = choose.random()
        if dice < 0.01:
            yield choose.choice(SIZES)
        elif dice < 0.03:
            yield Paste(choose.choice(TEXTS))
        elif dice < 0.06:
            # A way out, lest it stays in the first dialog.
            yield Key("escape", None)
        else:
            key = choose.choice(bound if dice < 0.5 else PLAIN)
            yield Key(key, " " if key == "space" else key_to_character(key))


async def rage(app: Any, seed: int, count: int) -> None:
    """Do it all with an open application; AssertionError with the last steps where it ends."""
    last: list[str] = []
    for number, step in enumerate(steps(seed, count)):
        last = [*last[-14:], repr(step)]
        if isinstance(step, tuple):
            await app.resize(*step)
        else:
            app.app.post_message(step)
            # Some come in one read, as through a slow line.
            if number % 3:
                await app.settle()
        assert app.app.is_running, f"seed {seed}: ended after {number} steps, the last of them {last}"
    await app.settle()


def main(count: int = 50_000, seed: int = 1) -> int:
    """Run the test with so many keys."""
    import pytest

    os.environ |= {"MONKEY_KEYS": str(count), "MONKEY_SEED": str(seed)}
    return pytest.main([str(Path(__file__).with_name("test_monkey.py")), "-k", "300"])


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
