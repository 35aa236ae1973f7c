"""`aim-tui keys`: every binding with its id and its keys."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aim_tui.ui.keymap import key_actions


@pytest.fixture
def keys(tmp_path: Path) -> Any:
    def run(settings: str, *options: str) -> subprocess.CompletedProcess[str]:
        config = tmp_path / "config.toml"
        config.write_text(settings)
        command = [sys.executable, "-m", "aim_tui", "keys", "--config", str(config), *options]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    return run


def test_all_bindings_are_listed_and_those_that_were_changed_are_marked(keys: Any) -> None:
    told = keys('[keys]\n"main.score" = "ctrl+t"\n')
    lines = {line.split()[0]: line for line in told.stdout.splitlines()}
    assert set(lines) == set(key_actions())
    assert " * ctrl+t " in lines["main.score"]
    assert [id for id, line in lines.items() if " * " in line] == ["main.score"]
    assert (told.returncode, told.stderr) == (0, "")


def test_the_document_has_every_key_as_it_comes(keys: Any) -> None:
    documents = (Path(__file__).parents[2] / "docs").glob("keys*.md")
    # `python docs/examples.py --write` brings them up to date.
    rows = [
        line for page in documents for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")
    ]
    told = keys("", "--markdown").stdout
    assert all(f"`{id}`" in told for id in key_actions())
    assert sorted(rows) == sorted(line for line in told.splitlines() if line.startswith("|"))


def test_conflicts_are_listed_separately(keys: Any) -> None:
    settings = '[keys]\n"main.score" = "x"\n'
    assert "config.toml, line 2: keys.main.score: x is also the key of Cancel" in keys(settings).stderr
    told = json.loads(keys(settings, "--json").stdout)
    (score,) = [each for each in told["keys"] if each["id"] == "main.score"]
    assert (score["keys"], score["default"], score["changed"]) == (["x"], ["s"], True)
    assert len(told["conflicts"]) == 1


def test_a_mistake_ends_it_with_the_place(keys: Any) -> None:
    told = keys('[keys]\n"main.scor" = "x"\n')
    assert told.returncode == 2
    assert "config.toml, line 2: keys.main.scor: " in told.stderr
    assert "did you mean 'main.score'?" in told.stderr
