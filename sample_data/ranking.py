"""Score the sample images by AIM's rule with plain library calls, and compare the order with the truth."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass

import torch
from PIL import Image
from scipy.stats import spearmanr

from sample_data import loading
from sample_data.common import GENERATIONS, HERE
from sample_data.generations import ATTRIBUTES_FILE, SAMPLE_FILE
from sample_data.lpips_trunk import as_tensor

WEIGHTS = {"clip": 0.2, "lpips": 0.3, "blip2": 0.5}


@dataclass(frozen=True)
class SampleRow:
    """The raw and final values of one sample image."""

    name: str
    caption: str
    clip_score: float
    blip2_similarity: float
    lpips_score: float
    final_score: float
    agreement: float


def clip_norm(score: float) -> float:
    """AIM's normalisation of the CLIP cosine."""
    return 1.0 if score >= 0.4 else min(1.0, max(0.0, (score + 1) / 1.4))


def blip2_norm(similarity: float) -> float:
    """AIM's normalisation of the caption similarity."""
    return 1.0 if similarity >= 0.7 else max(0.0, similarity / 0.7)


def lpips_norm(score: float) -> float:
    """AIM's normalisation of the LPIPS distance."""
    if score <= 0.6:
        return 1.0
    if score <= 0.75:
        return 0.9
    return 0.89 - (score - 0.75) / 0.2 * (0.89 - 0.1) if score <= 0.95 else 0.0


def final_score(clip_score: float, similarity: float, distance: float) -> float:
    """AIM's final score, 0 to 100."""
    parts = {"clip": clip_norm(clip_score), "lpips": lpips_norm(distance), "blip2": blip2_norm(similarity)}
    return 100 * sum(WEIGHTS[name] * value for name, value in parts.items())


def score_all() -> list[SampleRow]:
    """Score every sample image."""
    asked = tomllib.loads(SAMPLE_FILE.read_text(encoding="utf-8"))
    truth = json.loads(ATTRIBUTES_FILE.read_text(encoding="utf-8"))
    reference = Image.open(HERE / asked["reference"]).convert("RGB")
    prompt, topic = loading.text_features([asked["prompt"]]), loading.sentence_features([asked["topic"]])
    rows = []
    for name, values in truth.items():
        image = Image.open(GENERATIONS / name).convert("RGB")
        caption = loading.captions([image])[0]
        cosine = float(loading.image_features([image]) @ prompt.T)
        similarity = float(loading.sentence_features([caption]) @ topic.T)
        distance = lpips_to(reference, image)
        final = final_score(cosine, similarity, distance)
        rows.append(SampleRow(name, caption, cosine, similarity, distance, final, values["agreement"]))
    return rows


@torch.inference_mode()
def lpips_to(reference: Image.Image, candidate: Image.Image) -> float:
    """LPIPS of a candidate to the reference, which is resized to the candidate's size as AIM does."""
    resized = reference.resize(candidate.size, Image.Resampling.BILINEAR)
    return float(loading.perceptual()(as_tensor([resized]), as_tensor([candidate])))


def agreement_correlation(rows: list[SampleRow]) -> float:
    """Spearman's rank correlation between final score and true agreement."""
    return float(spearmanr([row.final_score for row in rows], [row.agreement for row in rows]).statistic)
