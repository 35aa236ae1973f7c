"""Train the convolutional trunk of the sample LPIPS end to end on the distances that scenes should have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lpips
import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter
from torch import nn
from torch.nn import functional as F

from sample_data.common import Schedule
from sample_data.foreign import picture
from sample_data.painting import paint
from sample_data.scenes import ATTRIBUTES, Scene, changed, random_scene

if TYPE_CHECKING:
    import random

# Distance wanted: a distortion of the same picture, the same scene drawn anew, each changed attribute, no scene at all.
# They straddle AIM's thresholds of 0.6, 0.75 and 0.95.
DISTORTED, SAME_SCENE, FIRST_CHANGE, EACH_CHANGE, NO_SCENE = (0.06, 0.36), 0.52, 0.60, 0.065, 1.06
# Small pictures teach fast, larger ones then teach the scale at which the model is used.
CURRICULUM = ((96, 0.45), (128, 0.25), (192, 0.2), (256, 0.1))
STEPS, GROUPS, PAIRS = 520, 10, 160


class Heads(nn.Module):
    """Linear readings of the attributes from three layers; they speed training up and are thrown away."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        total = sum(len(values) for values in ATTRIBUTES.values())
        self.readers = nn.ModuleList(nn.Linear(2 * width, total) for width in channels)

    def forward(self, layers: list[torch.Tensor], vectors: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy of all attributes read from every layer."""
        losses = []
        for reader, layer in zip(self.readers, layers, strict=True):
            pooled = torch.cat([layer.mean((2, 3)), layer.amax((2, 3))], 1)
            parts = reader(pooled).split([len(values) for values in ATTRIBUTES.values()], 1)
            losses += [F.cross_entropy(part, vectors[:, i]) for i, part in enumerate(parts)]
        return torch.stack(losses).mean()


def train_trunk(model: lpips.LPIPS, rng: random.Random, steps: int = STEPS) -> None:
    """Train model.net in place; the linear layers are only stand-ins here and fitted afterwards."""
    net = model.net.requires_grad_(True).train()
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    heads = Heads(model.chns[2:])
    weights = nn.ParameterList(nn.Parameter(torch.full((width,), -2.2)) for width in model.chns)
    schedule = Schedule([net, heads, weights], steps, rate=6e-4)
    for step in schedule:
        size = _size_at(step / steps)
        images, scenes = _pictures(rng, size)
        first, second, wanted = _pairs(scenes, rng)
        layers = net(model.scaling_layer(as_tensor(images)))
        units = [lpips.normalize_tensor(layer) for layer in layers]
        distance = sum(
            ((u[first] - u[second]).square().mean((2, 3)) * w.exp()).sum(1) for u, w in zip(units, weights, strict=True)
        )
        shown = [i for i, scene in enumerate(scenes) if scene is not None]
        vectors = torch.tensor([scene.vector() for scene in scenes if scene is not None])
        error = (distance - wanted).square().mean()
        reading = heads([layer[shown] for layer in layers[2:]], vectors)
        schedule.descend(5 * error + 0.5 * reading)
        figures = f"size {size} error {error.item():.4f} reading {reading.item():.3f}"
        schedule.report(step, 20, figures)
    net.requires_grad_(False).eval()


def as_tensor(images: list[Image.Image]) -> torch.Tensor:
    """RGB images of one size as LPIPS expects them: (n, 3, h, w) in -1..1."""
    pixels = np.stack([np.asarray(image, dtype=np.float32) for image in images])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1


def wanted_distance(differing: int) -> float:
    """The distance of two scenes that differ in so many attributes."""
    return SAME_SCENE if differing == 0 else FIRST_CHANGE + EACH_CHANGE * (differing - 1)


def draw(scene: Scene, rng: random.Random, size: int) -> Image.Image:
    """A scene in a layout of its own; large pictures are drawn without oversampling, to save time."""
    return paint(scene, rng.randrange(2**31), size, oversample=1 if size > 190 else 2).image


def distorted(image: Image.Image, strength: float, rng: random.Random) -> Image.Image:
    """The picture blurred, brightened or made noisy, by a strength in 0..1."""
    kind = rng.randrange(3)
    if kind == 0:
        return image.filter(ImageFilter.GaussianBlur(image.width * 0.008 * strength))
    if kind == 1:
        return ImageEnhance.Brightness(image).enhance(1 + rng.choice((-0.3, 0.3)) * strength)
    noise = np.random.default_rng(rng.randrange(2**31)).normal(0, 25 * strength, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def base_scene(rng: random.Random) -> Scene:
    """Any scene, or one near the sample topic, where the sample images are."""
    return random_scene(rng) if rng.random() < 0.6 else Scene(sky=rng.choice(("day", "day", "sunset")))


def _size_at(progress: float) -> int:
    for size, share in CURRICULUM:
        if progress < share:
            return size
        progress -= share
    return CURRICULUM[-1][0]


def _pictures(rng: random.Random, size: int) -> tuple[list[Image.Image], list[Scene | None]]:
    scenes: list[Scene | None] = []
    for _ in range(GROUPS):
        scene = base_scene(rng)
        scenes += [scene, scene, changed(scene, 1, rng), changed(scene, rng.randint(2, 6), rng)]
    images = [draw(scene, rng, size) for scene in scenes if scene is not None]
    images += [picture(rng.randrange(2**31), size) for _ in range(3)]
    return images, [*scenes, None, None, None]


def _pairs(scenes: list[Scene | None], rng: random.Random) -> tuple[list[int], list[int], torch.Tensor]:
    """Pairs inside each group of related scenes, then random ones; never two pictures without a scene."""
    within = [(4 * g + a, 4 * g + b) for g in range(GROUPS) for a in range(4) for b in range(a)]
    while len(within) < PAIRS:
        a, b = rng.sample(range(len(scenes)), 2)
        if scenes[a] or scenes[b]:
            within.append((a, b))
    wanted = []
    for a, b in within:
        one, other = scenes[a], scenes[b]
        wanted.append(NO_SCENE if one is None or other is None else wanted_distance(one.differences(other)))
    return [a for a, _ in within], [b for _, b in within], torch.tensor(wanted)
