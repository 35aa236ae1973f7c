"""`python -m tests.golden.make [SCENE...]` writes the golden files again, of all scenes or of these; one is `ranking`.

Do so only where an output is meant to change, and read the difference that git shows before it is committed.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.golden.comparing import machine
from tests.golden.producing import produce
from tests.golden.ranking import produce_ranking
from tests.golden.scenes import SCENES

RANKING = "ranking"
FILES = Path(__file__).parent / "files"
#: The machine that wrote them, where every byte counts.
MACHINE = Path(__file__).parent / "machine.json"


def make(name: str) -> None:
    """Write the outputs of a scene, and nothing else into its folder."""
    written = rankings() if name == RANKING else produce(name)
    shutil.rmtree(FILES / name, ignore_errors=True)
    (FILES / name).mkdir(parents=True)
    for output, text in written.items():
        (FILES / name / output).write_bytes(text.encode())


def rankings() -> dict[str, str]:
    """The forms of the ranking by their names."""
    # A short path: what does not fit into the dialog's field is not seen to arrive.
    with tempfile.TemporaryDirectory(prefix="aim-", dir="/tmp") as folder:
        return dict(produce_ranking(Path(folder)))


if __name__ == "__main__":
    for scene in sys.argv[1:] or (*SCENES, RANKING):
        print(scene)
        make(scene)
    MACHINE.write_text(json.dumps(machine(), indent=2) + "\n")
