"""Images that appear while a folder is watched."""

from __future__ import annotations

import io
import os
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aim_tui.core.scoring.jobs import ReadingPolicy
from aim_tui.inputs import folder_watcher
from aim_tui.inputs.folder_watcher import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 30.0


def png(size: int = 64) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((size, size), 80).convert("RGB").save(out, "PNG")
    return out.getvalue()


class Watching:
    """A watch in a thread of its own, and what it has handed on."""

    def __init__(self, *paths: Path | str, recursive: bool = False, known: tuple[str, ...] = ()) -> None:
        self.watch = Watch([str(path) for path in paths], recursive, ReadingPolicy(), known)
        self.found: list[str] = []
        self.looks = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for batch in self.watch.batches(self._stop.is_set):
            self.found += batch
            self.looks += 1

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, (self.found, self.watch.waiting, self.watch.problems)
            time.sleep(0.02)

    def sees(self, *paths: Path) -> None:
        self.until(lambda: set(map(str, paths)) <= set(self.found))

    def looks_again(self, times: int = 3) -> None:
        before = self.looks
        self.until(lambda: self.looks >= before + times)

    def end(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def watch() -> Iterator[Callable[..., Watching]]:
    begun: list[Watching] = []

    def begin(*paths: Path | str, recursive: bool = False, known: tuple[str, ...] = ()) -> Watching:
        begun.append(Watching(*paths, recursive=recursive, known=known))
        return begun[-1]

    yield begin
    for each in begun:
        each.end()


def aged(path: Path) -> Path:
    os.utime(path, (time.time() - 3600, time.time() - 3600))
    return path


def test_what_is_there_comes_first_and_what_is_known_never(watch: Callable[..., Watching], tmp_path: Path) -> None:
    for name in ("known.png", "old.png", "broken.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"no image" if name == "broken.png" else png())
        aged(tmp_path / name)
    seen = watch(tmp_path, known=(str(tmp_path / "known.png"),))
    seen.sees(tmp_path / "old.png", tmp_path / "broken.png")
    (tmp_path / "new.png").write_bytes(png())
    seen.sees(tmp_path / "new.png")
    assert len(seen.found) == 3


def test_a_file_that_is_written_slowly_waits_until_it_is_whole(watch: Callable[..., Watching], tmp_path: Path) -> None:
    data, path = png(), tmp_path / "slow.png"
    seen = watch(tmp_path)
    with path.open("wb") as stream:
        for part in (data[:0], data[: len(data) // 2]):
            stream.write(part)
            stream.flush()
            seen.until(lambda: str(path) in seen.watch.waiting)
            seen.looks_again()
            assert seen.found == []
        stream.write(data[len(data) // 2 :])
    seen.sees(path)
    assert seen.watch.waiting == {}


def test_a_file_moved_into_place_comes_once_and_again_when_it_is_replaced(
    watch: Callable[..., Watching], tmp_path: Path
) -> None:
    seen = watch(tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "part").write_bytes(png())
    (tmp_path / "part").rename(tmp_path / "out" / "a.png")
    seen.sees(tmp_path / "out" / "a.png")
    seen.looks_again()
    assert seen.found == [str(tmp_path / "out" / "a.png")]
    (tmp_path / "out" / "a.png").write_bytes(png(32))
    seen.until(lambda: seen.found == [str(tmp_path / "out" / "a.png")] * 2)


def test_a_known_file_comes_when_another_of_its_size_and_time_takes_its_place(
    watch: Callable[..., Watching], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    known = folder / "a.png"
    known.write_bytes(png())
    os.utime(known, ns=(10**18, 10**18))
    seen = watch(folder, known=(str(known),))
    seen.looks_again()
    assert seen.found == []
    other = tmp_path / "b.png"
    other.write_bytes(known.read_bytes())
    os.utime(other, ns=(10**18, 10**18))
    other.replace(known)
    seen.sees(known)


def test_a_folder_that_vanishes_and_comes_again_is_survived(watch: Callable[..., Watching], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.png").write_bytes(png())
    seen = watch(folder)
    seen.sees(folder / "a.png")
    folder.rename(tmp_path / "elsewhere")
    seen.until(lambda: bool(seen.watch.problems))
    assert seen.watch.problems[0].path == str(folder)
    folder.mkdir()
    (folder / "b.png").write_bytes(png())
    seen.sees(folder / "b.png")
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "elsewhere", folder)
    (folder / "c.png").write_bytes(png())
    seen.sees(folder / "c.png")


def test_sub_folders_and_patterns_are_watched_where_they_are_asked_for(
    watch: Callable[..., Watching], tmp_path: Path
) -> None:
    deep, pattern = watch(tmp_path, recursive=True), watch(tmp_path / "*" / "night_*.png")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("night_1.png", "day_1.png"):
            (tmp_path / folder / name).write_bytes(png())
    deep.sees(tmp_path / "one" / "day_1.png", tmp_path / "two" / "night_1.png")
    pattern.sees(tmp_path / "one" / "night_1.png", tmp_path / "two" / "night_1.png")
    assert not any("day" in path for path in pattern.found)


def test_where_nothing_reports_changes_the_clock_does_and_it_is_said(
    watch: Callable[..., Watching], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr("watchfiles.watch", refuse)
    monkeypatch.setattr(folder_watcher, "_MAX_LISTING_INTERVAL", 0.1)
    seen = watch(tmp_path)
    (tmp_path / "a.png").write_bytes(png())
    seen.sees(tmp_path / "a.png")
    assert "OS file watch limit reached" in seen.watch.notice
