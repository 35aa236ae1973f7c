"""Maps from the real worker process: alone, while a job runs, cancelled, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from aim_tui.core.heatmaps import MakeMap, MapMethod
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import MetricBatch
from aim_tui.core.scoring.jobs import Job
from aim_tui.ipc.protocol import Cancel, Configure, CountTokens, JobEnded, MapMade, RequestFailed, TokenCount
from tests.contract.test_worker_process import SETTINGS, Worker, gate, items, own, shared

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.core.scoring.events import Item

__all__ = ["gate", "items", "own", "shared"]


def asked(item: Item, text: str = "a cabin") -> MakeMap:
    return MakeMap(item.path, MapMethod.RELEVANCE, text, text)


def was_read(worker: Worker, number: int) -> None:
    """Return when the worker has read every request so far: its answer to a later one is there."""
    worker.send(number, CountTokens("a"))
    worker.until(TokenCount, number)


def at_the_gate(gate: Path) -> BinaryIO:
    """Open the gate for writing: that lasts until the worker waits there, in the middle of a batch."""
    return gate.open("wb")


def test_a_map_is_made_without_a_job(shared: Worker, items: list[Item]) -> None:
    shared.send(100, asked(items[0]))
    (made,) = shared.until(MapMade, 100)
    assert (len(made.map.grid), made.map.columns, made.map.width) == (8, 8, 40)
    assert made.map.score is not None


def test_a_map_is_made_between_the_batches_of_a_job(shared: Worker, items: list[Item], gate: Path) -> None:
    shared.send(110, asked(items[0]))
    shared.until(MapMade, 110)
    shared.send(111, Job(("noisy",), Context(prompt=str(gate)), items[:2]))
    with at_the_gate(gate) as door:
        shared.send(112, asked(items[1]))
        was_read(shared, 113)
        door.write(b"the first")
    # The second image still waits at its gate, so the job has not ended.
    assert len(shared.until(MapMade, 112)) == 1
    gate.write_text("the second")
    ended = shared.until(JobEnded, 111)
    assert ended[-1] == JobEnded("done")
    assert any(isinstance(body, MetricBatch) for body in ended)


def test_a_map_whose_model_is_not_loaded_waits_for_the_end_of_the_job(
    own: Worker, items: list[Item], gate: Path
) -> None:
    own.send(1, Configure(SETTINGS))
    own.send(2, Job(("noisy",), Context(prompt=str(gate)), items[:2]))
    with at_the_gate(gate) as door:
        own.send(3, asked(items[0]))
        was_read(own, 4)
        door.write(b"the first")
    order: list[type] = []
    while MapMade not in order:
        order.append(type(own.receive().body))
        # Not sooner: who reads the first would take it along.
        if order.count(MetricBatch) == 1 and order[-1] is MetricBatch:
            gate.write_text("the second")
    assert order.index(JobEnded) < order.index(MapMade)


def test_a_map_that_is_cancelled_before_its_turn_is_not_made(shared: Worker, items: list[Item], gate: Path) -> None:
    shared.send(120, Job(("noisy",), Context(prompt=str(gate)), items[:1]))
    with at_the_gate(gate) as door:
        shared.send(121, asked(items[0]))
        shared.send(122, asked(items[1]))
        shared.send(121, Cancel())
        was_read(shared, 123)
        door.write(b"go")
    numbers = []
    while not numbers or numbers[-1] != 122:
        message = shared.receive()
        if isinstance(message.body, MapMade):
            numbers.append(message.job)
    assert numbers == [122]


def test_what_cannot_be_mapped_is_answered_with_a_reason(own: Worker, items: list[Item], tmp_path: Path) -> None:
    own.send(1, asked(items[0]))
    (refused,) = own.until(RequestFailed, 1)
    assert "settings" in refused.error
    own.send(2, Configure(SETTINGS))
    own.send(3, MakeMap(str(tmp_path / "gone.png"), MapMethod.ATTENTION))
    (refused,) = own.until(RequestFailed, 3)
    assert "gone.png" in refused.error
    assert refused.hint
    own.send(4, MakeMap(items[0].path, MapMethod.DIFFERENCE, reference=items[1].path))
    (refused,) = own.until(RequestFailed, 4)
    assert "lpips" in refused.error
