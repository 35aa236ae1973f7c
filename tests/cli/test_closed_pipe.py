"""A reader that leaves (`| head`): every command ends quietly, and a run that was scored to its end is done."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aim_tui.core.scoring.plan import Status
from aim_tui.exports.sink import READER_LEFT
from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.store.database import Database
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = load_demo_data()


def read_by_nobody(*arguments: str, stderr: int | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run `aim-tui ARGUMENTS` into a pipe without a reader."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "aim_tui", *arguments]
        return subprocess.run(command, stdout=writer, stderr=stderr or subprocess.PIPE, timeout=120, check=False)
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    "command", ["metrics", "keys", "keys --markdown", "models list --profile sample", "--version", "runs list --json"]
)
def test_a_command_whose_reader_left_is_quiet(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database.open(tmp_path / "store.db").close()
    monkeypatch.setenv("AIM_TUI_STORE", str(tmp_path / "store.db"))
    run = read_by_nobody(*command.split())
    assert (run.returncode, run.stderr) == (READER_LEFT, b"")


def test_help_is_quiet_too() -> None:
    assert read_by_nobody("help").stderr == b""


def score(store: Path, *more: str, stderr: int | None = None) -> subprocess.CompletedProcess[bytes]:
    return read_by_nobody(
        "score", str(SAMPLE.generations), "--profile", "sample", "--metrics", "clip", "--prompt", SAMPLE.prompt,
        "--store", str(store), *more, stderr=stderr,
    )  # fmt: skip


def state(store: Path) -> tuple[RunState, int]:
    with Database.open(store) as database:
        runs = Runs(database)
        run = runs.load(runs.find("last"))
    return run.info.state, sum(row.status is Status.PENDING for row in run.results.rows)


def test_a_run_whose_table_nobody_reads_is_done(tmp_path: Path) -> None:
    run = score(tmp_path / "store.db")
    assert run.returncode == READER_LEFT
    assert b"Traceback" not in run.stderr
    assert b"to resume it" not in run.stderr
    assert state(tmp_path / "store.db") == (RunState.DONE, 0)


def test_a_run_that_was_cut_before_its_end_goes_on_and_one_that_was_all_scored_is_done(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    run = score(store, "--format", "jsonl", "--batch-size", "1")
    assert run.returncode == READER_LEFT
    assert b"run the same command again to resume it" in run.stderr
    cut, left = state(store)
    assert (cut, left > 0) == (RunState.CANCELLED, True)
    # All of it is computed, and no row is read.
    assert score(store, "--output", str(tmp_path / "out.csv")).returncode == 0
    run = score(store, "--format", "jsonl", "--fresh")
    assert run.returncode == READER_LEFT
    assert state(store) == (RunState.DONE, 0)


def test_without_a_reader_of_messages_the_run_goes_on(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    run = score(tmp_path / "store.db", "--output", str(tmp_path / "out.csv"), stderr=writer)
    os.close(writer)
    assert run.returncode == 0
    assert state(tmp_path / "store.db") == (RunState.DONE, 0)
    assert (tmp_path / "out.csv").read_text().count("\n") > 2
