"""The supervisor of the worker process, against scripted workers that behave well and badly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.heatmaps import MakeMap, MapMethod
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageRead, Item, MetricBatch
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.ipc.client import WorkerClient
from aim_tui.ipc.framing import pieces
from aim_tui.ipc.protocol import PROTOCOL_VERSION, REQUESTS, Hello, JobEnded, Message, decode, encode
from aim_tui.ipc.worker_state import Patience, WorkerGoneError, WorkerState

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTED = str(Path(__file__).parents[1] / "scripted_worker.py")
CONTEXT = Context(topic="a cabin", prompt="only one cabin", reference="")
QUICK = Patience(hello=120.0, answer=120.0, close=0.3, terminate=0.3)


class Listener:
    """Remembers everything that a client tells."""

    def __init__(self) -> None:
        self.reports: list[tuple[int, Any]] = []
        self.states: list[WorkerState] = []

    def client(self, *options: str, command: tuple[str, ...] | None = None, patience: Patience = QUICK) -> WorkerClient:
        return WorkerClient(
            lambda job, report: self.reports.append((job, report)),
            self.states.append,
            command=command or (sys.executable, SCRIPTED, *options),
            patience=patience,
        )

    def ends(self) -> list[JobEnded]:
        return [report for _, report in self.reports if isinstance(report, JobEnded)]

    def scored(self) -> list[int]:
        return [v.item for _, report in self.reports if isinstance(report, MetricBatch) for v in report.values]


@pytest.fixture
def heard() -> Listener:
    return Listener()


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


async def until(condition: Callable[[], Any], seconds: float = 120.0) -> None:
    """Let the loop run until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        await asyncio.sleep(0.005)


def job(count: int, metrics: tuple[str, ...] = ("clip",)) -> Job:
    return Job(metrics, CONTEXT, [Item(number, f"/images/img_{number}.png") for number in range(count)])


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def test_a_job_runs_from_start_to_end_and_the_states_tell_it(heard: Listener) -> None:
    client = heard.client()
    await client.start()
    await client.configure(EngineSettings(models={}))
    number = client.new_number()
    await client.submit(number, job(3, ("clip", "blip2")))
    await until(heard.ends)
    assert heard.ends() == [JobEnded("done")]
    assert {report_job for report_job, _ in heard.reports} == {number}
    assert sum(isinstance(report, ImageRead) for _, report in heard.reports) == 3
    await client.stop()
    states = WorkerState
    assert heard.states == [
        states.STARTING, states.READY, states.BUSY, states.LOADING, states.BUSY, states.READY, states.STOPPED,
    ]  # fmt: skip


async def test_a_large_job_does_not_stall_the_loop_while_it_is_handed_over(heard: Listener) -> None:
    client = heard.client()
    await client.start()
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            # Work alone: by the clock, other programs on the same cores would count too.
            before = time.thread_time()
            await asyncio.sleep(0.001)
            longest = max(longest, time.thread_time() - before)

    items = [Item(number, f"/images/{'deep/' * 10}img_{number}.png") for number in range(100_000)]
    ticking = asyncio.create_task(tick())
    number = client.new_number()
    await client.submit(number, Job(("clip",), CONTEXT, items))
    ticking.cancel()
    print(f"longest stall while handing over 100,000 items: {1000 * longest:.0f} ms")
    assert longest < 0.25
    await client.stop()


@pytest.mark.parametrize("count", [0, 1, 1000, 1001, 2500])
def test_a_job_in_pieces_is_the_same_line(count: int) -> None:
    whole = Message(7, Job(("clip", "lpips"), Context("[]", ']}}"items":[]', "x"), job(count).items))
    line = b"".join(pieces(whole))
    assert line == encode(whole)
    assert decode(line, REQUESTS) == whole


async def test_a_cancelled_job_ends_and_reports_it(heard: Listener, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    client = heard.client("--gate", str(gate))
    opened = asyncio.create_task(asyncio.to_thread(gate.open, "wb", buffering=0))
    await client.start()
    with await opened as stream:
        number = client.new_number()
        await client.submit(number, job(5))
        stream.write(b"..")
        await until(lambda: heard.scored() == [0, 1])
        await client.cancel(number)
        # The answer to a question asked after it proves that the worker has read the Cancel.
        await client.count_tokens("x")
        stream.write(b".")
        await until(heard.ends)
    assert heard.ends() == [JobEnded("cancelled")]
    assert heard.scored() == [0, 1]
    await client.stop()


async def test_a_job_waits_for_the_one_before_to_end(heard: Listener) -> None:
    client = heard.client()
    await client.start()
    first, second = client.new_number(), client.new_number()
    await asyncio.gather(client.submit(first, job(3)), client.submit(second, job(2)))
    await until(lambda: len(heard.ends()) == 2)
    jobs = [number for number, _ in heard.reports]
    assert jobs == sorted(jobs)
    await client.stop()


async def test_facts_of_another_job_are_dropped(heard: Listener) -> None:
    client = heard.client("--late")
    await client.start()
    number = client.new_number()
    await client.submit(number, job(3))
    await until(heard.ends)
    assert {report_job for report_job, _ in heard.reports} == {number}
    await client.stop()


async def test_tokens_are_counted_while_a_job_runs(heard: Listener, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    client = heard.client("--gate", str(gate))
    opened = asyncio.create_task(asyncio.to_thread(gate.open, "wb", buffering=0))
    await client.start()
    with await opened:
        await client.submit(client.new_number(), job(5))
        count = await client.count_tokens("only one cabin")
        assert (count.tokens, count.limit) == (5, 77)
        assert not heard.ends()
        await client.stop()


@pytest.mark.parametrize("options", [["--stray"], ["--garbage", "3"]])
async def test_a_few_stray_lines_are_passed_over(heard: Listener, options: list[str]) -> None:
    client = heard.client(*options)
    await client.start()
    await client.submit(client.new_number(), job(3))
    await until(heard.ends)
    assert heard.scored() == [0, 1, 2]
    await client.stop()


async def test_a_worker_that_only_talks_nonsense_is_ended_and_quoted(heard: Listener) -> None:
    client = heard.client("--garbage", "500")
    with pytest.raises(WorkerGoneError, match="does not speak the protocol; its output: Loading checkpoint shards"):
        await client.start()
    await until(lambda: client.state is WorkerState.CRASHED)
    await client.stop()


async def test_a_line_that_never_ends_is_nonsense_too(heard: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_tui.ipc.client._LONGEST_LINE", 100_000)
    client = heard.client(command=(sys.executable, "-c", "import os\nwhile True: os.write(1, b'x' * 65536)"))
    with pytest.raises(WorkerGoneError, match="does not speak the protocol"):
        await client.start()
    await client.stop()


async def test_a_worker_of_another_version_is_refused(heard: Listener) -> None:
    client = heard.client("--version", "99")
    with pytest.raises(WorkerGoneError, match=rf"protocol 99, the application {PROTOCOL_VERSION}:.*install"):
        await client.start()
    assert client.state is WorkerState.CRASHED
    assert client.pid is None


async def test_a_worker_that_never_says_hello_is_abandoned(heard: Listener) -> None:
    client = heard.client("--silent", patience=Patience(hello=0.5, close=0.3, terminate=0.3))
    with pytest.raises(WorkerGoneError, match="did not report for 0.5 s"):
        await client.start()
    assert client.state is WorkerState.CRASHED


async def test_a_worker_that_cannot_be_started_is_an_error_not_a_traceback(heard: Listener) -> None:
    client = heard.client(command=("/nowhere/python", "-m", "worker"))
    with pytest.raises(WorkerGoneError, match="could not be started: No such file"):
        await client.start()
    assert client.state is WorkerState.CRASHED


async def test_a_killed_worker_is_noticed_with_its_last_words_and_can_be_started_again(heard: Listener) -> None:
    client = heard.client("--crash-after", "2")
    await client.start()
    await client.submit(client.new_number(), job(5))
    await until(lambda: client.state is WorkerState.CRASHED)
    assert client.crash is not None
    assert client.crash.exit_code == -signal.SIGKILL
    assert "SIGKILL" in client.crash.reason
    assert "scripted: about to fall over" in client.crash.stderr_tail
    assert heard.scored() == [0, 1]
    with pytest.raises(WorkerGoneError, match="every score is kept"):
        await client.count_tokens("x")
    await client.start()
    await client.submit(client.new_number(), job(1))
    await until(heard.ends)
    await client.stop()


async def test_kill_9_from_outside_is_noticed_while_nothing_runs(heard: Listener) -> None:
    client = heard.client()
    await client.start()
    assert client.pid is not None
    os.kill(client.pid, signal.SIGKILL)
    await until(lambda: client.state is WorkerState.CRASHED)
    assert client.crash is not None and client.crash.exit_code == -9


async def test_whoever_waits_for_tokens_hears_of_the_crash(heard: Listener) -> None:
    client = heard.client(command=(
        sys.executable, "-c",
        f'import sys; print({encode(Message(0, Hello(PROTOCOL_VERSION, 1))).decode().strip()!r}, flush=True); '
        "sys.stdin.readline(); sys.exit(7)",
    ))  # fmt: skip
    await client.start()
    with pytest.raises(WorkerGoneError, match="exit code 7"):
        await client.count_tokens("x")


async def test_whoever_waits_for_a_map_behind_a_job_hears_of_the_crash(heard: Listener, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    client = heard.client("--gate", str(gate))
    # Open for reading too, so that neither side waits for the other.
    handle = os.open(gate, os.O_RDWR)
    await client.start()
    await client.submit(client.new_number(), job(1))
    waiting = asyncio.create_task(client.make_map(MakeMap("/images/img_1.png", MapMethod.ATTENTION)))
    await asyncio.sleep(0)
    # The answer proves that the request before it was read.
    await client.count_tokens("a")
    assert client.pid is not None
    os.kill(client.pid, signal.SIGKILL)
    with pytest.raises(WorkerGoneError, match="SIGKILL"):
        await waiting
    os.close(handle)


async def test_a_map_that_nobody_waits_for_any_more_is_cancelled(heard: Listener, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    client = heard.client("--gate", str(gate), "--cancelled", str(taken))
    handle = os.open(gate, os.O_RDWR)
    await client.start()
    await client.submit(client.new_number(), job(1))
    waiting = asyncio.create_task(client.make_map(MakeMap("/images/img_1.png", MapMethod.ATTENTION)))
    await asyncio.sleep(0)
    await client.count_tokens("a")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(taken.exists)
    os.write(handle, b".")
    await until(heard.ends)
    assert heard.ends() == [JobEnded("done")]
    await client.stop()
    os.close(handle)


async def test_stopping_closes_the_input_first_and_a_good_worker_leaves(heard: Listener) -> None:
    client = heard.client(patience=Patience(close=120.0))
    await client.start()
    pid = client.pid
    assert pid is not None
    await client.stop()
    assert not exists(pid)
    assert client.state is WorkerState.STOPPED


async def test_a_stubborn_worker_is_killed_with_its_group(heard: Listener) -> None:
    client = heard.client("--stubborn")
    await client.start()
    pid = client.pid
    assert pid is not None
    async with asyncio.timeout(120):
        await client.stop()
    assert not exists(pid)
    assert client.state is WorkerState.STOPPED


async def test_stopping_twice_or_before_the_start_does_nothing(heard: Listener) -> None:
    client = heard.client()
    await client.stop()
    await client.start()
    await client.stop()
    await client.stop()
    assert heard.states.count(WorkerState.STOPPED) == 1


async def test_undecodable_file_names_survive_the_way_there_and_back(heard: Listener, tmp_path: Path) -> None:
    told = tmp_path / "configured"
    client = heard.client("--configured", str(told))
    await client.start()
    path = os.fsdecode(b"/images/\xff\x1b[31m 3.png")
    await client.configure(EngineSettings(models={}, device=path))
    await client.submit(client.new_number(), Job(("clip",), CONTEXT, [Item(0, path)]))
    await until(heard.ends)
    assert json.loads(told.read_bytes())["body"]["settings"]["device"] == path
    assert heard.scored() == [0]
    await client.stop()
