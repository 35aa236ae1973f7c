"""What a user reads when the application ends by an error of its own."""

from __future__ import annotations

import pytest

from aim_tui.settings import paths
from aim_tui.ui.crash_report import crash_report


@pytest.mark.parametrize(("stored", "words"), [(True, "are stored"), (False, "the scores are lost")])
def test_it_says_what_is_kept(stored: bool, words: str) -> None:
    report = crash_report(KeyError("\x1b[2Jx"), stored=stored)
    assert words in report.hint and "\x1b" not in report.message


def test_a_log_that_cannot_be_written_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(paths, "state_dir", refuse)
    assert "its log could not be written: Permission denied" in crash_report(ValueError("x"), stored=True).hint
