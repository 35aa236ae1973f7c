"""The application as its command opens it, with the scripted worker: `python played_app.py FOLDER LOG PATIENCE`.

PATIENCE is how many seconds the terminal is given to answer.

What it found out of the terminal and every key that reaches it is written to LOG, one JSON object a line.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from aim_tui.cli.launching import launch, open_on
from aim_tui.runs.setup import resolve

SCRIPTED = str(Path(__file__).parents[1] / "scripted_worker.py")


def main(folder: str, log: str, patience: str) -> int:
    with Path(log).open("w", buffering=1) as file:

        def tell(**fact: object) -> None:
            file.write(json.dumps(fact) + "\n")

        from aim_tui.terminal import startup

        meet = startup.probe_terminal
        startup.probe = partial(startup.probe, patience=float(patience))

        def met(meanwhile: object) -> object:
            assert not any(name.partition(".")[0] == "textual" for name in sys.modules), "Textual came first"
            answers = meet(meanwhile)
            open_with(tell)
            return answers

        startup.probe_terminal = met
        return open_on(Path(folder), lambda: launch(resolve(), Path(folder)))


def open_with(tell: object) -> None:
    from textual.events import Key

    from aim_tui.terminal import startup
    from aim_tui.terminal.images import image_support
    from aim_tui.ui import app
    from aim_tui.ui.main import detect_images
    from aim_tui.ui.session import models

    detect_images.probe = startup.probe

    class Played(app.OpeningApp):
        def begin(self, launch: object, *_: object) -> None:
            super().begin(launch, (sys.executable, SCRIPTED))

        def settle(self) -> None:
            super().settle()
            support = image_support()
            tell(mode=support.mode, why=support.why, cell=support.cell, colours=self.console.color_system)

        async def on_event(self, event: object) -> None:
            if isinstance(event, Key) and not event.is_forwarded:
                tell(key=event.key)
                if event.key == "D":
                    detect_images.detect_images(self)
                    tell(again=image_support().mode)
            await super().on_event(event)

    models.inspect_profile = lambda *_: []
    app.OpeningApp = Played


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
