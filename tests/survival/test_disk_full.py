"""A full disk ends a run with its reason, and the run resumes once there is space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.store.database import Database
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs
from tests.survival.conftest import MANY, Home, same
from tests.survival.programs import Limits

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("output_format", ["jsonl", pytest.param("json", marks=pytest.mark.slow)])
def test_an_output_that_cannot_be_written_loses_no_score(
    home: Home, many: Path, undisturbed: list[dict[str, Any]], output_format: str
) -> None:
    ended = home.scored(many, "--format", output_format, "--output", "/dev/full")
    assert ended.code == 1
    assert "cannot write /dev/full: No space left on device" in ended.errors
    assert "Traceback" not in ended.errors
    assert "run the same command again to resume it" in ended.errors
    with Database.open(home.store) as database:
        (info,) = Runs(database).history()
    assert info.state is RunState.FAILED
    assert info.begun > 0
    again = home.scored(many)
    assert again.code == 0, again.errors
    assert f"resuming run {info.id}: {info.begun} of {MANY} are done" in again.errors
    assert same(again.rows, undisturbed)


def test_a_store_that_cannot_grow_ends_the_run_and_can_be_gone_on_with(
    home: Home, many: Path, undisturbed: list[dict[str, Any]]
) -> None:
    ended = home.scored(many, limits=Limits(file_bytes=300_000))
    assert ended.code == 1, ended.errors
    assert "error: the store" in ended.errors
    assert "--store" in ended.errors
    assert "Traceback" not in ended.errors
    assert same(ended.rows, undisturbed[: len(ended.rows)])
    again = home.scored(many)
    assert again.code == 0, again.errors
    assert same(again.rows, undisturbed)
    with Database.open(home.store) as database:
        assert database.connection().execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert all(info.state is not RunState.RUNNING for info in Runs(database).history())


def test_an_older_result_stays_whole_where_the_new_one_does_not_fit(home: Home, many: Path, tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    target.write_text("{}")
    ended = home.scored(
        many, "--format", "json", "--output", str(target), "--no-store", limits=Limits(file_bytes=50_000)
    )
    assert ended.code == 1
    assert f"cannot write {target}" in ended.errors
    assert target.read_text() == "{}"
    assert not list(tmp_path.glob(".result*"))
