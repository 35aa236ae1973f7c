"""The sample edits are what the scripts draw and word, and their instructions mean what they say."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sample_data import edits
from sample_data.instructions import ERROR_TYPES, changes, corpus, instruct, transitions, unrelated, wordings, wrong
from sample_data.painting import paint
from sample_data.scenes import Scene, random_scene

seeds = st.integers(min_value=0, max_value=2**31)


def rows() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(edits.DATA_FILE.read_text(encoding="utf-8"))
    return found


def samples() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(edits.ADVERSARIAL_FILE.read_text(encoding="utf-8"))["samples"]
    return found


def test_there_are_at_least_forty_pairs_and_every_image_is_there() -> None:
    assert len(rows()) == edits.PAIRS >= 40
    for row in rows():
        sizes = set()
        for name in ("source_image", "target_image"):
            with Image.open(edits.EDITS / str(row[name])) as image:
                image.load()
                sizes.add(image.size)
        assert len(sizes) == 1


def test_the_scripts_word_the_shipped_files_again() -> None:
    assert [(e.id, e.instruction.text) for e in edits.shipped()] == [(r["id"], r["instruction"]) for r in rows()]
    assert edits.adversarial() == samples()


def test_the_scripts_draw_the_shipped_pictures_again() -> None:
    for edit in edits.shipped()[:4]:
        drawn = np.asarray(edit.images()[1], dtype=float)
        shipped = np.asarray(Image.open(edits.EDITS / edit.target_name).convert("RGB"), dtype=float)
        assert np.abs(drawn - shipped).mean() < 3, "no more than JPEG takes away"


def test_every_edit_has_a_right_and_a_wrong_instruction() -> None:
    by_id = {str(row["id"]): row for row in samples()}
    assert len(by_id) == 2 * edits.PAIRS
    for number, edit in enumerate(edits.shipped()):
        right, false = by_id[f"correct_{number:03d}"], by_id[f"wrong_{number:03d}"]
        assert right["original_id"] == false["original_id"] == edit.id
        assert (right["is_correct"], right["error_type"]) == (True, None)
        assert false["error_type"] in ERROR_TYPES
        assert false["original_instruction"] == edit.instruction.text
        assert [right[k] for k in ("source_image", "target_image")] == [edit.source_name, edit.target_name]
    used = {row["error_type"] for row in samples()} - {None}
    assert used == set(ERROR_TYPES)


def test_instructions_are_made_of_whole_words() -> None:
    words = {word for text in corpus() for word in re.findall(r"[a-z]+", text)}
    ours = [str(row["instruction"]) for row in rows()]
    ours += [str(row["instruction"]) for row in samples() if row["error_type"] != "unrelated"]
    for text in ours:
        assert re.fullmatch(r"[A-Za-z]+(,? [A-Za-z]+)*\.?", text), text
        assert set(re.findall(r"[a-z]+", text.lower())) <= words, text


def test_every_change_has_several_wordings() -> None:
    assert all(len(wordings(transition)) >= 2 for transition in transitions())


def test_attributes_change_about_equally_often() -> None:
    counts = dict.fromkeys(("cabins", "chimney", "trees", "background", "sky", "lake"), 0)
    for edit in edits.shipped():
        for name, _, _ in changes(edit.source, edit.target):
            counts[name] += 1
    assert min(counts.values()) >= 5, counts


@given(seeds, st.integers(min_value=1, max_value=2))
def test_a_right_instruction_is_right_and_a_wrong_one_wrong(seed: int, count: int) -> None:
    rng = random.Random(seed)
    source = random_scene(rng)
    target = edits.edited(source, count, rng)
    made = changes(source, target)
    assert instruct(made, rng).right(made)
    for error in ERROR_TYPES:
        found = wrong(source, target, error, rng)
        assert found is None or not found.right(made), (error, found)


@given(seeds)
def test_an_unrelated_instruction_is_right_of_nothing(seed: int) -> None:
    rng = random.Random(seed)
    source = random_scene(rng)
    assert not unrelated(rng).right(changes(source, edits.edited(source, 1, rng)))


@pytest.mark.parametrize("change", [{"lake": "yes"}, {"sky": "night"}, {"chimney": "none"}, {"trees": "green"}])
def test_what_an_edit_does_not_name_stays_in_its_place(change: dict[str, str]) -> None:
    before = Scene()
    boxes = [paint(scene, 5, 160, steady=True).boxes for scene in (before, before.with_values(change))]
    for kind in ("cabin", "background"):
        assert boxes[0][kind] == boxes[1][kind]


def test_shipped_scenes_are_held_out_of_training() -> None:
    from sample_data.train_editclip import render_chunk

    kept = {tuple(scene.vector()) for scene in edits.held_out_scenes()}
    assert all(tuple(edit.source.vector()) in kept for edit in edits.shipped())
    _, vectors, _ = render_chunk(0, 40)
    assert not kept & {tuple(vector) for vector in vectors.reshape(-1, 6).tolist()}
