"""A run reports to its display and nowhere else, whatever computes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aim_tui.core.scoring.events import ImageFailed, MetricBatch, MetricValue, Notice, Phase, PhaseName, numbered
from aim_tui.exports.formats import get_format
from aim_tui.exports.images import ScoredImages
from aim_tui.exports.sink import Sink
from aim_tui.runs.display import Display, Tone
from aim_tui.runs.recording import Record
from aim_tui.runs.runner import image_work, run
from aim_tui.runs.setup import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from aim_tui.core.scoring.events import Event
    from aim_tui.core.scoring.jobs import Job


class Scripted:
    """An executor with two images: one has a score, the other cannot be read."""

    closed = False

    def run(self, job: Job, should_stop: Callable[[], bool] = bool) -> Generator[Event]:
        yield Phase(PhaseName.LOADING, "a model")
        yield Phase(PhaseName.SCORING)
        yield Notice("slow today")
        yield Notice("slow today")
        yield MetricBatch("clip", [MetricValue(job.items[0].id, "present", value=0.3)])
        yield ImageFailed(job.items[1].id, "not an image")

    def close(self) -> None:
        self.closed = True


class Listening(Display):
    def __init__(self) -> None:
        self.lines: list[tuple[str, Tone]] = []
        self.phases: list[str] = []
        self.done: list[int] = []

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        self.lines.append((text, tone))

    def phase(self, text: str) -> None:
        self.phases.append(text)

    def progress(self, text: str = "", done: int | None = None, total: int | None = None) -> None:
        if done is not None:
            self.done.append(done)


@pytest.fixture
def scored(tmp_path: Path) -> Callable[..., tuple[int, Scripted, Path]]:
    def score(display: Any) -> tuple[int, Scripted, Path]:
        setup = resolve(profile="sample", metrics="clip", prompt="a cabin")
        record, executor, output = Record(setup, numbered(["a.png", "b.png"])), Scripted(), tmp_path / "out.jsonl"
        writer = get_format("jsonl", ScoredImages).writer(
            ScoredImages(record.results, setup.provenance()), Sink(output)
        )
        return run(image_work(setup), writer, record, display, executor=executor), executor, output

    return score


def test_rows_go_to_the_writer_and_words_to_the_display(scored: Any, capfd: pytest.CaptureFixture[str]) -> None:
    display = Listening()
    code, executor, output = scored(display)
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert code == 1
    assert [(row["path"], row["clip_score"], row["error"]) for row in rows] == [
        ("a.png", 0.3, None), ("b.png", None, "not an image"),
    ]  # fmt: skip
    assert executor.closed
    assert display.phases == ["loading a model"]
    assert display.lines.count(("slow today", Tone.WARNING)) == 1
    assert ("b.png: not an image", Tone.ERROR) in display.lines
    assert display.lines[-1][0].startswith("1 of 2 scored, 1 failed")
    assert display.done[-1] == 2
    assert capfd.readouterr() == ("", "")


def test_a_silent_display_leaves_stdout_and_stderr_alone(scored: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert scored(Display())[0] == 1
    assert capfd.readouterr() == ("", "")
