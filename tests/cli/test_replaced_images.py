"""`aim-tui score` of images that were replaced under their names: no number of the one before is taken for theirs."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from aim_tui.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Cli = Callable[..., Outcome]

SAMPLE = load_demo_data()
IMAGES = list_folder(SAMPLE.generations).images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two old images that are as long as each other."""
    images = tmp_path / "images"
    images.mkdir()
    for name, image in (("a.png", IMAGES[0]), ("b.png", IMAGES[1])):
        shutil.copy(image, images / name)
    put(images / "a.png", IMAGES[0])
    return images


def put(path: Path, image: str, length: int = 200_000) -> None:
    """Put an image at a path in one step, of the same length and time as any other that is put there."""
    aside = path.with_name("aside")
    shutil.copy(image, aside)
    with aside.open("ab") as file:
        # What follows the end of a PNG is not read.
        file.write(bytes(length - file.tell()))
    os.utime(aside, ns=(10**18, 10**18))
    aside.replace(path)


def scores(cli: Cli, folder: Path, *more: str) -> dict[str, Any]:
    run = cli(
        "score", str(folder), "--profile", "sample", "--metrics", "clip", "--prompt", SAMPLE.prompt,
        "--format", "jsonl", *more,
    )  # fmt: skip
    assert run.code == 0, run.err
    rows = map(json.loads, run.out.splitlines())
    return {row["path"].rpartition("/")[2]: row["clip_score"] for row in rows}


def test_the_same_command_scores_it_again_though_its_length_and_time_are_the_same(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    store = ("--store", str(tmp_path / "store.db"))
    before = scores(cli, folder, *store)
    put(folder / "a.png", IMAGES[2])
    after = scores(cli, folder, *store)
    # A batch of one rounds otherwise than one of two.
    assert after == pytest.approx(scores(cli, folder, "--no-store"), abs=1e-6)
    assert abs(after["a.png"] - before["a.png"]) > 1e-4
    assert after["b.png"] == pytest.approx(before["b.png"], abs=1e-6)


def test_fresh_reads_files_again_whatever_is_remembered_of_them(cli: Cli, folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    os.utime(folder / "b.png", ns=(10**18, 10**18))
    right = scores(cli, folder, "--store", str(store))
    with Database.open(store) as database, database.writing() as connection:
        # As on a file system whose files look the same whatever they hold.
        a, b = connection.execute("SELECT sha256 FROM files ORDER BY path").fetchall()
        connection.execute("UPDATE files SET sha256 = CASE sha256 WHEN ? THEN ? ELSE ? END", (*a, *b, *a))
    assert scores(cli, folder, "--store", str(store)) == {"a.png": right["b.png"], "b.png": right["a.png"]}
    assert scores(cli, folder, "--store", str(store), "--fresh") == right
