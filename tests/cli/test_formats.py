"""Commands know a file format as soon as it is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.store.database import Database
from aim_tui.store.runs import Runs
from tests.exports.toy_format import register_toy
from tests.store.samples import items, request, scored

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = load_demo_data()


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    register_toy(monkeypatch)


def test_score_streams_it(cli: Any, tmp_path: Path) -> None:
    image = next(SAMPLE.generations.glob("*.webp"))
    asked = ("score", str(image), "--profile", "sample", "--metrics", "clip", "--prompt", "a cabin", "--no-store")
    assert cli(*asked, "--format", "toy").out == f"toy of path and clip_score\n{image}!\n"
    assert cli(*asked, "--format", "toy", "-o", str(tmp_path / "x")).code == 0
    assert (tmp_path / "x").read_text() == f"toy of path and clip_score\n{image}!\n"
    assert "did you mean 'toy'?" in cli(*asked, "--format", "toi").err


def test_a_stored_run_is_exported_by_its_ending(cli: Any, tmp_path: Path) -> None:
    with Database.open() as database, Runs(database).begin(request(), items(2)) as writer:
        writer.write(*scored(0, "a caption"))
    assert cli("runs", "export", "last", "-o", str(tmp_path / "x.toy")).code == 0
    head, *lines = (tmp_path / "x.toy").read_text().splitlines()
    assert head == "toy of path and clip_score"
    assert len(lines) == 2
    assert "toy" in cli("runs", "export", "last", "-o", str(tmp_path / "x.txt")).err
    assert "did you mean 'toy'?" in cli("runs", "export", "last", "-f", "toi").err
