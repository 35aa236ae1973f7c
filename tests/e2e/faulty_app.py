"""The command on a folder, with a fault behind the key P: `python faulty_app.py FOLDER`."""

from __future__ import annotations

import sys

from aim_tui.cli import main
from aim_tui.ui.scores.score_pane import ScorePane


def fail(pane: ScorePane) -> None:
    token = "hf_a_token_that_nobody_is_to_see"
    raise KeyError(f"no such [bold]thing[/bold] in {len(token)} letters")


ScorePane.toggle_pause = fail
sys.argv = ["aim-tui", sys.argv[1]]
main()
