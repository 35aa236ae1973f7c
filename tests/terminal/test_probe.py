"""Terminals that answer soon, late, never or nonsense: the right mode is chosen, and no answer becomes a key."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aim_tui.terminal.probe import PATIENCE
from tests.terminal.played import PlayedTerminal

KITTY = b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;9t\x1bP>|kitty(0.39.1)\x1b\\\x1b[?62;52;c"
SIXEL = b"\x1b[6;18;9t\x1bP>|foot(1.20.2)\x1b\\\x1b[?62;4;22;28c"
XTERM = b"\x1bP>|XTerm(390)\x1b\\\x1b[?64;1;2;9;15;22c"
GARBAGE = b"1\x1b[?6\xff2;4\x00c5\x1b_Gi=31\x07;5\x1b[5"
TYPED = "1j2k3\x1b[B5"
KEYS = ["1", "j", "2", "k", "3", "down", "5"]
# No busy machine makes an answer come later than this; one that is whole is never waited for longer.
LONG = 60.0


class Played:
    """The application in a played terminal, and what it told of itself."""

    def __init__(
        self, folder: Path, *, answer: bytes, delay: float | None, patience: float = PATIENCE, **env: str
    ) -> None:
        self._log = folder / "log"
        images = folder / "images"
        images.mkdir()
        for number in range(3):
            Image.new("RGB", (64, 48), (number * 80, 80, 120)).save(images / f"{number}.png")
        environ = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "VIRTUAL_ENV")}
        environ |= {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("STATE", "CONFIG", "DATA", "CACHE")}
        environ |= {"HOME": str(folder), "TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[2])} | env
        command = [str(Path(__file__).with_name("played_app.py")), str(images), str(self._log), str(patience)]
        self.terminal = PlayedTerminal(command, environ, answer=answer, delay=delay, size=(120, 40))
        self.wait_for = self.terminal.wait_for

    def told(self, what: str) -> list[Any]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [fact for line in lines if what in (fact := json.loads(line))]

    @property
    def keys(self) -> list[str]:
        return [fact["key"] for fact in self.told("key")]

    def found(self) -> dict[str, Any]:
        self.wait_for(lambda: self.told("mode"))
        return self.told("mode")[0]

    def quit(self) -> int:
        self.terminal.type("q")
        self.wait_for(lambda: self.terminal.process.poll() is not None)
        return self.terminal.process.returncode


@pytest.fixture
def play(tmp_path: Path) -> Any:
    played: list[Played] = []

    def start(answer: bytes, delay: float | None, **options: Any) -> Played:
        played.append(Played(tmp_path, answer=answer, delay=delay, **options))
        return played[-1]

    yield start
    for each in played:
        each.terminal.close()


@pytest.mark.parametrize(
    ("answer", "delay", "patience", "mode", "why"),
    [
        (KITTY, 0.0, LONG, "kitty", "kitty(0.39.1) supports kitty"),
        (KITTY, 0.09, LONG, "kitty", "kitty(0.39.1)"),
        (SIXEL, 0.15, LONG, "sixel", "foot(1.20.2) supports sixels"),
        (XTERM, 0.4, LONG, "half", "XTerm(390) supports neither"),
        (SIXEL, 1.0, LONG, "sixel", "foot"),
        # So near to the end of patience that a busy machine misses it.
        (SIXEL, 1.4, PATIENCE, "sixel half", ""),
        (KITTY, 2.5, 0.3, "half", "it did not answer"),
        (b"", None, PATIENCE, "half", "it did not answer"),
        (GARBAGE, 0.09, 3.0, "half", "its answer was not understood"),
    ],
    ids=["0ms", "90ms", "150ms", "400ms", "1000ms", "1400ms", "too-late", "never", "garbage"],
)
def test_the_right_mode_is_chosen_and_no_answer_becomes_a_key(
    play: Any, answer: bytes, delay: float | None, patience: float, mode: str, why: str
) -> None:
    played = play(answer, delay, patience=patience)
    found = played.found()
    assert found["mode"] in mode.split() and why in found["why"], found
    if delay is not None:
        assert played.terminal.answered.wait(120)
    played.terminal.type(TYPED)
    played.wait_for(lambda: len(played.keys) >= len(KEYS))
    assert played.quit() == 0
    assert played.keys == [*KEYS, "q"]
    assert played.terminal.settings == played.terminal.settings_before


@pytest.mark.parametrize("delay", [0.0, None], ids=["answered", "silent"])
def test_invalid_utf8_is_dropped_and_later_keys_arrive(play: Any, delay: float | None) -> None:
    played = play(XTERM, delay)
    played.found()
    for key in "jk":
        played.terminal.say(b"\xff\xe1")
        # Heard at last, though what comes in one piece with the bytes may go with them.
        played.wait_for(lambda key=key: played.terminal.type(key) or key in played.keys)
    assert played.quit() == 0


def test_with_kitty_the_image_is_sent_in_all_colours_and_removed_at_the_end(play: Any) -> None:
    played = play(KITTY, 0.05, patience=LONG, TERM="xterm-kitty")
    assert played.found()["colours"] == "truecolor"
    played.wait_for(lambda: b"\x1b_Ga=T,U=1,i=" in played.terminal.output)
    assert played.quit() == 0
    sent, _, after = played.terminal.output.partition(b"\x1b_Ga=T,U=1,i=")
    number = after.partition(b",")[0]
    assert after.rstrip().endswith(b"\x1b_Ga=d,d=I,i=" + number + b",q=2\x1b\\")
    # It travels as the colour of the placeholders.
    colour = ";".join(str(int(number) >> shift & 255) for shift in (16, 8, 0)).encode()
    assert b"38;2;" + colour in after
    assert "\U0010eeee\u0305\u0305" in after.decode("utf-8", "replace")


def test_sixels_are_drawn_where_the_terminal_says_it_draws_them(play: Any) -> None:
    played = play(SIXEL, 0.05, patience=LONG)
    played.wait_for(lambda: b"\x1bP" in played.terminal.output)
    played.quit()


@pytest.mark.parametrize("wanted", ["half", "none"])
def test_a_terminal_whose_answer_would_change_nothing_is_not_queried(play: Any, wanted: str) -> None:
    played = play(b"", None, AIM_TUI_IMAGES=wanted)
    assert played.found()["mode"] == wanted
    assert b"\x1b[c" not in played.terminal.output


def test_in_tmux_half_blocks_are_used_and_kitty_is_not_queried(play: Any) -> None:
    played = play(SIXEL, 0.05, patience=LONG, TERM="tmux-256color")
    found = played.found()
    assert (found["mode"], found["cell"]) == ("half", [9, 18])
    assert found["why"].startswith("tmux ")
    assert b"\x1b_G" not in played.terminal.output


def test_asking_again_while_the_application_runs_lets_no_answer_become_a_key(play: Any) -> None:
    # Its first question is never answered, its second at once.
    played = play(b"", None, patience=4.0)
    assert played.found()["mode"] == "half"
    questions = played.terminal.output.count(b"\x1b[c")
    played.terminal.type("D")
    played.wait_for(lambda: played.terminal.output.count(b"\x1b[c") > questions)
    played.terminal.say(KITTY)
    played.wait_for(lambda: played.told("again"))
    # The colours of the start stay, and kitty's images need all of them.
    assert played.told("again")[0]["again"] == "kitty"
    played.terminal.type(TYPED)
    played.wait_for(lambda: len(played.keys) > len(KEYS))
    assert played.quit() == 0
    assert played.keys == ["D", *KEYS, "q"]


def test_an_answer_that_comes_after_the_second_question_was_abandoned_is_not_a_key(play: Any) -> None:
    played = play(XTERM, 0.01)
    assert played.found()["mode"] == "half"
    played.terminal.type("D")
    played.wait_for(lambda: played.told("again"))
    played.terminal.type("1")
    played.terminal.say(KITTY[:20])
    played.wait_for(lambda: "1" in played.keys)
    played.terminal.say(KITTY[20:] + b"2")
    played.terminal.type(TYPED)
    played.wait_for(lambda: len(played.keys) > len(KEYS) + 2)
    assert played.quit() == 0
    assert played.keys == ["D", "1", "2", *KEYS, "q"]
