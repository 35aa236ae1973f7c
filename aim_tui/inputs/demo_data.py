"""The embedded sample images, with the topic, prompt and reference that they were generated for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from aim_tui.settings import paths


@dataclass(frozen=True, slots=True)
class DemoData:
    """A folder of sample images and the context that they are scored with."""

    generations: Path
    topic: str
    prompt: str
    reference: Path


def load_demo_data() -> DemoData:
    """Read sample.toml, next to the embedded images."""
    folder = paths.sample_data()
    data = tomllib.loads((folder / "sample.toml").read_text(encoding="utf-8"))
    return DemoData(folder / "generations", data["topic"], data["prompt"], folder / data["reference"])
