"""The application opens with the settings of the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aim_tui.cli.launching import ImageSource, launch, source_of
from aim_tui.errors import UsageError
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


def test_a_folder_is_opened_as_it_is_and_an_image_in_its_folder_with_the_cursor_on_it(tmp_path: Path) -> None:
    (tmp_path / "a.avif").touch()
    assert source_of([str(tmp_path)]) == ImageSource(tmp_path)
    assert source_of([str(tmp_path)], recursive=True) == ImageSource(tmp_path, recursive=True)
    assert source_of([str(tmp_path / "a.avif")]) == ImageSource(tmp_path, current=str(tmp_path / "a.avif"))


def test_several_paths_are_opened_in_the_lowest_folder_that_holds_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").touch()
    monkeypatch.chdir(tmp_path)
    paths = ("one/a.png", "two", "two/*.png")
    whole = tuple(f"{tmp_path}/{path}" for path in paths)
    assert source_of(paths, recursive=True) == ImageSource(tmp_path, whole, recursive=True)
    assert source_of(["two/*.png"]) == ImageSource(tmp_path / "two", (f"{tmp_path}/two/*.png",))
    assert source_of(["one/a.png", "one"]).folder == tmp_path / "one"


def test_a_path_that_is_not_there_is_refused_before_anything_opens(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        source_of([str(tmp_path), str(tmp_path / "gone.png")])


def test_paths_and_the_option_for_sub_folders_open_without_typer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aim_tui import cli

    opened = []
    monkeypatch.setattr(
        "aim_tui.cli.launching.open_plainly", lambda paths, recursive: opened.append((paths, recursive))
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").touch()
    for args in ([], ["a.png", os.curdir, "-r"], ["-r"]):
        with pytest.raises(SystemExit):
            cli._run(args)
    assert opened == [(["."], False), (["a.png", "."], True), (["."], True)]


def test_a_profile_counts_as_given_where_it_is_named(tmp_path: Path) -> None:
    assert launch(resolve(profile="sample"), tmp_path).profile_given
    assert not launch(resolve(), tmp_path).profile_given
