"""The application on a folder with the scripted worker: `python gated_app.py FOLDER STORE GATE`.

Everything but the models is as users have it: the terminal, the signals, the store.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aim_tui.core.scoring.context import Context
from aim_tui.ipc import client
from aim_tui.settings.settings import load_settings
from aim_tui.ui import app
from aim_tui.ui.launch import Launch
from aim_tui.ui.session import models

SCRIPTED = str(Path(__file__).parents[1] / "scripted_worker.py")


def main(folder: str, store: str, gate: str) -> int:
    models.inspect_profile = lambda *_: []
    client.WORKER_COMMAND = (sys.executable, SCRIPTED, "--gate", gate)
    settings = load_settings()
    context = Context("a cabin", "one cabin")
    launch = Launch(Path(folder), settings.profile("aim"), context=context, store=Path(store))
    return app.run(launch.folder, lambda: launch)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
