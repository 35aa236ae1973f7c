"""Make everything in this folder: `python -m sample_data.build` from the repository root, or some stages by name."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time

# One thread a process is faster than two for models this small; torch reads this when it is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from sample_data.common import HERE

TIMES_FILE = HERE / "training_times.json"
# In order: BLIP-2 and EditCLIP start from CLIP's tower, and the figures need everything else.
STAGES = {
    "scenes": "sample_data.dataset:training_set",
    "clip": "sample_data.train_clip:train",
    "blip2": "sample_data.train_blip2:train",
    "sentence": "sample_data.train_sentence:train",
    "lpips": "sample_data.fit_lpips:fit",
    "generations": "sample_data.generations:write",
    "edits": "sample_data.edits:write",
    "editclip": "sample_data.train_editclip:train",
    "quality": "sample_data.evaluate:write",
}


def main() -> None:
    """Run the asked stages, all of them by default, and remember how long each took."""
    parser = argparse.ArgumentParser(prog="python -m sample_data.build", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="stage", help=f"any of: {', '.join(STAGES)} (default: all)")
    asked = parser.parse_args().stages or list(STAGES)
    unknown = [name for name in asked if name not in STAGES]
    if unknown:
        parser.error(f"unknown stage {unknown[0]!r}; choose from {', '.join(STAGES)}")
    for name in (stage for stage in STAGES if stage in asked):
        print(f"== {name}", flush=True)
        started = time.monotonic()
        module, function = STAGES[name].split(":")
        getattr(importlib.import_module(module), function)()
        _remember(name, time.monotonic() - started)


def _remember(stage: str, seconds: float) -> None:
    print(f"== {stage} took {seconds:.0f} s", flush=True)
    # Read just before writing: stages may run side by side in two processes.
    times = json.loads(TIMES_FILE.read_text(encoding="utf-8")) if TIMES_FILE.is_file() else {}
    times[stage] = round(seconds)
    TIMES_FILE.write_text(json.dumps(times, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
