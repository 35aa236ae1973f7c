"""Train the sample EditCLIP: a CLIPModel whose vision tower takes source and target on six channels, source first."""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from transformers import CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTextConfig

from sample_data import captions, instructions
from sample_data.common import MODELS, PATCH, PIXELS, SCRATCH, Schedule, seed_everything, to_pixels
from sample_data.dataset import scene_of
from sample_data.edits import edited, held_out_scenes
from sample_data.instructions import ERROR_TYPES, Instruction, changes, instruct, transitions, unrelated, wrong
from sample_data.painting import CLASSES, paint
from sample_data.scenes import ATTRIBUTES, Scene, random_scene
from sample_data.tokenization import clip_tokenizer

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

FOLDER = MODELS / "editclip"
GROUPS, OF = 6_000, 3
# Training layouts; the sample edits have 7,000,000 and on, the quality figures 9,000,000 and on.
LAYOUTS = 3_000_000
CHUNK = 250
BATCH, WIDTH, STEPS, RATE = 96, 128, 550, 1e-3
WRONG, UNRELATED, UNCHANGED = 2, 12, 6
SCALE = 20.0
WEIGHTS = {"contrast": 1.0, "attributes": 0.5, "patches": 0.5, "meaning": 0.5}


@dataclass
class Groups:
    """Scenes in groups of three of one layout: images (n, 3, 96, 96, 3), vectors (n, 3, 6), fractions by patch."""

    images: np.ndarray
    vectors: np.ndarray
    fractions: np.ndarray


class EditHelpers(nn.Module):
    """Heads that make a small ViT learn in minutes; they are thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes = nn.ModuleList(nn.Linear(WIDTH, 2 * len(values)) for values in ATTRIBUTES.values())
        self.patches = nn.Linear(WIDTH, 2 * len(CLASSES))
        self.meaning = nn.Linear(WIDTH, len(transitions()))


@dataclass
class EditBatch:
    """One step's inputs: pairs and then unchanged pairs; right texts, then wrong ones, then unrelated ones."""

    pixels: torch.Tensor
    vectors: torch.Tensor
    fractions: torch.Tensor
    tokens: dict[str, torch.Tensor]
    meanings: torch.Tensor
    right: torch.Tensor


def training_groups(workers: int = 1) -> Groups:
    """The training scenes, rendered at the first call and read back from the scratch folder afterwards."""
    names = ("images", "vectors", "fractions")
    files = [SCRATCH / f"edit_{name}.npy" for name in names]
    if not all(file.is_file() for file in files):
        SCRATCH.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(workers) as pool:
            parts = list(pool.map(render_chunk, range(0, GROUPS, CHUNK)))
        for file, column in zip(files, zip(*parts, strict=True), strict=True):
            np.save(file, np.concatenate(column))
    return Groups(*(np.load(file, mmap_mode="r") for file in files))


def render_chunk(start: int, count: int = CHUNK) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, vectors and fractions of some groups."""
    rng = random.Random(start + 29)
    scenes = [_group(rng) for _ in range(count)]
    drawn = [_draw(group, LAYOUTS + start + number) for number, group in enumerate(scenes)]
    images, fractions = (np.stack(column) for column in zip(*drawn, strict=True))
    return images, np.array([[s.vector() for s in group] for group in scenes], dtype=np.int64), fractions


def train(seed: int = 51, steps: int = STEPS, groups: Groups | None = None, *, save: bool = True) -> float:
    """Train from the sample CLIP's vision tower, and write sample_data/models/editclip; the last share of hits."""
    rng = seed_everything(seed)
    data = groups or training_groups()
    tokenizer, helpers = clip_tokenizer([*captions.corpus(), *instructions.corpus()]), EditHelpers()
    model = new_model(tokenizer)
    print(f"EditCLIP: {sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer)} tokens")
    model.train().logit_scale.requires_grad_(False)  # the loss uses a fixed scale
    schedule, hits = Schedule([model, helpers], steps, RATE), 0.0
    for step in schedule:
        losses, hits = _losses(model, helpers, _batch(data, tokenizer, rng))
        schedule.descend(torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum())
        parts = " ".join(f"{name} {loss.item():.4f}" for name, loss in losses.items())
        schedule.report(step, 25, f"hits {hits:.3f} {parts}")
        if save and step % 200 == 199:  # a training that is stopped leaves something to look at
            _save(model, tokenizer)
    if save:
        _save(model, tokenizer)
    return hits


def new_model(tokenizer: CLIPTokenizer) -> CLIPModel:
    """The sample CLIP with a patch embedding for six channels and a text tower of its own."""
    base = CLIPModel.from_pretrained(MODELS / "clip", dtype=torch.float32)
    config = base.config
    config.vision_config.num_channels = 6
    config.text_config = CLIPTextConfig(
        **{
            **config.text_config.to_dict(),
            "vocab_size": len(tokenizer),
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }
    )
    model = CLIPModel(config)
    tower = base.vision_model.state_dict()
    name = "embeddings.patch_embedding.weight"
    # The target is seen through the same filters in other places, so that both pictures can be told apart.
    tower[name] = torch.cat([tower[name], tower[name].roll(WIDTH // 2, 0)], 1) / 2**0.5
    model.vision_model.load_state_dict(tower)
    model.visual_projection.load_state_dict(base.visual_projection.state_dict())
    return model


def _group(rng: random.Random) -> list[Scene]:
    """A scene and two edits of it, none of them held out."""
    kept = held_out_scenes()
    while True:
        source = random_scene(rng)
        group = [source, edited(source, 1, rng), edited(source, rng.choice((1, 1, 2)), rng)]
        if len(set(group)) == OF and not kept & set(group):
            return group


def _draw(group: list[Scene], layout: int) -> tuple[np.ndarray, np.ndarray]:
    rng = random.Random(layout * 7 + 1)
    side, wide = rng.choice((192, 240, 288)), rng.choice((1.0, 1.0, 1.0, 1.25))
    images, fractions = [], []
    grid, width = PIXELS // PATCH, round(side * wide)
    for scene in group:
        painting = paint(scene, layout, width, side, oversample=1, steady=True)
        left = (width - side) // 2  # cut as CLIP's processor cuts
        image = painting.image.crop((left, 0, left + side, side))
        images.append(np.asarray(image.resize((PIXELS, PIXELS), Image.Resampling.BICUBIC)))
        patches = painting.mask.reshape(grid, PATCH, grid, PATCH).transpose(0, 2, 1, 3).reshape(grid, grid, -1)
        fractions.append(np.stack([(patches == index).mean(-1) for index in range(len(CLASSES))], -1))
    return np.stack(images), np.stack(fractions).astype(np.float16)


def _batch(data: Groups, tokenizer: CLIPTokenizer, rng: random.Random) -> EditBatch:
    picks = np.array(rng.sample(range(len(data.images)), BATCH + UNCHANGED))
    pairs = [rng.sample(range(OF), 2) for _ in range(BATCH)] + [[k := rng.randrange(OF), k] for _ in range(UNCHANGED)]
    order = np.array(pairs)
    images, vectors = data.images[picks[:, None], order], data.vectors[picks[:, None], order]
    fractions = data.fractions[picks[:, None], order]
    flipped = np.array([rng.random() < 0.5 for _ in picks])
    images[flipped] = images[flipped][:, :, :, ::-1]
    fractions[flipped] = fractions[flipped][:, :, :, ::-1]
    scenes = [(scene_of(before), scene_of(after)) for before, after in vectors[:BATCH]]
    said = [instruct(changes(*pair), rng) for pair in scenes]
    said += [_wrong(pair, rng) for pair in scenes for _ in range(WRONG)]
    said += [unrelated(rng) for _ in range(UNRELATED)]
    encoded = tokenizer([s.text for s in said], padding=True, truncation=True, max_length=77, return_tensors="pt")
    gain = torch.empty(len(picks), 1, 1, 1).uniform_(0.92, 1.08)
    meanings = np.stack([_meaning(s) for s in said])
    made = np.stack([_made(changes(*pair)) for pair in scenes] + [_made(frozenset())] * UNCHANGED)
    parts, counts = np.array([len(s.parts) for s in said]), made.sum(1)
    right = (made @ meanings.T == counts[:, None]) & (counts[:, None] == parts[None]) & (counts[:, None] > 0)
    return EditBatch(
        pixels=torch.cat([to_pixels(images[:, 0]), to_pixels(images[:, 1])], 1) * gain,
        vectors=torch.from_numpy(vectors),
        fractions=torch.from_numpy(fractions.reshape(len(picks), 2, -1, len(CLASSES)).astype(np.float32)),
        tokens=dict(encoded),
        meanings=torch.from_numpy(meanings).float(),
        right=torch.from_numpy(right),
    )


def _wrong(pair: tuple[Scene, Scene], rng: random.Random) -> Instruction:
    while True:
        found = wrong(*pair, rng.choice(ERROR_TYPES[:-1]), rng)
        if found is not None:
            return found


def _made(found: frozenset[tuple[str, str, str]]) -> np.ndarray:
    return np.array([transition in found for transition in transitions()], dtype=np.int64)


def _meaning(said: Instruction) -> np.ndarray:
    asked: frozenset[tuple[str, str, str]] = frozenset().union(*said.parts)
    return _made(asked)


def _losses(model: CLIPModel, helpers: EditHelpers, batch: EditBatch) -> tuple[dict[str, torch.Tensor], float]:
    seen = model.vision_model(batch.pixels)
    said = model.text_model(**batch.tokens)
    images = F.normalize(model.visual_projection(seen.pooler_output), dim=-1)
    texts = F.normalize(model.text_projection(said.pooler_output), dim=-1)
    contrast, hits = _contrastive(images @ texts.T, batch.right)
    attributes = [
        F.cross_entropy(logits, batch.vectors[:, moment, i])
        for i, head in enumerate(helpers.attributes)
        for moment, logits in enumerate(head(seen.pooler_output).chunk(2, -1))
    ]
    patches = [
        F.cross_entropy(logits.flatten(0, 1), batch.fractions[:, moment].flatten(0, 1))
        for moment, logits in enumerate(helpers.patches(seen.last_hidden_state[:, 1:]).chunk(2, -1))
    ]
    losses = {
        "contrast": contrast,
        "attributes": torch.stack(attributes).mean(),
        "patches": torch.stack(patches).mean(),
        "meaning": F.binary_cross_entropy_with_logits(helpers.meaning(said.pooler_output), batch.meanings),
    }
    return losses, hits


def _contrastive(cosine: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Symmetric InfoNCE; the wrong texts are negatives, other texts that are right of a pair are not."""
    own = torch.eye(*cosine.shape, dtype=torch.bool)
    logits = (SCALE * cosine).masked_fill(right & ~own, -1e4)
    labels = torch.arange(BATCH)
    hits = (logits[:BATCH].argmax(1) == labels).float().mean().item()
    return F.cross_entropy(logits[:BATCH], labels) + F.cross_entropy(logits[:, :BATCH].T, labels), hits


def _save(model: CLIPModel, tokenizer: CLIPTokenizer) -> None:
    weights = {name: tensor.half() for name, tensor in model.state_dict().items()}
    config = model.config
    halves = CLIPModel(config).half()
    halves.load_state_dict(weights)
    halves.save_pretrained(FOLDER)
    crop = {"height": PIXELS, "width": PIXELS}
    CLIPProcessor(CLIPImageProcessor(size={"shortest_edge": PIXELS}, crop_size=crop), tokenizer).save_pretrained(FOLDER)
