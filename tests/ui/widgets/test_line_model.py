"""Cursor and marks, without a screen."""

from __future__ import annotations

from aim_tui.ui.widgets.line_model import LineModel


def model(keys="abcdef", unmarkable=""):
    made = LineModel(lambda key: key not in unmarkable)
    made.set_keys(list(keys))
    return made


def test_the_cursor_begins_on_the_first_key_and_on_none_where_there_is_none():
    assert model().cursor_key == "a"
    assert model("").cursor_key is None
    assert model("").cursor == -1


def test_the_cursor_stays_on_its_key_when_the_order_changes():
    lines = model()
    lines.cursor = 3
    assert lines.set_keys(list("fedcba"))
    assert (lines.cursor, lines.cursor_key) == (2, "d")


def test_the_cursor_stays_at_its_position_when_its_key_is_gone():
    lines = model()
    lines.cursor = 3
    assert not lines.set_keys(list("abcef"))
    assert lines.cursor_key == "e"
    assert not lines.set_keys(list("ab"))
    assert lines.cursor_key == "b"


def test_a_filter_that_leaves_nothing_and_its_end_bring_the_cursor_back_to_the_top():
    lines = model()
    lines.cursor = 3
    lines.set_keys([])
    assert lines.cursor_key is None
    lines.set_keys(list("abcdef"))
    assert lines.cursor_key == "a"


def test_marks_belong_to_keys_and_outlive_a_filter():
    lines = model()
    lines.toggle(1)
    lines.set_keys(list("acdef"))
    assert lines.marks == {"b"}
    lines.mark_all()
    assert lines.marks == set("abcdef")


def test_inverting_leaves_alone_what_is_not_shown():
    lines = model()
    lines.set_marks("ab")
    lines.set_keys(list("bcd"))
    lines.invert()
    assert lines.marks == set("acd")


def test_an_open_range_counts_as_marked_and_follows_the_cursor_both_ways():
    lines = model()
    lines.cursor = 2
    lines.begin_range()
    assert lines.marks == {"c"}
    lines.cursor = 4
    assert lines.marks == set("cde")
    lines.cursor = 0
    assert lines.marks == set("abc")
    assert [lines.is_marked(index) for index in range(4)] == [True, True, True, False]


def test_a_range_is_kept_by_ending_it_and_by_the_first_clearing():
    lines = model()
    lines.set_marks("f")
    lines.begin_range()
    lines.cursor = 1
    lines.clear()
    assert lines.marks == {"a", "b", "f"}
    lines.clear()
    assert lines.marks == set()
    lines.set_marks("f")
    lines.begin_range()
    assert lines.end_range()
    assert not lines.end_range()
    assert lines.marks == {"b", "f"}
    lines.clear()
    assert lines.marks == set()


def test_a_new_order_keeps_exactly_what_was_seen_in_the_range():
    lines = model()
    lines.begin_range()
    lines.cursor = 2
    lines.set_keys(list("fcedba"))
    assert lines.marks == set("abc")
    assert not lines.in_range


def test_keys_that_take_no_mark_never_get_one():
    lines = model(unmarkable="ad")
    assert not lines.toggle(0)
    lines.begin_range()
    lines.cursor = 3
    assert lines.marks == set("bc")
    lines.mark_all()
    assert lines.marks == set("bcef")
    lines.invert()
    assert lines.marks == set()


def test_a_range_in_an_empty_list_is_none():
    lines = model("")
    lines.begin_range()
    assert not lines.in_range


def test_what_a_verb_flips_undoes_it_when_it_is_flipped_again():
    lines = model()
    lines.set_marks("f")
    assert lines.take_flipped() == set()
    seen = [set(lines.marks)]
    flips = []

    def begin_range():
        lines.cursor = 1
        lines.begin_range()
        lines.cursor = 3
        lines.end_range()

    for verb in (lambda: lines.toggle(0), begin_range, lines.invert, lines.mark_all, lines.clear):
        verb()
        flips.append(set(lines.take_flipped()))
        seen.append(set(lines.marks))
    assert seen == [set("f"), set("af"), set("abcdf"), set("e"), set("abcdef"), set()]
    for flipped, before in zip(reversed(flips), reversed(seen[:-1]), strict=True):
        lines.flip(flipped)
        assert lines.marks == before


def test_marks_that_are_replaced_while_a_range_is_open_come_back_as_they_were_seen():
    lines = model()
    lines.begin_range()
    lines.cursor = 2
    lines.invert()
    assert lines.marks == set("def")
    lines.flip(lines.take_flipped())
    assert lines.marks == set("abc")
