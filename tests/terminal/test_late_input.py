"""A rating comes from a person: not from the first half second, nor from what a terminal answers late."""

from __future__ import annotations

import pytest

from aim_tui.ui.late_input import Typed


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def after(text: str, *, apart: float, clock: Clock | None = None) -> list[str]:
    """The characters that are taken for ratings, of a text whose keys come this far apart."""
    clock = clock or Clock()
    typed = Typed(clock)
    clock.now += 0.6
    trusted = []
    for character in text:
        typed.heard(character)
        if typed.settled() and character.isdigit():
            trusted.append(character)
        clock.now += apart
    return trusted


def test_nothing_is_trusted_in_the_first_half_second() -> None:
    clock = Clock()
    typed = Typed(clock)
    typed.heard("5")
    assert not typed.settled()
    clock.now += 0.5
    assert typed.settled()


@pytest.mark.parametrize("answer", ["[?62;4c", "^[[?1;2;4c", "_Gi=31;5", "P>|tmux 3.4"])
def test_digits_of_an_answer_are_no_ratings(answer: str) -> None:
    assert after(answer, apart=0.0001) == []


@pytest.mark.parametrize("text", ["12345", "]5]4[3", "5j4j3", "=5;4?3"])
def test_what_a_person_types_is_a_rating_however_fast(text: str) -> None:
    assert after(text, apart=0.02) == [char for char in text if char.isdigit()]


def test_keys_that_a_program_sends_in_one_go_are_ratings_too() -> None:
    assert after("5]4[3", apart=0.0) == ["5", "4", "3"]


def test_a_key_after_an_answer_is_trusted_again() -> None:
    clock = Clock()
    typed = Typed(clock, settle=0.0)
    for character in "[?62;4c":
        typed.heard(character)
    clock.now += 0.05
    typed.heard("3")
    assert typed.settled()
    typed.heard("?")
    typed.heard(None)
    typed.heard("4")
    assert typed.settled()
