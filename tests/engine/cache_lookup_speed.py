"""How fast kept features answer: another prompt over images scored before, and over 100,000 embeddings.

    python -m tests.engine.cache_lookup_speed again --images 1000
    python -m tests.engine.cache_lookup_speed many --clip FOLDER/clip

`again` scores drawn images with the sample models, then once more with another prompt. `many` puts random embeddings of
the model's length into a store and times one job over all of them: raw values from the engine, then rows with
normalised and final scores.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFacts, Item
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.results import Results
from aim_tui.engine.bench import synthesise
from aim_tui.engine.engine import Engine
from aim_tui.settings import paths
from aim_tui.settings.settings import load_settings
from aim_tui.store.files import Stat

_ALL = ("clip", "blip2", "lpips")


@dataclass
class Clock:
    """Seconds by the wall and of all cores."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Clock:
        """Both clocks."""
        return cls(time.perf_counter(), time.process_time())

    def __str__(self) -> str:
        past = Clock.now()
        return f"{past.wall - self.wall:.3f} s ({past.cpu - self.cpu:.3f} s of CPU)"


def again(folder: Path, count: int) -> None:
    """The first pass, and another prompt, with all models loaded."""
    images = synthesise(folder, count, 512, "png")
    models = dict(load_settings().profile("sample").models)
    engine = Engine(EngineSettings(models, device="cpu", store=str(folder / "store.db")))
    items = [Item(number, image) for number, image in enumerate(images)]
    list(engine.run(Job(_ALL, Context("a cabin", "a cabin", images[0]))))
    for prompt in ("one cabin", "two cabins", "three cabins"):
        started = Clock.now()
        list(engine.run(Job(_ALL, Context("a cabin", prompt, images[0]), items)))
        print(f"{count} images, {prompt!r}: {started}", flush=True)


def many(folder: Path, clip: str, count: int) -> None:
    """One job over `count` kept embeddings: the first from the disk, then from memory."""
    files = [folder / f"{number}.png" for number in range(count)]
    for file in files:
        file.touch()
        os.utime(file, ns=(10**18, 10**18))
    settings = EngineSettings({Role.CLIP: ModelRef(path=clip)}, device="cpu", store=str(folder / "store.db"))
    filling = Engine(settings)
    list(filling.run(Job(("clip",), Context(prompt="a cabin"))))
    cache = filling._open_cache([Role.CLIP])
    length = filling.models[Role.CLIP].model.config.projection_dim
    vectors = np.random.default_rng(0).normal(size=(count, length)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    keys = [hashlib.sha256(str(file).encode()).hexdigest() for file in files]
    facts = (msgspec.json.encode(ImageFacts(1024, 1024, "PNG", "RGB", 0, key)).decode() for key in keys)
    cache.access.keep_vectors(cache.embeddings(Role.CLIP), dict(zip(keys, vectors, strict=True)))
    cache.access.keep_values(cache.facts(), dict(zip(keys, facts, strict=True)))
    for file, key in zip(files, keys, strict=True):
        cache.access.keep_hash(Stat.of(str(file)), key)
    cache.access.close()
    engine, profile = Engine(settings), load_settings().profile("aim")
    list(engine.run(Job(("clip",), Context(prompt="a cabin"))))
    items = [Item(number, str(file)) for number, file in enumerate(files)]
    for prompt in ("from the disk", "from memory", "from memory again"):
        results = Results(ScoringPlan(("clip",), dict(profile.weights), profile.rules), Context(prompt=prompt))
        results.add(items)
        started = Clock.now()
        events = list(engine.run(Job(("clip",), results.context, items)))
        raw = str(started)
        for event in events:
            results.apply(event)
        assert all(row.final is not None for row in results.rows)
        print(f"{count} x {length}, {prompt}: raw values {raw}, with final scores {started}", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["again", "many"])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--embeddings", type=int, default=100_000)
    parser.add_argument("--clip", default=str(paths.sample_data() / "models" / "clip"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "again":
            again(Path(folder), options.images)
        else:
            many(Path(folder), options.clip, options.embeddings)


if __name__ == "__main__":
    main()
