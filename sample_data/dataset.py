"""Render the training scenes once, in several processes, and keep them as arrays."""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from sample_data.common import PATCH, PIXELS, SCRATCH
from sample_data.foreign import picture
from sample_data.painting import CLASSES, paint
from sample_data.scenes import ATTRIBUTES, Scene, random_scene

TRAINING_SCENES = 24_000
FOREIGN_PICTURES = 1_500
CHUNK = 500


@dataclass
class Dataset:
    """Rendered scenes: images (n, 96, 96, 3) uint8, attribute vectors (n, 6), class fractions by patch (n, 8, 8, 8)."""

    images: np.ndarray
    vectors: np.ndarray
    fractions: np.ndarray
    foreign: np.ndarray

    def scene(self, index: int) -> Scene:
        """The scene of an image."""
        return scene_of(self.vectors[index])


def scene_of(vector: np.ndarray) -> Scene:
    """The scene with the given value index for each attribute."""
    pairs = zip(ATTRIBUTES.items(), vector, strict=True)
    return Scene(**{name: values[int(i)] for (name, values), i in pairs})


def training_set(workers: int = 2) -> Dataset:
    """The training scenes, rendered at the first call and read back from the scratch folder afterwards."""
    names = ("images", "vectors", "fractions", "foreign")
    files = [SCRATCH / f"{name}.npy" for name in names]
    if not all(file.is_file() for file in files):
        SCRATCH.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(workers) as pool:
            parts = list(pool.map(_render_chunk, range(0, TRAINING_SCENES, CHUNK)))
        arrays = [np.concatenate(column) for column in zip(*parts, strict=True)]
        arrays.append(np.stack([np.asarray(picture(seed, PIXELS)) for seed in range(FOREIGN_PICTURES)]))
        for file, array in zip(files, arrays, strict=True):
            np.save(file, array)
    return Dataset(*(np.load(file, mmap_mode="r") for file in files))


def training_image(scene: Scene, layout: int) -> tuple[Image.Image, np.ndarray]:
    """One scene at 96 px and its class fractions by patch, drawn larger first and reduced as the processors do."""
    rng = random.Random(layout * 7 + 1)
    side = rng.choice((240, 288, 384))
    # BLIP-2's processor squashes a wide picture into a square, so some training pictures are squashed too.
    wide = rng.choice((1.25, 1.33)) if rng.random() < 0.15 else 1.0
    painting = paint(scene, layout, round(side * wide), side, oversample=1)
    image = painting.image.resize((PIXELS, PIXELS), Image.Resampling.BICUBIC)
    grid = PIXELS // PATCH
    patches = painting.mask.reshape(grid, PATCH, grid, PATCH).transpose(0, 2, 1, 3).reshape(grid, grid, -1)
    fractions = np.stack([(patches == index).mean(-1) for index in range(len(CLASSES))], -1)
    return image, fractions.astype(np.float16)


def _render_chunk(start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = random.Random(start + 17)
    scenes = [random_scene(rng) for _ in range(CHUNK)]
    drawn = [training_image(scene, 1_000_000 + start + i) for i, scene in enumerate(scenes)]
    images = np.stack([np.asarray(image) for image, _ in drawn])
    return images, np.array([s.vector() for s in scenes], dtype=np.int64), np.stack([f for _, f in drawn])
