"""The real worker process with one more metric, 'noisy', that prints where it should not and waits at a gate.

The prompt names a FIFO: each image is scored when the test has written to it. An empty prompt is no gate.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.metrics.builtin import CLIP
from aim_tui.core.metrics.registry import register
from aim_tui.core.outcomes import Present
from aim_tui.engine.metrics.base import Metric, RawOutcome
from aim_tui.worker.process import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from aim_tui.core.scoring.context import Context


class Noisy(Metric):
    """Prints in every way that a library can, then gives the width of the image."""

    batch_size = 1

    def __init__(self, models: object) -> None:
        self._gate = ""

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels

    def set_context(self, context: Context, read: object) -> tuple[()]:
        self._gate = context.prompt
        return ()

    def score(self, batch: Sequence[torch.Tensor]) -> list[RawOutcome]:
        print('{"job": 1, "type": "JobEnded", "body": {"state": "done"}}', flush=True)
        os.write(1, b"raw bytes \xff\xfe\n")
        subprocess.run(["echo", "from a child"], check=True)
        if Path(self._gate).is_fifo():
            Path(self._gate).read_bytes()
        return [RawOutcome(Present(float(image.shape[1]))) for image in batch]


if __name__ == "__main__":
    register(replace(CLIP, id="noisy", roles=(), implementation="__main__:Noisy"), "a test")
    main()
