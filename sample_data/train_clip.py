"""Train the sample CLIPModel: a ViT and a text transformer of about a million parameters together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTextConfig, CLIPVisionConfig

from sample_data.captions import Caption, canonical, demo_like, full, partial
from sample_data.common import MODELS, PATCH, PIXELS, Schedule, seed_everything, to_pixels
from sample_data.dataset import Dataset, training_set
from sample_data.foreign import sentence
from sample_data.painting import CLASSES
from sample_data.scenes import ATTRIBUTES, Scene, changed
from sample_data.tokenization import clip_tokenizer

if TYPE_CHECKING:
    import random

    from transformers import CLIPTokenizer

BATCH, WIDTH = 128, 128
FOLDER = MODELS / "clip"
FOREIGN_TEXTS, FOREIGN_PICTURES = 20, 8
SCALE = 22.0
# Wanted cosine by the number of wrong facts. These set the range of the scores; a temperature would not.
WANTED = (0.41, 0.20, 0.09, 0.04, 0.01, 0.0, 0.0)
FOREIGN_COSINE = 0.05
OBJECTS = tuple(CLASSES.index(name) for name in ("cabin", "chimney", "smoke", "trees", "background", "lake"))


class Helpers(nn.Module):
    """Heads that make a small ViT learn in minutes; they are thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes = nn.ModuleList(nn.Linear(WIDTH, len(values)) for values in ATTRIBUTES.values())
        self.patches = nn.Linear(WIDTH, len(CLASSES))
        self.facts = nn.Linear(WIDTH, sum(len(values) for values in ATTRIBUTES.values()))


@dataclass
class Batch:
    """One training step's inputs: own captions, then captions of slightly changed scenes, then foreign sentences."""

    pixels: torch.Tensor
    vectors: torch.Tensor
    fractions: torch.Tensor
    tokens: dict[str, torch.Tensor]
    allowed: torch.Tensor
    wrong: torch.Tensor


@dataclass(frozen=True)
class TrainingPhase:
    """A stretch of training: how long, how fast, and how much each loss weighs."""

    steps: int
    rate: float
    weights: dict[str, float]


# First everything is learnt; there the contrastive loss spreads the cosines too far apart.
LEARN = TrainingPhase(
    1300,
    1e-3,
    {
        "contrast": 0.25,
        "range": 12.0,
        "foreign": 8.0,
        "attributes": 0.5,
        "patches": 0.5,
        "facts": 0.5,
        "attention": 0.03,
    },
)
# Then the cosines are brought to their range.
SETTLE = TrainingPhase(400, 5e-4, {"contrast": 0.05, "range": 60.0, "foreign": 20.0, "attention": 0.03})


def train(seed: int = 11) -> None:
    """Train from scratch and write sample_data/models/clip."""
    _run(LEARN, _new_model(clip_tokenizer()), seed)
    settle()


def settle(seed: int = 15) -> None:
    """Bring the cosines of the saved model to their range, and save it again."""
    _run(SETTLE, CLIPModel.from_pretrained(FOLDER, dtype=torch.float32), seed)


def _run(phase: TrainingPhase, model: CLIPModel, seed: int) -> None:
    rng = seed_everything(seed)
    tokenizer, data, helpers = clip_tokenizer(), training_set(), Helpers()
    print(f"CLIP: {sum(p.numel() for p in model.parameters()):,} parameters")
    model.train().logit_scale.requires_grad_(False)  # the losses use a fixed scale
    # Class attention is one of the losses, and only the eager kernel returns it.
    model.vision_model.set_attn_implementation("eager")
    schedule = Schedule([model, helpers], phase.steps, phase.rate)
    for step in schedule:
        batch = _batch(data, tokenizer, rng, repeat=step % 16 == 15)
        losses, hits = _losses(model, helpers, batch)
        schedule.descend(torch.stack([weight * losses[name] for name, weight in phase.weights.items()]).sum())
        parts = " ".join(f"{name} {loss.item():.4f}" for name, loss in losses.items())
        schedule.report(step, 50, f"hits {hits:.3f} {parts}")
    _save(model, tokenizer)


def _new_model(tokenizer: CLIPTokenizer) -> CLIPModel:
    shared = {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_attention_heads": 4,
        "hidden_act": "quick_gelu",
    }
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        num_hidden_layers=2,
        max_position_embeddings=77,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        projection_dim=WIDTH,
        **shared,
    )
    vision = CLIPVisionConfig(num_hidden_layers=4, image_size=PIXELS, patch_size=PATCH, projection_dim=WIDTH, **shared)
    config = CLIPConfig(
        text_config=text, vision_config=vision, projection_dim=WIDTH, logit_scale_init_value=float(np.log(100))
    )
    return CLIPModel(config)


def _batch(data: Dataset, tokenizer: CLIPTokenizer, rng: random.Random, *, repeat: bool) -> Batch:
    picks = np.array(sorted(rng.sample(range(len(data.images)), BATCH)))
    images, fractions = data.images[picks], data.fractions[picks]
    flipped = np.array([rng.random() < 0.5 for _ in picks])
    images[flipped], fractions[flipped] = images[flipped][:, :, ::-1], fractions[flipped][:, :, ::-1]
    foreign = data.foreign[sorted(rng.sample(range(len(data.foreign)), FOREIGN_PICTURES))]
    gain = torch.empty(BATCH + FOREIGN_PICTURES, 1, 1, 1).uniform_(0.9, 1.1)
    scenes = [data.scene(int(i)) for i in picks]
    captions = [_caption(scene, rng) for scene in scenes]
    captions += [_caption(changed(scene, rng.choice((1, 1, 2)), rng), rng) for scene in scenes]
    texts = [c.text for c in captions] + [sentence(rng) for _ in range(FOREIGN_TEXTS)]
    if repeat:  # now and then something long, so that every position up to 77 learns
        texts = [f"{text} {' '.join(text.split()[: rng.randint(0, 40)])} {text}" for text in texts]
    encoded = tokenizer(texts, padding=True, truncation=True, max_length=77, return_tensors="pt")
    vectors = torch.from_numpy(data.vectors[picks])
    allowed = torch.tensor([_allowed(c) for c in captions])
    return Batch(
        pixels=to_pixels(np.concatenate([images, foreign])) * gain,
        vectors=vectors,
        fractions=torch.from_numpy(fractions.reshape(BATCH, -1, len(CLASSES)).astype(np.float32)),
        tokens=dict(encoded),
        allowed=allowed,
        wrong=_count_wrong(vectors, allowed),
    )


def _caption(scene: Scene, rng: random.Random) -> Caption:
    kind = rng.random()
    if kind < 0.15:
        return canonical(scene)
    if kind < 0.5:
        return full(scene, rng)
    return demo_like(scene, rng) if kind < 0.72 else partial(scene, rng)


def _allowed(caption: Caption) -> list[float]:
    """One number for every value of every attribute: 0 where the caption rules the value out."""
    return [
        float(name not in caption.facts or value in caption.facts[name])
        for name, values in ATTRIBUTES.items()
        for value in values
    ]


def _count_wrong(vectors: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """The number of false facts for each image (rows) and caption (columns)."""
    hot = torch.cat([F.one_hot(vectors[:, i], len(v)) for i, v in enumerate(ATTRIBUTES.values())], 1).float()
    return (len(ATTRIBUTES) - hot @ allowed.T).round().long()


def _losses(model: CLIPModel, helpers: Helpers, batch: Batch) -> tuple[dict[str, torch.Tensor], float]:
    seen = model.vision_model(batch.pixels, output_attentions=True)
    said = model.text_model(**batch.tokens)
    images = F.normalize(model.visual_projection(seen.pooler_output), dim=-1)
    texts = F.normalize(model.text_projection(said.pooler_output), dim=-1)
    cosine, captions = images @ texts.T, batch.wrong.shape[1]
    inside = cosine[:BATCH, :captions]
    contrast, hits = _contrastive(inside, batch.wrong)
    attribute_losses = [
        F.cross_entropy(h(seen.pooler_output[:BATCH]), batch.vectors[:, i]) for i, h in enumerate(helpers.attributes)
    ]
    attention = seen.attentions[-1][:BATCH, :, 0, 1:].mean(1)
    objects = batch.fractions[..., OBJECTS].sum(-1)
    losses = {
        "contrast": contrast,
        "range": _range_loss(inside, batch.wrong),
        "foreign": (
            (cosine[:, captions:] - FOREIGN_COSINE).square().mean()
            + (cosine[BATCH:, :captions] - FOREIGN_COSINE).square().mean()
        ),
        "attributes": torch.stack(attribute_losses).mean(),
        "patches": F.cross_entropy(
            helpers.patches(seen.last_hidden_state[:BATCH, 1:]).flatten(0, 1), batch.fractions.flatten(0, 1)
        ),
        "facts": F.binary_cross_entropy_with_logits(helpers.facts(said.pooler_output[:captions]), batch.allowed),
        "attention": -((attention * objects).sum(-1) + 1e-4).log().mean(),
    }
    return losses, hits


def _contrastive(cosine: torch.Tensor, wrong: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Symmetric cross-entropy in which captions that are also true of an image are no negatives of it."""
    own = torch.eye(BATCH, cosine.shape[1], dtype=torch.bool)
    logits = (SCALE * cosine).masked_fill((wrong == 0) & ~own, -1e4)
    labels = torch.arange(BATCH)
    hits = (logits.argmax(1) == labels).float().mean().item()
    return F.cross_entropy(logits, labels) + F.cross_entropy(logits[:, :BATCH].T, labels), hits


def _range_loss(cosine: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
    """Squared distance from the wanted cosine, with every number of wrong facts counting alike."""
    error = (cosine - torch.tensor(WANTED)[wrong]).square()
    return torch.stack([error[wrong == k].mean() for k in range(5) if bool((wrong == k).any())]).mean()


def _save(model: CLIPModel, tokenizer: CLIPTokenizer) -> None:
    model.set_attn_implementation("sdpa")
    model.half().save_pretrained(FOLDER)
    crop = {"height": PIXELS, "width": PIXELS}
    processor = CLIPProcessor(CLIPImageProcessor(size={"shortest_edge": PIXELS}, crop_size=crop), tokenizer)
    processor.save_pretrained(FOLDER)
