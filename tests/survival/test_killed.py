"""A headless run that is killed at any moment resumes where it stopped, and ends with an undisturbed run's rows."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.store.database import Database
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs
from tests.survival.conftest import IN_PIPE, MANY, SAMPLE, Home, draw_images, link_images, same

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.store.records import Run

Rows = list[dict[str, Any]]


def stored(home: Home) -> list[Run]:
    """The runs of the store, the newest first."""
    if not home.store.exists():
        return []
    with Database.open(home.store) as database:
        runs = Runs(database)
        return [runs.load(info.id) for info in runs.history()]


def kept(home: Home) -> int:
    """How many rows of the newest run are in the store."""
    return next((run.info.begun for run in stored(home)), 0)


def stopped(home: Home, images: Path, after: int, number: int = signal.SIGKILL, *more: str) -> tuple[Rows, int, str]:
    """The rows of a run up to a signal after some of them, its exit code and its stderr."""
    with home.score(images, *more) as program:
        lines = program.lines()
        seen = list(itertools.islice(lines, after))
        program.kill(number)
        seen += lines
        return [json.loads(line) for line in seen], program.wait(), program.errors


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_kill_9_at_random_moments_loses_and_doubles_no_row(
    home: Home, many: Path, undisturbed: Rows, kills: int
) -> None:
    moments = random.Random(20)
    before = 0
    for _ in range(kills):
        after = max(0, before + moments.randint(-20, 60))
        rows, code, _ = stopped(home, many, min(after, MANY - IN_PIPE))
        assert code == -signal.SIGKILL
        assert same(rows, undisturbed[: len(rows)])
        # What was put out is in the store, and what was there stays there.
        assert (now := kept(home)) >= max(before, len(rows))
        before = now
    assert before > 0
    ended = home.scored(many)
    assert ended.code == 0, ended.errors
    assert f"{before} of {MANY} are done" in ended.errors
    assert same(ended.rows, undisturbed)
    (run,) = stored(home)
    assert run.info.state is RunState.DONE
    assert [row.final for row in run.results.rows] == [row["final_score"] for row in ended.rows]


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT])
def test_a_signal_stops_cleanly_and_the_same_command_goes_on(
    home: Home, many: Path, undisturbed: Rows, number: signal.Signals
) -> None:
    rows, code, errors = stopped(home, many, 40, number)
    assert code == 130, errors
    assert "run the same command again to resume" in errors
    assert 40 <= len(rows) < MANY
    (run,) = stored(home)
    assert run.info.state is RunState.CANCELLED
    # Whatever was written is in the store when a run ends in peace.
    assert run.info.begun >= len(rows)
    ended = home.scored(many)
    assert ended.code == 0, ended.errors
    assert f"resuming run {run.info.id}: " in ended.errors
    assert same(ended.rows, undisturbed)
    assert [run.info.state for run in stored(home)] == [RunState.DONE]


def test_all_three_metrics_survive_a_kill(home: Home, tmp_path: Path) -> None:
    images = draw_images(tmp_path / "images", 150)
    more = ("--metrics", "clip,blip2,lpips", "--topic", SAMPLE.topic, "--reference", str(SAMPLE.reference))
    wanted = Home(tmp_path / "other")
    wanted.folder.mkdir()
    undisturbed = wanted.scored(images, *more)
    assert undisturbed.code == 0, undisturbed.errors
    rows, code, _ = stopped(home, images, 30, signal.SIGKILL, *more)
    assert code == -signal.SIGKILL
    assert same(rows, undisturbed.rows[: len(rows)])
    ended = home.scored(images, *more)
    assert ended.code == 0, ended.errors
    assert same(ended.rows, undisturbed.rows)
    assert all(row["caption"] for row in ended.rows)


def test_an_image_that_changed_in_between_is_scored_again(home: Home, many: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(many, images)
    stopped(home, images, 60, signal.SIGTERM)
    before = kept(home)
    for number in (3, 30, MANY - 1):
        shutil.copy(SAMPLE.reference, images / f"{number:05}.png")
    ended = home.scored(images)
    assert f": {before - 2} of {MANY} are done" in ended.errors
    assert same(ended.rows, home.scored(images, "--no-store").rows)


def test_another_question_or_fresh_begins_a_run_of_its_own(home: Home, many: Path) -> None:
    stopped(home, many, 40)
    other = stopped(home, many, 40, signal.SIGTERM, "--prompt", "a red car")
    assert "going on" not in other[2]
    fresh = stopped(home, many, 40, signal.SIGTERM, "--fresh")
    assert "going on" not in fresh[2]
    assert len(stored(home)) == 3


def test_a_run_that_is_done_is_asked_anew_not_gone_on_with(home: Home, tmp_path: Path) -> None:
    images = link_images(tmp_path / "images", 4)
    assert home.scored(images).code == 0
    again = home.scored(images)
    assert again.code == 0
    assert "going on" not in again.errors
    assert [run.info.state for run in stored(home)] == [RunState.DONE, RunState.DONE]


def test_a_model_that_is_not_there_leaves_nothing_in_the_history(home: Home, tmp_path: Path) -> None:
    images = link_images(tmp_path / "images", 4)
    environment = {"HF_HUB_CACHE": str(tmp_path / "none"), "HF_HOME": str(tmp_path / "none")}
    ended = home.scored(images, "--profile", "aim", environment=environment)
    assert ended.code == 3
    assert "openai/clip-vit-base-patch32" in ended.errors
    assert stored(home) == []


def test_no_store_keeps_nothing(home: Home, tmp_path: Path) -> None:
    images = link_images(tmp_path / "images", 4)
    ended = home.scored(images, "--no-store")
    assert ended.code == 0, ended.errors
    assert len(ended.rows) == 4
    assert not home.data.exists()
    assert "stored as run" not in ended.errors
