"""Which rows are shown, in which order, and what a filter says when it cannot be read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_tui.core.metrics.normalisation import Piece, Rule, RuleSet
from aim_tui.core.names import natural_key
from aim_tui.core.outcomes import Failed, Missing, Present
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFacts
from aim_tui.core.scoring.plan import ScoringPlan, score
from aim_tui.core.scoring.results import Raw, Row
from aim_tui.core.selection.sorting import Filter, FilterError, SortKey, View, select, sort_rows

INF = float("inf")
CONTEXT = Context(topic="a cabin", prompt="one cabin", reference="ref.png")
UNIT = Rule((Piece(0, 0, 0), Piece(1, 0, 1), Piece(INF, 1, 1)))
PLAN = ScoringPlan(
    ("clip", "lpips"), {"clip": 1, "lpips": 1}, RuleSet("test", {"clip": UNIT, "lpips": UNIT, "blip2": UNIT})
)
VIEW = View.of(CONTEXT, PLAN.metrics)


def row(item, name, clip=None, lpips=None, caption=None, size=None, against=None):
    """A row whose values are numbers, 'fail', 'miss' or (None) still to come."""
    made = Row(item, f"/images/{name}", captions={} if caption is None else {"blip2": caption})
    if size is not None:
        made.facts = ImageFacts(8, 8, "PNG", "RGB", size, "0" * 64)
    for metric, value in (("clip", clip), ("lpips", lpips)):
        if value is not None:
            outcome = {"fail": Failed("out of memory"), "miss": Missing("empty")}.get(value) or Present(value)
            made.raws[metric] = Raw(outcome, against or CONTEXT.need(metric))
    if made.raws:
        made.scores = score({metric: raw.outcome for metric, raw in made.raws.items()}, PLAN)
    return made


ROWS = [
    row(0, "img10.png", 0.9, 0.9, "a cabin in snow", size=3000),
    row(1, "img2.png", 0.1, 0.1, "a lake", size=1000),
    row(2, "IMG1.png", "fail", 0.5, "a cabin"),
    row(3, "draft.png", "fail", "fail"),
    row(4, "waiting.png"),
    row(5, "old.png", 0.5, 0.5, "a red door", size=2000, against="an older prompt"),
    row(6, "half.png", 0.9),
]


def shown(expression, view=VIEW, rows=ROWS):
    return [found.item for found in Filter(expression).rows(rows, view)]


@pytest.mark.parametrize(
    ("expression", "items"),
    [
        ("", [0, 1, 2, 3, 4, 5, 6]),
        ("final>70", [0]),
        ("final>=50", [0, 5]),
        ("final<50", [1]),
        ("final != 50", [0, 1]),
        ("clip=0.9", [0, 6]),
        ("clip_norm<0.5", [1]),
        ("lpips_score == .5", [2, 5]),
        ("size>1.5k", [0, 5]),
        ("caption~CABIN", [0, 2]),
        ("caption!~cabin", [1, 5]),
        ('caption~"red door"', [5]),
        ("caption='a lake'", [1]),
        ("name~img", [0, 1, 2]),
        ("name~images", []),
        ("path~images", [0, 1, 2, 3, 4, 5, 6]),
        ("img", [0, 1, 2]),
        ("error~memory", [2, 3]),
        ("ok", [0, 1, 5]),
        ("partial", [2]),
        ("failed", [3]),
        ("pending", [4, 6]),
        ("stale", [5]),
        ("ok & !stale", [0, 1]),
        ("name~ok", []),
        ("final>70 & caption~cabin & !failed", [0]),
        ("final>70 | failed", [0, 3]),
        ("final>70 || failed", [0, 3]),
        ("img & caption~cabin | failed", [0, 2, 3]),
        ("img & (caption~cabin | failed)", [0, 2]),
        ("img cabin | draft", [3]),
        ("img !final>70", [1, 2]),
        ("!(img | failed)", [4, 5, 6]),
        ("!!failed", [3]),
    ],
)
def test_an_expression_shows_exactly_the_rows_it_names(expression, items):
    assert shown(expression) == items


def test_a_row_without_the_value_satisfies_neither_a_comparison_nor_its_opposite():
    above, at_most = set(shown("clip>0.5")), set(shown("clip<=0.5"))
    assert above | at_most == {0, 1, 5, 6}
    assert not above & at_most
    assert shown("caption!~cabin", rows=[row(0, "no caption.png")]) == []


def test_marked_asks_the_marks_of_the_moment():
    where = Filter("marked & img")
    assert [found.item for found in where.rows(ROWS, View.of(CONTEXT, PLAN.metrics, {1, 3}))] == [1]
    assert where.rows(ROWS, VIEW) == []


def test_a_metric_that_is_no_longer_asked_for_makes_no_row_stale():
    assert shown("stale", View.of(CONTEXT, ("clip",))) == [5]
    assert shown("stale", View.of(CONTEXT, ())) == []


@pytest.mark.parametrize(
    ("expression", "column", "says"),
    [
        ("final>", 7, "a value is missing"),
        ("final>abc", 7, "'abc' is not a number"),
        ("fianl>3", 1, "did you mean 'final'?"),
        ("final~3", 6, "is a number"),
        ("caption>3", 8, "is text"),
        ("ok & ", 6, "missing at the end"),
        ("& ok", 1, "before '&'"),
        ("(ok", 1, "not closed"),
        ("ok)", 3, "nothing to close"),
        ('name~"snow', 6, "quotation mark"),
        ("a | | b", 5, "before '|'"),
        ("(" * 200, 61, "too deeply"),
    ],
)
def test_an_unreadable_expression_is_refused_at_the_column_where_it_goes_wrong(expression, column, says):
    with pytest.raises(FilterError) as caught:
        Filter(expression)
    assert says in caught.value.message
    assert caught.value.column == column


@given(st.text(alphabet="final clpnorme~<>=!&|()\"'0.7k\\*[]\x1b\u4e2d", max_size=40))
def test_any_text_is_either_a_filter_or_a_filter_error(text):
    try:
        where = Filter(text)
    except FilterError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert set(shown(text)) <= {made.item for made in ROWS}
        assert bool(where) == bool(text.strip())


def test_a_thousand_words_in_a_row_are_no_trouble():
    assert shown(" ".join(["png"] * 3000)) == [0, 1, 2, 3, 4, 5, 6]
    assert shown("|".join(["draft"] * 3000)) == [3]


@pytest.mark.parametrize(
    ("column", "upwards", "downwards"),
    [
        ("final", [1, 5, 0, 2, 3, 4, 6], [0, 5, 1, 2, 3, 4, 6]),
        ("clip", [1, 5, 0, 6, 2, 3, 4], [0, 6, 5, 1, 2, 3, 4]),
        ("lpips_norm", [1, 2, 5, 0, 3, 4, 6], [0, 2, 5, 1, 3, 4, 6]),
        ("name", [3, 6, 2, 1, 0, 5, 4], [4, 5, 0, 1, 2, 6, 3]),
        ("caption", [2, 0, 1, 5, 3, 4, 6], [5, 1, 0, 2, 3, 4, 6]),
        ("status", [0, 1, 5, 2, 3, 4, 6], [4, 6, 3, 2, 0, 1, 5]),
        ("size", [1, 5, 0, 2, 3, 4, 6], [0, 5, 1, 2, 3, 4, 6]),
        ("item", [0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0]),
    ],
)
def test_rows_without_a_value_come_last_both_ways_and_ties_keep_their_item_order(column, upwards, downwards):
    shuffled = [ROWS[item] for item in (4, 6, 0, 2, 5, 3, 1)]
    assert sort_rows(shuffled, SortKey(column)) == upwards
    assert sort_rows(shuffled, SortKey(column, reverse=True)) == downwards


def test_an_unknown_column_names_the_nearest_one():
    with pytest.raises(KeyError, match="did you mean 'final'"):
        sort_rows(ROWS, SortKey("finel"))


def test_names_sort_by_the_value_of_their_numbers_whatever_their_length():
    names = ["b1", "a100", "a20", "A3", "a3b", "a03", "a" + "9" * 5000, "é"]
    ordered = sorted(names, key=natural_key)
    assert ordered == ["A3", "a03", "a3b", "a20", "a100", "a" + "9" * 5000, "b1", "é"]


def test_select_filters_before_it_sorts():
    assert select(ROWS, Filter("img"), SortKey("final", reverse=True), VIEW) == [0, 1, 2]


def test_a_name_is_found_however_its_letters_are_composed() -> None:
    rows = [row(n, unicodedata.normalize(form, "한국어_café.png"), 0.5) for n, form in enumerate(("NFC", "NFD"))]
    for form in ("NFC", "NFD"):
        assert shown(unicodedata.normalize(form, "name~한국"), rows=rows) == [0, 1]
        assert shown(unicodedata.normalize(form, "name~CAFÉ"), rows=rows) == [0, 1]
        assert shown(unicodedata.normalize(form, "name!~café"), rows=rows) == []
