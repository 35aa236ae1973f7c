"""A rating comes from a person: not from the first half second, nor from what a terminal answers late."""

from __future__ import annotations

import pytest

from aim_tui.ui.late_input import LateInput


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def after(text: str, *, apart: float, clock: Clock | None = None) -> list[str]:
    """The characters that are taken for ratings, of a text whose keys come this far apart."""
    clock = clock or Clock()
    late_input = LateInput(clock)
    clock.now += 0.6
    trusted = []
    for character in text:
        late_input.add(character, clock.now)
        if late_input.settled() and character.isdigit():
            trusted.append(character)
        clock.now += apart
    return trusted


def test_nothing_is_trusted_in_the_first_half_second() -> None:
    clock = Clock()
    late_input = LateInput(clock)
    late_input.add("5", clock.now)
    assert not late_input.settled()
    clock.now += 0.5
    assert late_input.settled()


@pytest.mark.parametrize("answer", ["[?62;4c", "^[[?1;2;4c", "_Gi=31;5", "P>|tmux 3.4"])
def test_digits_of_an_answer_are_not_ratings(answer: str) -> None:
    assert after(answer, apart=0.0001) == []


@pytest.mark.parametrize("text", ["12345", "]5]4[3", "5j4j3", "=5;4?3"])
def test_what_a_person_types_is_a_rating_however_fast(text: str) -> None:
    assert after(text, apart=0.02) == [char for char in text if char.isdigit()]


def test_keys_that_a_program_sends_in_one_go_are_ratings_too() -> None:
    assert after("5]4[3", apart=0.0) == ["5", "4", "3"]


def test_a_key_after_an_answer_is_trusted_again() -> None:
    clock = Clock()
    late_input = LateInput(clock, settle=0.0)
    for character in "[?62;4c":
        late_input.add(character, clock.now)
    clock.now += 0.05
    late_input.add("3", clock.now)
    assert late_input.settled()
    late_input.add("?", clock.now)
    late_input.add(None, clock.now)
    late_input.add("4", clock.now)
    assert late_input.settled()
