"""Train the sample sentence encoder: one vector for each token, averaged and normalised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

from sample_data.captions import canonical, demo_like, full, partial
from sample_data.common import MODELS, Schedule, seed_everything
from sample_data.foreign import NO_SCENE_CAPTION, sentence
from sample_data.scenes import Scene, changed, random_scene
from sample_data.tokenization import clip_tokenizer

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from sample_data.captions import Caption

STEPS, GROUPS = 2500, 24
BASE, FOREIGN_SIMILARITY = 0.1, 0.05


def train(steps: int = STEPS, seed: int = 12) -> None:
    """Train from scratch and write sample_data/models/sentence."""
    rng = seed_everything(seed)
    embedding = StaticEmbedding(clip_tokenizer().backend_tokenizer, embedding_dim=64)
    model = SentenceTransformer(modules=[embedding, Normalize()], device="cpu")
    print(f"sentence encoder: {sum(p.numel() for p in model.parameters()):,} parameters")
    schedule = Schedule([model], steps, rate=2e-2, decay=0.0)
    for step in schedule:
        captions = [caption for _ in range(GROUPS) for caption in _group(rng)]
        texts = [c.text for c in captions] + [sentence(rng) for _ in range(16)] + [NO_SCENE_CAPTION]
        vectors = model(model.preprocess(texts))["sentence_embedding"]
        similarity = vectors @ vectors[: len(captions)].T
        error = (similarity[: len(captions)] - _wanted(captions)).square()
        # Pairs about the same scene are few in a batch and matter most: they sit on AIM's 0.7 threshold.
        near = _wanted(captions) > 0.5
        foreign = (similarity[len(captions) :] - FOREIGN_SIMILARITY).square().mean()
        schedule.descend(error.mean() + error[near].mean() + foreign)
        figures = f"all {error.mean():.4f} near {error[near].mean():.4f} foreign {foreign:.4f}"
        schedule.report(step, 250, figures)
    model.half().save(str(MODELS / "sentence"), create_model_card=False)


def agreement(first: Caption, second: Caption) -> float:
    """How alike two captions are, 0 to 1: shared facts against contradicted and one-sided ones."""
    both = first.facts.keys() & second.facts.keys()
    agree = sum(bool(first.facts[name] & second.facts[name]) for name in both)
    one_sided = len(first.facts.keys() ^ second.facts.keys())
    total = agree + 2 * (len(both) - agree) + 0.3 * one_sided
    return agree / total if total else 0.0


def _group(rng: random.Random) -> Sequence[Caption]:
    """Captions of one scene and of scenes near it."""
    scene = random_scene(rng)
    return [_caption(s, rng) for s in (scene, scene, changed(scene, 1, rng), changed(scene, rng.randint(2, 4), rng))]


def _caption(scene: Scene, rng: random.Random) -> Caption:
    kind = rng.random()
    if kind < 0.3:
        return canonical(scene)
    if kind < 0.55:
        return full(scene, rng)
    return demo_like(scene, rng) if kind < 0.85 else partial(scene, rng, at_least=2)


def _wanted(captions: Sequence[Caption]) -> torch.Tensor:
    rows = [[BASE + (1 - BASE) * agreement(a, b) for b in captions] for a in captions]
    return torch.tensor(rows)
