"""The application opens with the settings of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_tui.cli.launching import launch
from aim_tui.runs.setup import resolve

if TYPE_CHECKING:
    from pathlib import Path


def test_ratings_bear_the_name_that_the_settings_give(tmp_path: Path) -> None:
    settings = tmp_path / "config" / "aim-tui" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[review]\nrater = "ann"\n')
    assert launch(resolve(), tmp_path).rater == "ann"


def test_without_such_a_name_it_is_left_to_the_login(tmp_path: Path) -> None:
    assert launch(resolve(), tmp_path).rater == ""
