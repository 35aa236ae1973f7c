"""Measure the shipped models on held-out scenes at 512 px; names choose models; `--write` stores the figures."""

from __future__ import annotations

import json
import random
import sys
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL.Image import open as open_image
from scipy.stats import spearmanr

from sample_data import loading, ranking
from sample_data.captions import canonical, full, read
from sample_data.common import HERE
from sample_data.edits import ADVERSARIAL_FILE, EDITS, edited, held_out_scenes, render
from sample_data.foreign import HELD_OUT
from sample_data.instructions import ERROR_TYPES, changes, instruct, wrong
from sample_data.lpips_trunk import as_tensor
from sample_data.painting import paint
from sample_data.scenes import ATTRIBUTES, Scene, changed, distinct_scenes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from PIL import Image

QUALITY_FILE = HERE / "quality.json"
SIZE, GROUP = 512, 64
EDIT_SIZE = (320, 320)
# Training layouts start at 1,000,000 and end below 1,100,000: none of these was ever seen.
HELD_OUT_LAYOUTS = 9_000_000
Figures = dict[str, float]


@cache
def held_out(groups: int, seed: int) -> list[tuple[Scene, Image.Image]]:
    """Held-out scenes, 64 distinct ones to a group, drawn at 512 px."""
    rng = random.Random(seed)
    scenes = [scene for _ in range(groups) for scene in distinct_scenes(GROUP, rng)]
    first = HELD_OUT_LAYOUTS + 10_000 * seed
    return [(scene, paint(scene, first + i, SIZE).image) for i, scene in enumerate(scenes)]


def clip_quality(groups: int = 5, seed: int = 1) -> Figures:
    """Top-1 among 64 distinct captions, and cosines by the number of wrong facts."""
    rng = random.Random(seed)
    pairs = held_out(groups, seed)
    scenes = [scene for scene, _ in pairs]
    images = torch.cat(
        [loading.image_features([image for _, image in pairs[i : i + GROUP]]) for i in range(0, len(pairs), GROUP)]
    )
    texts = loading.text_features([full(scene, rng).text for scene in scenes])
    hits = []
    for start in range(0, len(pairs), GROUP):
        part = slice(start, start + GROUP)
        hits.append((images[part] @ texts[part].T).argmax(1) == torch.arange(GROUP))
    cosines = {"match": (images * texts).sum(1).numpy()}
    for count, name in ((1, "one_wrong"), (2, "two_wrong"), (4, "four_wrong")):
        cosines[name] = _wrong_cosines(scenes, images, count, rng)
    cosines["foreign"] = (images @ loading.text_features(HELD_OUT).T).flatten().numpy()
    figures = {"images": float(len(pairs)), "top1_of_64": torch.cat(hits).float().mean().item()}
    return figures | {
        f"{name}_{key}": value for name, found in cosines.items() for key, value in _spread(found).items()
    }


def caption_quality(groups: int = 5, seed: int = 2) -> Figures:
    """The share of attributes that generated captions get right, over all and for each attribute."""
    pairs = held_out(groups, seed)
    texts = [t for i in range(0, len(pairs), 32) for t in loading.captions([image for _, image in pairs[i : i + 32]])]
    right = {name: 0 for name in ATTRIBUTES}
    exact = 0
    for text, (scene, _) in zip(texts, pairs, strict=True):
        facts = read(text, closed=True)
        exact += text == canonical(scene).text
        for name in ATTRIBUTES:
            right[name] += facts.get(name) == frozenset({getattr(scene, name)})
    total = len(pairs)
    figures = {
        "images": float(total),
        "attributes_right": sum(right.values()) / total / len(ATTRIBUTES),
        "exact": exact / total,
    }
    return figures | {f"{name}_right": count / total for name, count in right.items()}


def similarity_quality(count: int = 600, seed: int = 3) -> Figures:
    """Cosines of sentence vectors for paraphrases of one scene and for scenes that differ."""
    rng = random.Random(seed)
    scenes = [scene for _ in range(-(-count // 300)) for scene in distinct_scenes(300, rng)][:count]
    here = loading.sentence_features([full(scene, rng).text for scene in scenes])
    figures: Figures = {"pairs": float(count)}
    for differing in range(5):
        others = [changed(scene, differing, rng) if differing else scene for scene in scenes]
        there = loading.sentence_features([full(scene, rng).text for scene in others])
        found = (here * there).sum(1).numpy()
        figures |= {f"differ_{differing}_{key}": value for key, value in _spread(found).items()}
        if differing == 0:
            figures["paraphrases_above_0.7"] = float((found > 0.7).mean())
    foreign = (here @ loading.sentence_features(HELD_OUT).T).flatten().numpy()
    return figures | {"foreign_p50": float(np.median(foreign))}


@torch.inference_mode()
def lpips_quality(each: int = 12, seed: int = 4) -> Figures:
    """LPIPS of a picture to itself and to scenes with 0 to 6 changed attributes, at 512 px."""
    rng = random.Random(seed)
    model = loading.perceptual()
    distances: list[float] = []
    changes: list[int] = []
    figures: Figures = {"pairs": 7.0 * each}
    for differing in range(7):
        found = []
        for _ in range(each):
            scene = Scene(sky=rng.choice(ATTRIBUTES["sky"]), lake=rng.choice(ATTRIBUTES["lake"]))
            other = changed(scene, differing, rng) if differing else scene
            layouts = [HELD_OUT_LAYOUTS + rng.randrange(1_000_000) for _ in range(2)]
            first, second = (as_tensor([paint(s, k, SIZE).image]) for s, k in zip((scene, other), layouts, strict=True))
            found.append(float(model(first, second)))
            if differing == 0 and len(found) == 1:
                figures["itself"] = float(model(first, first))
        figures[f"changed_{differing}_p50"] = float(np.median(found))
        distances += found
        changes += [differing] * each
    return figures | {"spearman_with_changes": float(spearmanr(distances, changes).statistic)}


def editclip_quality(pairs: int = 300, seed: int = 5) -> Figures:
    """How often EditCLIP puts a right instruction above a wrong one of the same pair, by the kind of error.

    The pairs are of held-out scenes and layouts, drawn at 320 px; the sample edits are measured beside them.
    """
    rng = random.Random(seed)
    sources = sorted(held_out_scenes(), key=str)
    drawn: list[tuple[Image.Image, Image.Image]] = []
    right: list[str] = []
    false: list[tuple[int, str, str]] = []
    for number in range(pairs):
        source = rng.choice(sources)
        target = edited(source, 2 if rng.random() < 0.25 else 1, rng)
        layout = HELD_OUT_LAYOUTS + 10_000 * seed + number
        drawn.append((render(source, layout, EDIT_SIZE), render(target, layout, EDIT_SIZE)))
        right.append(instruct(changes(source, target), rng).text)
        for error in ERROR_TYPES:
            if (found := wrong(source, target, error, rng)) is not None:
                false.append((number, error, found.text))
    features = loading.edit_features(drawn)
    matched = (features * loading.edit_text_features(right)).sum(1)
    said = loading.edit_text_features([text for _, _, text in false])
    against = (features[[number for number, _, _ in false]] * said).sum(1)
    wins: dict[str, list[bool]] = {error: [] for error in ERROR_TYPES}
    for (number, error, _), value in zip(false, against.tolist(), strict=True):
        wins[error].append(float(matched[number]) > value)
    every = [won for each in wins.values() for won in each]
    figures = {"pairs": float(pairs), "matched_pairs": float(len(every)), "wins": float(np.mean(every))}
    figures |= {f"wins_{error}": float(np.mean(each)) for error, each in wins.items()}
    figures["right_p50"], figures["wrong_p50"] = float(matched.median()), float(against.median())
    return figures | {"sample_wins": sample_edit_wins()}


def sample_edit_wins() -> float:
    """The share of the shipped matched pairs in which the right instruction scores higher."""
    samples = json.loads(ADVERSARIAL_FILE.read_text(encoding="utf-8"))["samples"]
    images = [(_opened(row["source_image"]), _opened(row["target_image"])) for row in samples]
    texts = loading.edit_text_features([row["instruction"] for row in samples])
    scores = (loading.edit_features(images) * texts).sum(1)
    by_id = dict(zip((row["id"] for row in samples), scores.tolist(), strict=True))
    wins = [by_id[f"correct_{n:03d}"] > by_id[f"wrong_{n:03d}"] for n in range(len(samples) // 2)]
    return float(np.mean(wins))


def ranking_quality() -> Figures:
    """How the sample images rank by AIM's final score, and how many fall in each LPIPS branch."""
    rows = ranking.score_all()
    bounds = (-1.0, 0.6, 0.75, 0.95, float("inf"))
    figures: Figures = {"images": float(len(rows)), "spearman": ranking.agreement_correlation(rows)}
    for low, high in zip(bounds, bounds[1:], strict=False):
        figures[f"lpips_to_{high}"] = float(sum(low < row.lpips_score <= high for row in rows))
    return figures


PARTS: dict[str, Callable[[], Figures]] = {
    "clip": clip_quality,
    "captions": caption_quality,
    "similarity": similarity_quality,
    "lpips": lpips_quality,
    "ranking": ranking_quality,
    "editclip": editclip_quality,
}


def measure(parts: Collection[str] = tuple(PARTS)) -> dict[str, Figures]:
    """Quality figures by model, of all or of some."""
    found = {part: quality() for part, quality in PARTS.items() if part in parts}
    return {part: {name: round(value, 4) for name, value in figures.items()} for part, figures in found.items()}


def write(parts: Collection[str] = tuple(PARTS)) -> None:
    """Measure, print and store the figures in quality.json; those of other models stay."""
    stored = json.loads(QUALITY_FILE.read_text(encoding="utf-8")) if QUALITY_FILE.is_file() else {}
    found = stored | measure(parts)
    text = json.dumps({part: found[part] for part in PARTS if part in found}, indent=2)
    print(text)
    QUALITY_FILE.write_text(text + "\n", encoding="utf-8")


def _opened(name: str) -> Image.Image:
    return open_image(EDITS / name).convert("RGB")


def _wrong_cosines(scenes: list[Scene], images: torch.Tensor, count: int, rng: random.Random) -> np.ndarray:
    """Cosines of each picture with a full caption that is wrong in exactly `count` facts."""
    said = []
    for scene in scenes:
        caption = full(changed(scene, count, rng), rng)
        while caption.wrong(scene) != count:
            caption = full(changed(scene, count, rng), rng)
        said.append(caption.text)
    return np.asarray((images * loading.text_features(said)).sum(1))


def _spread(values: np.ndarray) -> Figures:
    low, middle, high = np.percentile(values, (5, 50, 95))
    return {"p5": float(low), "p50": float(middle), "p95": float(high)}


if __name__ == "__main__":
    named = [name for name in sys.argv[1:] if name in PARTS] or list(PARTS)
    if "--write" in sys.argv[1:]:
        write(named)
    else:
        print(json.dumps(measure(named), indent=2))
