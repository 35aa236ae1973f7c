"""The metrics beside AIM's: the numbers of plain transformers and torchmetrics, and nothing looked at twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoProcessor

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.events import Item, ModelLoaded, Notice
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.engine.models.clip import Clip
from aim_tui.engine.models.dinov2 import Dinov2
from aim_tui.errors import ModelUnavailableError, UsageError
from tests.engine import reference_loop as plain
from tests.engine.conftest import PROMPT, collect, items
from tests.engine.random_models import save_clip, save_dinov2, save_siglip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from aim_tui.core.scoring.context import Context
    from tests.engine.conftest import Ran

TOLERANCE = 1e-4
SIGLIP, PICKSCORE, DINOV2 = Role("siglip"), Role("pickscore"), Role("dinov2")
ALL = ("siglip", "pickscore", "clip_i", "dinov2_i", "clip_iqa")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, models: dict[str, Path]) -> dict[Role, Path]:
    root = tmp_path_factory.mktemp("others")
    return {
        SIGLIP: save_siglip(root / "siglip"),
        PICKSCORE: save_clip(root / "pickscore", activation="gelu", scale=100.0),
        DINOV2: save_dinov2(root / "dinov2"),
        Role.CLIP: models["clip"],
    }


@pytest.fixture(scope="module")
def others(folders: dict[Role, Path]) -> dict[Role, ModelRef]:
    return {role: ModelRef(str(role), path=str(folder)) for role, folder in folders.items()}


@pytest.fixture
def run(others: dict[Role, ModelRef], context: Context) -> Callable[..., Ran]:
    """Score paths on metrics with a fresh engine; keywords change its settings or the context."""

    def score(paths: Sequence[Path], *metrics: str, store: Path | None = None, **changes: str) -> Ran:
        engine = Engine(EngineSettings(others, device="cpu", store=str(store) if store else None))
        try:
            return collect(engine.run(Job(metrics, replace(context, **changes), items(paths))))
        finally:
            engine.close()

    return score


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """How many images the models were shown."""
    shown: Counter = Counter()
    for model in (Clip, Dinov2):
        before = model.image_features

        def features(self, batch, before=before, name=model.__name__):
            shown[name] += len(batch)
            return before(self, batch)

        monkeypatch.setattr(model, "image_features", features)
    return shown


@torch.no_grad()
def image_features(folder: Path, pictures: Sequence[Path]) -> np.ndarray:
    """One vector of length one for each image, one at a time, as a notebook has them."""
    model, processor = AutoModel.from_pretrained(folder).eval(), AutoImageProcessor.from_pretrained(folder)
    rows = []
    for path in pictures:
        pixels = processor(plain.open_rgb(path), return_tensors="pt")["pixel_values"]
        if hasattr(model, "get_image_features"):
            row = model.get_image_features(pixel_values=pixels).pooler_output[0]
        else:
            row = model(pixel_values=pixels).last_hidden_state[0, 0]
        rows.append((row / row.norm()).numpy())
    return np.stack(rows)


def varied(values: Sequence[float], span: float) -> list[float]:
    assert np.ptp(values) > span, "images that all score alike prove nothing"
    return list(values)


def test_siglip_is_the_cosine_that_transformers_gives(run, folders, pictures) -> None:
    ours = varied(run(pictures, "siglip").numbers("siglip"), 0.01)
    assert ours == pytest.approx(plain.siglip_scores(folders[SIGLIP], pictures, PROMPT), abs=TOLERANCE)


@torch.no_grad()
def test_pickscore_is_the_number_of_its_published_code(run, folders, pictures) -> None:
    model = AutoModel.from_pretrained(folders[PICKSCORE]).eval()
    processor = AutoProcessor.from_pretrained(folders[PICKSCORE])
    text = processor(text=PROMPT, padding=True, truncation=True, max_length=77, return_tensors="pt")
    words = model.get_text_features(**text).pooler_output
    words = words / words.norm(dim=-1, keepdim=True)
    expected = (100.0 * image_features(folders[PICKSCORE], pictures) @ words.numpy()[0]).tolist()
    ours = varied(run(pictures, "pickscore").numbers("pickscore"), 1.0)
    assert ours == pytest.approx(expected, abs=100 * TOLERANCE)


@pytest.mark.parametrize(("metric", "role"), [("clip_i", Role.CLIP), ("dinov2_i", DINOV2)])
def test_likeness_is_the_cosine_with_the_reference(run, folders, pictures, metric: str, role: Role) -> None:
    rows = image_features(folders[role], pictures)
    ours = varied(run(pictures, metric).numbers(metric), 0.01)
    assert ours == pytest.approx((rows @ rows[0]).tolist(), abs=TOLERANCE)
    assert ours[0] == pytest.approx(1.0, abs=1e-6), "the first one is the reference"


def test_clip_iqa_is_the_share_that_torchmetrics_gives(run, folders, others, pictures, monkeypatch) -> None:
    from torchmetrics.functional.multimodal import clip_iqa

    # torchmetrics multiplies by 100, whatever the model's own scale is: only with that scale the two are one.
    found = plain.clip_for_torchmetrics(folders[PICKSCORE])
    monkeypatch.setattr(clip_iqa, "_get_clip_iqa_model_and_processor", lambda model_name_or_path: found)
    monkeypatch.setitem(others, Role.CLIP, replace(others[PICKSCORE], id="clip"))
    values = run(pictures, "clip_iqa", "clip_iqa_sharp")
    for metric, pair in (("clip_iqa", "quality"), ("clip_iqa_sharp", "sharpness")):
        ours = varied(values.numbers(metric), 0.01)
        for path, value in zip(pictures, ours, strict=True):
            pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None]
            theirs = clip_iqa.clip_image_quality_assessment(
                pixels, "openai/clip-vit-base-patch32", data_range=1.0, prompts=(pair,)
            )
            assert value == pytest.approx(float(theirs), abs=100 * TOLERANCE)


def test_another_prompt_or_reference_looks_at_no_image_again(run, looks, pictures, tmp_path) -> None:
    first = run(pictures, *ALL, store=tmp_path / "store.db")
    assert looks["Dinov2"] == len(pictures) + 1, "each image, and the reference"
    looks.clear()
    other = run(pictures, *ALL, store=tmp_path / "store.db", prompt="a red barn", reference=str(pictures[1]))
    assert not looks
    assert other.numbers("siglip") != first.numbers("siglip")
    assert other.numbers("dinov2_i")[1] == pytest.approx(1.0, abs=1e-6)
    assert other.numbers("clip_iqa") == first.numbers("clip_iqa")


def test_what_is_kept_is_scored_without_the_models_and_to_the_same_bit(run, pictures, tmp_path, monkeypatch) -> None:
    first = run(pictures, *ALL, store=tmp_path / "store.db")
    monkeypatch.setattr("aim_tui.engine.engine.load", lambda *_: pytest.fail("a model was loaded"))
    again = run(pictures, *ALL, store=tmp_path / "store.db")
    assert [again.numbers(metric) for metric in ALL] == [first.numbers(metric) for metric in ALL]
    assert {event.info.role for event in again.of(ModelLoaded)} == {"siglip", "pickscore", "dinov2", "clip"}


def test_metrics_of_one_model_look_at_each_image_once(run, looks, pictures) -> None:
    together = run(pictures, "clip", "clip_i", "clip_iqa", "clip_iqa_sharp")
    assert looks["Clip"] == len(pictures) + 1, "each image, and the reference"
    for metric in ("clip", "clip_i", "clip_iqa"):
        assert together.numbers(metric) == pytest.approx(run(pictures, metric).numbers(metric), abs=1e-6)


def test_images_with_prompts_and_references_of_their_own_get_the_same_numbers(
    run, others, context, pictures, tmp_path, looks
) -> None:
    paths, prompts = pictures[:3], [PROMPT, "a red barn", ""]
    references = [str(pictures[3]), str(pictures[4]), "/no/such/image.png"]
    own = [replace(context, prompt=prompt, reference=where) for prompt, where in zip(prompts, references, strict=True)]
    rows = [Item(number, str(path), context=each) for number, (path, each) in enumerate(zip(paths, own, strict=True))]
    for store in (None, str(tmp_path / "store.db"), str(tmp_path / "store.db")):
        looks.clear()
        engine = Engine(EngineSettings(others, device="cpu", store=store))
        together = collect(engine.run(Job(ALL, replace(context, prompt="", reference=""), rows)))
        engine.close()
        for number, each in enumerate(own[:2]):
            alone = run([paths[number]], *ALL, prompt=each.prompt, reference=each.reference)
            for metric in ALL:
                assert together.values[metric][number].value == pytest.approx(alone.numbers(metric)[0], abs=1e-5)
        assert together.values["siglip"][2].reason == "no prompt"
        assert together.values["dinov2_i"][2].state == "failed"
        assert "/no/such/image.png" in together.values["dinov2_i"][2].reason
        assert together.values["clip_iqa"][2].state == "present"


def test_a_prompt_that_is_too_long_is_told(run, pictures) -> None:
    told = run(pictures[:1], "siglip", prompt="cabin " * 60).of(Notice)
    assert any("siglip reads the first 64" in notice.text for notice in told)


def test_what_lacks_its_prompt_or_reference_is_refused(run, pictures) -> None:
    with pytest.raises(UsageError, match="siglip was named, but there is no prompt"):
        run(pictures, "siglip", prompt="")
    with pytest.raises(UsageError, match="reference"):
        run(pictures, "dinov2_i", reference="/no/such/image.png")
    assert len(run(pictures, "clip_iqa", prompt="", reference="").numbers("clip_iqa")) == len(pictures)


def test_a_model_of_another_kind_is_refused_by_name(others, context, pictures, folders) -> None:
    for role, metric, folder in ((DINOV2, "dinov2_i", SIGLIP), (SIGLIP, "siglip", Role.CLIP)):
        engine = Engine(EngineSettings({**others, role: ModelRef("wrong", path=str(folders[folder]))}, device="cpu"))
        with pytest.raises(ModelUnavailableError, match="model .* is of type"):
            collect(engine.run(Job((metric,), context, [Item(0, str(pictures[0]))])))


def test_a_folder_that_lacks_a_part_is_refused_by_name(others, context, pictures, tmp_path) -> None:
    (tmp_path / "config.json").write_text("{}")
    engine = Engine(EngineSettings({**others, DINOV2: ModelRef("mine", path=str(tmp_path))}, device="cpu"))
    with pytest.raises(ModelUnavailableError, match="DINOv2 model .*weights are missing.*image processor"):
        collect(engine.run(Job(("dinov2_i",), context, [Item(0, str(pictures[0]))])))
