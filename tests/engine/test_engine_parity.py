"""The engine's numbers are those of the plain use of each library, in float32 on the same files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.settings import paths
from tests.engine import reference_loop as plain
from tests.engine.conftest import PROMPT, TOPIC, collect, items
from tests.engine.random_models import save_siglip, save_trunk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.conftest import Ran

TOLERANCE = 1e-4


def test_clip_score_is_the_cosine_that_transformers_gives(
    score: Callable[..., Ran], models: dict[str, Path], pictures: list[Path]
) -> None:
    ours = score(pictures, "clip").numbers("clip")
    theirs = plain.clip_scores(models["clip"], pictures, PROMPT)
    assert ours == pytest.approx(theirs, abs=TOLERANCE)
    assert np.ptp(ours) > 0.01, "images that all score alike prove nothing"


def test_clip_score_is_a_hundredth_of_torchmetrics(
    score: Callable[..., Ran], models: dict[str, Path], pictures: list[Path]
) -> None:
    from torchmetrics.multimodal import CLIPScore

    metric = CLIPScore(model_name_or_path=lambda: plain.clip_for_torchmetrics(models["clip"]))
    for path, ours in zip(pictures, score(pictures, "clip").numbers("clip"), strict=True):
        pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)
        # torchmetrics clamps the mean at 0, not the single score.
        metric.update(pixels, PROMPT)
        assert float(metric.score) / 100 == pytest.approx(ours, abs=TOLERANCE)
        metric.reset()


def test_siglip_gets_its_prompt_padded_as_it_was_trained(
    score: Callable[..., Ran], refs: dict[Role, ModelRef], pictures: list[Path], tmp_path: Path
) -> None:
    folder = save_siglip(tmp_path / "siglip")
    ours = score(pictures, "clip", models={**refs, Role.CLIP: ModelRef(path=str(folder))}).numbers("clip")
    assert ours == pytest.approx(plain.siglip_scores(folder, pictures, PROMPT), abs=TOLERANCE)


@pytest.mark.parametrize("language", ["opt", "t5"])
def test_captions_and_their_similarity_are_those_of_transformers_and_sentence_transformers(
    language: str, score: Callable[..., Ran], refs: dict[Role, ModelRef], models: dict[str, Path], pictures: list[Path]
) -> None:
    ran = score(pictures, "blip2", models={**refs, Role.CAPTIONER: ModelRef(path=str(models[language]))})
    captions = [ran.values["blip2"][item].caption for item in range(len(pictures))]
    expected = plain.captions(models[language], pictures)
    assert captions == expected
    assert len(set(captions)) > 1, "images that all get one caption prove nothing"
    assert ran.numbers("blip2") == pytest.approx(plain.similarities(models["sentence"], expected, TOPIC), abs=TOLERANCE)


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_lpips_is_the_distance_that_the_package_gives(
    net: str, score: Callable[..., Ran], refs: dict[Role, ModelRef], models: dict[str, Path], pictures: list[Path]
) -> None:
    ours = score(pictures, "lpips", models={**refs, Role.LPIPS: ModelRef(net, path=str(models[net]))}).numbers("lpips")
    theirs = plain.lpips_distances(models[net], net, pictures, pictures[0])
    assert ours == pytest.approx(theirs, abs=TOLERANCE)
    assert ours[0] == 0.0
    assert min(ours[1:]) > 0.01


def test_a_torchvision_trunk_is_combined_with_the_lins_of_the_package(
    score: Callable[..., Ran], refs: dict[Role, ModelRef], pictures: list[Path], tmp_path: Path
) -> None:
    trunk = save_trunk(tmp_path / "alexnet.pth", "alex")
    ours = score(pictures, "lpips", models={**refs, Role.LPIPS: ModelRef("alex", path=str(trunk))}).numbers("lpips")
    assert ours == pytest.approx(plain.lpips_distances(trunk, "alex", pictures, pictures[0]), abs=TOLERANCE)


class TestSampleModels:
    """The same holds for the models that travel with the program."""

    @pytest.fixture(scope="class")
    def folder(self) -> Path:
        return paths.sample_data() / "models"

    @pytest.fixture(scope="class")
    def images(self) -> list[Path]:
        return sorted((paths.sample_data() / "generations").iterdir())[:6]

    @pytest.fixture(scope="class")
    def ran(self, folder: Path, images: list[Path]) -> Ran:
        refs = {
            Role.CLIP: ModelRef(path=str(folder / "clip")),
            Role.CAPTIONER: ModelRef(path=str(folder / "blip2")),
            Role.SENTENCE: ModelRef(path=str(folder / "sentence")),
            Role.LPIPS: ModelRef(path=str(folder / "lpips")),
        }
        engine = Engine(EngineSettings(refs, device="cpu"))
        return collect(
            engine.run(Job(("clip", "blip2", "lpips"), Context(TOPIC, PROMPT, str(images[0])), items(images)))
        )

    def test_clip_score(self, ran: Ran, folder: Path, images: list[Path]) -> None:
        assert ran.numbers("clip") == pytest.approx(plain.clip_scores(folder / "clip", images, PROMPT), abs=TOLERANCE)

    def test_caption_similarity(self, ran: Ran, folder: Path, images: list[Path]) -> None:
        captions = plain.captions(folder / "blip2", images)
        assert [ran.values["blip2"][item].caption for item in range(len(images))] == captions
        assert ran.numbers("blip2") == pytest.approx(
            plain.similarities(folder / "sentence", captions, TOPIC), abs=TOLERANCE
        )

    def test_lpips(self, ran: Ran, folder: Path, images: list[Path]) -> None:
        expected = plain.lpips_distances(folder / "lpips" / "model.safetensors", "alex", images, images[0])
        assert ran.numbers("lpips") == pytest.approx(expected, abs=TOLERANCE)
