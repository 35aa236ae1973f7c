"""What the engine reports, in which order, and what it keeps between jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageRead, MetricBatch, ModelLoaded, Notice, Phase, PhaseName, PromptRead
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.engine.models.clip import Clip
from aim_tui.engine.models.lpips import Lpips
from aim_tui.engine.models.sentence import SentenceEncoder
from aim_tui.errors import UsageError
from tests.engine import fakes
from tests.engine.conftest import collect, items

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.conftest import Ran

ALL = ("clip", "blip2", "lpips")


def test_models_load_then_texts_are_read_then_images_are_scored(
    score: Callable[..., Ran], pictures: list[Path]
) -> None:
    events = score(pictures[:2], *ALL).events
    kinds = [type(event) for event in events]
    assert kinds[:8] == [Phase, ModelLoaded] * 4
    assert [event.info.role for event in events if isinstance(event, ModelLoaded)] == [
        role.value for role in Role if role is not Role.EDITCLIP
    ]
    assert kinds[8:11] == [PromptRead, PromptRead, Phase]
    assert [event.text for event in events[8:10]] == ["prompt", "topic"]
    assert events[10] == Phase(PhaseName.SCORING)
    # Captions of random weights have no end.
    assert set(kinds[11:]) == {ImageRead, MetricBatch, Notice}


def test_only_the_models_that_the_metrics_need_are_loaded(score: Callable[..., Ran], pictures: list[Path]) -> None:
    roles = [event.info.role for event in score(pictures[:1], "clip").of(ModelLoaded)]
    assert roles == ["clip"]


def test_rows_of_each_metric_come_in_item_order(score: Callable[..., Ran], pictures: list[Path]) -> None:
    ran = score(pictures, *ALL)
    for metric in ALL:
        order = [value.item for event in ran.of(MetricBatch) if event.metric == metric for value in event.values]
        assert order == list(range(len(pictures)))


def test_every_image_is_read_once_whatever_number_of_metrics_look_at_it(
    score: Callable[..., Ran], pictures: list[Path]
) -> None:
    assert [event.item for event in score(pictures, *ALL).of(ImageRead)] == list(range(len(pictures)))


@pytest.mark.parametrize("batch_size", [1, 2, 5, 16])
def test_scores_do_not_depend_on_batch_size_or_order(
    batch_size: int, engine: Engine, score: Callable[..., Ran], context: Context, pictures: list[Path]
) -> None:
    expected = collect(engine.run(Job(ALL, context, items(pictures))))
    reverse = score(pictures[::-1], *ALL, batch_size=batch_size)
    for metric in ALL:
        assert reverse.numbers(metric)[::-1] == pytest.approx(expected.numbers(metric), abs=1e-5)
    captions = [expected.values["blip2"][item].caption for item in range(len(pictures))]
    assert [reverse.values["blip2"][item].caption for item in range(len(pictures))] == captions[::-1]


def test_a_second_job_loads_nothing_and_says_what_it_runs_on(
    engine: Engine, context: Context, pictures: list[Path]
) -> None:
    collect(engine.run(Job(ALL, context, items(pictures[:1]))))
    again = collect(engine.run(Job(ALL, context, items(pictures[:1]))))
    assert [phase.name for phase in again.of(Phase)] == [PhaseName.SCORING]
    assert len(again.of(ModelLoaded)) == 4


def test_what_images_are_compared_with_is_embedded_once(
    refs: dict[Role, ModelRef], context: Context, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {Clip.texts_features: 0, SentenceEncoder.embed: 0, Lpips.features: 0}

    def counted(kind: type, name: str) -> None:
        original = getattr(kind, name)

        def call(*args):
            calls[original] += 1
            return original(*args)

        monkeypatch.setattr(kind, name, call)

    for function in list(calls):
        counted(*{"texts_features": (Clip, "texts_features"), "embed": (SentenceEncoder, "embed"),
                  "features": (Lpips, "features")}[function.__name__])  # fmt: skip
    engine = Engine(EngineSettings(refs, device="cpu"))
    square = [pictures[0], pictures[1]]
    texts, topics, references = calls
    collect(engine.run(Job(("clip", "lpips"), context, items(square))))
    collect(engine.run(Job(("clip", "lpips"), replace(context, topic="else"), items(square))))
    assert (calls[texts], calls[references]) == (1, 1)
    collect(engine.run(Job(("clip", "lpips"), replace(context, prompt="else"), items(square))))
    assert (calls[texts], calls[references]) == (2, 1)
    collect(engine.run(Job(("lpips",), replace(context, reference=str(pictures[1])), items(square))))
    assert (calls[texts], calls[references], calls[topics]) == (2, 2, 0)


def test_other_settings_let_go_of_the_models_that_differ_and_keep_the_rest(
    refs: dict[Role, ModelRef], models: dict[str, Path], context: Context, pictures: list[Path]
) -> None:
    engine = Engine(EngineSettings(refs, device="cpu"))
    first = collect(engine.run(Job(("clip", "lpips"), context, items(pictures[:1]))))
    engine.configure(EngineSettings({**refs, Role.LPIPS: ModelRef("vgg", path=str(models["vgg"]))}, device="cpu"))
    second = collect(engine.run(Job(("clip", "lpips"), context, items(pictures[1:2]))))
    assert [phase.detail for phase in second.of(Phase) if phase.name is PhaseName.LOADING] == [str(models["vgg"])]
    assert [event.info.detail.get("net") for event in first.of(ModelLoaded)] == [None, "alex"]
    assert [event.info.detail.get("net") for event in second.of(ModelLoaded)] == [None, "vgg"]


def test_another_batch_size_is_no_reason_to_load_again(refs: dict[Role, ModelRef], context: Context) -> None:
    engine = Engine(EngineSettings(refs, device="cpu"))
    collect(engine.run(Job(("clip",), context)))
    engine.configure(EngineSettings(refs, device="cpu", batch_size=3))
    assert not collect(engine.run(Job(("clip",), context))).of(Phase)


def test_a_job_without_items_loads_the_models_even_before_there_is_a_prompt(refs: dict[Role, ModelRef]) -> None:
    engine = Engine(EngineSettings(refs, device="cpu"))
    ran = collect(engine.run(Job(ALL, Context())))
    assert len(ran.of(ModelLoaded)) == 4
    assert ran.of(Phase)[-1].name is PhaseName.LOADING


def test_a_model_is_recorded_with_what_decides_its_numbers(score: Callable[..., Ran], pictures: list[Path]) -> None:
    infos = {event.info.role: event.info for event in score(pictures[:1], *ALL).of(ModelLoaded)}
    for info in infos.values():
        assert (info.revision, info.dtype, info.device) == ("local", "float32", "cpu")
        assert info.parameters > 1000
    assert "torchvision" in infos["clip"].detail["image processor"]
    assert infos["captioner"].detail["decoding"] == "greedy, max_new_tokens 30"
    assert infos["captioner"].detail["attention"] == "sdpa"
    assert "bilinear" in infos["lpips"].detail["resize"]


def test_precision_fast_runs_in_bfloat16_and_stays_near(score: Callable[..., Ran], pictures: list[Path]) -> None:
    exact, fast = (score(pictures, *ALL, precision=precision) for precision in ("aim", "fast"))
    assert len(fast.numbers("blip2")) == len(pictures)
    assert {event.info.dtype for event in fast.of(ModelLoaded)} == {"bfloat16"}
    for metric in ("clip", "lpips"):
        assert fast.numbers(metric) == pytest.approx(exact.numbers(metric), abs=0.02)
        assert fast.numbers(metric) != exact.numbers(metric)


def test_cancelling_ends_the_job_after_the_batch_that_runs(
    monkeypatch: pytest.MonkeyPatch, refs: dict[Role, ModelRef], context: Context, pictures: list[Path]
) -> None:
    metric = fakes.Brightness(batch_size=2)
    fakes.install(monkeypatch, metric)
    engine = Engine(EngineSettings(refs, device="cpu"))
    ran = collect(engine.run(Job(("fake",), context, items(pictures)), cancelled=lambda: len(metric.batches) == 2))
    assert sorted(ran.values["fake"]) == [0, 1, 2, 3]
    assert metric.batches == [2, 2]


@pytest.mark.parametrize(("metric", "missing"), [("clip", "prompt"), ("blip2", "topic"), ("lpips", "reference")])
def test_what_a_metric_needs_and_is_not_there_is_named_before_any_model_is_loaded(
    metric: str, missing: str, refs: dict[Role, ModelRef], context: Context, pictures: list[Path]
) -> None:
    engine = Engine(EngineSettings(refs, device="cpu"))
    with pytest.raises(UsageError, match=f"{metric} .* no {missing}"):
        next(engine.run(Job((metric,), replace(context, **{missing: " "}), items(pictures))))


def test_a_reference_that_cannot_be_read_is_named(
    engine: Engine, context: Context, pictures: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UsageError, match=r"reference .*broken\.png"):
        collect(engine.run(Job(("lpips",), replace(context, reference=str(broken)), items(pictures))))


def test_a_device_that_is_not_there_is_named(refs: dict[Role, ModelRef], context: Context) -> None:
    for device in ("cuda:99", "abacus", "meta"):
        with pytest.raises(UsageError, match=device):
            next(Engine(EngineSettings(refs, device=device)).run(Job(("clip",), context)))


def test_an_unknown_metric_brings_the_nearest_right_name(engine: Engine, context: Context) -> None:
    with pytest.raises(UsageError, match="did you mean 'clip'"):
        next(engine.run(Job(("clp",), context)))
