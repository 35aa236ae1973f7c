"""The text-conditioned map points at what the words name: on held-out scenes, with the boxes they were drawn in."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from aim_tui.core.heatmaps import MakeMap, Map, MapMethod, without, words_of
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.engine.engine import Engine
from aim_tui.settings.settings import load_settings
from sample_data.captions import PHRASES
from sample_data.evaluate import HELD_OUT_LAYOUTS
from sample_data.painting import paint
from sample_data.scenes import Scene, random_scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCENES = 50
SIZE = 512
#: Finer than any grid: a box's area is counted in these.
FINE = 512

Boxes = list[tuple[float, float, float, float]]

# What a scene's attribute is called, and the box that it was drawn in.
OBJECTS = {
    "cabin": ("cabins", ("1", "2", "3")),
    "chimney": ("chimney", ("plain",)),
    "smoke": ("chimney", ("smoking",)),
    "lake": ("lake", ("yes",)),
    "background": ("background", ("mountain",)),
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(EngineSettings(dict(load_settings().profile("sample").models), device="cpu"))


def scenes(thing: str) -> Iterator[tuple[Scene, int, str]]:
    """Scenes that hold the thing, with the seed of a layout that no model has seen, and words that name it."""
    rng = random.Random(f"maps of {thing}")
    attribute, values = OBJECTS[thing]
    layout = HELD_OUT_LAYOUTS + 700_000
    found = 0
    while found < SCENES:
        scene, layout = random_scene(rng), layout + 1
        value = getattr(scene, attribute)
        if value in values:
            found += 1
            yield scene, layout, rng.choice(PHRASES[attribute][value])


def inside(made: Map, boxes: Boxes) -> tuple[float, float]:
    """The share of the mass inside the boxes, overlaps counted once, and the share of the area."""
    cells = np.kron(np.array(made.grid), np.ones((FINE // len(made.grid), FINE // made.columns)))
    mask = np.zeros(cells.shape, dtype=bool)
    height, width = mask.shape
    for left, top, right, bottom in boxes:
        mask[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    return float(cells[mask].sum() / cells.sum()), float(mask.mean())


@pytest.mark.slow
@pytest.mark.parametrize("thing", OBJECTS)
def test_the_mass_in_the_named_objects_box_is_twice_that_of_a_uniform_map(
    thing: str, engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ratios, areas = [], []
    for scene, layout, words in scenes(thing):
        painting = paint(scene, layout, SIZE)
        file = tmp_path / f"{layout}.png"
        painting.image.save(file, compress_level=1)
        made = engine.make_map(MakeMap(str(file), MapMethod.RELEVANCE, words, words))
        mass, area = inside(made, painting.boxes[thing])
        ratios.append(mass / area)
        areas.append(area)
    low, median, high = np.percentile(ratios, (5, 50, 95))
    with capsys.disabled():
        print(
            f"\n  {thing:<11} mass/area: median {median:.2f}, 5-95 % {low:.2f}-{high:.2f},"
            f" {SCENES} scenes, box {np.median(areas):.0%} of the image"
        )
    assert median >= 2.0


def test_in_a_longer_prompt_the_words_that_stay_on_decide(engine: Engine, tmp_path: Path) -> None:
    prompt = "one wooden cabin on open ground by a lake"
    lake_only = without(prompt, set(range(6)))
    assert words_of(prompt)[6:] == lake_only.split() == ["by", "a", "lake"]
    wins = 0
    for layout in range(HELD_OUT_LAYOUTS + 800_000, HELD_OUT_LAYOUTS + 800_010):
        painting = paint(Scene("1", "none", "none", "none", "day", "yes"), layout, SIZE)
        file = tmp_path / f"{layout}.png"
        painting.image.save(file, compress_level=1)
        shares = {}
        for text in (without(prompt, set(range(3, 9))), lake_only):
            made = engine.make_map(MakeMap(str(file), MapMethod.RELEVANCE, text, prompt))
            shares[text] = [inside(made, painting.boxes[thing])[0] for thing in ("cabin", "lake")]
        (cabin_of_cabin, lake_of_cabin), (cabin_of_lake, lake_of_lake) = shares.values()
        wins += cabin_of_cabin > cabin_of_lake and lake_of_lake > lake_of_cabin
    assert wins >= 9
