"""Whatever happens to the worker or to the files, no row is lost, none comes twice, and each failure says why."""

from __future__ import annotations

import multiprocessing
import os
import random
import socket
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.scoring.events import ImageFailed, MetricBatch
from aim_tui.core.scoring.jobs import EngineSettings, Job, ReadingPolicy
from aim_tui.engine.engine import Engine
from tests.engine.conftest import collect, items, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from aim_tui.core.metrics.spec import ModelRef, Role
    from aim_tui.core.scoring.context import Context
    from aim_tui.core.scoring.events import Item, MetricValue
    from tests.engine.conftest import Ran

ALL = ("clip", "blip2", "lpips")


def report(settings: EngineSettings, job: Job, to: Connection) -> None:
    """The life of a worker: send each event."""
    for event in Engine(settings).run(job):
        to.send(event)
    to.close()


class Rows:
    """What arrived of all the workers together."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, int], MetricValue] = {}

    def hear(self, event: Any) -> None:
        if isinstance(event, MetricBatch):
            for value in event.values:
                assert (event.metric, value.item) not in self.values, "a row came twice"
                self.values[event.metric, value.item] = value

    def left(self, listed: list[Item]) -> list[Item]:
        return [item for item in listed if any((metric, item.id) not in self.values for metric in ALL)]


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_a_worker_that_is_killed_again_and_again_loses_no_row(
    refs: dict[Role, ModelRef],
    context: Context,
    pictures: list[Path],
    score: Callable[..., Ran],
    tmp_path: Path,
    kills: int,
) -> None:
    listed = items(pictures * 3)
    settings = EngineSettings(refs, device="cpu", batch_size=2, store=str(tmp_path / "store.db"))
    processes = multiprocessing.get_context("forkserver")
    # Forking from a process that has imported the libraries saves their seconds ten times.
    processes.set_forkserver_preload(["tests.engine.test_survival", "sentence_transformers", "lpips"])
    rows, chance, killed = {metric: {} for metric in ALL}, random.Random(3), 0
    for attempt in range(kills + 1):
        ours, theirs = processes.Pipe(duplex=False)
        worker = processes.Process(target=report, args=(settings, Job(ALL, context, listed), theirs))
        worker.start()
        theirs.close()
        heard = 0
        until = chance.randint(5, 60) if attempt < kills else None
        seen = Rows()
        try:
            while heard != until:
                seen.hear(ours.recv())
                heard += 1
        except EOFError:
            assert attempt == kills or not seen.left(listed)
        if worker.is_alive() and until is not None:
            worker.kill()
            killed += 1
        worker.join()
        for (metric, item), value in seen.values.items():
            before = rows[metric].setdefault(item, value)
            assert (before.state, before.caption) == (value.state, value.caption)
            assert before.value == pytest.approx(value.value, abs=1e-6), "what was reported before it was killed stands"
    assert killed >= kills // 2
    undisturbed = score(pictures * 3, *ALL)
    for metric in ALL:
        assert sorted(rows[metric]) == [item.id for item in listed]
        found = [rows[metric][item.id].value for item in listed]
        assert found == pytest.approx(undisturbed.numbers(metric), abs=1e-6)


def broken_files(folder: Path, good: Path, count: int) -> list[Path]:
    """So many files of each of ten ways to be broken."""
    whole = good.read_bytes()
    contents = {
        "empty": b"",
        "text": b"not an image at all\n",
        "zeros": bytes(1000),
        "cut": whole[: len(whole) // 2],
        "header": whole[:20],
        "scrambled": whole[:50] + bytes(reversed(whole[50:])),
        "large": whole + bytes(300_000),
    }
    paths = []
    for number in range(count):
        for name, content in contents.items():
            path = folder / f"{name}{number}.png"
            path.write_bytes(content)
            paths.append(path)
        vanished, directory, pipe = (folder / f"{name}{number}.png" for name in ("gone", "folder", "pipe"))
        directory.mkdir()
        os.mkfifo(pipe)
        paths += [vanished, directory, pipe]
    return paths


@pytest.mark.parametrize("of_each", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_of_many_files_a_tenth_is_broken_and_every_row_is_accounted_for(
    refs: dict[Role, ModelRef], context: Context, pictures: list[Path], tmp_path: Path, of_each: int
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    good = [picture(folder / f"{number}.png", 34, 34, seed=number) for number in range(90 * of_each)]
    broken = broken_files(folder, pictures[0], of_each)
    paths = [*good, *broken]
    random.Random(5).shuffle(paths)
    policy = ReadingPolicy(max_bytes=200_000)
    settings = EngineSettings(refs, device="cpu", reading=policy, store=str(tmp_path / "store.db"))
    job = Job(("clip", "lpips"), context, items(paths))
    first, again = collect(Engine(settings).run(job)), collect(Engine(settings).run(job))
    for ran in (first, again):
        assert {paths[item] for item in ran.unreadable} == set(broken)
        assert all(ran.unreadable.values())
        for metric in job.metrics:
            assert {paths[item] for item in ran.values[metric]} == set(good)
    assert again.unreadable == first.unreadable
    assert again.numbers("clip") == first.numbers("clip")
    alone = collect(Engine(EngineSettings(refs, device="cpu")).run(Job(job.metrics, context, items(good))))
    by_path = {paths[item]: value.value for item, value in first.values["clip"].items()}
    assert [by_path[path] for path in good] == pytest.approx(alone.numbers("clip"), abs=1e-5)


def test_a_file_that_vanishes_in_the_middle_of_a_job_fails_its_row_alone(
    refs: dict[Role, ModelRef], context: Context, pictures: list[Path], tmp_path: Path
) -> None:
    paths = [picture(tmp_path / f"{number}.png", 40, 40, seed=number) for number in range(40)]
    job = Job(("clip",), context, items(paths))
    events = []
    for event in Engine(EngineSettings(refs, device="cpu", batch_size=2)).run(job):
        events.append(event)
        if isinstance(event, MetricBatch):
            paths[-1].unlink(missing_ok=True)
    ran = collect(events)
    assert [event.item for event in ran.of(ImageFailed)] == [39]
    assert sorted(ran.values["clip"]) == list(range(39))


def test_scoring_touches_no_network(
    refs: dict[Role, ModelRef],
    context: Context,
    pictures: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[object] = []

    def refuse(*arguments: object, **named: object) -> None:
        tried.append(arguments)
        raise OSError("no network here")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    settings = EngineSettings(refs, device="cpu", store=str(tmp_path / "store.db"))
    for _ in ("fresh", "kept"):
        ran = collect(Engine(settings).run(Job(ALL, context, items(pictures))))
        assert all(len(ran.numbers(metric)) == len(pictures) for metric in ALL)
    assert not tried
