"""The score table: every kind of value, every width, and what is repainted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.selection.sorting import SortKey
from aim_tui.ui.scores.score_columns import lay_out
from aim_tui.ui.scores.score_table import ScoreTable
from aim_tui.ui.widgets.score_cells import BARS, BEST_GLYPH, Ink, step_of
from tests.ui.widgets.samples import CONTEXT, FAIL, MISS, NAMES, PLAN, Holder, assert_aligned, make_row, painted

ROWS = [
    make_row(0, "good.png", 0.9, 0.8, 0.1, caption="a cabin in snow"),
    make_row(1, "bad.png", 0.1, -0.05, 0.95, caption="a lake"),
    make_row(2, "broken.png", FAIL, FAIL, FAIL),
    make_row(3, "half.png", 0.5, FAIL, 0.5),
    make_row(4, "silent.png", 0.5, MISS, 0.5),
    make_row(5, "waiting.png"),
    make_row(6, "arriving.png", 0.5, None, 0.5),
    make_row(7, "old.png", 0.5, 0.5, 0.5, against="what was asked before"),
]
WIDE = (160, 20)


async def table(pilot, rows=ROWS, marked=(), plan=PLAN, context=CONTEXT):
    shown = pilot.app.widget
    shown.show(rows, plan, context, marked)
    await pilot.pause()
    return shown


def line_of(shown, name):
    return next(line for line in painted(shown) if name in line)


async def test_each_kind_of_value_is_written_so_that_no_colour_is_needed():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        shown = await table(pilot)
        cells = line_of(shown, "good.png").split("good.png")[1].split()
        assert cells[:11] == [
            "0.9000",
            "0.90",
            BARS[-1],
            "0.8000",
            "0.80",
            BARS[-1],
            "0.1000",
            "0.90",
            BARS[-1],
            "85.0",
            BARS[-1],
        ]
        assert line_of(shown, "bad.png").split("bad.png")[1].split()[3] == "-0.0500"
        assert line_of(shown, "broken.png").split("broken.png")[1].split() == ["!"] * 7 + ["!", "failed"]
        assert line_of(shown, "half.png").split()[5:7] == ["!", "!"]
        assert line_of(shown, "half.png").split()[-3:] == ["!", "◐", "partial"]
        assert line_of(shown, "silent.png").split()[-3:] == ["-", "◐", "partial"]
        assert line_of(shown, "waiting.png").split("waiting.png")[1].split() == ["·"] * 7 + ["·", "pending"]
        assert line_of(shown, "arriving.png").split("arriving.png")[1].split()[3:5] == ["·", "·"]
        old = line_of(shown, "old.png").split("old.png")[1].split()
        assert [cell for cell in old if cell.startswith("~")] == ["~0.500"] * 3 + ["~50.0", "~"]
        assert old[-1] == "stale"


async def test_titles_say_which_direction_is_better_and_what_is_sorted():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        shown = await table(pilot)
        assert "CLIP ↑" in painted(shown)[0]
        assert "BLIP2 ↑" in painted(shown)[0]
        assert "LPIPS ↓" in painted(shown)[0]
        assert "▼" not in painted(shown)[0]
        shown.sort = SortKey("final", reverse=True)
        assert "Final▼" in painted(shown)[0]
        shown.sort = SortKey("lpips")
        assert "LPIPS↓▲" in painted(shown)[0]
        underlined = [part.text.strip() for part in shown.render_line(0) if part.style and part.style.underline]
        assert underlined == ["LPIPS↓▲"]


async def test_the_best_row_wears_a_star_wherever_it_is():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        rows = [make_row(0, "a.png", 0.5, 0.5, 0.5), make_row(1, "b.png", 0.6, 0.6, 0.4), make_row(2, "c.png")]
        shown = await table(pilot, rows)
        assert [BEST_GLYPH in line for line in painted(shown)[1:4]] == [False, True, False]
        rows[2].raws, rows[2].scores = ROWS[0].raws, ROWS[0].scores
        shown.rows_changed([2])
        await pilot.pause()
        assert [BEST_GLYPH in line for line in painted(shown)[1:4]] == [False, False, True]
        rows[2].raws, rows[2].scores = {}, None
        shown.rows_changed([2])
        await pilot.pause()
        assert [BEST_GLYPH in line for line in painted(shown)[1:4]] == [False, True, False]


@pytest.mark.parametrize("size", [(10, 5), (40, 10), (60, 10), (79, 24), (80, 24), (100, 24), (120, 40), (200, 60)])
async def test_columns_stay_aligned_at_every_size_and_for_every_name(size):
    rows = [make_row(item, name, 0.5, -0.5, 1.5, caption=name) for item, name in enumerate(NAMES)]
    async with Holder(ScoreTable()).run_test(size=size) as pilot:
        shown = await table(pilot, rows, marked={1, 2})
        assert_aligned(shown)
        assert "\x1b" not in "".join(painted(shown))
        if size[0] >= 40:
            ends = {
                line.rindex("✓") for line in map(cells_as_columns, painted(shown)[1 : len(NAMES) + 1]) if "✓" in line
            }
            assert len(ends) == 1


def cells_as_columns(line):
    """The line with a second character for each wide one and none for those without width."""
    from rich.cells import split_graphemes

    return "".join((line[start] + "_")[:cells] for start, _, cells in split_graphemes(line)[0])


async def test_markup_and_escapes_in_names_and_captions_are_shown_as_text():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        rows = [make_row(0, "x[nosuch][red]y.png", 0.5, 0.5, 0.5, caption="a [b]\x1b[5mcaption")]
        shown = await table(pilot, rows)
        assert "x[nosuch][red]y.png" in painted(shown)[1]
        assert "a [b]\\x1b[5mcaption" in painted(shown)[1]


@pytest.mark.parametrize("width", [40, 60, 79])
async def test_a_narrow_terminal_shows_three_columns_and_says_that_there_is_more(width):
    async with Holder(ScoreTable()).run_test(size=(width, 10)) as pilot:
        shown = await table(pilot)
        assert painted(shown)[0].split() == ["Name", "+8", "more", "Final", "Status"]
        assert line_of(shown, "good.png").split() == ["★", "good.png", "85.0", BARS[-1], "✓", "ok"]


def test_more_width_shows_more_columns_and_never_fewer():
    counts = [len(lay_out(width, PLAN.metrics, 100, 20, narrow=False).columns) for width in range(1, 220)]
    assert counts == sorted(counts)
    assert {3, 7, 10, 11} <= set(counts)


async def test_where_the_normalised_values_just_fit_the_status_is_its_glyph_alone():
    async with Holder(ScoreTable()).run_test(size=(80, 20)) as pilot:
        shown = await table(pilot)
        assert painted(shown)[0].split()[-2:] == ["Final", "St"]
        assert [line_of(shown, name).split()[-1] for name in ("good", "broken", "half", "waiting", "old")] == list(
            "✓!◐·~"
        )


def test_the_columns_always_fit():
    for metrics in (("clip",), ("clip", "lpips"), PLAN.metrics):
        for width in range(14, 220):
            columns = lay_out(width, metrics, 100_000, 60, narrow=False).columns
            assert sum(column.width + 1 for column in columns) <= width


async def test_a_metric_that_is_not_asked_for_has_no_column():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        shown = await table(pilot, plan=ScoringPlan(("clip",), PLAN.weights, PLAN.rules))
        assert "CLIP" in painted(shown)[0]
        assert "LPIPS" not in painted(shown)[0]


async def test_values_that_arrive_repaint_their_own_line_only():
    paints = Counter()

    class Counted(ScoreTable):
        def render_line(self, y):
            paints[y] += 1
            return super().render_line(y)

    async with Holder(Counted()).run_test(size=(120, 12)) as pilot:
        rows = [make_row(item, None, 0.9, 0.9, 0.1) for item in range(1000)]
        shown = await table(pilot, rows)
        paints.clear()
        rows[4].raws = make_row(4, None, FAIL, FAIL, FAIL).raws
        rows[4].scores = make_row(4, None, FAIL, FAIL, FAIL).scores
        shown.rows_changed([4, 700, 900])
        await pilot.pause()
        assert paints == {5: 1}
        assert "failed" in painted(shown)[5]


async def test_another_prompt_makes_rows_stale_and_keeps_the_cursor():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        shown = await table(pilot)
        await pilot.press("j", "j")
        shown.set_view([7, 2, 0])
        await table(pilot, context=replace(CONTEXT, prompt="another prompt"))
        assert shown.cursor_row is ROWS[2]
        assert list(shown.keys) == [7, 2, 0]
        assert "~0.900 " in line_of(shown, "good.png")
        assert "0.8000" in line_of(shown, "good.png")
        assert "~ stale" in line_of(shown, "good.png")


async def test_other_rows_begin_at_the_top_and_say_so():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        shown = await table(pilot)
        await pilot.pause()
        pilot.app.facts.clear()
        other = [make_row(0, "new.png")]
        await table(pilot, other)
        assert shown.cursor_row is other[0]
        assert pilot.app.told(ScoreTable.CursorMoved)[-1].index == 0


async def test_a_click_on_a_title_asks_for_that_order():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        shown = await table(pilot)
        header = painted(shown)[0]
        for title in ("Name", "CLIP", "Final", "Status", "Caption"):
            await pilot.click(shown, offset=(header.index(title) + 1, 0))
        await pilot.click(shown, offset=(header.index("norm") + 1, 0))
        await pilot.pause()
        asked = [fact.column for fact in pilot.app.told(ScoreTable.HeaderClicked)]
        assert asked == ["name", "clip", "final", "status", "caption", "clip_norm"]


def test_the_bar_has_five_steps_and_its_ends_belong_to_the_outer_ones():
    assert [step_of(norm) for norm in (0.0, 0.19, 0.2, 0.5, 0.79, 0.8, 1.0)] == [0, 0, 1, 2, 3, 4, 4]
    assert len(set(BARS)) == 5


@pytest.mark.parametrize("ink", [Ink.ON_DARK, Ink.ON_LIGHT])
def test_the_ramp_is_the_same_in_256_colours(ink):
    from rich.color import ColorSystem

    for style in ink.steps:
        quantised = style.color.downgrade(ColorSystem.EIGHT_BIT)
        assert quantised.get_truecolor() == style.color.get_truecolor()


async def test_without_colour_the_weight_tells_best_from_worst(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        assert pilot.app.no_color
        shown = await table(
            pilot, [make_row(0), make_row(1, "b.png", 0.9, 0.9, 0.1), make_row(2, "c.png", 0.0, 0.0, 1.0)]
        )
        best = [part.style for part in shown.render_line(2) if part.text in BARS]
        worst = [part.style for part in shown.render_line(3) if part.text in BARS]
        assert best
        assert all(style.bold for style in best)
        assert worst
        assert all(style.dim for style in worst)


async def test_growing_rows_are_read_where_they_are():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        rows = [make_row(0, "a.png")]
        shown = await table(pilot, rows)
        rows.append(make_row(1, "a_much_longer_name_than_before.png"))
        shown.set_view(range(2))
        await pilot.pause()
        assert "a_much_longer_name_than_before.png" in painted(shown)[2]


@pytest.mark.parametrize("width", [80, 120, 160])
async def test_columns_stay_where_they_are_while_scores_and_rows_arrive(width):
    """Values, a filter that more and more rows pass, more rows than lines: the titles do not move."""
    async with Holder(ScoreTable()).run_test(size=(width, 12)) as pilot:
        rows = [make_row(number, f"{number}.png") for number in range(150)]
        shown = await table(pilot, rows)
        titles = set()
        for count in (0, 5, 9, 10, 99, 100, 150):
            for row in rows[:count]:
                done = make_row(row.item, row.path, 0.123, -0.5, 0.999, caption="a cabin in snow")
                row.raws, row.scores, row.captions = done.raws, done.scores, done.captions
            shown.rows_changed(range(count))
            shown.set_view(range(count))
            await pilot.pause()
            titles.add(painted(shown)[0].rstrip())
        assert len(titles) == 1


async def test_longer_names_that_come_later_leave_room_for_the_next_ones():
    async with Holder(ScoreTable()).run_test(size=WIDE) as pilot:
        rows = [make_row(0, "a_name_of_some_length.png")]
        shown = await table(pilot, rows)
        headers = []
        for number in range(1, 6):
            rows.append(make_row(number, f"a_name_of_some_length{'x' * number}.png"))
            shown.set_view(range(len(rows)))
            await pilot.pause()
            headers.append(painted(shown)[0])
        assert len(set(headers)) == 1
