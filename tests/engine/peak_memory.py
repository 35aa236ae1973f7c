"""Peak memory of a run by its number of images, each run in a process of its own: with the store, as in use.

python -m tests.engine.peak_memory 1000 20000
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.settings import paths
from tests.engine.conftest import picture


def run(folder: Path, count: int) -> None:
    """Score `count` images and print the peak of this process in MB."""
    from aim_tui.engine.engine import Engine

    models = paths.sample_data() / "models"
    refs = {Role.CLIP: ModelRef(path=str(models / "clip")), Role.LPIPS: ModelRef(path=str(models / "lpips"))}
    images = [str(folder / f"{number}.jpg") for number in range(count)]
    settings = EngineSettings(refs, device="cpu", store=str(folder / f"{count}.db"))
    job = Job(("clip", "lpips"), Context(prompt="a cabin", reference=images[0]), list(map(Item, range(count), images)))
    for _ in Engine(settings).run(job):
        pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main(counts: list[int]) -> None:
    """Print the peak for each number of images, and the last over the first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(max(counts)):
            picture(folder / f"{number}.jpg", 64, 64, seed=number)
        peaks = []
        for count in counts:
            command = [sys.executable, "-m", "tests.engine.peak_memory", "--run", name, str(count)]
            peaks.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            print(f"{count} images: {peaks[-1]:.0f} MB", flush=True)
        print(f"{peaks[-1] / peaks[0]:.3f} times")


if __name__ == "__main__":
    if sys.argv[1] == "--run":
        run(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main([int(count) for count in sys.argv[1:]])
