"""A failure costs what it must and no more: a row, a metric of a row, half a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from aim_tui.core.outcomes import Failed
from aim_tui.core.scoring.events import ImageFailed, Notice
from aim_tui.core.scoring.jobs import EngineSettings, Job, ReadingPolicy
from aim_tui.engine.engine import Engine
from aim_tui.engine.metrics.base import RawOutcome, UnsuitableError
from aim_tui.engine.models.captioner import Captioner
from aim_tui.engine.models.clip import Clip
from tests.engine import fakes
from tests.engine.conftest import collect, items, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aim_tui.core.scoring.context import Context
    from tests.engine.conftest import Ran

OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 123 bytes."),
    MemoryError(),
]


@pytest.fixture
def run_fake(monkeypatch: pytest.MonkeyPatch, context: Context) -> Callable[..., Ran]:
    def run(paths: list[Path], metric: fakes.Brightness) -> Ran:
        fakes.install(monkeypatch, metric)
        return collect(Engine(EngineSettings({}, device="cpu")).run(Job(("fake",), context, items(paths))))

    return run


def brightness(run_fake: Callable[..., Ran], pictures: list[Path]) -> list[float]:
    return run_fake(pictures, fakes.Brightness()).numbers("fake")


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_out_of_memory_halves_the_batch_for_the_rest_of_the_job(
    error: Exception, run_fake: Callable[..., Ran], pictures: list[Path]
) -> None:
    tried = []

    def at_most_two(batch: object) -> None:
        tried.append(len(batch))
        if len(batch) > 2:
            raise error

    ran = run_fake(pictures, fakes.Brightness(at_most_two, batch_size=8))
    assert tried == [8, 4, 2, 2, 2, 2, 1]
    assert len(ran.of(Notice)) == 2
    assert "going on with 2" in ran.of(Notice)[-1].text
    assert ran.numbers("fake") == brightness(run_fake, pictures)


def test_an_image_too_large_for_the_memory_even_alone_fails_its_row(
    run_fake: Callable[..., Ran], pictures: list[Path]
) -> None:
    def no_room_for_the_large_one(batch: list[torch.Tensor]) -> None:
        if sum(image.numel() for image in batch) >= 300 * 270 * 3:
            raise torch.OutOfMemoryError

    ran = run_fake(pictures, fakes.Brightness(no_room_for_the_large_one, batch_size=4))
    failed = {item: value.reason for item, value in ran.values["fake"].items() if value.state == "failed"}
    assert failed == {6: "not enough memory for this image, even in a batch of one"}
    assert len(ran.values["fake"]) == len(pictures)


def test_only_the_image_that_breaks_a_batch_fails(run_fake: Callable[..., Ran], pictures: list[Path]) -> None:
    expected = brightness(run_fake, pictures)

    def dislikes_wide_ones(batch: list[torch.Tensor]) -> None:
        if any(tuple(image.shape) == (80, 120, 3) for image in batch):
            raise ValueError("the shape of this is unheard of")

    ran = run_fake(pictures, fakes.Brightness(dislikes_wide_ones))
    row = ran.values["fake"]
    assert row[2].state == "failed"
    assert "unheard of" in row[2].reason
    assert {item: row[item].value for item in row if item != 2} == {
        item: value for item, value in enumerate(expected) if item != 2
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_no_finite_number_is_a_failure(
    value: float, run_fake: Callable[..., Ran], pictures: list[Path]
) -> None:
    class Odd(fakes.Brightness):
        def score(self, batch: list[torch.Tensor]) -> list[RawOutcome]:
            return [RawOutcome.of(value) for _ in batch]

    row = run_fake(pictures, Odd()).values["fake"]
    assert all(found.state == "failed" and "not a finite number" in found.reason for found in row.values())


def test_a_metric_that_returns_too_few_values_fails_instead_of_mixing_up_rows(
    run_fake: Callable[..., Ran], pictures: list[Path]
) -> None:
    class Forgetful(fakes.Brightness):
        def score(self, batch: list[torch.Tensor]) -> list[RawOutcome]:
            return super().score(batch)[1:]

    row = run_fake(pictures, Forgetful()).values["fake"]
    assert all("0 values for 1 images" in found.reason for found in row.values())


def test_an_image_that_a_metric_cannot_prepare_fails_for_it_alone(
    run_fake: Callable[..., Ran], pictures: list[Path]
) -> None:
    class Choosy(fakes.Brightness):
        def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
            if pixels.shape[0] == 270:
                raise UnsuitableError("too large a thing")
            if pixels.shape[0] == 64:
                raise KeyError("bug")
            return pixels

    row = run_fake(pictures, Choosy()).values["fake"]
    failed = {item: value.reason for item, value in row.items() if value.state == "failed"}
    assert failed == {5: "cannot be prepared: KeyError: 'bug'", 6: "too large a thing"}
    assert [value.item for value in row.values()] == list(range(len(pictures)))


def test_a_broken_file_fails_its_row_and_no_other(
    score: Callable[..., Ran], pictures: list[Path], tmp_path: Path
) -> None:
    empty, text, cut, huge = (tmp_path / name for name in ("empty.png", "text.png", "cut.jpg", "huge.png"))
    empty.touch()
    text.write_text("not an image")
    cut.write_bytes(pictures[1].read_bytes()[:300])
    picture(huge, 900, 900, seed=1)
    paths = [pictures[0], empty, pictures[1], text, tmp_path / "gone.png", cut, pictures[2], huge, tmp_path]
    ran = score(paths, "clip", "lpips", reading=ReadingPolicy(max_pixels=500_000))
    assert set(ran.unreadable) == {1, 3, 4, 5, 7, 8}
    assert all(ran.unreadable.values())
    assert sorted(ran.values["clip"]) == sorted(ran.values["lpips"]) == [0, 2, 6]
    alone = score([pictures[0], pictures[1], pictures[2]], "clip", "lpips")
    for metric in ("clip", "lpips"):
        assert ran.numbers(metric) == pytest.approx(alone.numbers(metric), abs=1e-6)


def test_a_job_of_broken_files_only_ends(score: Callable[..., Ran], tmp_path: Path) -> None:
    ran = score([tmp_path / "a.png", tmp_path / "b.png"], "clip")
    assert [event.item for event in ran.of(ImageFailed)] == [0, 1]
    assert not ran.values


@pytest.mark.parametrize(("net", "least"), [("alex", 31), ("vgg", 16)])
def test_the_least_size_that_lpips_takes_is_the_least_that_the_network_takes(
    net: str, least: int, score: Callable[..., Ran], refs, models: dict[str, Path], tmp_path: Path
) -> None:
    from aim_tui.core.metrics.spec import ModelRef, Role

    paths = [
        picture(tmp_path / "small.png", least - 1, 50, seed=1),
        picture(tmp_path / "enough.png", least, least, seed=2),
    ]
    ran = score(paths, "clip", "lpips", models={**refs, Role.LPIPS: ModelRef(net, path=str(models[net]))})
    assert f"{least - 1} x 50 is too small for LPIPS {net} (at least {least} a side)" == ran.values["lpips"][0].reason
    assert ran.values["lpips"][1].state == "present"
    assert len(ran.numbers("clip")) == 2


def test_an_empty_caption_is_missing_and_not_similarity_zero(
    score: Callable[..., Ran], pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Captioner, "captions", lambda self, batch: ["a cabin", "", "snow"][: len(batch)])
    row = score(pictures[:3], "blip2").values["blip2"]
    assert [value.state for value in row.values()] == ["present", "missing", "present"]
    assert (row[1].caption, row[1].reason) == ("", "the captioner returned an empty caption")
    monkeypatch.setattr(Captioner, "captions", lambda self, batch: [""] * len(batch))
    assert {value.state for value in score(pictures[:3], "blip2").values["blip2"].values()} == {"missing"}


def test_a_caption_without_a_word_that_the_encoder_knows_fails(
    score: Callable[..., Ran], pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from aim_tui.engine.models.sentence import SentenceEncoder

    embed = SentenceEncoder.embed
    monkeypatch.setattr(Captioner, "captions", lambda self, batch: ["???"] * len(batch))
    monkeypatch.setattr(
        SentenceEncoder, "embed", lambda self, texts: embed(self, texts) * (0.0 if texts == ["???"] else 1.0)
    )
    value = score(pictures[:1], "blip2").values["blip2"][0]
    assert (value.outcome, value.caption) == (Failed("the sentence encoder knows no word of the caption"), "???")


def test_features_that_are_no_numbers_fail_their_row_alone(
    score: Callable[..., Ran], pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    image_features = Clip.image_features

    def second_is_nan(self: Clip, batch: list[torch.Tensor]) -> torch.Tensor:
        features = image_features(self, batch).clone()
        features[1] = torch.nan
        return features

    monkeypatch.setattr(Clip, "image_features", second_is_nan)
    row = score(pictures[:3], "clip").values["clip"]
    assert [value.state for value in row.values()] == ["present", "failed", "present"]
