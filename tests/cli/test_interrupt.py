"""Stopping a headless run: what was finished is written and counted, and nothing else is."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from tests.survival.programs import Program

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = load_demo_data()
COUNT = 3000


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More images than are scored before the signal arrives."""
    folder = tmp_path / "many"
    folder.mkdir()
    sources = list_folder(SAMPLE.generations).images
    for number in range(COUNT):
        (folder / f"{number:05}.png").symlink_to(sources[number % len(sources)])
    return folder


def score(folder: Path) -> list[str]:
    return [
        "score", str(folder), "--profile", "sample", "--metrics", "clip", "--prompt", SAMPLE.prompt,
        "--format", "jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_after_the_batch_and_what_is_finished_is_written_and_counted(
    many: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with Program(score(many), tmp_path) as run:
        out = list(itertools.islice(run.lines(), 1))
        run.kill(number)
        out += run.lines()
        code, err = run.wait(), run.errors
    check_interrupted(out, code, err)


def test_a_program_of_its_own_is_stopped_too(many: Path) -> None:
    command = [sys.executable, "-m", "aim_tui", *score(many)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stderr is not None
        first = run.stdout.readline()
        run.send_signal(signal.SIGINT)
        out, err = first + run.stdout.read(), run.stderr.read()
        run.wait(timeout=120)
    check_interrupted(out.splitlines(), run.returncode, err)


def check_interrupted(out: list[str], code: int, err: str) -> None:
    rows = [json.loads(line) for line in out]
    assert code == 130, err
    assert 0 < len(rows) < COUNT
    assert all(row["status"] == "ok" for row in rows)
    assert f"{len(rows)} of {COUNT} scored, {COUNT - len(rows)} not reached" in err
    assert "Traceback" not in err


def test_a_reader_that_leaves_ends_the_run_without_a_traceback(many: Path, tmp_path: Path) -> None:
    with Program(score(many), tmp_path) as run:
        next(run.lines())
        run.leave()
        assert run.wait() == 141
        assert "Traceback" not in run.errors
