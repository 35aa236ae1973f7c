"""A number never stands under a model, a prompt or a mean that did not make it."""

from __future__ import annotations

import csv
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.metrics.spec import Role
from aim_tui.core.scoring.records import FIELDS
from aim_tui.ui.models.setup_dialogs import with_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("models_here")


async def test_two_local_models_under_one_name_do_not_share_scores(open_app: Any, folder: Path, tmp_path: Path) -> None:
    async with open_app(folder) as app:
        first, second = (
            with_folder(app.session.workspace.profile, Role.CLIP, str(tmp_path / name)) for name in ("a", "b")
        )
        assert first.name == second.name
        app.session.folders.use_profile(first)
        await app.until(lambda: app.session.workspace.profile == first)
        await app.press("s")
        await app.all_scored()
        app.session.folders.use_profile(second)
        await app.until(lambda: app.session.workspace.profile == second)
        assert app.scored == []
        app.session.folders.use_profile(first)
        await app.until(lambda: len(app.scored) == 8)


def test_a_local_lpips_file_keeps_the_name_of_its_trunk(tmp_path: Path) -> None:
    from aim_tui.settings.settings import load_settings

    profile = with_folder(load_settings().profile("large"), Role.LPIPS, str(tmp_path / "trunk.pth"))
    assert profile.models[Role.LPIPS].id == "vgg"


async def test_the_mean_follows_the_weights(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("s")
        await app.all_scored()
        await app.shows("mean ")
        app.session.setup.set_weights({"clip": 1.0, "blip2": 0.0, "lpips": 0.0})
        await app.until(lambda: f"mean {app.session.workspace.results.summary().mean:.1f}" in app.text())


async def test_the_mean_leaves_out_what_belongs_to_another_prompt(open_app: Any, folder: Path) -> None:
    async with open_app(folder) as app:
        await app.press("s")
        await app.all_scored()
        app.session.setup.set_prompt(app.session.workspace.context.topic, "another prompt")
        await app.shows("8 out of date")
        assert "mean " not in app.text()


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl"])
async def test_an_export_holds_no_value_of_another_prompt_and_says_what_made_the_rest(
    open_app: Any, folder: Path, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"out.{ending}"
    async with open_app(folder) as app:
        await app.press("s")
        await app.all_scored()
        app.session.setup.set_prompt(app.session.workspace.context.topic, "another prompt")
        await app.press("ctrl+s")
        await app.press("ctrl+u", *str(file), "enter")
        await app.until(file.exists)
    text = file.read_text()
    match ending:
        case "csv":
            rows = list(csv.DictReader(text.splitlines()))
            assert tuple(rows[0]) == (*FIELDS, "weights", "rules", "notice")
        case "json":
            whole = json.loads(text)
            assert whole["settings"]["prompt"] == "another prompt" and whole["settings"]["exif"] == "rotate"
            assert whole["summary"]["mean"] is None
            rows = whole["results"]
        case _:
            rows = [json.loads(line) for line in text.splitlines()]
    assert len(rows) == 8
    assert {row["clip_score"] or None for row in rows} == {None}
    assert all(row["blip2_similarity"] for row in rows)
    assert {row["error"] for row in rows} == {"clip: scored with another prompt"}
    assert all(row["weights"] for row in rows) if ending != "json" else whole["weights"]


async def test_a_profile_that_gives_the_chosen_metric_no_weight_brings_its_own_metrics(
    open_app: Any, folder: Path
) -> None:
    async with open_app(folder, metrics=("clip",)) as app:
        aim = app.session.workspace.profile
        odd = dataclasses.replace(aim, name="odd", weights={"clip": 0.0, "blip2": 1.0, "lpips": 0.0})
        app.session.folders.use_profile(odd)
        await app.until(lambda: app.session.workspace.profile == odd)
        assert app.session.workspace.enabled == odd.metrics
