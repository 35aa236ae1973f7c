"""A home of its own, many images, and what an undisturbed run makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from tests.survival.programs import Ended, Program, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAMPLE = load_demo_data()
MANY = 400
# So many rows at most are in a pipe that nobody reads: a run that is further than this from its end cannot end.
IN_PIPE = 64 * 1024 // 500


def link_images(folder: Path, count: int) -> Path:
    """Symlinks to the sample images, the same ones again and again."""
    folder.mkdir()
    sources = list_folder(SAMPLE.generations).images
    for number in range(count):
        (folder / f"{number:05}.png").symlink_to(sources[number % len(sources)])
    return folder


def draw_images(folder: Path, count: int) -> Path:
    """Small pictures that are all different, so that nothing is known of one from another."""
    folder.mkdir()
    sources = [Image.open(path).convert("RGB").resize((96, 96)) for path in list_folder(SAMPLE.generations).images]
    for number in range(count):
        picture = sources[number % len(sources)].copy()
        picture.putpixel((number % 96, number // 96), (255, 0, 255))
        picture.save(folder / f"{number:05}.png")
    return folder


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_images(tmp_path_factory.mktemp("survival") / "many", MANY)


@dataclass
class Home:
    """Where a run has its settings, store and working files."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
            self.environment[f"XDG_{kind}_HOME"] = str(self.folder / kind.lower())

    @property
    def data(self) -> Path:
        return self.folder / "data" / "aim-tui"

    @property
    def store(self) -> Path:
        return self.data / "aim-tui.db"

    def score(self, images: Path, *more: str, **options: Any) -> Program:
        """A run over images, not started yet."""
        return Program(asked(images, *more), self.folder, self.environment | options.pop("environment", {}), **options)

    def scored(self, images: Path, *more: str, **options: Any) -> Ended:
        """A run over images to its end."""
        environment = self.environment | options.pop("environment", {})
        return run(*asked(images, *more), folder=self.folder, environment=environment, **options)

    def run(self, *arguments: str, **options: Any) -> Ended:
        return run(*arguments, folder=self.folder, environment=self.environment, **options)


def asked(images: Path, *more: str) -> list[str]:
    return [
        "score", str(images), "--profile", "sample", "--metrics", "clip", "--prompt", SAMPLE.prompt,
        "--format", "jsonl", *more,
    ]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.delenv("AIM_TUI_STORE", raising=False)
    # In turns with other tests on the same cores; as many threads as cores would only wait for each other.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield Home(tmp_path)


@pytest.fixture(scope="session")
def undisturbed(many: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The rows of a run that nothing happens to."""
    ended = Home(tmp_path_factory.mktemp("undisturbed")).scored(many)
    assert ended.code == 0, ended.errors
    assert len(ended.rows) == MANY
    return ended.rows


def same(rows: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> bool:
    """Whether the rows are those of another run: none lost, none twice, in order, and with its numbers."""
    numbers = ("clip_score", "clip_norm", "final_score")
    # A sum in another order, as batches of other sizes make it, ends in another last digit.
    rounded = [
        [{name: round(value, 5) if name in numbers and value is not None else value for name, value in row.items()}
         for row in side]
        for side in (rows, wanted)
    ]  # fmt: skip
    return rounded[0] == rounded[1]
