"""How quick search and duplicates are, and what a threshold tells apart: `python docs/bench_gallery.py [--images N]`.

Synthetic embeddings, N x 512: the best 20 and the whole order, then groups (`--pairs` images for those). With
`--threshold` instead: how near altered copies of the sample images are to their originals, beside how near different
sample images are to each other, by the sample CLIP. A report: nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance

from aim_tui.core.embeddings.duplicates import find_groups
from aim_tui.core.embeddings.gallery import cosines_with, top
from aim_tui.ui.session.search import TextSimilarity

if TYPE_CHECKING:
    from collections.abc import Callable

_DIM = 512
_COPIES = 0.05


def synthetic(count: int) -> np.ndarray:
    """Random directions of length one, float32; of every twentieth the one after it is a near copy."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((count, _DIM), dtype=np.float32)
    copies = np.arange(1, count, round(1 / _COPIES))
    vectors[copies] = vectors[copies - 1] + 0.1 * random.standard_normal((len(copies), _DIM), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def milliseconds(work: Callable[[], object], times: int = 15) -> str:
    """Median and worst of several, by the wall."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return f"median {statistics.median(taken):.0f} ms, worst of {times} {max(taken):.0f} ms"


def speed(images: int, pairs: int) -> None:
    """Print what ranking and grouping take."""
    vectors = synthetic(images)
    query = vectors[7]
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}")
    print(f"best 20 of {images:,} x {_DIM}: {milliseconds(lambda: top(cosines_with(vectors, query), 20))}")
    items = range(images)

    def whole() -> None:
        TextSimilarity("", dict(zip(items, cosines_with(vectors, query).tolist(), strict=True)), 0).order(items)

    print(f"all {images:,} in order, as the screen shows them: {milliseconds(whole)}")
    vectors = synthetic(pairs)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    found = find_groups(vectors, [str(place) for place in range(pairs)], 0.97)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"groups of {pairs:,}: {len(found.groups):,} in {wall:.1f} s ({cpu:.1f} s of CPU), {more:.0f} MB more memory")


ALTERED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved again (JPEG 75)": lambda image: image,
    "saved badly (JPEG 30)": lambda image: image,
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS),
    "2 % cut off each side": lambda image: image.crop(
        (image.width // 50, image.height // 50, image.width * 49 // 50, image.height * 49 // 50)
    ),
    "10 % brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
}


def threshold() -> None:
    """Print how near copies and strangers are."""
    from aim_tui.cli.embeddings.embedder import embedder
    from aim_tui.inputs.demo_data import load_demo_data
    from aim_tui.inputs.listing import list_folder
    from aim_tui.runs.setup import resolve

    originals = list_folder(load_demo_data().generations).images
    with (
        tempfile.TemporaryDirectory() as folder,
        embedder(resolve(profile="sample", metrics="clip"), None, no_store=True) as embed,
    ):
        of = embed.images(originals)
        for number, (name, alter) in enumerate(ALTERED.items()):
            paths = []
            for place, original in enumerate(originals):
                with Image.open(original) as image:
                    path = Path(folder) / f"{number}-{place}.jpg"
                    alter(image.convert("RGB")).save(path, quality=30 if "30" in name else 75 if "75" in name else 95)
                    paths.append(str(path))
            cosines = (of.vectors * embed.images(paths).vectors).sum(axis=1)
            low, middle = np.quantile(cosines, [0.05, 0.5])
            found = " ".join(f"{(cosines >= least).mean():.0%}" for least in (0.95, 0.97, 0.98, 0.99))
            print(f"| {name} | {cosines.min():.4f} | {low:.4f} | {middle:.4f} | {found} |")
        strangers = (of.vectors @ of.vectors.T)[np.triu_indices(len(originals), 1)]
        shares = " ".join(f"{(strangers >= least).sum()}" for least in (0.95, 0.97, 0.98, 0.99))
        highest, most = strangers.max(), np.quantile(strangers, 0.99)
        print(
            f"{len(strangers)} pairs of different images: highest {highest:.4f}, 99 % below {most:.4f}; near {shares}"
        )


def main() -> None:
    """Print one of the reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--threshold", action="store_true")
    chosen = parser.parse_args()
    if chosen.threshold:
        threshold()
    else:
        speed(chosen.images, chosen.pairs)


if __name__ == "__main__":
    main()
