"""The bench compares ways of getting the same numbers, and says how it went in tables and JSON."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.bench import Timing, Ways, measure, synthesise
from aim_tui.engine.reference_loop import plain_way
from aim_tui.errors import UsageError
from tests.engine.conftest import collect, items

if TYPE_CHECKING:
    from pathlib import Path

    from aim_tui.core.metrics.spec import ModelRef, Role
    from aim_tui.core.scoring.context import Context
    from aim_tui.engine.engine import Engine

ALL = ("clip", "blip2", "lpips")


@pytest.mark.parametrize("metric", ALL)
def test_the_plain_way_gives_the_scores_of_the_pipeline(
    metric: str, engine: Engine, context: Context, pictures: list[Path]
) -> None:
    ours = collect(engine.run(Job((metric,), context, items(pictures)))).numbers(metric)
    plain = plain_way(metric, engine.models, context)
    assert [plain(str(path)) for path in pictures] == pytest.approx(ours, abs=1e-4)


def test_every_way_is_measured_on_every_image(
    refs: dict[Role, ModelRef], context: Context, pictures: list[Path]
) -> None:
    report = measure(EngineSettings(refs, device="cpu"), ALL, context, [str(path) for path in pictures])
    for ways in [*report.metrics, report.whole]:
        assert ways.pipeline.images == ways.models_alone.images == ways.plain.images == len(pictures)
    assert report.reading.images == len(pictures)
    assert report.whole.plain.cpu_s == pytest.approx(sum(ways.plain.cpu_s for ways in report.metrics))
    assert [model.role for model in report.loaded] == ["clip", "captioner", "sentence", "lpips"]
    figures = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert math.isfinite(figures["whole"]["times_faster_than_plain"]["wall"])
    assert figures["bound_by"] in ("models", "reading")


def test_ratios_are_of_an_image_and_not_of_the_whole_run() -> None:
    ways = Ways("clip", 16, pipeline=Timing(10, 1.0, 2.0), models_alone=Timing(5, 0.4, 0.5), plain=Timing(5, 2.0, 2.0))
    assert (ways.faster_than_plain.wall, ways.faster_than_plain.cpu) == pytest.approx((4.0, 2.0))
    assert (ways.over_the_limit.wall, ways.over_the_limit.cpu) == pytest.approx((1.25, 2.0))
    assert Ways("own metric", 4, pipeline=Timing(1, 1.0, 1.0)).faster_than_plain is None


def test_an_image_that_cannot_be_read_is_named(
    refs: dict[Role, ModelRef], context: Context, pictures: list[Path], tmp_path: Path
) -> None:
    gone = str(tmp_path / "gone.png")
    with pytest.raises(UsageError, match=r"gone\.png"):
        measure(EngineSettings(refs, device="cpu"), ("clip",), context, [str(pictures[0]), gone])


@pytest.mark.parametrize(("image_format", "expected"), [("png", "PNG"), ("jpeg", "JPEG")])
def test_drawn_images_have_the_size_and_format_asked_for(image_format: str, expected: str, tmp_path: Path) -> None:
    paths = synthesise(tmp_path, 2, 48, image_format)
    for path in paths:
        with Image.open(path) as image:
            assert (image.size, image.format) == ((48, 48), expected)
    assert len(paths) == 2


def test_the_command_prints_json_alone_on_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from aim_tui.cli import main

    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        # The command sets them for its process; here they have to go again.
        monkeypatch.setenv(name, "1")
    arguments = "bench -P sample -n 2 --size 64 --metrics clip,lpips --device cpu --json"
    monkeypatch.setattr(sys, "argv", ["aim-tui", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    report = json.loads(capsys.readouterr().out)
    assert [ways["name"] for ways in report["metrics"]] == ["clip", "lpips"]
    assert report["profile"] == "sample"
    assert report["images"]["count"] == 2
