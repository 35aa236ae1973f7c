"""A store that cannot be used is an error that names it and the ways out; its file stays as it is."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aim_tui.store.database import Database
from aim_tui.store.runs import Runs
from tests.survival.conftest import Home, link_images
from tests.survival.programs import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.survival.programs import Ended


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return link_images(tmp_path / "images", 3)


def refused(ended: Ended, path: Path, says: str) -> None:
    """The run ended before it began, and says which file is in the way and what can be done."""
    assert ended.code == 1, ended.errors
    (error,) = [line for line in ended.errors.splitlines() if line.startswith("error:")]
    (hint,) = [line for line in ended.errors.splitlines() if line.startswith("hint:")]
    assert says in error
    assert str(path) in error
    assert "--store" in hint
    assert "--no-store" in hint
    assert "loading" not in ended.errors
    assert "Traceback" not in ended.errors
    assert ended.out == []


def truncated(path: Path) -> None:
    Database.open(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def newer(path: Path) -> None:
    Database.open(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


def text(path: Path) -> None:
    path.write_text("my diary\n" * 100)


def of_another_program(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (address)")
        connection.commit()


def empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (truncated, "is truncated"),
        (newer, "has version 999"),
        (text, "is not a database"),
        (of_another_program, "is the database of another program"),
        (empty, "is truncated"),
    ],
)
def test_a_file_that_is_not_a_store_is_named_and_left_alone(
    home: Home, images: Path, tmp_path: Path, make: Callable[[Path], None], says: str
) -> None:
    path = tmp_path / "kept" / "store.db"
    path.parent.mkdir()
    make(path)
    before = path.read_bytes()
    refused(home.scored(images, "--store", str(path)), path, says)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["store.db"]
    for command in (("runs", "list"), ("runs", "show", "last"), ("cache", "info"), ("report", "last", "-o", "x.html")):
        ended = home.run(*command, "--store", str(path))
        assert ended.code == 1
        assert says in ended.errors
    assert path.read_bytes() == before


def test_a_locked_store_is_waited_for_and_then_named(home: Home, images: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Database.open(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        ended = home.scored(images, "--store", str(path), limits=Limits(patience=0.05))
        refused(ended, path, "has been locked by another program")
        connection.execute("ROLLBACK")
    assert home.scored(images, "--store", str(path)).code == 0


@pytest.mark.skipif(
    os.getuid() == 0 and not all(path.stat().st_mode & 0o001 for path in Path(sys.base_prefix).resolve().parents),
    reason="root is not bound by permissions, and no other user may read this Python",
)
@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o777), (0o666, 0o555)])
def test_a_read_only_store_is_refused_for_scoring_and_can_still_be_looked_at(file: int, folder: int) -> None:
    # Permissions do not bind root, and another user does not get into pytest's folders.
    limits = Limits(user=65534 if os.getuid() == 0 else 0)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        home, path = Home(Path(name)), Path(name, "kept", "store.db")
        images = link_images(Path(name, "images"), 3)
        assert home.scored(images, "--store", str(path)).code == 0
        with Database.open(path) as database:
            (info,) = Runs(database).history()
        before = path.read_bytes()
        path.chmod(file)
        path.parent.chmod(folder)
        refused(home.scored(images, "--store", str(path), limits=limits), path.parent, "is read-only")
        listed = home.run("runs", "list", "--store", str(path), limits=limits)
        assert info.id in listed.out[1], listed.errors
        assert path.read_bytes() == before


def test_a_data_folder_that_cannot_be_made_is_named(home: Home, images: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "store.db"
    ended = home.scored(images, "--store", str(path))
    assert ended.code == 1
    assert "Not a directory" in ended.errors
    assert "--no-store" in ended.errors


def test_the_environment_names_the_store_and_the_option_wins(home: Home, images: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    environment = {"AIM_TUI_STORE": str(one)}
    assert home.scored(images, environment=environment).code == 0
    assert one.exists()
    assert home.scored(images, "--store", str(other), environment=environment).code == 0
    with Database.open(one) as first, Database.open(other) as second:
        assert len(Runs(first).history()) == len(Runs(second).history()) == 1
    assert not home.store.exists()


def test_folder_and_store_are_the_users_alone_whatever_the_umask(home: Home, images: Path) -> None:
    before = os.umask(0)
    try:
        assert home.scored(images).code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.data.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in home.data.iterdir()} == {0o600}
