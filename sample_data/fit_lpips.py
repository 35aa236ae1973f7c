"""Make the sample LPIPS (alex): train its trunk, then fit the linear layers so that distance follows scene distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lpips
import numpy as np
import torch
from safetensors.torch import save_file
from scipy.optimize import nnls

from sample_data.common import MODELS, seed_everything
from sample_data.foreign import picture
from sample_data.lpips_trunk import (
    DISTORTED,
    NO_SCENE,
    as_tensor,
    base_scene,
    distorted,
    draw,
    train_trunk,
    wanted_distance,
)
from sample_data.scenes import changed

if TYPE_CHECKING:
    import random

    from PIL import Image

# Several sizes, or the distance would drift with the size; most at the size of the sample images.
PAIRS, SIZES, RIDGE = 2400, (96, 192, 320, 512, 512), 0.003


def fit(pairs: int = PAIRS, seed: int = 13) -> None:
    """Train, fit, and write sample_data/models/lpips/model.safetensors."""
    rng = seed_everything(seed)
    model = lpips.LPIPS(net="alex", pnet_rand=True, pretrained=False, verbose=False)
    train_trunk(model, rng)
    rng = seed_everything(seed + 1)
    # Only half-precision weights are shipped: fit on what will be loaded.
    model.net.half().float()
    rows, targets = [], []
    for index in range(pairs):
        first, second, target = _pair(rng, SIZES[index % len(SIZES)])
        rows.append(channel_differences(model, first, second))
        targets.append(target)
        if index % 200 == 0:
            print(f"pair {index}/{pairs}", flush=True)
    design, wanted = np.stack(rows), np.array(targets)
    weights = _nonnegative(design, wanted)
    error = np.sqrt(np.mean((design @ weights - wanted) ** 2))
    print(f"fit: rms error {error:.4f}, largest weight {weights.max():.1f}")
    _save(model, weights)


def channel_differences(model: lpips.LPIPS, first: Image.Image, second: Image.Image) -> np.ndarray:
    """Mean squared difference of every normalised channel of all five layers: what the linear layers weigh."""
    with torch.inference_mode():
        layers = [lpips.normalize_tensor(u) for u in model.net(model.scaling_layer(as_tensor([first, second])))]
        parts = [(units[0] - units[1]).square().mean((1, 2)) for units in layers]
    return torch.cat(parts).numpy().astype(np.float64)


def _nonnegative(design: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    # Without the ridge a few weights grow beyond what half precision can hold.
    width = design.shape[1]
    ridge = np.sqrt(RIDGE * len(wanted)) * design.std(0).mean()
    padded = np.vstack([design, ridge * np.eye(width)])
    weights, _ = nnls(padded, np.concatenate([wanted, np.zeros(width)]), maxiter=40 * width)
    return np.asarray(weights)


def _pair(rng: random.Random, size: int) -> tuple[Image.Image, Image.Image, float]:
    scene = base_scene(rng)
    first = draw(scene, rng, size)
    kind = rng.random()
    if kind < 0.12:
        strength = rng.random()
        low, high = DISTORTED
        return first, distorted(first, strength, rng), low + (high - low) * strength
    if kind < 0.24:
        return first, picture(rng.randrange(2**31), size), NO_SCENE
    differing = rng.randint(0, 6)
    other = changed(scene, differing, rng) if differing else scene
    return first, draw(other, rng, size), wanted_distance(differing)


def _save(model: lpips.LPIPS, weights: np.ndarray) -> None:
    tensors = {k: v.half().contiguous() for k, v in model.state_dict().items() if k.startswith("net.")}
    for layer, part in enumerate(np.split(weights, np.cumsum(model.chns)[:-1])):
        tensors[f"lin{layer}.model.1.weight"] = torch.from_numpy(part).half().view(1, -1, 1, 1)
    path = MODELS / "lpips" / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={"net": "alex", "version": "0.1"})
