"""Metrics beside AIM's in the application: switched on, shown as raw columns, explained; AIM's three lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.spec import Role
from aim_tui.ui.scores.score_columns import lay_out

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")

AIM = ("clip", "blip2", "lpips")


def switch_on(app: Any, *metrics: str) -> str:
    return app.session.setup.set_weights(app.session.workspace.weights, (*app.session.workspace.enabled, *metrics))


async def test_a_metric_is_switched_on_where_weights_are_and_scored_beside_the_others(
    open_app: Any, folder: Path
) -> None:
    async with open_app(folder, reference=str(folder / "img_7.png"), start_scoring=True) as app:
        await app.all_scored()
        finals = [row.final for row in app.rows]
        await app.press("w")
        await app.shows("SigLIP score")
        app.app.screen.query_one("#on-siglip").focus()
        await app.press("space")
        await app.shows("raw column")
        await app.press("ctrl+s")
        await app.shows("SigLIP ↑")
        assert app.session.workspace.engine_settings().models[Role("siglip")].id == "google/siglip2-base-patch16-224"
        assert [row.final for row in app.rows] == finals
        await app.press("s")
        await app.until(lambda: all("siglip" in row.raws for row in app.rows))
        await app.until(lambda: app.session.workspace.running is None)
        assert [row.final for row in app.rows] == finals
        await app.shows("0.1200")
        await app.press("e")
        await app.shows("siglip_score = 0.1200")
        await app.shows("no part in the final score")


async def test_at_80_by_24_aims_three_stay_and_the_name_can_be_read(open_app: Any, folder: Path) -> None:
    async with open_app(folder, size=(80, 24), reference=str(folder / "img_7.png")) as app:
        assert switch_on(app, "siglip", "pickscore", "clip_iqa") == ""
        await app.press("s")
        await app.all_scored()
        await app.shows("Pick ↑")
        header = next(line for line in app.text().splitlines() if "CLIP ↑" in line)
        assert all(spec.short in header for spec in METRICS.values())
        assert "more" in header, "what has no room is told"
        await app.shows("img_0.png")


async def test_one_that_lacks_what_it_compares_with_says_so(open_app: Any, folder: Path) -> None:
    async with open_app(folder, prompt="", size=(160, 40)) as app:
        assert switch_on(app, "siglip", "clip_i") == ""
        assert app.session.workspace.skipped["siglip"] == "no prompt"
        assert app.session.workspace.skipped["clip_i"] == "no reference"
        await app.shows("CLIP, SigLIP off: no prompt")


async def test_a_changed_prompt_makes_only_those_of_the_prompt_stale(open_app: Any, folder: Path) -> None:
    async with open_app(folder, start_scoring=True) as app:
        await app.all_scored()
        assert switch_on(app, "siglip", "clip_iqa") == ""
        await app.press("s")
        await app.until(lambda: all({"siglip", "clip_iqa"} <= row.raws.keys() for row in app.rows))
        app.session.setup.set_prompt(app.session.workspace.context.topic, "another cabin")
        context = app.session.workspace.context
        assert all(row.stale("siglip", context) and not row.stale("clip_iqa", context) for row in app.rows)
        await app.shows("~0.120")


async def test_rows_come_back_with_their_columns_at_the_next_start(open_app: Any, folder: Path, tmp_path: Path) -> None:
    asked = {"store": tmp_path / "store.db", "metrics": (*AIM, "pickscore")}
    async with open_app(folder, start_scoring=True, **asked) as app:
        await app.all_scored()
        await app.until(lambda: all("pickscore" in row.raws for row in app.rows))
    async with open_app(folder, **asked) as app:
        await app.until(lambda: all("pickscore" in row.raws for row in app.rows))
        await app.shows("22.0")


def shown(width: int, *metrics: str) -> list[str]:
    columns = lay_out(width, (*AIM, *metrics), 8, 20, narrow=False, weighed=AIM).columns
    return [column.metric for column in columns if column.metric and not column.id.endswith("_norm")]


def test_no_width_gives_up_one_of_aims_for_another() -> None:
    many = ("clip_i", "clip_iqa", "dinov2_i", "pickscore", "siglip")
    for width in range(20, 250):
        with_others, without = shown(width, *many), shown(width)
        assert with_others[: len(without)] == without
        assert len(shown(width + 1, *many)) >= len(with_others)
    assert shown(250, *many) == [*AIM, *many]
    assert len(shown(80, "siglip")) == 4
