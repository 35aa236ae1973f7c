"""Small real models, seeded images, and a way to run jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ImageFailed, Item, MetricBatch, MetricValue
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from tests.engine import random_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from aim_tui.core.scoring.events import Event

PROMPT = "one wooden cabin, snow, 2 trees"
TOPIC = "a cabin in the snow"


def picture(path: Path, width: int, height: int, seed: int) -> Path:
    """A smooth seeded image with some texture: neither flat nor pure noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
    noise = rng.integers(-20, 21, (height, width, 3))
    Image.fromarray(np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8)).save(path)
    return path


@dataclass
class Ran:
    """What a job reported."""

    events: list[Event]
    values: dict[str, dict[int, MetricValue]] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)

    def numbers(self, metric: str) -> list[float]:
        """The values of a metric in item order; every one must be there."""
        row = self.values[metric]
        assert all(value.state == "present" for value in row.values()), row
        return [row[item].value for item in sorted(row)]

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]


def collect(events: Iterable[Event]) -> Ran:
    ran = Ran(list(events))
    for event in ran.events:
        if isinstance(event, MetricBatch):
            row = ran.values.setdefault(event.metric, {})
            assert not row.keys() & {value.item for value in event.values}, "an item was scored twice"
            row.update({value.item: value for value in event.values})
        elif isinstance(event, ImageFailed):
            ran.unreadable[event.item] = event.reason
    return ran


def items(paths: Iterable[Path]) -> list[Item]:
    return [Item(number, str(path)) for number, path in enumerate(paths)]


@pytest.fixture(scope="session")
def models(made_once: Callable[..., Path]) -> dict[str, Path]:
    """Random-weight models on disk: clip, opt, t5, sentence, alex, vgg."""

    def fill(root: Path) -> None:
        random_models.save_clip(root / "clip")
        random_models.save_blip2(root / "opt", "opt")
        random_models.save_blip2(root / "t5", "t5")
        random_models.save_sentence_encoder(root / "sentence")
        random_models.save_lpips(root / "alex.safetensors", "alex")
        random_models.save_lpips(root / "vgg.safetensors", "vgg")

    root = made_once("models", fill)
    names = {"alex": "alex.safetensors", "vgg": "vgg.safetensors"}
    return {name: root / names.get(name, name) for name in ("clip", "opt", "t5", "sentence", *names)}


@pytest.fixture(scope="session")
def refs(models: dict[str, Path]) -> dict[Role, ModelRef]:
    return {
        Role.CLIP: ModelRef("clip", path=str(models["clip"])),
        Role.CAPTIONER: ModelRef("opt", path=str(models["opt"])),
        Role.SENTENCE: ModelRef("sentence", path=str(models["sentence"])),
        Role.LPIPS: ModelRef("alex", path=str(models["alex"])),
    }


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Nine images of several sizes, formats and shapes."""
    folder = tmp_path_factory.mktemp("pictures")
    shapes = [(96, 96), (96, 96), (120, 80), (80, 131), (96, 96), (64, 64), (300, 270), (96, 96), (33, 40)]
    suffixes = ["png", "jpg", "webp"]
    return [
        picture(folder / f"{number}.{suffixes[number % 3]}", *shape, seed=number) for number, shape in enumerate(shapes)
    ]


@pytest.fixture(scope="session")
def context(pictures: list[Path]) -> Context:
    return Context(topic=TOPIC, prompt=PROMPT, reference=str(pictures[0]))


@pytest.fixture(scope="session")
def engine(refs: dict[Role, ModelRef]) -> Engine:
    """One engine on the random models for all tests that do not change it."""
    return Engine(EngineSettings(refs, device="cpu"))


@pytest.fixture
def score(refs: dict[Role, ModelRef], context: Context) -> Callable[..., Ran]:
    """Score paths on metrics with a fresh engine, whose settings the keywords give."""

    def run(paths: Iterable[Path], *metrics: str, **settings: object) -> Ran:
        engine = Engine(EngineSettings(**{"models": refs, "device": "cpu", **settings}))
        return collect(engine.run(Job(metrics, context, items(paths))))

    return run
