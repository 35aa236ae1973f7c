"""What does not belong to the small world: sentences from other domains and pictures without a scene."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    import random

WHO = (
    "a dog",
    "a red car",
    "two children",
    "a bowl of soup",
    "an old man",
    "a piano",
    "the president",
    "a football player",
    "a plate of pasta",
    "a robot",
    "a laptop",
    "three cats",
    "a bottle of wine",
    "a crowd of people",
    "an astronaut",
    "a nurse",
    "a blue bicycle",
    "a dragon",
    "a chocolate cake",
    "a jazz band",
    "a horse",
    "a spaceship",
    "a wedding couple",
    "a stack of books",
    "a police officer",
    "a yellow taxi",
    "a parrot",
    "a cup of coffee",
    "an elephant",
    "a chess board",
)
DOES = (
    "running on the beach",
    "in a busy street",
    "on a kitchen table",
    "giving a speech",
    "playing in the park",
    "at the office",
    "waiting at the airport",
    "in a crowded stadium",
    "on stage",
    "next to a swimming pool",
    "inside a museum",
    "on the moon",
    "crossing the road",
    "in a supermarket",
    "under the sea",
    "reading a newspaper",
    "wearing a hat",
    "made of glass",
    "",
    "jumping over a fence",
    "in the desert",
    "drinking tea",
    "at the dentist",
    "in a laboratory",
    "",
)
STYLES = ("", "", "a photo of ", "a close-up of ", "a drawing of ", "a portrait of ", "black and white photo of ")

# Never used in training: the quality figures are taken on these.
HELD_OUT = (
    "a tiger sleeping in a cage",
    "the stock market fell sharply on tuesday",
    "a woman playing the violin",
    "fried eggs and toast",
    "a motorcycle race in the rain",
    "an accountant filling in a tax form",
    "a plush toy on a sofa",
    "a subway train full of commuters",
    "surgeons in an operating room",
    "a neon sign above a bar",
    "pink sneakers on white background",
    "a diver photographing a shark",
)
NO_SCENE_CAPTION = "an abstract pattern"


def sentence(rng: random.Random) -> str:
    """A sentence from another domain, or letters that mean nothing."""
    if rng.random() < 0.35:
        return " ".join(_word(rng) for _ in range(rng.randint(1, 8)))
    return f"{rng.choice(STYLES)}{rng.choice(WHO)} {rng.choice(DOES)}".strip()


def picture(seed: int, size: int) -> Image.Image:
    """A picture without a scene: noise, stripes, checks, blobs or a plain colour wash."""
    rng = np.random.default_rng(seed)
    kind = int(rng.integers(0, 6))
    low, high = rng.integers(0, 256, 3), rng.integers(0, 256, 3)
    if kind == 0:
        cells = int(rng.choice([8, 16, 32, 64, size]))
        noise = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        return Image.fromarray(noise).resize((size, size), Image.Resampling.NEAREST)
    y, x = np.mgrid[0:size, 0:size] / size
    turn, waves = rng.uniform(0, np.pi), rng.integers(2, 24)
    if kind == 1:
        share = np.sin(2 * np.pi * waves * (x * np.cos(turn) + y * np.sin(turn))) > 0
    elif kind == 2:
        share = (np.floor(x * waves) + np.floor(y * waves)) % 2
    elif kind == 3:
        share = 0.5 + 0.5 * np.sin(2 * np.pi * waves * np.hypot(x - rng.uniform(), y - rng.uniform()))
    elif kind == 4:
        share = np.clip(x * np.cos(turn) + y * np.sin(turn), 0, 1)
    else:
        noise = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        wash = Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)
        return wash.filter(ImageFilter.GaussianBlur(size / 48))
    pixels = low + (high - low) * np.asarray(share, dtype=np.float64)[..., None]
    grain = rng.normal(0, rng.choice([0, 0, 20]), pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9)))
