"""Nothing is computed twice, what is kept equals what would be computed, and nothing is mistaken for another thing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.events import ImageRead, MetricBatch, ModelLoaded, Notice, Phase, PhaseName, PromptRead
from aim_tui.core.scoring.jobs import EngineSettings, Job, ReadingPolicy
from aim_tui.engine import reading
from aim_tui.engine.cache_keys import Cache, identify, reading_key
from aim_tui.engine.engine import Engine
from aim_tui.engine.feature_cache import CacheAccess
from aim_tui.engine.models.captioner import Captioner
from aim_tui.engine.models.clip import Clip
from aim_tui.engine.models.device import place
from aim_tui.engine.models.lpips import Lpips
from aim_tui.engine.models.sentence import SentenceEncoder
from aim_tui.store.cache import FeatureCache
from aim_tui.store.database import Database
from tests.engine.conftest import collect, items, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from aim_tui.core.scoring.context import Context
    from tests.engine.conftest import Ran

ALL = ("clip", "blip2", "lpips")


@pytest.fixture
def folder(pictures: list[Path], tmp_path: Path) -> list[Path]:
    """The pictures in a folder of their own, with times that are long past."""
    images = tmp_path / "images"
    images.mkdir()
    return [old(shutil.copy(picture, images)) for picture in pictures]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def settings(refs: dict[Role, ModelRef], store: Path) -> EngineSettings:
    return EngineSettings(refs, device="cpu", store=str(store))


@pytest.fixture
def run(settings: EngineSettings, context: Context) -> Callable[..., Ran]:
    """Score paths with a fresh engine on the store; keywords change its settings or the context."""

    def run(paths: list[Path], *metrics: str, **changed: object) -> Ran:
        about = {name: changed.pop(name) for name in ("prompt", "topic", "reference") if name in changed}
        engine = Engine(replace(settings, **changed))
        return collect(engine.run(Job(metrics or ALL, replace(context, **about), items(paths))))

    return run


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """What is done from here on: images that are decoded, and texts and images that models are given."""
    done: Counter = Counter()

    def counted(owner: object, name: str, how_many: Callable[..., int]) -> None:
        original = getattr(owner, name)

        def call(*args: object) -> object:
            done[name] += how_many(*args)
            return original(*args)

        monkeypatch.setattr(owner, name, call)

    counted(reading, "read_image", lambda *args: 1)
    counted(Clip, "image_features", lambda self, batch: len(batch))
    counted(Clip, "texts_features", lambda self, texts: len(texts))
    counted(Captioner, "captions", lambda self, batch: len(batch))
    counted(SentenceEncoder, "embed", lambda self, texts: len(texts))
    counted(Lpips, "distances", lambda self, batch, reference: len(batch))
    return done


def old(path: str | Path) -> Path:
    """A file that was written long ago: one that is trusted to be unchanged."""
    os.utime(path, ns=(10**18, 10**18))
    return Path(path)


def outcomes(ran: Ran) -> dict:
    return {metric: {item: row[item] for item in sorted(row)} for metric, row in ran.values.items()}


def loaded(ran: Ran) -> list[str]:
    """The paths of the models that were loaded for it."""
    return [phase.detail for phase in ran.of(Phase) if phase.name is PhaseName.LOADING]


def test_what_was_scored_is_not_scored_again_and_no_model_is_loaded(
    run: Callable[..., Ran], folder: list[Path], work: Counter
) -> None:
    first = run(folder)
    assert (work["read_image"], work["image_features"], work["captions"], work["distances"]) == (9, 9, 9, 9)
    work.clear()
    again = run(folder)
    assert not work
    assert loaded(again) == []
    assert outcomes(again) == outcomes(first), "a kept value is the very value that was computed"
    assert [event.facts for event in again.of(ImageRead)] == [event.facts for event in first.of(ImageRead)]
    assert again.of(PromptRead) == first.of(PromptRead)


def test_it_equals_what_an_engine_without_a_store_computes(
    run: Callable[..., Ran], score: Callable[..., Ran], folder: list[Path], context: Context
) -> None:
    run(folder)
    kept, fresh = run(folder), score(folder, *ALL)
    for metric in ALL:
        assert kept.numbers(metric) == pytest.approx(fresh.numbers(metric), abs=1e-6)
        assert [v.caption for v in kept.values[metric].values()] == [v.caption for v in fresh.values[metric].values()]


def test_a_model_that_was_not_needed_is_reported_as_what_computed_the_values(
    run: Callable[..., Ran], folder: list[Path]
) -> None:
    first = {event.info.role: event.info for event in run(folder).of(ModelLoaded)}
    again = {event.info.role: event.info for event in run(folder).of(ModelLoaded)}
    assert first.keys() == again.keys() == {role.value for role in Role if role is not Role.EDITCLIP}
    for role, info in again.items():
        assert info.detail.pop("values") == "computed by an earlier job; the model was not needed"
        assert info == first[role]


def test_another_prompt_costs_one_text_and_loads_clip_alone(
    run: Callable[..., Ran], folder: list[Path], refs: dict[Role, ModelRef], work: Counter, score: Callable[..., Ran]
) -> None:
    run(folder)
    work.clear()
    ran = run(folder, prompt="something else")
    assert work == {"texts_features": 1}
    assert loaded(ran) == [refs[Role.CLIP].path]
    work.clear()
    assert run(folder, prompt="something else").numbers("clip") == ran.numbers("clip")
    assert not work, "a prompt is embedded once"


def test_another_topic_costs_one_sentence_and_loads_the_sentence_encoder_alone(
    run: Callable[..., Ran], folder: list[Path], refs: dict[Role, ModelRef], work: Counter
) -> None:
    first = run(folder)
    work.clear()
    ran = run(folder, topic="a castle")
    assert work == {"embed": 1}
    assert loaded(ran) == [refs[Role.SENTENCE].path]
    assert ran.numbers("blip2") != first.numbers("blip2")
    assert ran.numbers("clip") == first.numbers("clip")


def test_another_reference_costs_lpips_alone(
    run: Callable[..., Ran], folder: list[Path], refs: dict[Role, ModelRef], work: Counter
) -> None:
    run(folder)
    work.clear()
    ran = run(folder, reference=str(folder[1]))
    assert set(work) == {"read_image", "distances"}
    assert loaded(ran) == [refs[Role.LPIPS].path]
    assert ran.numbers("lpips")[1] == 0.0


def test_a_metric_that_was_not_asked_before_is_all_that_is_computed(
    run: Callable[..., Ran], folder: list[Path], work: Counter
) -> None:
    first = run(folder, "clip")
    work.clear()
    both = run(folder, "clip", "lpips")
    assert (work["image_features"], work["texts_features"], work["distances"]) == (0, 0, 9)
    assert both.numbers("clip") == first.numbers("clip")
    assert [event.item for event in both.of(ImageRead)] == list(range(9))


def test_a_moved_renamed_or_copied_file_costs_nothing(
    run: Callable[..., Ran], folder: list[Path], work: Counter, tmp_path: Path
) -> None:
    first = run(folder)
    work.clear()
    moved = folder[0].parent.rename(tmp_path / "elsewhere")
    renamed = [(moved / path.name).rename(moved / f"new {path.name}") for path in folder]
    copied = shutil.copy(renamed[3], tmp_path / "copy.png")
    again = run([*renamed, Path(copied)])
    assert not work
    for metric in ALL:
        assert again.numbers(metric) == [*first.numbers(metric), first.numbers(metric)[3]]


def test_a_changed_file_is_computed_anew_and_no_other(
    run: Callable[..., Ran], score: Callable[..., Ran], folder: list[Path], work: Counter
) -> None:
    run(folder)
    work.clear()
    picture(folder[4], 96, 96, seed=77)
    again = run(folder)
    assert (work["read_image"], work["image_features"], work["captions"], work["distances"]) == (1, 1, 1, 1)
    for metric in ALL:
        assert again.numbers(metric) == pytest.approx(score(folder, *ALL).numbers(metric), abs=1e-6)


def test_new_images_among_old_ones_come_in_their_places(
    run: Callable[..., Ran], folder: list[Path], work: Counter
) -> None:
    run(folder[1::2])
    work.clear()
    ran = run(folder)
    assert work["image_features"] == work["captions"] == work["distances"] == 5
    for metric in ALL:
        order = [value.item for event in ran.of(MetricBatch) if event.metric == metric for value in event.values]
        assert order == list(range(9))
    assert [event.item for event in ran.of(ImageRead)] == list(range(9))


def test_an_exchanged_model_is_another_model(
    run: Callable[..., Ran], refs: dict[Role, ModelRef], folder: list[Path], work: Counter, tmp_path: Path
) -> None:
    own = shutil.copytree(str(refs[Role.CLIP].path), tmp_path / "clip")
    models = {**refs, Role.CLIP: ModelRef("clip", path=str(own))}
    before = run(folder, "clip", models=models)
    weights = load_file(own / "model.safetensors")
    weights["visual_projection.weight"] = weights["visual_projection.weight"].flip(0)
    save_file(weights, own / "model.safetensors", {"format": "pt"})
    work.clear()
    after = run(folder, "clip", models=models)
    assert (work["image_features"], work["texts_features"]) == (9, 1)
    assert after.numbers("clip") != before.numbers("clip")


def test_one_engine_notices_a_model_that_is_exchanged_while_it_is_not_loaded(
    run: Callable[..., Ran],
    settings: EngineSettings,
    context: Context,
    refs: dict[Role, ModelRef],
    folder: list[Path],
    tmp_path: Path,
) -> None:
    own = shutil.copytree(str(refs[Role.CLIP].path), tmp_path / "clip")
    models = {**refs, Role.CLIP: ModelRef("clip", path=str(own))}
    run(folder, "clip", models=models)
    engine, job = Engine(replace(settings, models=models)), Job(("clip",), context, items(folder))
    before = collect(engine.run(job))
    assert loaded(before) == []
    weights = load_file(own / "model.safetensors")
    weights["text_projection.weight"] = weights["text_projection.weight"].flip(0)
    save_file(weights, own / "model.safetensors", {"format": "pt"})
    after = collect(engine.run(job))
    assert loaded(after) == [str(own)]
    assert after.numbers("clip") != before.numbers("clip")


@pytest.mark.parametrize(
    "changed",
    [
        {"reading": ReadingPolicy(exif="ignore")},
        {"reading": ReadingPolicy(background="black")},
        {"precision": "fast"},
    ],
    ids=["exif", "background", "precision"],
)
def test_another_way_of_reading_or_computing_never_hits(
    changed: dict, run: Callable[..., Ran], folder: list[Path], work: Counter
) -> None:
    run(folder)
    work.clear()
    run(folder, **changed)
    assert work["image_features"] == work["captions"] == work["distances"] == 9


def test_another_attention_never_hits(
    run: Callable[..., Ran], refs: dict[Role, ModelRef], folder: list[Path], work: Counter
) -> None:
    run(folder, "clip")
    work.clear()
    run(folder, "clip", models={**refs, Role.CLIP: replace(refs[Role.CLIP], attention="eager")})
    assert work["image_features"] == 9


def test_a_limit_that_was_lowered_refuses_what_is_kept(run: Callable[..., Ran], folder: list[Path]) -> None:
    run(folder, "clip")
    by_pixels = run(folder, "clip", reading=ReadingPolicy(max_pixels=300 * 270 - 1))
    assert set(by_pixels.unreadable) == {6}
    assert "limit" in by_pixels.unreadable[6]
    sizes = [path.stat().st_size for path in folder]
    by_bytes = run(folder, "clip", reading=ReadingPolicy(max_bytes=max(sizes) - 1))
    assert set(by_bytes.unreadable) == {sizes.index(max(sizes))}


def test_a_broken_file_is_tried_again_each_time_and_loads_no_model(
    run: Callable[..., Ran], folder: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(folder[0].read_bytes()[:100])
    paths = [folder[0], broken, tmp_path / "gone.png", folder[1]]
    first = run(paths)
    again = run(paths)
    assert first.unreadable == again.unreadable
    assert set(again.unreadable) == {1, 2}
    assert loaded(again) == []
    old(shutil.copy(folder[2], broken))
    assert run(paths).values["clip"][1].state == "present"


def test_failures_are_not_kept(
    run: Callable[..., Ran], folder: list[Path], work: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second_is_nan(self: Clip, batch: list[torch.Tensor]) -> torch.Tensor:
        features = torch.nn.functional.normalize(torch.ones(len(batch), 24), dim=-1)
        features[1] = torch.nan
        return features

    def fails(*args: object) -> None:
        raise ValueError("unheard of")

    with monkeypatch.context() as patch:
        patch.setattr(Clip, "image_features", second_is_nan)
        patch.setattr(Captioner, "captions", fails)
        patch.setattr(Lpips, "distances", lambda self, batch, reference: [float("inf")] * len(batch))
        first = run(folder)
    assert {value.state for value in first.values["blip2"].values()} == {"failed"}
    work.clear()
    again = run(folder)
    # The reference is at distance 0 to itself whatever the network says.
    assert (work["image_features"], work["captions"], work["distances"]) == (1, 9, 8)
    assert len(again.numbers("clip")) == len(again.numbers("blip2")) == len(again.numbers("lpips")) == 9


def test_an_empty_caption_is_kept_as_what_it_is(
    run: Callable[..., Ran], folder: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Captioner, "captions", lambda self, batch: ["a cabin", "", "snow"][: len(batch)])
    first = run(folder[:3], "blip2")
    again = run(folder[:3], "blip2")
    assert loaded(again) == []
    assert outcomes(again) == outcomes(first)
    assert again.values["blip2"][1].reason == "the captioner returned an empty caption"


def test_a_cancelled_job_is_continued_and_nothing_is_computed_twice(
    settings: EngineSettings, context: Context, folder: list[Path], run: Callable[..., Ran], work: Counter
) -> None:
    batches = []
    engine = Engine(replace(settings, batch_size=2))
    for event in engine.run(Job(ALL, context, items(folder)), cancelled=lambda: len(batches) >= 4):
        if isinstance(event, MetricBatch):
            batches.append(event)
    done = {metric: sum(len(batch.values) for batch in batches if batch.metric == metric) for metric in ALL}
    assert 0 < sum(done.values()) < 27
    run(folder)
    assert (work["image_features"], work["captions"], work["distances"]) == (9, 9, 9)


def test_a_file_that_changes_between_listing_and_reading_gets_its_own_values(
    run: Callable[..., Ran],
    score: Callable[..., Ran],
    folder: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(folder, "clip")
    read_image = reading.read_image
    changed = folder[4]

    def changes_just_before(path: str, policy: ReadingPolicy) -> object:
        if path == str(changed) and "lpips" not in seen:
            seen.append("lpips")
            picture(changed, 90, 90, seed=99)
        return read_image(path, policy)

    seen: list[str] = []
    monkeypatch.setattr(reading, "read_image", changes_just_before)
    ran = run(folder, "clip", "lpips")
    fresh = score(folder, "clip", "lpips")
    for metric in ("clip", "lpips"):
        assert ran.numbers(metric) == pytest.approx(fresh.numbers(metric), abs=1e-6)
        assert run(folder, "clip", "lpips").numbers(metric) == pytest.approx(fresh.numbers(metric), abs=1e-6)


def test_a_file_that_vanishes_between_listing_and_reading_fails_its_row(
    run: Callable[..., Ran], folder: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, "clip")
    read_image = reading.read_image

    def vanishes_just_before(path: str, policy: ReadingPolicy) -> object:
        folder[4].unlink(missing_ok=True)
        return read_image(path, policy)

    monkeypatch.setattr(reading, "read_image", vanishes_just_before)
    ran = run(folder, "clip", "lpips")
    assert ran.unreadable == {4: "no such file"}
    assert sorted(ran.values["clip"]) == sorted(ran.values["lpips"]) == [0, 1, 2, 3, 5, 6, 7, 8]


class TestStoreTrouble:
    """Whatever is wrong with the store, the images are scored, and it is said once."""

    @staticmethod
    def check(ran: Ran, fresh: Ran, words: str) -> None:
        notices = [event.text for event in ran.of(Notice) if "captioner" not in event.text]
        assert len(notices) == 1
        assert words in notices[0]
        for metric in ALL:
            assert ran.numbers(metric) == pytest.approx(fresh.numbers(metric), abs=1e-6)

    def test_no_database(
        self, run: Callable[..., Ran], score: Callable[..., Ran], folder: list[Path], store: Path
    ) -> None:
        store.write_text("my shopping list, which is long enough to be looked at as a header of a database file\n" * 9)
        before = store.read_bytes()
        self.check(run(folder), score(folder, *ALL), "is not a database")
        assert store.read_bytes() == before

    def test_locked(
        self,
        run: Callable[..., Ran],
        score: Callable[..., Ran],
        folder: list[Path],
        store: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("aim_tui.engine.feature_cache._TIMEOUT", 0.05)
        Database.open(store).close()
        with sqlite3.connect(store, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            self.check(run(folder), score(folder, *ALL), "locked by another program")
        other.close()

    def test_disk_full(
        self, run: Callable[..., Ran], score: Callable[..., Ran], folder: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*args: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(FeatureCache, "put_values", full)
        self.check(run(folder), score(folder, *ALL), "disk is full")

    def test_it_is_tried_again_in_the_next_job_and_not_said_again(
        self, settings: EngineSettings, context: Context, folder: list[Path], store: Path, work: Counter
    ) -> None:
        store.write_text("not a database at all, but long enough to be taken for one by its length\n" * 9)
        engine, job = Engine(settings), Job(("clip",), context, items(folder))
        assert len(collect(engine.run(job)).of(Notice)) == 1
        assert not collect(engine.run(job)).of(Notice)
        store.unlink()
        collect(engine.run(job))
        work.clear()
        collect(engine.run(job))
        assert not work


def test_values_of_more_than_8_bits_that_were_read_otherwise_are_computed_again(
    run: Callable[..., Ran], settings: EngineSettings, store: Path, tmp_path: Path
) -> None:
    file = tmp_path / "shares.tif"
    Image.fromarray((np.random.default_rng(0).random((64, 64)) / 2).astype(np.float32)).save(file)
    first = run([file], "clip")
    facts = first.of(ImageRead)[0].facts
    # As an earlier version left it, which stretched such values to full contrast.
    ref = settings.models[Role.CLIP]
    identity = identify(Role.CLIP, ref, place(Role.CLIP, ref, "cpu", "aim"))
    assert identity is not None
    access = CacheAccess(str(store))
    access.open()
    cache = Cache(access, {Role.CLIP: identity}, reading_key(settings.reading))
    (vector,) = access.vectors(cache.embeddings(Role.CLIP), [facts.sha256]).values()
    access.keep_vectors(cache.embeddings(Role.CLIP), {facts.sha256: vector[::-1].copy()})
    access.keep_values(cache.facts(), {facts.sha256: msgspec.json.encode(replace(facts, levels="")).decode()})
    access.close()
    assert run([file], "clip").numbers("clip") == first.numbers("clip")
