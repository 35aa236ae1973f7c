"""The sample edits: pairs of pictures with an instruction, and right and wrong instructions for the same pairs."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sample_data.captions import canonical
from sample_data.common import HERE
from sample_data.instructions import ERROR_TYPES, Instruction, changes, instruct, wrong
from sample_data.painting import paint
from sample_data.scenes import ATTRIBUTES, Scene, distinct_scenes

if TYPE_CHECKING:
    from PIL import Image

EDITS = HERE / "edits"
DATA_FILE = EDITS / "data.json"
ADVERSARIAL_FILE = EDITS / "adversarial_dataset.json"
SOURCES, PAIRS = 24, 48
LAYOUTS = 7_000_000
SEED = 41
# Pictures are small: a model that sees 96 px needs no more, and 72 of them travel with the program.
SQUARE, WIDE = (320, 320), (400, 320)
_HELD_OUT = 90


@dataclass(frozen=True)
class Edit:
    """One edit: the scene before and after, drawn with one layout, and what was asked for."""

    id: str
    source: Scene
    target: Scene
    layout: int
    instruction: Instruction
    size: tuple[int, int]
    source_name: str
    target_name: str

    def images(self) -> tuple[Image.Image, Image.Image]:
        """The picture before and after."""
        return render(self.source, self.layout, self.size), render(self.target, self.layout, self.size)


def render(scene: Scene, layout: int, size: tuple[int, int]) -> Image.Image:
    """A picture of an edit: what the edit does not name stays in its place."""
    return paint(scene, layout, *size, oversample=3, steady=True).image


@cache
def held_out_scenes() -> frozenset[Scene]:
    """Scenes that no training pair begins or ends with."""
    return frozenset(random.Random(SEED).sample(sorted(distinct_scenes(720, random.Random(0)), key=str), _HELD_OUT))


def edited(source: Scene, count: int, rng: random.Random) -> Scene:
    """The scene with `count` attributes changed, every one of them visibly."""
    while True:
        names = rng.sample(list(ATTRIBUTES), count)
        picks = {n: rng.choice([v for v in ATTRIBUTES[n] if v != getattr(source, n)]) for n in names}
        target = source.with_values(picks)
        if len(changes(source, target)) == count:
            return target


@cache
def shipped() -> tuple[Edit, ...]:
    """The sample edits, two to a source; every fourth changes two things."""
    rng = random.Random(SEED)
    sources = rng.sample(sorted(held_out_scenes(), key=str), SOURCES)
    found: list[Edit] = []
    for number, source in enumerate(sources):
        layout, size = LAYOUTS + number, WIDE if number % 5 == 4 else SQUARE
        # Every attribute changes equally often: otherwise chance would leave some kinds of edits out.
        names = [list(ATTRIBUTES)[(number + step) % len(ATTRIBUTES)] for step in (0, 3)]
        targets: list[Scene] = []
        for name in names:
            count = 2 if len(found) % 4 == 3 else 1
            target = _changed_in(source, name, count, rng)
            while target in targets:
                target = _changed_in(source, name, count, rng)
            targets.append(target)
            index = len(found)
            found.append(
                Edit(
                    f"edit_{index:03d}",
                    source,
                    target,
                    layout,
                    instruct(changes(source, target), rng),
                    size,
                    f"images/{number:02d}_source.jpg",
                    f"images/{number:02d}_target_{len(targets)}.jpg",
                )  # fmt: skip
            )
    return tuple(found)


def adversarial(edits: tuple[Edit, ...] | None = None, seed: int = SEED) -> list[dict[str, object]]:
    """For each edit a right instruction in other words, and a wrong one; the ways of being wrong take turns."""
    rng = random.Random(seed + 1)
    rows: list[dict[str, object]] = []
    turn = 0
    for number, edit in enumerate(edits or shipped()):
        right = instruct(changes(edit.source, edit.target), rng)
        found = None
        while found is None:
            error = ERROR_TYPES[turn % len(ERROR_TYPES)]
            found = wrong(edit.source, edit.target, error, rng)
            turn += 1
        common = {"original_id": edit.id, "source_image": edit.source_name, "target_image": edit.target_name}
        rows.append(
            {"id": f"correct_{number:03d}", **common, "instruction": right.text, "is_correct": True, "error_type": None}
        )
        rows.append(
            {
                "id": f"wrong_{number:03d}",
                **common,
                "instruction": found.text,
                "is_correct": False,
                "error_type": error,
                "original_instruction": edit.instruction.text,
            }
        )
    return rows


def write() -> None:
    """Write the pictures, data.json and adversarial_dataset.json, and remove what does not belong to them."""
    (EDITS / "images").mkdir(parents=True, exist_ok=True)
    edits = shipped()
    known = {name for edit in edits for name in (edit.source_name, edit.target_name)}
    for stray in (EDITS / "images").iterdir():
        if f"images/{stray.name}" not in known:
            stray.unlink()
    for edit in edits:
        for name, image in zip((edit.source_name, edit.target_name), edit.images(), strict=True):
            image.save(EDITS / name, quality=88)
    rows = [
        {
            "id": edit.id,
            "source_image": edit.source_name,
            "target_image": edit.target_name,
            "instruction": edit.instruction.text,
            "source_caption": canonical(edit.source).text,
            "target_caption": canonical(edit.target).text,
        }
        for edit in edits
    ]
    DATA_FILE.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    samples = adversarial(edits)
    counts = {error: sum(row["error_type"] == error for row in samples) for error in ERROR_TYPES}
    info = {
        "description": "right and wrong instructions for the sample edits; wrong_N and correct_N belong to one pair",
        "total_samples": len(samples),
        "correct_samples": sum(bool(row["is_correct"]) for row in samples),
        "wrong_samples": sum(not row["is_correct"] for row in samples),
        "error_types": counts,
        "seed": SEED,
    }
    text = json.dumps({"dataset_info": info, "samples": samples}, indent=2)
    ADVERSARIAL_FILE.write_text(text + "\n", encoding="utf-8")


def _changed_in(source: Scene, name: str, count: int, rng: random.Random) -> Scene:
    """The scene changed in the named attribute, and in another one where two are asked for."""
    if name == "chimney" and source.cabins == "0":
        name = "cabins"
    while True:
        target = edited(source, count, rng)
        if any(transition[0] == name for transition in changes(source, target)):
            return target
