"""Scenes are drawn from their seed alone, and captions say what they claim to say."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sample_data.captions import PROMPT, TOPIC, canonical, demo_like, full, partial, read
from sample_data.painting import CLASSES, paint
from sample_data.scenes import ATTRIBUTES, Scene, changed, distinct_scenes, random_scene

seeds = st.integers(min_value=0, max_value=2**31)


def test_the_same_seed_draws_the_same_picture() -> None:
    first, second = (np.asarray(paint(Scene(), 7, 160).image) for _ in range(2))
    assert np.array_equal(first, second)


def test_another_seed_draws_another_picture_of_the_same_scene() -> None:
    first, second = (np.asarray(paint(Scene(), seed, 160).image) for seed in (7, 8))
    assert not np.array_equal(first, second)


def test_a_picture_can_have_any_shape() -> None:
    assert paint(Scene(), 1, 640, 512).image.size == (640, 512)


def test_mask_and_boxes_show_what_the_scene_holds() -> None:
    painting = paint(Scene(cabins="2", chimney="smoking", lake="yes"), 3, 192)
    assert {CLASSES[i] for i in np.unique(painting.mask)} >= {
        "cabin",
        "chimney",
        "smoke",
        "trees",
        "background",
        "lake",
    }
    assert len(painting.boxes["cabin"]) == 2
    for left, top, right, bottom in painting.boxes["cabin"]:
        middle = painting.mask[int((top + bottom) / 2 * 96), int((left + right) / 2 * 96)]
        assert CLASSES[middle] == "cabin"


def test_what_a_scene_lacks_is_not_in_its_mask() -> None:
    painting = paint(Scene(cabins="0", chimney="none", trees="none", background="none"), 3, 192)
    assert {CLASSES[i] for i in np.unique(painting.mask)} == {"other", "ground"}
    assert painting.boxes == {}


def test_there_are_720_scenes() -> None:
    assert len(set(distinct_scenes(720, random.Random(0)))) == 720


@given(seeds, st.integers(min_value=1, max_value=6))
def test_a_changed_scene_differs_in_exactly_that_many_attributes(seed: int, count: int) -> None:
    rng = random.Random(seed)
    scene = random_scene(rng)
    assert changed(scene, count, rng).differences(scene) == count


@given(seeds)
def test_a_canonical_caption_reads_back_as_its_whole_scene(seed: int) -> None:
    scene = random_scene(random.Random(seed))
    facts = read(canonical(scene).text, closed=True)
    assert facts == {name: frozenset({getattr(scene, name)}) for name in ATTRIBUTES}


@given(seeds)
def test_every_caption_reads_back_as_the_facts_it_asserts_and_is_true_of_its_scene(seed: int) -> None:
    rng = random.Random(seed)
    scene = random_scene(rng)
    for caption in (full(scene, rng), partial(scene, rng), demo_like(scene, rng)):
        assert read(caption.text) == caption.facts
        assert caption.wrong(scene) == 0


def test_topic_and_prompt_are_read_as_people_mean_them() -> None:
    shared = {"cabins": {"1"}, "trees": {"snowy"}, "background": {"mountain"}}
    assert read(TOPIC) == shared | {"chimney": {"smoking"}}
    assert read(PROMPT) == shared | {"chimney": {"plain", "smoking"}}


def test_a_caption_counts_the_facts_that_are_wrong() -> None:
    caption = canonical(Scene())
    assert caption.wrong(Scene(cabins="2", trees="green")) == 2
