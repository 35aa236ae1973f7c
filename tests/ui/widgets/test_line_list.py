"""The line-drawn list: keys, mouse, marks, and how little it paints."""

from __future__ import annotations

from collections import Counter

import pytest
from textual.binding import Binding
from textual.events import MouseScrollDown

from aim_tui.ui.main.file_list import FileList
from aim_tui.ui.scores.score_table import ScoreTable
from aim_tui.ui.widgets.line_list import LineList
from tests.ui.widgets.samples import Holder, assert_aligned, painted, until


class Counted(LineList[int]):
    """Numbers as lines under a header; counts which screen lines were painted."""

    HEADER_LINES = 1

    def __init__(self) -> None:
        super().__init__()
        self.paints: Counter[int] = Counter()

    def render_line(self, y):
        self.paints[y] += 1
        return super().render_line(y)

    def column_at(self, x):
        return "left" if x < 20 else "right"


async def listing(pilot, count=100):
    lines = pilot.app.widget
    lines.set_keys(range(count))
    await pilot.pause()
    return lines


@pytest.mark.parametrize(
    ("presses", "index"),
    [
        ("j", 1),
        ("j j down k", 2),
        ("up", 0),
        ("G", 99),
        ("end home", 0),
        ("G g", 0),
        ("G g g", 0),
        ("ctrl+d", 4),
        ("ctrl+d ctrl+u", 0),
        ("pagedown", 9),
        ("pagedown pagedown pageup", 9),
        ("G j pagedown", 99),
    ],
)
async def test_keys_move_the_cursor_and_keep_it_in_view(presses, index):
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        await pilot.press(*presses.split())
        await pilot.pause()
        assert lines.cursor_index == index
        assert any(str(index) in line.split() for line in painted(lines)[1:])


async def test_the_header_stays_while_the_lines_scroll():
    class Titled(Counted):
        def draw_header(self, width):
            from rich.segment import Segment

            return [Segment("title".ljust(width))]

    async with Holder(Titled()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        await pilot.press("G")
        await pilot.pause()
        assert painted(lines)[0].split() == ["title"]
        assert painted(lines)[-1].split() == ["99"]


async def test_a_move_repaints_two_lines_and_a_scroll_only_what_is_in_view():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        lines.paints.clear()
        await pilot.press("j")
        await pilot.pause()
        assert lines.paints == {1: 1, 2: 1}
        lines.paints.clear()
        await pilot.press("G")
        await pilot.pause()
        assert set(lines.paints) <= set(range(10))


async def test_a_hundred_thousand_lines_paint_no_more_than_what_is_in_view():
    async with Holder(Counted()).run_test(size=(80, 24)) as pilot:
        lines = pilot.app.widget
        lines.paints.clear()
        lines.set_keys(range(100_000))
        await pilot.pause()
        await pilot.press("G")
        await until(pilot, lambda: "99999" in painted(lines)[-1])
        assert sum(lines.paints.values()) <= 24 * 8
        assert set(lines.paints) <= set(range(24))


async def test_changed_keys_out_of_view_paint_nothing():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        lines.paints.clear()
        lines.keys_changed(range(50, 100))
        await pilot.pause()
        assert not lines.paints
        lines.keys_changed([3, 60])
        await pilot.pause()
        assert lines.paints == {4: 1}


async def test_the_cursor_keeps_its_key_and_its_screen_line_when_the_order_is_reversed():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        await pilot.press("pagedown", "pagedown", "k", "k", "k")
        await pilot.pause()
        key, before = lines.cursor_key, painted(lines)
        line = next(y for y, text in enumerate(before) if text.split() == [str(key)])
        lines.set_keys(list(reversed(range(100))))
        await pilot.pause()
        assert lines.cursor_key == key
        assert painted(lines)[line].split() == [str(key)]


def turn_the_wheel(lines, turns=1):
    for _ in range(turns):
        lines.post_message(MouseScrollDown(lines, 10, 4, 0, 1, 0, False, False, False))


async def scrolled_away(pilot, turns=10):
    lines = await listing(pilot)
    turn_the_wheel(lines, turns)
    await until(pilot, lambda: lines.scroll_offset.y == 2 * turns)
    return lines


async def test_the_wheel_is_not_undone_by_another_order_nor_by_another_size():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await scrolled_away(pilot)
        lines.set_keys([0, *reversed(range(1, 100))])
        await pilot.pause()
        assert lines.cursor_key == 0
        assert painted(lines)[1].split() == ["80"]
        for height in (8, 12):
            await pilot.resize_terminal(30, height)
            await until(pilot, lambda height=height: lines.size.height == height)
            await pilot.pause()
            assert painted(lines)[1].split() == ["80"]


async def test_what_was_scrolled_to_its_end_shows_the_end_when_lines_go():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await scrolled_away(pilot, 40)
        lines.set_keys(range(30))
        await until(pilot, lambda: painted(lines)[-1].split() == ["29"])
        assert lines.cursor_key == 0


@pytest.mark.parametrize("key", ["g", "k", "pageup"])
async def test_a_key_brings_back_a_cursor_that_was_scrolled_away_from(key):
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await scrolled_away(pilot)
        await pilot.press(key)
        await until(pilot, lambda: painted(lines)[1].split() == ["0"])


async def test_other_lines_are_shown_from_the_cursor_on_wherever_the_wheel_was():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await scrolled_away(pilot)
        lines.set_keys(range(200, 300))
        await until(pilot, lambda: painted(lines)[1].split() == ["200"])
        turn_the_wheel(lines, 10)
        await until(pilot, lambda: lines.scroll_offset.y == 20)
        lines.set_keys(range(200, 300), 203)
        await until(pilot, lambda: "203" in painted(lines)[1].split())


async def test_a_cursor_in_view_stays_in_view_when_the_pane_shrinks():
    async with Holder(Counted()).run_test(size=(30, 12)) as pilot:
        lines = await listing(pilot)
        await pilot.press(*"jjjjjjjjj")
        await pilot.resize_terminal(30, 6)
        await until(pilot, lambda: lines.size.height == 6 and ["9"] in [line.split() for line in painted(lines)])


async def test_space_marks_and_moves_on_and_says_so():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        await pilot.press("space", "space", "k", "space")
        await pilot.pause()
        assert lines.marks == {0}
        assert lines.cursor_index == 2
        assert painted(lines)[1].startswith("●")
        assert not painted(lines)[2].startswith("●")
        assert len(pilot.app.told(LineList.MarksChanged)) == 3


async def test_a_range_is_painted_as_it_grows_and_marked_by_the_second_v():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        await pilot.press("j", "v", "j", "j")
        await pilot.pause()
        assert [line[0] for line in painted(lines)[1:6]] == [" ", "●", "●", "●", " "]
        # That it was begun is told once; how it grows follows from the cursor.
        assert len(pilot.app.told(LineList.MarksChanged)) == 1
        await pilot.press("v", "j", "j")
        await pilot.pause()
        assert lines.marks == {1, 2, 3}
        assert len(pilot.app.told(LineList.MarksChanged)) == 2


async def test_mark_all_invert_and_clear():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot, 5)
        await pilot.press("ctrl+a")
        assert lines.marks == {0, 1, 2, 3, 4}
        await pilot.press("space", "ctrl+r")
        assert lines.marks == {0}
        await pilot.press("escape")
        assert lines.marks == set()


async def test_escape_is_left_to_the_screen_while_there_is_nothing_to_clear():
    class Outer(Holder):
        BINDINGS = [Binding("escape", "leave", "Leave")]
        left = 0

        def action_leave(self):
            self.left += 1

    async with Outer(Counted()).run_test(size=(30, 10)) as pilot:
        await listing(pilot)
        await pilot.press("escape")
        assert pilot.app.left == 1
        await pilot.press("space", "escape")
        assert pilot.app.left == 1
        assert pilot.app.widget.marks == set()


async def test_a_click_moves_a_click_on_the_gutter_marks_and_a_double_click_opens():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        await pilot.click(lines, offset=(10, 4))
        assert lines.cursor_key == 3
        assert not lines.marks
        await pilot.click(lines, offset=(0, 6))
        assert lines.cursor_key == 5
        assert lines.marks == {5}
        await pilot.double_click(lines, offset=(10, 2))
        await pilot.pause()
        assert [fact.index for fact in pilot.app.told(LineList.Opened)] == [1]


async def test_a_click_below_the_last_line_does_nothing():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot, 3)
        await pilot.click(lines, offset=(10, 8))
        assert lines.cursor_key == 0


async def test_a_click_on_a_title_names_its_column():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        await pilot.click(lines, offset=(3, 0))
        await pilot.click(lines, offset=(25, 0))
        await pilot.pause()
        assert [fact.column for fact in pilot.app.told(LineList.HeaderClicked)] == ["left", "right"]
        assert lines.cursor_key == 0


async def test_the_last_move_is_always_told_and_an_emptied_list_tells_that_the_cursor_is_nowhere():
    async with Holder(Counted()).run_test(size=(30, 10)) as pilot:
        lines = await listing(pilot)
        await pilot.press("j", "j", "j")
        await pilot.pause()
        assert pilot.app.told(LineList.CursorMoved)[-1].index == 3
        lines.set_keys([])
        await pilot.pause()
        assert pilot.app.told(LineList.CursorMoved)[-1].index == -1


async def test_an_empty_list_says_what_it_is_for_within_its_width():
    async with Holder(Counted()).run_test(size=(24, 10)) as pilot:
        lines = pilot.app.widget
        lines.empty_text = "No images in this folder.\nPress h for the one above."
        await pilot.pause()
        said = " ".join(" ".join(painted(lines)).split())
        assert "No images in this folder. Press h for the one above." in said
        assert_aligned(lines)
        lines.set_keys([1])
        await pilot.pause()
        assert "folder" not in " ".join(painted(lines))


@pytest.mark.parametrize("size", [(40, 10), (12, 4), (3, 2), (1, 1)])
async def test_no_size_is_too_small_to_move_in(size):
    async with Holder(Counted()).run_test(size=size) as pilot:
        lines = await listing(pilot)
        await pilot.press("j", "G", "pageup", "ctrl+u", "space", "v", "k", "g")
        await pilot.pause()
        assert lines.cursor_index == 0
        assert_aligned(lines)


@pytest.mark.parametrize("kind", [LineList, FileList, ScoreTable])
def test_every_binding_has_an_id_of_its_own_and_a_tooltip(kind):
    bindings = [
        binding
        for base in kind.__mro__
        for binding in base.__dict__.get("BINDINGS", [])
        if base.__module__.startswith("aim_tui")
    ]
    assert bindings
    assert all(binding.id and binding.tooltip for binding in bindings)
    ids = [binding.id for binding in bindings]
    assert len(ids) == len(set(ids))
    keys = {key for binding in bindings for key in binding.key.split(",")}
    assert not keys & {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+j", "ctrl+z"}
