"""`aim-tui score --watch`: images are scored once they are fully written, and Ctrl-C ends with the summary."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from aim_tui.store.database import Database
from aim_tui.store.records import RunState
from aim_tui.store.runs import Runs
from tests.survival.programs import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = load_demo_data()
IMAGES = list_folder(SAMPLE.generations).images


def watch(folder: Path, home: Path, prompt: tuple[str, ...] = ("--prompt", SAMPLE.prompt)) -> Program:
    command = [
        "score", str(folder), "--watch", "--profile", "sample", "--metrics", "clip",
        *prompt, "--format", "jsonl", "--store", str(home / "store.db"),
    ]  # fmt: skip
    return Program(command, home)


def row(lines: Iterator[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(lines))
    return found


def test_images_are_scored_as_they_become_whole_until_somebody_asks_to_stop(tmp_path: Path) -> None:
    folder, store = tmp_path / "out", tmp_path / "store.db"
    with watch(folder, tmp_path) as run:
        lines = run.lines()
        folder.mkdir()  # a folder that is not there yet is waited for
        shutil.copy(IMAGES[0], folder / "a.png")
        first = row(lines)
        assert (first["path"], first["status"]) == (str(folder / "a.png"), "ok")
        with Path(IMAGES[1]).open("rb") as whole, (folder / "b.png").open("wb") as slow:
            data = whole.read()
            slow.write(data[:1000])
            slow.flush()
            shutil.copy(IMAGES[2], folder / "c.png")
            assert row(lines)["path"] == str(folder / "c.png"), "one that is half written holds up no other"
            slow.write(data[1000:])
        last = row(lines)
        assert (last["path"], last["status"]) == (str(folder / "b.png"), "ok")
        (folder / "never.png").write_bytes(data[:1000])
        run.kill(signal.SIGINT)
        rest, code, said = list(lines), run.wait(), run.errors
    assert (code, rest) == (0, []), said
    assert "3 of 3 scored" in said
    assert "Traceback" not in said
    with Database.open(store, read_only=True) as database:
        runs = Runs(database)
        stored = runs.load(runs.find("last"))
    assert stored.info.state is RunState.DONE
    assert stored.info.images == 3
    assert [row.path.rpartition("/")[2] for row in stored.results.rows] == ["a.png", "c.png", "b.png"]
    assert stored.results.rows[0].final == first["final_score"]


def test_what_is_stopped_before_it_is_scored_counts_as_not_reached(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for number in range(3000):
        (folder / f"{number:04}.png").symlink_to(IMAGES[number % len(IMAGES)])
    with watch(folder, tmp_path) as run:
        lines = run.lines()
        row(lines)
        run.kill(signal.SIGINT)
        rest, code, said = list(lines), run.wait(), run.errors
    assert code == 130, said
    assert f"{len(rest) + 1} of 3000 scored, " in said
    assert "not reached" in said


def test_each_image_that_appears_brings_its_own_prompt_where_that_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with watch(folder, tmp_path, prompt=("--prompt-from", "sidecar")) as run:
        lines = run.lines()
        for name, prompt in (("a", "a cabin at a lake"), ("b", "")):
            if prompt:
                (folder / f"{name}.txt").write_text(prompt)
            shutil.copy(IMAGES[0], folder / f"{name}.png")
            found = row(lines)
            assert (found["clip_score"] is not None) == bool(prompt)
            assert found.get("prompt") == (prompt or None)
        run.kill(signal.SIGINT)
        assert run.wait() == 1


def test_an_image_that_is_replaced_is_scored_again_and_its_row_comes_again(tmp_path: Path) -> None:
    folder, store = tmp_path / "out", tmp_path / "store.db"
    folder.mkdir()
    shutil.copy(IMAGES[0], folder / "a.png")
    shutil.copy(IMAGES[1], folder / "b.png")
    with watch(folder, tmp_path) as run:
        lines = run.lines()
        before = [row(lines), row(lines)]
        (folder / "b.png").touch()  # what is only touched is not scored again
        shutil.copy(IMAGES[2], folder / "c.part")
        (folder / "c.part").replace(folder / "a.png")
        again = row(lines)
        run.kill(signal.SIGINT)
        rest, code, said = list(lines), run.wait(), run.errors
    assert (code, rest) == (0, []), said
    assert (again["path"], again["status"]) == (before[0]["path"], "ok")
    assert again["clip_score"] != before[0]["clip_score"]
    assert "a.png has changed since it was scored: it is scored again" in said
    assert "2 of 2 scored" in said
    with Database.open(store, read_only=True) as database:
        runs = Runs(database)
        stored = runs.load(runs.find("last"))
    assert stored.info.images == 2
    assert stored.results.rows[0].final == again["final_score"]
