"""A column or metric that is registered once is in the score table and in the sort dialog."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from aim_tui.core.metrics import registry
from aim_tui.core.outcomes import Present
from aim_tui.core.scoring.columns import IMAGES, Column, Kind
from aim_tui.core.scoring.results import Raw
from aim_tui.ui.scores.score_columns import lay_out
from aim_tui.ui.scores.score_table import ScoreTable
from tests.core.metrics.test_registry import TOY
from tests.ui.widgets.samples import CONTEXT, PLAN, Holder, assert_aligned, make_row, painted

LENGTH = Column(
    "length", "Letters", Kind.NUMBER, lambda row, view: len(row.path), letter="z", label="length", width=7
)  # fmt: skip


async def test_a_new_column_is_in_the_table(monkeypatch):
    monkeypatch.setattr(IMAGES, "_columns", dict(IMAGES._columns))
    IMAGES.register(LENGTH)
    rows = [make_row(0, "good.png", 0.9, 0.8, 0.1), make_row(1, "other.png", 0.5, 0.5, 0.5)]
    async with Holder(ScoreTable()).run_test(size=(160, 10)) as pilot:
        shown = pilot.app.widget
        shown.show(rows, PLAN, CONTEXT)
        await pilot.pause()
        assert "Letters" in painted(shown)[0]
        assert str(len(rows[0].path)) in painted(shown)[1].split()
        assert_aligned(shown)


def test_a_new_column_goes_before_a_raw_value_of_aims_does(monkeypatch):
    def ids(width):
        columns = lay_out(width, PLAN.metrics, 8, 20, narrow=False).columns
        return [column.id for column in columns]

    raw = ("item", "clip", "blip2", "lpips", "final", "status")
    before = {width: [one for one in ids(width) if one in raw] for width in range(1, 200)}
    monkeypatch.setattr(IMAGES, "_columns", dict(IMAGES._columns))
    IMAGES.register(LENGTH)
    after = {width: ids(width) for width in range(1, 200)}
    assert {width: [one for one in columns if one in raw] for width, columns in after.items()} == before
    assert {"length" in after[50], "length" in after[199]} == {False, True}


async def test_a_new_metric_is_in_the_table(monkeypatch):
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    registry.register(TOY, "a test")
    row = make_row(0, "good.png", 0.9, 0.8, 0.1)
    row.raws["toy"] = Raw(Present(7.25), CONTEXT.need("toy"))
    plan = replace(PLAN, metrics=(*PLAN.metrics, "toy"), weights={**PLAN.weights, "toy": 0.0})
    async with Holder(ScoreTable()).run_test(size=(160, 10)) as pilot:
        shown = pilot.app.widget
        shown.show([row], plan, CONTEXT)
        await pilot.pause()
        assert "Toy ↑" in painted(shown)[0]
        assert "7.25" in painted(shown)[1].split()


DIALOG = """
import asyncio
from tests.ui.main.test_new_columns import LENGTH
from aim_tui.core.scoring.columns import IMAGES
IMAGES.register(LENGTH)
from textual.app import App
from aim_tui.ui.dialogs.sort import SortScreen

async def main():
    app, chosen = App(), []
    async with app.run_test(size=(100, 10)) as pilot:
        for key in ("z", "Z"):
            await app.push_screen(SortScreen(), chosen.append)
            words = str(app.screen.query_one("#letters").render())
            await pilot.press(key)
            await pilot.pause()
    print([(key.column, key.reverse) for key in chosen], "length" in words)

asyncio.run(main())
"""


@pytest.mark.timeout(120)
def test_a_new_column_has_its_letter_in_the_sort_dialog():
    # In an interpreter of its own: the dialog takes the columns that there are when it is imported.
    done = subprocess.run([sys.executable, "-c", DIALOG], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[('length', False), ('length', True)] True", done.stderr
