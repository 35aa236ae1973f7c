"""A filter that is being typed is completed from the table of fields."""

from __future__ import annotations

import pytest

from aim_tui.core.scoring.columns import IMAGES, Kind
from aim_tui.core.selection.completion import completed, completions


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("fi", "final"),
        ("fin", "final"),
        ("CLIP_n", "CLIP_norm"),
        ("final>70 & cap", "final>70 & caption"),
        ("(fail", "(failed"),
        ("!mark", "!marked"),
        ("final>70 | st", "final>70 | stale"),
    ],
)
def test_the_last_word_is_completed(text: str, whole: str) -> None:
    assert completed(text) == whole


@pytest.mark.parametrize(
    "text", ["", "final>", "caption~fi", "caption ~ fi", 'caption~"a fi', "'fi", "zebra", "final "]
)
def test_values_and_strange_words_are_left_alone(text: str) -> None:
    assert completed(text) is None


def test_every_field_can_be_reached() -> None:
    fields = IMAGES.names(Kind.NUMBER, Kind.TEXT)
    assert {name for field in fields for name in completions(field[0])} >= set(fields)
