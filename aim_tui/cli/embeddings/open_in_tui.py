"""`--tui` of commands that find something out: they do so in a process of their own, and the application shows it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.errors import UsageError
from aim_tui.isolation import PYTHON

if TYPE_CHECKING:
    from aim_tui.runs.setup import Setup


def open_findings(
    setup: Setup, path: str, store: Path | None, output_format: str | None, output: Path | None, *, no_store: bool
) -> int:
    """Find out what the command is asked for, and open the application on it; returns its exit code.

    What is left out is said on the screen. In a process of its own: the application has no torch in it, and its
    fetching of models is not cut off from the network.
    """
    from aim_tui.cli.launching import folder_of, in_terminal, launch, open_on
    from aim_tui.inputs.saved_results import read_findings
    from aim_tui.runs.storage import store_path

    if output_format is not None or output is not None:
        raise UsageError("--tui shows the result; --format and --output write it", "leave out one or the other")
    if not in_terminal():
        raise UsageError("--tui needs a terminal for its input, output and errors", "leave it out, and name --format")
    folder = folder_of(path)
    with tempfile.TemporaryDirectory(prefix="aim-tui-") as place:
        file = Path(place) / "found.json"
        name, *arguments = [argument for argument in sys.argv[1:] if argument != "--tui"]
        asked = [name, "--format", "json", "--output", str(file), *arguments]
        code = subprocess.run([*PYTHON, "-m", "aim_tui", *asked], check=False).returncode
        if code not in (0, 1) or not file.exists():
            raise SystemExit(code or 1)
        found = read_findings(file)
    kept = None if no_store else store_path(store)
    return open_on(folder, lambda: replace(launch(setup, folder, store=kept), findings=found))
