"""What the training stages share: places, seeds, preprocessing and the saving of half-precision weights."""

from __future__ import annotations

import math
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
MODELS = HERE / "models"
GENERATIONS = HERE / "generations"
SCRATCH = Path(tempfile.gettempdir()) / "aim_tui_sample_data"
"""Rendered training images live here between stages; deleting the folder is always safe."""

PIXELS = 96
PATCH = 12
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def seed_everything(seed: int) -> random.Random:
    """Seed numpy and torch, and return a generator of Python's own for the stage."""
    np.random.seed(seed)
    torch.manual_seed(seed)
    return random.Random(seed)


def to_pixels(images: np.ndarray) -> torch.Tensor:
    """Normalise uint8 images (n, h, w, 3) as the processors do: float32 (n, 3, h, w)."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    return (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


class Schedule:
    """AdamW with a short warm-up and a cosine decay, over a fixed number of steps, with progress lines."""

    def __init__(self, modules: list[torch.nn.Module], steps: int, rate: float = 1e-3, decay: float = 0.02) -> None:
        self.parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=rate, weight_decay=decay, betas=(0.9, 0.98))
        self.steps, self.rate, self.started = steps, rate, time.monotonic()

    def __iter__(self) -> Iterator[int]:
        for step in range(self.steps):
            warm = min(1.0, (step + 1) / 50)
            cosine = 0.5 * (1 + math.cos(math.pi * step / self.steps))
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate * warm * max(cosine, 0.01)
            yield step

    def descend(self, loss: torch.Tensor) -> None:
        """One optimizer step down the gradient of the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()

    def report(self, step: int, every: int, text: str) -> None:
        """Print a progress line now and then, and at the last step."""
        if step % every == 0 or step == self.steps - 1:
            elapsed = time.monotonic() - self.started
            print(f"step {step:5d}/{self.steps} {elapsed:6.0f} s  {text}", flush=True)
