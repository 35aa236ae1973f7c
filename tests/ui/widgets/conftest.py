"""The same terminal for every test, whatever the one is that they are started in."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def terminal_of_many_colours(monkeypatch):
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("AIM_TUI_IMAGES", raising=False)
