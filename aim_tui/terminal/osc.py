r"""Control sequences for the title, the progress bar and notifications of the terminal.

Terminals cannot be queried for these, so their support is known by name and version. In doubt nothing is sent: an
older iTerm2, kitty or WezTerm shows OSC 9;4 as a notification that reads "4;1;37".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aim_tui.core.text import without_escapes
from aim_tui.terminal.answers import in_multiplexer

_ST = "\x1b\\"
# Every terminal truncates longer titles and notifications, and some fail on them.
_LONGEST = 120


class Notifying(StrEnum):
    """The sequences for desktop notifications."""

    OSC_9 = "OSC 9"
    """iTerm2's: one text."""
    OSC_777 = "OSC 777"
    """urxvt's: a title and a text."""


class ProgressState(StrEnum):
    """The states of OSC 9;4, as ConEmu numbered them."""

    NONE = "0"
    NORMAL = "1"
    ERROR = "2"
    UNKNOWN = "3"
    """Indeterminate progress."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal, by its name in the tables of this module, and its version if known."""

    name: str = ""
    version: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OscSettings:
    """Which sequences to send to a terminal."""

    title: bool = False
    progress: bool = False
    notifying: Notifying | None = None
    wrapped: bool = False
    """Whether progress and notifications must be wrapped for tmux's passthrough."""


#: The first version in which OSC 9;4 is a progress bar and nothing else; empty: any version.
_PROGRESS_SINCE: dict[str, tuple[int, ...]] = {
    "conemu": (),
    "windows terminal": (),
    "vscode": (),
    "ghostty": (),
    # Earlier versions ignore it or take it for a notification.
    "kitty": (0, 42),
    "iterm2": (3, 6, 6),
    "wezterm": (20250201,),
    "mintty": (3, 4, 2),
    "konsole": (26, 4),
    "vte": (0, 80),
}
_NOTIFYING = {
    "iterm2": Notifying.OSC_9,
    "kitty": Notifying.OSC_9,
    "ghostty": Notifying.OSC_777,
    "wezterm": Notifying.OSC_777,
    "foot": Notifying.OSC_777,
    "urxvt": Notifying.OSC_777,
}
# Prefixes of the names that terminals report: XTVERSION, TERM_PROGRAM, TERM.
_NAMES = {
    "kitty": "kitty",
    "xterm-kitty": "kitty",
    "ghostty": "ghostty",
    "xterm-ghostty": "ghostty",
    "wezterm": "wezterm",
    "iterm": "iterm2",
    "foot": "foot",
    "konsole": "konsole",
    "mintty": "mintty",
    "vte": "vte",
    "vscode": "vscode",
    "rxvt-unicode": "urxvt",
}
# Terminals that print unknown sequences, or have no title.
_MUTE = frozenset({"", "dumb", "linux", "unknown", "vt52", "vt100", "vt102", "vt220", "cons25", "wsvt25"})


def terminal_of(environ: Mapping[str, str], answer: str = "") -> Terminal:
    """The terminal, by its answer to XTVERSION, or else by the environment variables that it sets."""
    if terminal := _parse_name(answer):
        return terminal
    if in_multiplexer(environ):
        # The other variables are those of the terminal in which the multiplexer was started, perhaps another one.
        return Terminal()
    if terminal := _parse_name(f"{environ.get('TERM_PROGRAM', '')} {environ.get('TERM_PROGRAM_VERSION', '')}"):
        return terminal
    # iTerm2 sets these variables because ssh forwards them.
    if terminal := _parse_name(f"{environ.get('LC_TERMINAL', '')} {environ.get('LC_TERMINAL_VERSION', '')}"):
        return terminal
    if environ.get("WT_SESSION"):
        return Terminal("windows terminal")
    if environ.get("ConEmuANSI", "").upper() == "ON":
        return Terminal("conemu")
    if version := environ.get("KONSOLE_VERSION"):
        return _parse_name(f"konsole({version})") or Terminal("konsole")
    if version := environ.get("VTE_VERSION"):
        return _parse_name(f"vte({version})") or Terminal("vte")
    return _parse_name(environ.get("TERM", "")) or Terminal()


def osc_settings(environ: Mapping[str, str], answer: str = "", *, passthrough: bool = False) -> OscSettings:
    """The sequences that the terminal supports; inside tmux `answer` is the name of the outer terminal.

    `passthrough` says whether tmux passes wrapped sequences to the outer terminal.
    """
    if environ.get("TERM", "") in _MUTE:
        return OscSettings()
    multiplexer = in_multiplexer(environ)
    if multiplexer and not (multiplexer == "tmux" and passthrough):
        # tmux has titles of its own; GNU screen would print ours in its status line.
        return OscSettings(title=multiplexer == "tmux")
    terminal = terminal_of(environ, answer)
    since = _PROGRESS_SINCE.get(terminal.name)
    return OscSettings(
        title=True,
        progress=since is not None and terminal.version >= since,
        notifying=_NOTIFYING.get(terminal.name),
        wrapped=bool(multiplexer),
    )


def push_title() -> str:
    """Save the terminal's title."""
    return "\x1b[22;2t"


def pop_title() -> str:
    """Restore the saved title; a terminal that saves none gets an empty title, which the shell sets again."""
    return f"{set_title('')}\x1b[23;2t"


def set_title(text: str) -> str:
    """Set the title of window, tab or pane."""
    return f"\x1b]2;{sequence_text(text)}{_ST}"


def set_progress(state: ProgressState, percent: int = 0, *, wrapped: bool = False) -> str:
    """Show progress in the tab or the task bar."""
    if state in (ProgressState.NORMAL, ProgressState.ERROR):
        return _wrap(f"\x1b]9;4;{state};{min(max(percent, 0), 100)}{_ST}", wrapped)
    return _wrap(f"\x1b]9;4;{state};0{_ST}", wrapped)


def notify(how: Notifying, title: str, text: str, *, wrapped: bool = False) -> str:
    """Show a desktop notification."""
    if how is Notifying.OSC_9:
        # A leading number would be one of ConEmu's commands.
        return _wrap(f"\x1b]9;{sequence_text(title) or 'aim-tui'}: {sequence_text(text)}{_ST}", wrapped)
    # A semicolon separates title and text.
    return _wrap(
        f"\x1b]777;notify;{sequence_text(title).replace(';', ',')};{sequence_text(text).replace(';', ',')}{_ST}",
        wrapped,
    )


def sequence_text(text: str) -> str:
    """A text that is safe within a sequence: printable, on one line, and not too long."""
    # A text that cannot be encoded would end Textual's writer thread.
    text = without_escapes(text).encode("utf-8", "replace").decode("utf-8").strip()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _wrap(sequence: str, wrapped: bool) -> str:
    """The sequence, wrapped for tmux's passthrough if `wrapped`."""
    return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}{_ST}" if wrapped else sequence


def _parse_name(reported: str) -> Terminal | None:
    """The terminal of a reported name, such as 'kitty(0.39.1)', 'WezTerm 20240203-110809' or 'VTE(8003)'."""
    match = re.match(r"\s*([A-Za-z][\w-]*)(.*)", reported)
    if match is None:
        return None
    name = next((name for prefix, name in _NAMES.items() if match[1].lower().startswith(prefix)), None)
    if name is None:
        return None
    number = re.search(r"\d+(\.\d+)*", match[2])
    version = tuple(int(part) for part in number[0].split(".")[:4]) if number and len(number[0]) < 24 else ()
    if len(version) == 1 and version[0] > 1000 and name in ("vte", "konsole"):
        # 8003 is 0.80.3, 260401 is 26.04.1.
        version = (0, version[0] // 100) if name == "vte" else (version[0] // 10_000, version[0] // 100 % 100)
    return Terminal(name, version)
