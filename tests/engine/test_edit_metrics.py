"""Edits are measured as plain transformers and lpips measure them, whatever is batched, shared or kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

from aim_tui.core.metrics import edits
from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageRead, Item, ModelLoaded, Notice
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.errors import ModelUnavailableError, UsageError
from tests.engine import random_models
from tests.engine import reference_loop as plain
from tests.engine.conftest import Ran, collect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INSTRUCTIONS = ["make it night", "remove the lake", "add a cabin", "plant trees", "make it night"]
ALL = tuple(edits.FAMILIES)


def edit(source: str, instruction: str, source_caption: str = "", target_caption: str = "") -> Context:
    return Context(source=source, instruction=instruction, source_caption=source_caption, target_caption=target_caption)


@pytest.fixture(scope="session")
def editclip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_models.save_clip(tmp_path_factory.mktemp("models") / "editclip", channels=6)


@pytest.fixture(scope="session")
def edit_refs(refs: dict[Role, ModelRef], editclip: Path) -> dict[Role, ModelRef]:
    return {**refs, Role.EDITCLIP: ModelRef("editclip", path=str(editclip))}


@pytest.fixture(scope="session")
def edit_items(pictures: list[Path]) -> list[Item]:
    """Edits between images of equal and of other sizes; the first and the last share their pair."""
    pairs = [(0, 1), (2, 3), (4, 6), (0, 8), (0, 1)]
    return [
        Item(number, str(pictures[after]), edit(str(pictures[before]), INSTRUCTIONS[number]))
        for number, (before, after) in enumerate(pairs)
    ]


@pytest.fixture
def measure(edit_refs: dict[Role, ModelRef]) -> Callable[..., Ran]:
    def run(items: list[Item], *families: str, **settings: object) -> Ran:
        engine = Engine(EngineSettings(**{"models": edit_refs, "device": "cpu", **settings}))
        return collect(engine.run(Job(families or ALL, Context(), items)))

    return run


@pytest.fixture(scope="session")
def measured(edit_refs: dict[Role, ModelRef], edit_items: list[Item]) -> Ran:
    engine = Engine(EngineSettings(edit_refs, device="cpu"))
    return collect(engine.run(Job(ALL, Context(), edit_items)))


def paths(items: list[Item]) -> list[tuple[str, str]]:
    return [(item.edit.source, item.path) for item in items]


class PlainClip:
    """CLIPModel, its processor and tokenizer as a notebook uses them."""

    def __init__(self, folder: Path) -> None:
        self.model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = AutoImageProcessor.from_pretrained(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)

    def pixels(self, path: str, resize: int | None = None) -> torch.Tensor:
        image = plain.open_rgb(path)
        if resize:
            image = image.resize((resize, resize), Image.BICUBIC)
        return self.processor(image, return_tensors="pt")["pixel_values"]

    @torch.no_grad()
    def image(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(self.model.get_image_features(pixel_values=pixels).pooler_output)[0]

    @torch.no_grad()
    def text(self, text: str) -> torch.Tensor:
        ids = self.tokenizer(text, truncation=True, max_length=77, return_tensors="pt")
        return torch.nn.functional.normalize(self.model.get_text_features(**ids).pooler_output)[0]


def test_the_edit_score_and_its_parts_are_plain_cosines(
    measured: Ran, edit_items: list[Item], models: dict[str, Path]
) -> None:
    clip = PlainClip(models["clip"])
    for item in edit_items:
        source, target = (clip.image(clip.pixels(path)) for path in (item.edit.source, item.path))
        text = clip.text(item.edit.instruction)
        expected = {
            "edit_score": target @ text - source @ text,
            "target_text_sim": target @ text,
            "source_text_sim": source @ text,
            "source_target_sim": source @ target,
            "preservation_clip": source @ target,
        }
        for name, value in expected.items():
            assert measured.values[name][item.id].value == pytest.approx(float(value), abs=2e-5), name


@pytest.mark.parametrize("resize", [None, 256])
def test_editclip_is_the_cosine_of_six_channels_with_the_source_first(
    measure: Callable[..., Ran], edit_items: list[Item], editclip: Path, resize: int | None
) -> None:
    found = measure(edit_items, "editclip", edit_resize=resize).numbers("editclip_score")
    clip = PlainClip(editclip)
    for item, value in zip(edit_items, found, strict=True):
        source, target = (clip.pixels(path, resize) for path in (item.edit.source, item.path))
        text = clip.text(item.edit.instruction)
        right = float(clip.image(torch.cat([source, target], 1)) @ text)
        swapped = float(clip.image(torch.cat([target, source], 1)) @ text)
        # The torchvision processor rounds to one 8-bit level otherwise than Pillow's.
        assert value == pytest.approx(right, abs=5e-4)
        assert abs(right - swapped) > 1e-2


def test_preservation_is_the_packages_lpips_of_target_and_source(
    measured: Ran, edit_items: list[Item], models: dict[str, Path]
) -> None:
    for item, value in zip(edit_items, measured.numbers("preservation_lpips"), strict=True):
        (expected,) = plain.lpips_distances(models["alex"], "alex", [item.path], item.edit.source)
        assert value == pytest.approx(expected, rel=1e-4)


def test_direction_compares_the_change_of_images_with_the_change_of_texts(
    measure: Callable[..., Ran], pictures: list[Path], models: dict[str, Path]
) -> None:
    given = edit(str(pictures[0]), "make it night", "a cabin.", "a cabin at night")
    half = edit(str(pictures[0]), "make it night", "a cabin.")
    items = [Item(0, str(pictures[1]), given), Item(1, str(pictures[1]), half)]
    ran = measure(items, "directional")
    clip = PlainClip(models["clip"])
    images = clip.image(clip.pixels(str(pictures[1]))) - clip.image(clip.pixels(str(pictures[0])))
    for value, after in zip(
        ran.numbers("directional_similarity"), ("a cabin at night", "a cabin, make it night"), strict=True
    ):
        texts = clip.text(after) - clip.text("a cabin.")
        assert value == pytest.approx(float(torch.cosine_similarity(images, texts, dim=0)), abs=5e-4)
    assert {event.info.role for event in ran.of(ModelLoaded)} == {"clip"}, "no captioner where captions are given"


def test_without_a_caption_the_source_is_captioned_and_the_caption_is_told(
    measured: Ran, edit_items: list[Item], models: dict[str, Path]
) -> None:
    clip = PlainClip(models["clip"])
    sources = [item.edit.source for item in edit_items]
    for item, caption in zip(edit_items, plain.captions(models["opt"], sources), strict=True):
        said = measured.values["directional_similarity"][item.id]
        assert said.caption == caption
        images = clip.image(clip.pixels(item.path)) - clip.image(clip.pixels(item.edit.source))
        texts = clip.text(f"{caption.rstrip(' .')}, {item.edit.instruction}") - clip.text(caption)
        assert said.value == pytest.approx(float(torch.cosine_similarity(images, texts, dim=0)), abs=2e-3)


def test_caption_change_compares_what_is_said_of_both_images(
    measured: Ran, edit_items: list[Item], models: dict[str, Path]
) -> None:
    for item in edit_items:
        before, after = plain.captions(models["opt"], paths([item])[0])
        (alike,) = plain.similarities(models["sentence"], [before], after)
        (asked,) = plain.similarities(models["sentence"], [after], item.edit.instruction)
        assert measured.values["caption_change"][item.id].value == pytest.approx(1 - alike, abs=1e-5)
        assert measured.values["caption_instruction_sim"][item.id].value == pytest.approx(asked, abs=1e-5)
        assert measured.values["caption_change"][item.id].caption == f"{before} -> {after}"


def test_an_image_that_is_its_own_target_has_no_direction_and_no_distance(
    measure: Callable[..., Ran], pictures: list[Path]
) -> None:
    item = Item(0, str(pictures[2]), edit(str(pictures[2]), "do nothing", "a field"))
    ran = measure([item], "clip_edit", "preservation", "directional")
    assert ran.values["directional_similarity"][0].state == "missing"
    assert "no direction" in ran.values["directional_similarity"][0].reason
    assert ran.values["preservation_lpips"][0].value == 0.0
    assert ran.values["edit_score"][0].value == 0.0
    assert ran.values["source_target_sim"][0].value == pytest.approx(1.0, abs=1e-6)


def test_every_number_keeps_its_range(measured: Ran) -> None:
    assert set(measured.values) == set(edits.MEASURES)
    for name, row in measured.values.items():
        spec = edits.MEASURES[name]
        assert all(spec.low <= value.value <= spec.high for value in row.values()), name


def test_the_numbers_of_one_pair_are_the_same_in_every_place(measured: Ran) -> None:
    first, last = ({name: row[item].value for name, row in measured.values.items()} for item in (0, 4))
    assert first == last


def test_one_edit_at_a_time_gives_the_same_numbers_to_rounding(
    measured: Ran, measure: Callable[..., Ran], edit_items: list[Item]
) -> None:
    ran = measure(edit_items, batch_size=1)
    for name in edits.MEASURES:
        assert ran.numbers(name) == pytest.approx(measured.numbers(name), abs=1e-5), name


def test_a_second_run_finds_everything_and_loads_no_model(
    measure: Callable[..., Ran], edit_items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = str(tmp_path / "store.db")
    first = measure(edit_items, store=store)
    monkeypatch.setattr("aim_tui.engine.engine.load", lambda *_: pytest.fail("a model was loaded"))
    again = measure(edit_items, store=store)
    assert again.values == first.values
    assert {event.info.role for event in again.of(ModelLoaded)} == {str(role) for role in Role}
    assert all("earlier job" in event.info.detail["values"] for event in again.of(ModelLoaded))
    assert again.of(Notice) == [notice for notice in first.of(Notice) if "captioner's limit" not in notice.text]


def test_captions_for_directions_are_kept_without_a_sentence_encoder(
    measure: Callable[..., Ran], edit_items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = str(tmp_path / "store.db")
    first = measure(edit_items, "directional", store=store)
    monkeypatch.setattr("aim_tui.engine.engine.load", lambda *_: pytest.fail("a model was loaded"))
    assert measure(edit_items, "directional", store=store).values == first.values


def test_an_edit_run_finds_what_a_run_over_single_images_kept(
    edit_refs: dict[Role, ModelRef], edit_items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(EngineSettings(edit_refs, device="cpu", store=str(tmp_path / "store.db")))
    names = sorted({path for pair in paths(edit_items) for path in pair})
    single = [Item(number, path) for number, path in enumerate(names)]
    collect(engine.run(Job(("clip",), Context(prompt="make it night"), single)))
    monkeypatch.setattr("aim_tui.engine.models.clip.Clip.image_features", lambda *_: pytest.fail("looked again"))
    ran = collect(engine.run(Job(("clip_edit",), Context(), edit_items)))
    assert len(ran.numbers("edit_score")) == len(edit_items)


def test_another_pre_resize_is_another_feature(
    measure: Callable[..., Ran], edit_items: list[Item], tmp_path: Path
) -> None:
    store = str(tmp_path / "store.db")
    plain_numbers = measure(edit_items, "editclip", store=store).numbers("editclip_score")
    scaled = measure(edit_items, "editclip", store=store, edit_resize=40).numbers("editclip_score")
    assert scaled != plain_numbers
    assert measure(edit_items, "editclip", edit_resize=40).numbers("editclip_score") == scaled


def test_a_changed_file_is_looked_at_again(measure: Callable[..., Ran], pictures: list[Path], tmp_path: Path) -> None:
    import os
    import shutil

    source, target = tmp_path / "source.png", tmp_path / "target.png"
    shutil.copy(pictures[0], source)
    shutil.copy(pictures[0], target)
    store, item = str(tmp_path / "store.db"), Item(0, str(target), edit(str(source), "add a cabin"))
    for path in (source, target):
        os.utime(path, (1, 1))
    before = measure([item], "preservation", store=store).numbers("preservation_lpips")
    plain.open_rgb(pictures[4]).save(target)
    after = measure([item], "preservation", store=store).numbers("preservation_lpips")
    assert before == [0.0]
    assert after[0] > 0.01


def test_an_unreadable_image_fails_its_edit_alone_and_says_which(
    measure: Callable[..., Ran], edit_items: list[Item], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    first, second = edit_items[0], edit_items[1]
    items = [
        Item(0, first.path, edit(str(tmp_path / "gone.png"), "make it night")),
        Item(1, str(broken), second.edit),
        Item(2, second.path, second.edit),
    ]
    ran = measure(items)
    assert ran.unreadable[0] == f"source image {tmp_path / 'gone.png'}: no such file"
    assert ran.unreadable[1].startswith(f"target image {broken}: ")
    assert all(set(row) == {2} for row in ran.values.values())


def test_no_model_is_loaded_for_files_that_cannot_be_read(
    measure: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aim_tui.engine.engine.load", lambda *_: pytest.fail("a model was loaded"))
    ran = measure([Item(0, str(tmp_path / "b.png"), edit(str(tmp_path / "a.png"), "add a lake"))])
    assert "no such file" in ran.unreadable[0]


def test_an_image_too_small_for_lpips_fails_there_alone(
    measure: Callable[..., Ran], pictures: list[Path], tmp_path: Path
) -> None:
    small = tmp_path / "small.png"
    Image.fromarray(np.full((9, 9, 3), 90, dtype=np.uint8)).save(small)
    ran = measure([Item(0, str(small), edit(str(pictures[0]), "shrink it"))], "clip_edit", "preservation")
    assert ran.values["preservation_lpips"][0].state == "failed"
    assert "too small for LPIPS" in ran.values["preservation_lpips"][0].reason
    assert ran.values["edit_score"][0].state == "present"


def test_one_pair_that_breaks_the_model_fails_alone(
    measure: Callable[..., Ran], edit_items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    from aim_tui.engine.models.editclip import EditClip

    whole, seen = EditClip.pair_features, []

    def features(self: EditClip, batch: list[torch.Tensor]) -> torch.Tensor:
        seen.append(len(batch))
        if any(torch.equal(pair, culprit) for pair in batch for culprit in culprits):
            raise RuntimeError("a bad pair")
        return whole(self, batch)

    culprits: list[torch.Tensor] = []
    prepare = EditClip.prepare_pair

    def prepared(self: EditClip, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        pair = prepare(self, source, target)
        if source.shape[:2] == (131, 80) or target.shape[:2] == (131, 80):
            culprits.append(pair)
        return pair

    monkeypatch.setattr(EditClip, "pair_features", features)
    monkeypatch.setattr(EditClip, "prepare_pair", prepared)
    ran = measure(edit_items, "editclip")
    row = ran.values["editclip_score"]
    assert [row[item].state for item in range(5)] == ["present", "failed", "present", "present", "present"]
    assert row[1].reason == "RuntimeError: a bad pair"


def test_running_out_of_memory_halves_the_batch_and_says_so(
    measure: Callable[..., Ran], edit_items: list[Item], monkeypatch: pytest.MonkeyPatch, measured: Ran
) -> None:
    from aim_tui.engine.models.editclip import EditClip

    whole = EditClip.pair_features

    def features(self: EditClip, batch: list[torch.Tensor]) -> torch.Tensor:
        if len(batch) > 1:
            raise torch.OutOfMemoryError("too much")
        return whole(self, batch)

    monkeypatch.setattr(EditClip, "pair_features", features)
    ran = measure(edit_items, "editclip")
    assert ran.numbers("editclip_score") == pytest.approx(measured.numbers("editclip_score"), abs=1e-6)
    assert "out of memory" in ran.of(Notice)[0].text


def test_a_three_channel_checkpoint_is_refused_by_name(
    measure: Callable[..., Ran], edit_items: list[Item], models: dict[str, Path], edit_refs: dict[Role, ModelRef]
) -> None:
    wrong = {**edit_refs, Role.EDITCLIP: ModelRef("a-plain-clip", path=str(models["clip"]))}
    with pytest.raises(ModelUnavailableError, match=rf"{models['clip']} takes 3 channels, not 6"):
        measure(edit_items, "editclip", models=wrong)


def test_editclip_without_its_own_processor_takes_the_one_that_is_named(
    measure: Callable[..., Ran],
    edit_items: list[Item],
    editclip: Path,
    edit_refs: dict[Role, ModelRef],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import shutil

    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(editclip / name, bare / name)
    refs = {**edit_refs, Role.EDITCLIP: ModelRef("bare", path=str(bare))}
    with pytest.raises(ModelUnavailableError, match="no image processor and tokenizer of its own"):
        measure(edit_items, "editclip", models=refs)

    hub = tmp_path / "hub" / "models--someone--clip"
    (hub / "refs").mkdir(parents=True)
    (hub / "refs" / "main").write_text("c" * 40)
    shutil.copytree(editclip, hub / "snapshots" / ("c" * 40))
    monkeypatch.setattr("aim_tui.hub.inventory.hub_cache", lambda: tmp_path / "hub")
    refs[Role.EDITCLIP] = ModelRef("bare", path=str(bare), processor="someone/clip")
    ran = measure(edit_items, "editclip", models=refs)
    assert ran.numbers("editclip_score") == measure(edit_items, "editclip").numbers("editclip_score")
    assert ran.of(ModelLoaded)[0].info.detail["processor"] == "someone/clip"


def test_long_instructions_are_cut_and_told(measure: Callable[..., Ran], pictures: list[Path], tmp_path: Path) -> None:
    long = Item(0, str(pictures[1]), edit(str(pictures[0]), "make it night and " * 30))
    store = str(tmp_path / "store.db")
    for _ in range(2):
        ran = measure([long], "clip_edit", store=store)
        assert "longer than their model reads" in ran.of(Notice)[0].text


def test_facts_of_both_images_are_told(measured: Ran, edit_items: list[Item]) -> None:
    told = measured.of(ImageRead)
    assert [event.item for event in told] == [item.id for item in edit_items]
    for event, item in zip(told, edit_items, strict=True):
        for facts, path in ((event.facts, item.path), (event.source, item.edit.source)):
            assert (facts.width, facts.height) == plain.open_rgb(path).size


def test_cancelling_ends_the_job_between_edits(edit_refs: dict[Role, ModelRef], edit_items: list[Item]) -> None:
    engine = Engine(EngineSettings(edit_refs, device="cpu"))
    seen: list[int] = []
    for event in engine.run(Job(("clip_edit",), Context(), edit_items), lambda: bool(seen)):
        if isinstance(event, ImageRead):
            seen.append(event.item)
    assert seen == [0]


@pytest.mark.parametrize(
    ("families", "complaint"),
    [(("editclipp",), "did you mean 'editclip'"), ((), "no metric")],
)
def test_a_wrong_metric_of_edits_is_named(
    edit_refs: dict[Role, ModelRef], edit_items: list[Item], families: tuple[str, ...], complaint: str
) -> None:
    engine = Engine(EngineSettings(edit_refs, device="cpu"))
    with pytest.raises(UsageError, match=complaint):
        list(engine.run(Job(families, Context(), edit_items)))


def test_a_number_is_no_family_and_the_family_is_named() -> None:
    with pytest.raises(KeyError, match="it is part of 'clip_edit'"):
        edits.families(["edit_score"])


def test_numbers_of_edits_and_metrics_of_images_mix_in_one_job(
    edit_refs: dict[Role, ModelRef], edit_items: list[Item], measured: Ran
) -> None:
    engine = Engine(EngineSettings(edit_refs, device="cpu"))
    ran = collect(engine.run(Job(("edit_score", "preservation", "clip"), Context(prompt="a lake"), edit_items)))
    assert ran.numbers("edit_score") == pytest.approx(measured.numbers("edit_score"), abs=1e-6)
    assert ran.numbers("preservation_lpips") == pytest.approx(measured.numbers("preservation_lpips"), abs=1e-6)
    single = [Item(item.id, item.path) for item in edit_items]
    alone = collect(engine.run(Job(("clip",), Context(prompt="a lake"), single)))
    assert ran.numbers("clip") == pytest.approx(alone.numbers("clip"), abs=1e-6)


def test_edits_and_single_images_do_not_mix(edit_refs: dict[Role, ModelRef], edit_items: list[Item]) -> None:
    engine = Engine(EngineSettings(edit_refs, device="cpu"))
    with pytest.raises(UsageError, match="one job"):
        list(engine.run(Job(("editclip",), Context(), [edit_items[0], Item(1, edit_items[1].path)])))


def test_numbers_of_edits_are_no_metrics_of_single_images() -> None:
    assert not set(METRICS) & (set(edits.FAMILIES) | set(edits.MEASURES))
