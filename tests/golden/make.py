"""`python -m tests.golden.make [SCENE...]` writes the golden files again, of all scenes or of these.

Do so only where an output is meant to change, and read the difference that git shows before it is committed.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from tests.golden.comparing import machine
from tests.golden.producing import produce
from tests.golden.scenes import SCENES

FILES = Path(__file__).parent / "files"
#: The machine that wrote them, where every byte counts.
MACHINE = Path(__file__).parent / "machine.json"


def make(name: str, files: Path = FILES) -> None:
    """Write the outputs of a scene, and nothing else into its folder."""
    written = produce(name)
    shutil.rmtree(files / name, ignore_errors=True)
    (files / name).mkdir(parents=True)
    for output, text in written.items():
        (files / name / output).write_bytes(text.encode())


if __name__ == "__main__":
    for scene in sys.argv[1:] or SCENES:
        print(scene)
        make(scene)
    MACHINE.write_text(json.dumps(machine(), indent=2) + "\n")
