"""What goes to the terminal around the screen, byte by byte, and to which terminal."""

from __future__ import annotations

import re

import pytest

from aim_tui.terminal.osc import (
    Notifying,
    OscSettings,
    ProgressState,
    Terminal,
    notify,
    osc_settings,
    pop_title,
    push_title,
    sequence_text,
    set_progress,
    set_title,
    terminal_of,
)
from aim_tui.terminal.writer import TerminalWriter, driver_with_writer

HOSTILE = "a\x1b]2;evil\x07b\x9d52;c;AAAA\x9cc\x07d\x1b\\e\nf\x00g\udcffh"


def sequences(text: str) -> list[tuple[str, str]]:
    """A terminal's reading of a text: OSC and CSI sequences; everything must belong to one."""
    found = []
    while text:
        match = re.match(r"\x1b\](?P<osc>[^\x00-\x1f\x7f-\x9f]*)\x1b\\|\x1b\[(?P<csi>[0-9;?]*[a-zA-Z])", text)
        assert match, f"not a whole sequence: {text!r}"
        found.append(("osc", match["osc"]) if match["osc"] is not None else ("csi", match["csi"]))
        text = text[match.end() :]
    return found


def test_a_title_is_one_sequence_whatever_the_folder_is_called() -> None:
    assert sequences(set_title("cabins")) == [("osc", "2;cabins")]
    ((kind, text),) = sequences(set_title(HOSTILE))
    assert kind == "osc"
    assert text.startswith("2;a")
    assert "evil" not in text


def test_a_title_can_be_written_by_a_thread_that_knows_only_utf_8() -> None:
    set_title("half \ud800 a pair, and \udcff").encode("utf-8")


def test_the_title_is_kept_and_given_back() -> None:
    assert sequences(push_title()) == [("csi", "22;2t")]
    assert sequences(pop_title()) == [("osc", "2;"), ("csi", "23;2t")]


def test_texts_are_not_too_long_for_a_title() -> None:
    assert len(sequence_text("x" * 5000)) == 120


@pytest.mark.parametrize(
    ("state", "percent", "payload"),
    [
        (ProgressState.NORMAL, 37, "9;4;1;37"),
        (ProgressState.NORMAL, 400, "9;4;1;100"),
        (ProgressState.ERROR, 50, "9;4;2;50"),
        (ProgressState.UNKNOWN, 50, "9;4;3;0"),
        (ProgressState.NONE, 50, "9;4;0;0"),
    ],
)
def test_progress_is_written_as_conemu_wrote_it(state: ProgressState, percent: int, payload: str) -> None:
    assert sequences(set_progress(state, percent)) == [("osc", payload)]


def test_a_notification_is_one_sequence_and_no_command_of_conemu() -> None:
    assert sequences(notify(Notifying.OSC_9, "aim-tui", "4;1;50")) == [("osc", "9;aim-tui: 4;1;50")]
    assert sequences(notify(Notifying.OSC_9, "", "4;1;50")) == [("osc", "9;aim-tui: 4;1;50")]
    ((_, text),) = sequences(notify(Notifying.OSC_9, "aim-tui", HOSTILE))
    assert "evil" not in text


def test_a_semicolon_in_a_name_does_not_end_the_title_of_a_notification() -> None:
    assert sequences(notify(Notifying.OSC_777, "a;b", "c;d")) == [("osc", "777;notify;a,b;c,d")]


def test_within_tmux_a_sequence_is_wrapped_with_every_escape_doubled() -> None:
    wrapped = set_progress(ProgressState.NORMAL, 5, wrapped=True)
    assert wrapped == "\x1bPtmux;\x1b\x1b]9;4;1;5\x1b\x1b\\\x1b\\"


@pytest.mark.parametrize(
    ("environ", "answer", "terminal"),
    [
        ({"TERM": "xterm-256color"}, "kitty(0.43.1)", Terminal("kitty", (0, 43, 1))),
        ({"TERM": "xterm-256color"}, "iTerm2 3.5.0", Terminal("iterm2", (3, 5, 0))),
        ({"TERM": "xterm-256color"}, "WezTerm 20240203-110809-5046fc22", Terminal("wezterm", (20240203,))),
        ({"TERM": "xterm-256color"}, "VTE(8003)", Terminal("vte", (0, 80))),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2", "LC_TERMINAL_VERSION": "3.6.6"}, "",
         Terminal("iterm2", (3, 6, 6))),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.6.9"}, "",
         Terminal("iterm2", (3, 6, 9))),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "260401"}, "", Terminal("konsole", (26, 4))),
        ({"TERM": "xterm-256color", "WT_SESSION": "x"}, "", Terminal("windows terminal")),
        ({"TERM": "xterm-256color", "ConEmuANSI": "ON"}, "", Terminal("conemu")),
        ({"TERM": "xterm-ghostty"}, "", Terminal("ghostty")),
        ({"TERM": "rxvt-unicode-256color"}, "", Terminal("urxvt")),
        ({"TERM": "xterm-256color"}, "XTerm(390)", Terminal()),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "WT_SESSION": "of another day"}, "tmux 3.3a", Terminal()),
    ],
)  # fmt: skip
def test_terminals_are_known_by_their_answer_else_by_the_environment(environ, answer, terminal) -> None:
    assert terminal_of(environ, answer) == terminal


@pytest.mark.parametrize("term", ["", "dumb", "linux", "vt100"])
def test_nothing_is_sent_to_terminals_that_would_print_it(term: str) -> None:
    assert osc_settings({"TERM": term, "TERM_PROGRAM": "ghostty"}) == OscSettings()


@pytest.mark.parametrize(
    ("answer", "progress"),
    [
        ("iTerm2 3.6.6", True),
        ("iTerm2 3.6.5", False),
        ("kitty(0.42.0)", True),
        ("kitty(0.35.2)", False),
        ("kitty", False),
        ("WezTerm 20250301-1", True),
        ("WezTerm 20240203-1", False),
        ("ghostty 1.2.0", True),
        ("XTerm(390)", False),
        ("", False),
    ],
)
def test_progress_is_sent_only_to_terminals_that_do_not_show_it_as_a_notification(answer: str, progress: bool) -> None:
    assert osc_settings({"TERM": "xterm-256color"}, answer).progress is progress


def test_within_tmux_only_the_title_is_sent_unless_tmux_passes_on_the_rest() -> None:
    environ = {"TERM": "tmux-256color", "TMUX": "/tmp/x"}
    assert osc_settings(environ, "ghostty 1.2.0") == OscSettings(title=True)
    outside = osc_settings(environ, "ghostty 1.2.0", passthrough=True)
    assert outside == OscSettings(title=True, progress=True, notifying=Notifying.OSC_777, wrapped=True)
    assert osc_settings({"TERM": "screen", "STY": "1"}, "", passthrough=True) == OscSettings()


class Heard:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def take(self) -> list[tuple[str, str]]:
        text, self.text = self.text, ""
        return sequences(text)


FULL = OscSettings(title=True, progress=True, notifying=Notifying.OSC_9)


def test_a_voice_says_each_thing_once_and_leaves_the_terminal_as_it_was() -> None:
    heard, voice = Heard(), TerminalWriter(FULL)
    voice.title("before there is a screen")
    voice.begin(heard.write)
    assert heard.take() == [("csi", "22;2t"), ("osc", "2;before there is a screen")]
    voice.title("now")
    voice.title("now")
    voice.progress(ProgressState.NORMAL, 5)
    voice.progress(ProgressState.NORMAL, 5)
    assert heard.take() == [("osc", "2;now"), ("osc", "9;4;1;5")]
    voice.progress(ProgressState.NORMAL, 5, again=True)
    assert heard.take() == [("osc", "9;4;1;5")]
    voice.end()
    assert heard.take() == [("osc", "9;4;0;0"), ("osc", "2;"), ("csi", "23;2t")]
    voice.title("nobody hears")
    assert heard.take() == []
    # As after a suspension.
    voice.begin(heard.write)
    assert heard.take() == [("csi", "22;2t"), ("osc", "2;nobody hears"), ("osc", "9;4;1;5")]


def test_progress_that_has_ended_is_cleared_once_and_not_renewed() -> None:
    heard, voice = Heard(), TerminalWriter(FULL)
    voice.begin(heard.write)
    heard.take()
    voice.progress(ProgressState.NORMAL, 99)
    voice.progress(ProgressState.NONE)
    voice.progress(ProgressState.NONE, again=True)
    assert heard.take() == [("osc", "9;4;1;99"), ("osc", "9;4;0;0")]


def test_a_terminal_without_any_of_it_hears_nothing() -> None:
    heard, voice = Heard(), TerminalWriter(OscSettings())
    voice.begin(heard.write)
    voice.title("x")
    voice.progress(ProgressState.NORMAL, 5)
    assert not voice.notify("x", "y")
    voice.end()
    assert heard.text == ""


def test_learning_more_of_the_terminal_keeps_what_was_said() -> None:
    heard, voice = Heard(), TerminalWriter(OscSettings(title=True))
    voice.begin(heard.write)
    voice.progress(ProgressState.NORMAL, 5)
    voice.title("t")
    heard.take()
    voice.settings = FULL
    assert heard.take() == [("osc", "2;"), ("csi", "23;2t"), ("csi", "22;2t"), ("osc", "2;t"), ("osc", "9;4;1;5")]


def test_the_driver_connects_the_writer_while_it_draws() -> None:
    heard = Heard()

    class Draws:
        def write(self, text: str) -> None:
            heard.write(text)

        def start_application_mode(self) -> None:
            heard.write("\x1b[?1049h")

        def stop_application_mode(self) -> None:
            heard.write("\x1b[?1049l")

    driver = driver_with_writer(Draws, TerminalWriter(OscSettings(title=True)))()
    driver.start_application_mode()
    driver.stop_application_mode()
    assert heard.take() == [("csi", "?1049h"), ("csi", "22;2t"), ("osc", "2;"), ("csi", "23;2t"), ("csi", "?1049l")]
    assert driver_with_writer(None, TerminalWriter()) is None
