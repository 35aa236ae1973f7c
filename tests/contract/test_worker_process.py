"""The worker process as the screen meets it: through its pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageRead, Item, MetricBatch, ModelLoaded, Phase, PhaseName, PromptRead
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.ipc.protocol import (
    PROTOCOL_VERSION,
    REPORTS,
    Cancel,
    Configure,
    CountTokens,
    Hello,
    JobEnded,
    Message,
    TokenCount,
    decode,
    encode,
)
from aim_tui.settings import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

NOISY = Path(__file__).parent / "noisy_worker.py"
SAMPLE_CLIP = str(paths.sample_data() / "models" / "clip")
SETTINGS = EngineSettings({Role.CLIP: ModelRef("sample clip", path=SAMPLE_CLIP)}, device="cpu")


class Worker:
    """A worker process, its requests and its reports."""

    def __init__(self, log: Path, *command: str) -> None:
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, *(command or (str(NOISY),))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=paths.sample_data().parent,
                env={**os.environ, "PYTHONPATH": str(paths.sample_data().parent)},
                start_new_session=True,
            )

    def send(self, job: int, body: Any) -> None:
        self.write(encode(Message(job, body)))

    def write(self, line: bytes) -> None:
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def receive(self) -> Message:
        line = self.process.stdout.readline()
        assert line, f"the worker ended:\n{self.log.read_text()}"
        return decode(line, REPORTS)

    def until(self, kind: type, job: int) -> list[Any]:
        """The bodies of a job, up to and including the first of a kind; reports of other numbers are dropped."""
        bodies = []
        while not bodies or not isinstance(bodies[-1], kind):
            message = self.receive()
            if message.job == job:
                bodies.append(message.body)
        return bodies

    def run(self, job: int, *metrics: str, context: Context, items: list[Item] = ()) -> list[Any]:
        self.send(job, Job(metrics, context, list(items)))
        return self.until(JobEnded, job)

    def ended(self) -> int:
        """The exit code, after the process has ended."""
        return self.process.wait(timeout=120)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A configured worker that the tests leave as they found it."""
    worker = Worker(tmp_path_factory.mktemp("shared") / "log")
    assert isinstance(worker.receive().body, Hello)
    worker.send(1, Configure(SETTINGS))
    yield worker
    worker.kill()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Worker]:
    """A worker that the test may end."""
    worker = Worker(tmp_path / "log")
    yield worker
    worker.kill()


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    folder = tmp_path_factory.mktemp("images")
    for number in range(5):
        Image.new("RGB", (40 + number, 40), (number * 40, 90, 60)).save(folder / f"{number}.png")
    return [Item(number, str(folder / f"{number}.png")) for number in range(5)]


def values(bodies: list[Any]) -> list[float]:
    return [value.value for body in bodies if isinstance(body, MetricBatch) for value in body.values]


def test_it_says_first_who_it_is(own: Worker) -> None:
    message = own.receive()
    assert message == Message(0, Hello(PROTOCOL_VERSION, own.process.pid))


def test_it_is_up_before_torch_is_imported() -> None:
    code = "import sys, aim_tui.worker.process; sys.exit(bool({'torch', 'transformers', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_job_reports_its_models_its_images_and_its_end(shared: Worker, items: list[Item]) -> None:
    bodies = shared.run(10, "clip", context=Context(prompt="a cabin"), items=items)
    # The first job of a process has torch imported as well.
    bodies = [body for body in bodies if not (isinstance(body, Phase) and body.name is PhaseName.STARTING)]
    kinds = [type(body) for body in bodies]
    assert kinds[:4] == [Phase, ModelLoaded, PromptRead, Phase]
    assert kinds.count(ImageRead) == 5
    assert kinds[-2:] == [MetricBatch, JobEnded]
    assert bodies[-1] == JobEnded("done")
    assert bodies[3] == Phase(PhaseName.SCORING)


def test_what_libraries_print_does_not_reach_the_stream(shared: Worker, items: list[Item]) -> None:
    bodies = shared.run(20, "noisy", context=Context(prompt="no gate"), items=items)
    assert values(bodies) == [40, 41, 42, 43, 44]
    log = shared.log.read_bytes()
    assert log.count(b"from a child") >= 5
    assert log.count(b"raw bytes \xff\xfe") >= 5
    assert log.count(b'"type": "JobEnded"') >= 5


def test_tokens_are_counted_while_a_job_runs(shared: Worker, items: list[Item], gate: Path) -> None:
    shared.send(30, Job(("noisy",), Context(prompt=str(gate)), items[:1]))
    shared.until(ImageRead, 30)
    shared.send(31, CountTokens("a cabin"))
    shared.send(32, CountTokens("cabin " * 80))
    assert shared.until(TokenCount, 31) == [TokenCount(4, 77, None, 0.0)]
    assert shared.until(TokenCount, 32)[0].cut_at == len("cabin " * 75)
    gate.write_text("go")
    assert shared.until(JobEnded, 30)[-1] == JobEnded("done")


def test_a_cancelled_job_ends_after_the_batch_that_runs(shared: Worker, items: list[Item], gate: Path) -> None:
    shared.send(40, Job(("noisy",), Context(prompt=str(gate)), items))
    # The first image is read, so its batch runs or is about to: it waits at the gate.
    bodies = shared.until(ImageRead, 40)
    shared.send(40, Cancel())
    # The answer proves that the cancellation was read before the image is let through.
    shared.send(41, CountTokens("a"))
    shared.until(TokenCount, 41)
    gate.write_text("the first")
    bodies += shared.until(JobEnded, 40)
    assert bodies[-1] == JobEnded("cancelled")
    assert values(bodies) == [40]


def test_a_job_can_be_cancelled_before_its_turn(shared: Worker, items: list[Item], gate: Path) -> None:
    shared.send(50, Job(("noisy",), Context(prompt=str(gate)), items[:1]))
    shared.send(51, Job(("noisy",), Context(prompt="no gate"), items))
    shared.send(51, Cancel())
    shared.send(52, CountTokens("a"))
    shared.until(TokenCount, 52)
    gate.write_text("go")
    assert shared.until(JobEnded, 50)[-1] == JobEnded("done")
    assert values(bodies := shared.until(JobEnded, 51)) == []
    assert bodies[-1] == JobEnded("cancelled")


def test_a_line_that_is_not_a_message_is_logged_and_the_next_is_answered(shared: Worker) -> None:
    for line in (b"nonsense\n", b"{}\n", b'{"job": 60, "type": "Dance", "body": {}}\n', b"\xff\xfe\n", b"\n"):
        shared.write(line)
    shared.send(61, CountTokens("a"))
    shared.until(TokenCount, 61)
    assert shared.log.read_bytes().count(b"not a message") >= 5


def test_a_model_that_cannot_be_had_ends_the_job_with_its_name_and_a_way_out(shared: Worker, items: list[Item]) -> None:
    missing = EngineSettings({Role.CLIP: ModelRef("far/away", path="/nowhere/clip")}, device="cpu")
    shared.send(70, Configure(missing))
    ended = shared.run(71, "clip", context=Context(prompt="a"), items=items)[-1]
    assert (ended.state, ended.model) == ("failed", "/nowhere/clip")
    assert "/nowhere/clip" in ended.error
    assert "sample" in ended.hint
    shared.send(72, Configure(SETTINGS))
    assert shared.run(73, "clip", context=Context(prompt="a"), items=items)[-1] == JobEnded("done")


def test_a_job_that_cannot_be_done_as_asked_reports_why(shared: Worker, items: list[Item]) -> None:
    ended = shared.run(80, "clip", context=Context(), items=items)[-1]
    assert (ended.state, ended.model) == ("failed", "")
    assert "no prompt" in ended.error


def test_ctrl_c_is_left_to_the_screen(shared: Worker) -> None:
    os.kill(shared.process.pid, signal.SIGINT)
    shared.send(90, CountTokens("a"))
    shared.until(TokenCount, 90)


def test_it_leaves_the_cores_to_the_screen(shared: Worker) -> None:
    assert os.getpriority(os.PRIO_PROCESS, shared.process.pid) > os.getpriority(os.PRIO_PROCESS, 0) or (
        os.getpriority(os.PRIO_PROCESS, 0) == 19
    )


def test_a_job_before_the_settings_is_refused_and_stdin_closing_ends_an_idle_worker(own: Worker) -> None:
    ended = own.run(1, "clip", context=Context(prompt="a"))[-1]
    assert ended.state == "failed"
    own.process.stdin.close()
    assert own.ended() == 0


def test_stdin_closing_ends_a_worker_in_the_middle_of_a_batch(own: Worker, items: list[Item], gate: Path) -> None:
    own.send(1, Configure(SETTINGS))
    own.send(2, Job(("noisy",), Context(prompt=str(gate)), items))
    own.until(ImageRead, 2)
    own.process.stdin.close()
    assert own.ended() == 0


def test_nobody_reading_ends_a_worker(own: Worker, items: list[Item], gate: Path) -> None:
    own.send(1, Configure(SETTINGS))
    own.send(2, Job(("noisy",), Context(prompt=str(gate)), items))
    own.until(ImageRead, 2)
    own.process.stdout.close()
    gate.write_text("go")
    assert own.ended() == 0


def test_a_killed_worker_closes_its_stream(own: Worker) -> None:
    own.receive()
    own.process.kill()
    assert own.process.stdout.readline() == b""
    assert own.ended() == -signal.SIGKILL


def test_the_module_runs_as_the_screen_starts_it(tmp_path: Path, items: list[Item]) -> None:
    worker = Worker(tmp_path / "log", "-m", "aim_tui.worker")
    worker.send(1, Configure(SETTINGS))
    bodies = worker.run(2, "clip", context=Context(prompt="a cabin"), items=items)
    worker.process.stdin.close()
    assert worker.ended() == 0
    assert len(values(bodies)) == 5
    from aim_tui.engine.engine import Engine

    events = Engine(SETTINGS).run(Job(("clip",), Context(prompt="a cabin"), items))
    assert values(bodies) == pytest.approx(values(list(events)), abs=1e-6)
    worker.kill()
