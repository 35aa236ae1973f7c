"""What the terminal around the screen is told while a job runs and when it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aim_tui.core.scoring.events import Phase, PhaseName
from aim_tui.ipc.worker_state import Crash, WorkerState
from aim_tui.terminal.osc import Notifying, OscSettings, notify, set_progress, set_title
from aim_tui.terminal.osc import ProgressState as State
from aim_tui.terminal.writer import TerminalWriter
from aim_tui.ui.preferences import Preferences
from aim_tui.ui.session.activity import Activity
from aim_tui.ui.session.terminal_status import TerminalStatus

FOLDER = "/images/cabins"
LOADING = Activity(WorkerState.BUSY, phase=Phase(PhaseName.LOADING, "clip"), total=400)
SCORING = Activity(WorkerState.BUSY, phase=Phase(PhaseName.SCORING), done=150, total=400)
IDLE = Activity(WorkerState.READY)
CRASHED = Activity(WorkerState.CRASHED, crash=Crash("killed", -9, "", Path("log")), left=250)


class Terminal:
    """One that hears, with a status that speaks to it and a clock that is set by hand."""

    def __init__(self, manner: OscSettings, wanted: Preferences) -> None:
        self.now = 0.0
        self.rung = 0
        self.heard: list[str] = []
        voice = TerminalWriter(manner)
        voice.begin(self.heard.append)
        self.status = TerminalStatus(voice, wanted, self.ring, lambda: self.now)
        self.heard.clear()

    def ring(self) -> None:
        self.rung += 1

    def tell(self, activity: Activity, seconds: float = 0.0) -> list[str]:
        self.now += seconds
        self.heard.clear()
        self.status.show(activity, FOLDER)
        return list(self.heard)


@pytest.fixture
def terminal():
    def make(*, notifying: Notifying | None = Notifying.OSC_9, **wanted: object) -> Terminal:
        manner = OscSettings(title=True, progress=True, notifying=notifying)
        return Terminal(manner, Preferences(**wanted))

    return make


def test_the_title_says_how_far_the_job_is_and_the_folder_when_none_runs(terminal) -> None:
    heard = terminal()
    assert set_title("cabins · aim-tui") in heard.tell(IDLE)
    assert set_title("loading… · cabins · aim-tui") in heard.tell(LOADING)
    assert set_title("37% of 400 · cabins · aim-tui") in heard.tell(SCORING)
    assert set_title("cabins · aim-tui") in heard.tell(IDLE)
    assert set_title("! crashed · cabins · aim-tui") in heard.tell(CRASHED)


def test_the_bar_is_full_only_when_everything_is_done(terminal) -> None:
    heard = terminal()
    assert set_progress(State.NORMAL, 99) in heard.tell(replace(SCORING, done=399))
    assert set_progress(State.NORMAL, 100) in heard.tell(replace(SCORING, done=400))


def test_the_bar_goes_through_loading_scoring_and_away(terminal) -> None:
    heard = terminal(title=False)
    assert heard.tell(IDLE) == []
    assert heard.tell(LOADING) == [set_progress(State.UNKNOWN)]
    assert heard.tell(SCORING) == [set_progress(State.NORMAL, 37)]
    assert heard.tell(SCORING) == []
    assert heard.tell(CRASHED) == [set_progress(State.ERROR, 100)]
    assert heard.tell(IDLE) == [set_progress(State.NONE)]


def test_the_bar_is_renewed_while_nothing_changes_and_only_then(terminal) -> None:
    heard = terminal(title=False)
    heard.status.renew()
    heard.tell(LOADING)
    heard.heard.clear()
    heard.status.renew()
    assert heard.heard == [set_progress(State.UNKNOWN)]
    heard.tell(IDLE)
    heard.heard.clear()
    heard.status.renew()
    assert heard.heard == []


def test_a_long_job_ends_with_a_notification(terminal) -> None:
    heard = terminal()
    heard.tell(replace(SCORING, failed=2))
    assert notify(Notifying.OSC_9, "aim-tui", "cabins: scoring has ended, 2 with failures") in heard.tell(IDLE, 31)
    assert heard.rung == 0


def test_a_short_job_ends_in_silence(terminal) -> None:
    heard = terminal()
    heard.tell(SCORING)
    assert not any("ended" in said for said in heard.tell(IDLE, 29))
    assert heard.rung == 0


def test_each_job_is_timed_by_itself(terminal) -> None:
    heard = terminal(notifying=None)
    heard.tell(SCORING)
    heard.tell(IDLE, 31)
    heard.tell(SCORING)
    heard.tell(IDLE, 5)
    assert heard.rung == 1


def test_the_bell_rings_where_the_terminal_shows_no_notification(terminal) -> None:
    heard = terminal(notifying=None)
    heard.tell(SCORING)
    heard.tell(IDLE, 60)
    assert heard.rung == 1


def test_a_crash_is_told_too_and_a_cancelled_job_is_not(terminal) -> None:
    heard = terminal()
    heard.tell(SCORING)
    told = notify(Notifying.OSC_9, "aim-tui", "cabins: the worker crashed, 250 images are left")
    assert told in heard.tell(CRASHED, 60)
    heard.tell(SCORING)
    heard.tell(replace(SCORING, cancelling=True), 60)
    assert not any("9;aim-tui" in said for said in heard.tell(IDLE))


def test_nobody_who_looks_on_is_told(terminal) -> None:
    heard = terminal()
    heard.status.watched = True
    heard.tell(SCORING)
    assert not any("ended" in said for said in heard.tell(IDLE, 60))
    heard.status.watched = False
    heard.tell(SCORING)
    assert any("ended" in said for said in heard.tell(IDLE, 60))


@pytest.mark.parametrize(
    ("off", "silent"), [("title", "\x1b]2;"), ("progress", "\x1b]9;4"), ("notification", "\x1b]9;aim-tui")]
)
def test_each_of_them_can_be_switched_off(terminal, off: str, silent: str) -> None:
    for value, expected in ((True, True), (False, False)):
        heard = terminal(**{off: value})
        said = [*heard.tell(SCORING), *heard.tell(IDLE, 60)]
        assert any(text.startswith(silent) for text in said) is expected


def test_the_bell_can_be_switched_off_and_the_patience_be_set(terminal) -> None:
    silent, quick = terminal(notifying=None, bell=False), terminal(notifying=None, notify_after=0.0)
    for each in (silent, quick):
        each.tell(SCORING)
        each.tell(IDLE, 60 if each is silent else 0)
    assert (silent.rung, quick.rung) == (0, 1)


def test_a_folder_named_like_an_escape_sequence_is_only_a_name(terminal) -> None:
    heard = terminal()
    heard.status.show(SCORING, "/images/a\x1b]0;evil\x07b\x1b\\")
    for said in heard.heard:
        assert said.count("\x1b") == 2
        assert "\x07" not in said
