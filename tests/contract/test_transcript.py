"""One conversation, held with the scripted and with the real worker: both keep the same order and the same promises."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aim_tui.core.heatmaps import MakeMap, Map, MapMethod
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import (
    ImageFailed,
    ImageRead,
    Item,
    MetricBatch,
    ModelLoaded,
    Phase,
    PhaseName,
    PromptRead,
)
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.errors import AimError
from aim_tui.ipc.client import WORKER_COMMAND, WorkerClient
from aim_tui.ipc.protocol import JobEnded
from aim_tui.ipc.worker_state import Patience, WorkerState
from aim_tui.settings import paths
from aim_tui.settings.settings import load_settings

SCRIPTED = (sys.executable, str(Path(__file__).parents[1] / "scripted_worker.py"))
METRICS = ("clip", "blip2", "lpips")


@dataclass
class Transcript:
    """What was said of two jobs, in order."""

    first: list[Any] = field(default_factory=list)
    second: list[Any] = field(default_factory=list)
    tokens: int = 0
    map: Map | None = None
    no_map: str = ""
    items: int = 0

    def of(self, kind: type) -> list[Any]:
        return [report for report in self.first if isinstance(report, kind)]


def generations() -> list[str]:
    return sorted(str(path) for path in (paths.sample_data() / "generations").iterdir())


async def hold(command: tuple[str, ...], folder: Path) -> Transcript:
    """Start, configure, count, score three images of which one is broken, score none, stop."""
    broken = folder / "broken.png"
    broken.write_text("this is no image")
    images = [*generations()[:2], str(broken)]
    items = [Item(number, path) for number, path in enumerate(images)]
    context = Context("a wooden cabin in the snow", "only one wooden cabin", generations()[0])
    reports: dict[int, list[Any]] = {}
    client = WorkerClient(
        lambda job, report: reports.setdefault(job, []).append(report),
        lambda state: None,
        command=command,
        patience=Patience(hello=300.0, answer=300.0),
    )
    await client.start()
    await client.configure(EngineSettings(models=dict(load_settings().profile("sample").models), device="cpu"))
    count = await client.count_tokens(context.prompt)
    made = await client.make_map(MakeMap(images[0], MapMethod.RELEVANCE, context.prompt, context.prompt))
    try:
        await client.make_map(MakeMap(str(broken), MapMethod.ATTENTION))
        refused = ""
    except AimError as error:
        refused = error.message
    first, second = client.new_number(), client.new_number()
    await client.submit(first, Job(METRICS, context, items))
    await client.submit(second, Job(METRICS, context, []))
    deadline = time.monotonic() + 400
    while not any(isinstance(report, JobEnded) for report in reports.get(second, [])):
        assert client.state is not WorkerState.CRASHED, client.crash
        assert time.monotonic() < deadline, reports
        await asyncio.sleep(0.01)
    await client.stop()
    assert client.state is WorkerState.STOPPED
    return Transcript(reports[first], reports[second], count.tokens, made, refused, len(items))


@pytest.fixture(scope="module", params=["scripted", "real"])
def transcript(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Transcript:
    folder = tmp_path_factory.mktemp(request.param)
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_STATE_HOME", str(folder / "state"))
    try:
        return asyncio.run(hold(SCRIPTED if request.param == "scripted" else WORKER_COMMAND, folder))
    finally:
        patch.undo()


def test_models_come_before_scores_and_the_end_comes_last(transcript: Transcript) -> None:
    kinds = [type(report) for report in transcript.first]
    assert kinds[-1] is JobEnded
    assert kinds.count(JobEnded) == 1
    assert kinds.index(ModelLoaded) < kinds.index(MetricBatch)
    scoring = next(
        place
        for place, report in enumerate(transcript.first)
        if isinstance(report, Phase) and report.name is PhaseName.SCORING
    )
    assert scoring < kinds.index(MetricBatch)


def test_the_end_is_done_although_an_image_failed(transcript: Transcript) -> None:
    assert transcript.first[-1] == JobEnded("done")


def test_each_image_is_read_once_or_fails_once_with_a_reason(transcript: Transcript) -> None:
    read = [report.item for report in transcript.of(ImageRead)]
    failed = transcript.of(ImageFailed)
    assert sorted(read) == [0, 1]
    assert [(report.item, report.reason) for report in failed] == [(2, failed[0].reason)]
    assert "text, not an image" in failed[0].reason


def test_every_value_comes_exactly_once_after_its_image_was_read(transcript: Transcript) -> None:
    values: list[tuple[int, str]] = []
    read: set[int] = set()
    for report in transcript.first:
        if isinstance(report, ImageRead):
            read.add(report.item)
        if isinstance(report, MetricBatch):
            assert {value.item for value in report.values} <= read
            values += [(value.item, report.metric) for value in report.values]
    assert sorted(values) == sorted((item, metric) for item in (0, 1) for metric in METRICS)


def test_the_prompt_is_read_as_it_was_counted(transcript: Transcript) -> None:
    (read,) = transcript.of(PromptRead)
    assert (read.tokens, read.truncated) == (transcript.tokens, False)


def test_a_job_without_images_ends_well_and_scores_nothing(transcript: Transcript) -> None:
    assert transcript.second[-1] == JobEnded("done")
    assert not any(isinstance(report, MetricBatch | ImageRead) for report in transcript.second)


def test_a_map_is_answered_with_the_score_of_its_words_and_its_share_of_every_region(transcript: Transcript) -> None:
    made = transcript.map
    assert made is not None
    assert made.method is MapMethod.RELEVANCE
    assert made.score == made.whole is not None
    assert made.low >= 0 < made.mass
    assert sum(share for _, share in made.thirds()) == pytest.approx(1.0)


def test_a_map_of_a_broken_image_is_refused_with_the_reason(transcript: Transcript) -> None:
    assert "text, not an image" in transcript.no_map
