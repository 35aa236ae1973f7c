"""`--tui` of a command: run it in a separate process, and open the application on its result."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from aim_tui.cli.launching import folder_of, in_terminal, launch, open_on
from aim_tui.errors import UsageError
from aim_tui.inputs.saved_results import read_findings
from aim_tui.isolation import PYTHON
from aim_tui.runs.setup import Setup


def open_findings(setup: Setup, path: str, store: Path | None, output_format: str | None, output: Path | None) -> int:
    """Run this command without --tui, and open the application on its result; returns the exit code.

    In a separate process, because the application must neither import torch nor be cut off from the network, where it
    fetches models.
    """
    if output_format is not None or output is not None:
        raise UsageError("--tui cannot be combined with --format or --output", "leave out one or the other")
    if not in_terminal():
        raise UsageError("--tui needs a terminal for its input, output and errors", "leave it out, and name --format")
    folder = folder_of(path)
    with tempfile.TemporaryDirectory(prefix="aim-tui-") as place:
        file = Path(place) / "found.json"
        name, *arguments = [argument for argument in sys.argv[1:] if argument != "--tui"]
        command = [*PYTHON, "-m", "aim_tui", name, "--format", "json", "--output", str(file), *arguments]
        code = subprocess.run(command, check=False).returncode
        if code not in (0, 1) or not os.path.exists(file):
            raise SystemExit(code or 1)
        found = read_findings(file)
    return open_on(folder, lambda: replace(launch(setup, folder, store=store), findings=found))
