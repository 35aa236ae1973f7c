"""Rules that mark: places in the order, the best by a column, and expressions."""

from __future__ import annotations

import pytest

from aim_tui.core.scoring.columns import View
from aim_tui.core.scoring.events import ImageFacts
from aim_tui.core.scoring.results import Row
from aim_tui.core.selection.filters import FilterError
from aim_tui.core.selection.mark_rules import MarkRule
from aim_tui.core.selection.sorting import SortKey, sort_rows


def rows() -> list[Row]:
    """Widths 0, 30, 20, 10, and one that is not known."""
    widths = (0, 30, 20, 10)
    known = [Row(n, f"/img_{n}.png", ImageFacts(width, 9, "PNG", "RGB", 5, "")) for n, width in enumerate(widths)]
    return [*known, Row(4, "/img_4.png")]


def take(text: str, sort: SortKey) -> list[int]:
    return MarkRule(text).items(rows(), sort_rows(rows(), sort), sort, View())


def test_top_and_bottom_are_places_in_the_present_order() -> None:
    falling = SortKey("width", reverse=True)
    assert take("top 2", falling) == [1, 2]
    assert take("bottom 2", falling) == [3, 0]
    assert take("top 2", SortKey("width")) == [0, 3]
    assert take("TOP 99", falling) == [1, 2, 3, 0]
    assert take("top 0", falling) == take("bottom 0", falling) == []
    assert take("bottom 1", SortKey()) == [4]


def test_a_column_says_by_what() -> None:
    assert take("top 2 width", SortKey()) == [1, 2]
    assert take("bottom 1 width", SortKey()) == [0]


def test_anything_else_is_an_expression() -> None:
    assert take("width>=20", SortKey()) == [1, 2]
    assert take("img_3 | img_4", SortKey()) == [3, 4]


@pytest.mark.parametrize(
    ("text", "column"), [("", 1), ("top", 4), ("top ", 5), ("top 3 widht", 7), ("width>", 7), ("width>70 & (", 13)]
)
def test_a_mistake_has_a_column(text: str, column: int) -> None:
    with pytest.raises(FilterError) as caught:
        MarkRule(text)
    assert caught.value.column == column
