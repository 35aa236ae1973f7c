"""Maps agree with plain transformers and lpips, leave the scores alone, and point at what the words name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from aim_tui.core.heatmaps import MakeMap, Map, MapMethod, without
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.errors import AimError
from aim_tui.ipc.protocol import REPORTS, MapMade, Message, decode, encode
from tests.engine import random_models
from tests.engine.conftest import PROMPT, collect, items, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aim_tui.core.scoring.context import Context


@pytest.fixture
def mapped(engine: Engine) -> Callable[..., Map]:
    """Make a map with the random models."""

    def make(path: Path, method: MapMethod = MapMethod.RELEVANCE, text: str = PROMPT, **more: str) -> Map:
        return engine.make_map(MakeMap(str(path), method, text, more.pop("whole", text), **more))

    return make


@pytest.fixture(scope="module")
def plain(models: dict[str, Path]):
    """The random CLIP as transformers loads it, with attention that can be read."""
    from transformers import CLIPModel, CLIPProcessor

    model = CLIPModel.from_pretrained(models["clip"], dtype=torch.float32, attn_implementation="eager").eval()
    return model, CLIPProcessor.from_pretrained(models["clip"])


def inputs(plain, path: Path, text: str = PROMPT):
    _, processor = plain
    with Image.open(path) as image:
        return processor(text=[text], images=[image.convert("RGB")], return_tensors="pt")


def numbers(found: Map) -> np.ndarray:
    return np.array(found.grid)


# -- parity ----------------------------------------------------------------------------------------------------------


def test_attention_is_the_class_tokens_row_of_the_last_layer(plain, mapped, pictures: list[Path]) -> None:
    model, _ = plain
    for path in pictures[:4]:
        with torch.no_grad():
            output = model.vision_model(inputs(plain, path)["pixel_values"], output_attentions=True)
        expected = output.attentions[-1][0, :, 0, 1:].mean(dim=0).reshape(4, 4).numpy()
        np.testing.assert_allclose(
            numbers(mapped(path, MapMethod.ATTENTION)), expected, rtol=6e-5
        )  # five digits cross the wire


def test_relevance_is_the_roll_out_of_gradient_times_attention(plain, mapped, pictures: list[Path]) -> None:
    model, _ = plain
    for path in pictures[:4]:
        output = model(**inputs(plain, path), output_attentions=True)
        attentions = output.vision_model_output.attentions
        gradients = torch.autograd.grad(output.logits_per_image[0, 0], attentions)
        expected = torch.eye(17)
        for attention, gradient in zip(attentions, gradients, strict=True):
            weighted = torch.zeros(17, 17)
            for head in range(attention.shape[1]):
                weighted += torch.relu(attention[0, head] * gradient[0, head]) / attention.shape[1]
            expected = expected + torch.matmul(weighted, expected)
        expected = expected[0, 1:].reshape(4, 4).detach().numpy()
        assert expected.max() > 0
        np.testing.assert_allclose(numbers(mapped(path)), expected, rtol=1e-3, atol=1e-5 * expected.max())


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_the_difference_is_that_of_lpips_spatial(net: str, models: dict[str, Path], pictures: list[Path]) -> None:
    from lpips import LPIPS, im2tensor
    from safetensors.torch import load_file

    engine = Engine(EngineSettings({Role.LPIPS: ModelRef(net, path=str(models[net]))}, device="cpu"))
    theirs = LPIPS(net=net, pnet_rand=True, pretrained=False, spatial=True, verbose=False).eval()
    theirs.load_state_dict(load_file(models[net]), strict=False)
    lpips = engine._model(Role.LPIPS)
    one, other = (np.array(Image.open(pictures[number]).convert("RGB")) for number in (0, 4))
    with torch.no_grad():
        expected = theirs(im2tensor(one), im2tensor(other))[0, 0]
    found = lpips.difference(torch.from_numpy(one), lpips.features(torch.from_numpy(other)))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_mean_of_the_difference_is_the_distance(mapped, pictures: list[Path]) -> None:
    for path in pictures[1:4]:
        made = mapped(path, MapMethod.DIFFERENCE, "", reference=str(pictures[0]))
        # Enlarging counts the edges of a layer a little more than its middle.
        assert numbers(made).mean() == pytest.approx(made.score, rel=0.1)


# -- scores ----------------------------------------------------------------------------------------------------------


def test_scores_are_the_same_bit_for_bit_before_and_after_maps(
    refs: dict[Role, ModelRef], pictures: list[Path], context: Context
) -> None:
    engine = Engine(EngineSettings(refs, device="cpu"))
    job = Job(("clip", "lpips"), context, items(pictures))
    before = collect(engine.run(job))
    for method in MapMethod:
        engine.make_map(MakeMap(str(pictures[1]), method, PROMPT, PROMPT, str(pictures[0])))
    after = collect(engine.run(job))
    assert after.values == before.values


def test_scores_are_the_same_bit_for_bit_when_maps_are_made_between_their_batches(
    refs: dict[Role, ModelRef], pictures: list[Path], context: Context
) -> None:
    engine = Engine(EngineSettings(refs, device="cpu", batch_size=2))
    job = Job(("clip", "lpips"), context, items(pictures))
    before = collect(engine.run(job))
    made = 0

    def with_maps() -> Iterator[object]:
        nonlocal made
        for event in engine.run(job):
            for method in MapMethod:
                engine.make_map(MakeMap(str(pictures[1]), method, PROMPT, PROMPT, str(pictures[0])))
                made += 1
            yield event

    assert collect(with_maps()).values == before.values
    assert made


def test_a_map_carries_the_score_that_the_metric_gives(mapped, score, pictures: list[Path]) -> None:
    paths = pictures[1:4]
    ran = [score([path], "clip", "lpips") for path in paths]
    assert [mapped(path).score for path in paths] == [one.numbers("clip")[0] for one in ran]
    difference = [mapped(path, MapMethod.DIFFERENCE, "", reference=str(pictures[0])).score for path in paths]
    assert difference == pytest.approx([one.numbers("lpips")[0] for one in ran], abs=1e-6)


def test_words_that_are_switched_off_change_map_and_score(mapped, pictures: list[Path]) -> None:
    whole = mapped(pictures[1])
    part = mapped(pictures[1], text=without(PROMPT, {0, 1}), whole=PROMPT)
    assert part.whole == whole.score
    assert part.score == mapped(pictures[1], text="cabin, snow, 2 trees").score != whole.score
    assert part.grid != whole.grid


def test_the_reference_does_not_differ_from_itself(mapped, pictures: list[Path]) -> None:
    made = mapped(pictures[0], MapMethod.DIFFERENCE, "", reference=str(pictures[0]))
    assert (made.high, made.score) == (0.0, 0.0)


# -- where it lies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(96, 96), (200, 100), (61, 90), (100, 333)])
def test_a_map_covers_the_part_of_the_image_that_clip_sees(size: tuple[int, int], engine: Engine) -> None:
    width, height = size
    preparation = engine._model(Role.CLIP).preparation
    ramp = np.zeros((height, width, 3), dtype=np.uint8)
    ramp[..., 0] = np.linspace(0, 255, width).round()[None, :]
    ramp[..., 1] = np.linspace(0, 255, height).round()[:, None]
    seen = preparation.prepare(torch.from_numpy(ramp)).float() / 255
    left, top, right, bottom = preparation.seen(width, height)
    # The colour of an outermost pixel tells where it lies; a pixel of the crop is a 32nd.
    assert (seen[0, 0, 0], seen[0, 0, -1]) == pytest.approx((left, right), abs=(right - left) / 24)
    assert (seen[1, 0, 0], seen[1, -1, 0]) == pytest.approx((top, bottom), abs=(bottom - top) / 24)


def test_a_difference_has_the_shape_of_the_image_and_few_cells(mapped, tmp_path: Path, pictures: list[Path]) -> None:
    wide = picture(tmp_path / "wide.png", 300, 100, seed=50)
    made = mapped(wide, MapMethod.DIFFERENCE, "", reference=str(pictures[0]))
    assert (made.columns, len(made.grid), made.width, made.height) == (96, 32, 300, 100)
    assert len(encode(Message(1, MapMade(made)))) < 64 * 1024


def test_a_map_survives_the_wire(mapped, pictures: list[Path]) -> None:
    made = mapped(pictures[2])
    assert decode(encode(Message(7, MapMade(made))), REPORTS) == Message(7, MapMade(made))


# -- what cannot be --------------------------------------------------------------------------------------------------


def test_what_cannot_be_mapped_says_why(mapped, tmp_path: Path, pictures: list[Path]) -> None:
    text = tmp_path / "text.png"
    text.write_text("no image")
    small = picture(tmp_path / "small.png", 20, 20, seed=3)
    for asked, said in (
        ((text,), "text.png"),
        ((tmp_path / "gone.png",), "gone.png"),
        ((pictures[0], MapMethod.RELEVANCE, " "), "no text"),
        ((small, MapMethod.DIFFERENCE), "too small for LPIPS"),
    ):
        with pytest.raises(AimError, match=said):
            mapped(*asked, reference=str(pictures[0]))
    with pytest.raises(AimError, match="reference .*gone"):
        mapped(pictures[0], MapMethod.DIFFERENCE, "", reference=str(tmp_path / "gone.png"))


def test_a_model_without_a_class_token_is_told_so(tmp_path: Path, pictures: list[Path]) -> None:
    folder = random_models.save_siglip(tmp_path / "siglip")
    engine = Engine(EngineSettings({Role.CLIP: ModelRef("siglip", path=str(folder))}, device="cpu"))
    for method in (MapMethod.ATTENTION, MapMethod.RELEVANCE):
        with pytest.raises(AimError, match="no class token"):
            engine.make_map(MakeMap(str(pictures[0]), method, PROMPT, PROMPT))


def test_a_profile_without_the_model_says_so(pictures: list[Path]) -> None:
    with pytest.raises(AimError, match="names no clip model"):
        Engine(EngineSettings({}, device="cpu")).make_map(MakeMap(str(pictures[0]), MapMethod.ATTENTION))
