"""Text from outside is made printable; nothing in it can speak to the terminal."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_tui.core.names import did_you_mean, natural_key
from aim_tui.core.text import path_bytes, portable_path, printable, printable_name, without_escapes


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("plain [bold]text[/x]", "plain [bold]text[/x]"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07after", "\\x1b]0;title\\x07after"),
        ("\x9b31mred", "\\u009b31mred"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("bell\x07", "bell\\x07"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        ("눈 덮인 오두막 👩\u200d🚀", "눈 덮인 오두막 👩\u200d🚀"),
        ("bad\udcff.png", "bad\\xff.png"),
    ],
)
def test_text_is_shown_without_what_a_terminal_would_obey(given_text: str, shown: str) -> None:
    assert printable(given_text) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]52;c;ZWNobw==\x1b\\after", "after"),
        ("\x1bP1;2qsixel\x1b\\after", "after"),
        ("\x9b31mred", "red"),
    ],
)
def test_what_a_program_wrote_for_a_terminal_is_shown_without_its_colours(written: str, shown: str) -> None:
    assert without_escapes(written) == shown


def test_names_that_differ_in_what_is_hidden_are_shown_differently() -> None:
    hidden = ["a\x1b[1mb", "a\x1b[2mb", "ab", "a\x07b", "a\x9bb", "a\udc9bb", "a\u202eb", "a\nb", "a\tb", "a b", "a\rb"]
    assert len({printable_name(f"/images/{name}") for name in hidden}) == len(hidden)


@given(st.text())
def test_no_control_character_ever_survives(text: str) -> None:
    shown = printable(text)
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in shown)
    shown.encode("utf-8")


@given(st.binary(max_size=40))
def test_any_file_name_is_valid_json_and_can_be_found_again(name: bytes) -> None:
    path = os.fsdecode(name)
    json.dumps(portable_path(path)).encode("utf-8")
    portable_path(path).encode("utf-8")
    assert (path_bytes(path) is None) == (portable_path(path) == path)


def test_names_sort_as_people_count() -> None:
    assert sorted(["img_10", "img_2", "IMG_1", "a"], key=natural_key) == ["a", "IMG_1", "img_2", "img_10"]


def test_a_mistyped_name_gets_the_nearest_one() -> None:
    assert did_you_mean("sampel", ["aim", "sample"]) == "; did you mean 'sample'?"
    assert did_you_mean("zzz", ["aim", "sample"]) == "; known: aim, sample"
