"""Text that fills an exact number of cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aim_tui.ui.widgets.cell_text import centre, fit, wrap
from tests.ui.widgets.samples import NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", ["start", "middle", "end", "name"])
def test_any_name_fills_any_width_exactly(name, cut):
    for width in range(60):
        assert cell_len(fit(name, width, cut)) == width


@given(st.text(max_size=30), st.integers(0, 40))
def test_any_text_at_all_fills_its_width_and_carries_no_control_character(text, width):
    fitted = fit(text, width, "middle")
    assert cell_len(fitted) == width
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in fitted)


def test_a_cut_in_the_middle_keeps_both_ends():
    assert fit("landscape_0017.png", 11, "middle") == "lands…7.png"
    assert fit("雪に覆われた森.png", 11, "middle") == "雪に…森.png"
    assert fit("landscape_0017.png", 11) == "landscape_…"


def test_wrapping_breaks_between_words_and_cuts_what_is_longer_than_a_line():
    assert wrap("no image here\nmove on", 8) == ["no image", "here", "move on"]
    assert wrap("averyveryverylongword", 8) == ["averyve…"]
    assert all(cell_len(line) <= 9 for line in wrap("오두막집 이야기 그리고 눈", 9))


def test_the_middle_is_the_middle_for_wide_characters_too():
    assert centre("눈", 6) == "  눈  "


def test_a_name_that_is_cut_still_shows_which_folder_it_is_from() -> None:
    shown = [fit(f"2026-01-{day}/00000-123456.png", 18, "name") for day in ("01", "02")]
    assert shown == ["20…01/00000-…6.png", "20…02/00000-…6.png"]
    assert fit("01/cat.png", 12, "name") == "01/cat.png  "
