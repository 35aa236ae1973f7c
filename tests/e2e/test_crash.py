"""An error of the program itself ends the application in order: a sentence, a log, and the shell's terminal back."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from tests.e2e.terminal import Terminal

PROGRAM = Path(__file__).with_name("faulty_app.py")


def test_an_error_is_told_in_two_lines_and_its_log_has_no_values(tmp_path: Path, terminal: object) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (32, 32), "red").save(folder / "a.png")
    env = {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    env["PYTHONPATH"] = str(PROGRAM.parents[2])
    with Terminal(tmp_path, [sys.executable, str(PROGRAM), str(folder)], 100, 30, env) as shown:
        shown.wait_for("M shows this again")
        shown.keys("Escape")
        shown.wait_for(lambda screen: "M shows this again" not in screen)
        shown.keys("P")
        screen = shown.wait_for("error: aim-tui closed").replace("\n", "")
        assert "KeyError: 'no such [bold]thing[/bold] in 32 letters'" in screen
        assert "ratings and scores are stored" in screen
        assert "Traceback" not in screen and "hf_a_token" not in screen
        assert shown.wait_for_exit() == 1
    (log,) = (tmp_path / "state").rglob("crash-*.log")
    assert "in fail" in log.read_text() and "hf_a_token" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
