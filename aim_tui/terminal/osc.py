r"""What can be said to the terminal around the screen: its title, its progress bar, a notification; as text to write.

Which terminal understands what is known by its name and version, since none can be asked. Where that is in doubt
nothing is said: an older iTerm2, kitty or WezTerm shows OSC 9;4 as a notification that reads "4;1;37".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aim_tui.core.text import without_escapes
from aim_tui.terminal.answers import in_multiplexer

if TYPE_CHECKING:
    from collections.abc import Mapping

_ST = "\x1b\\"
# Titles and notifications beyond this are cut by every terminal, and some choke on them.
_LONGEST = 120


class Notifying(StrEnum):
    """How a desktop notification is asked for."""

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
    """Something is being done, and nobody knows how much of it is left."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal by the name it is told by here, and its version where that is known."""

    name: str = ""
    version: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OscSettings:
    """How to speak to a terminal."""

    title: bool = False
    progress: bool = False
    notifying: Notifying | None = None
    wrapped: bool = False
    """Whether progress and notifications have to be handed through tmux."""


#: Since which version OSC 9;4 is a progress bar and nothing else. An empty one: always.
_PROGRESS_SINCE: dict[str, tuple[int, ...]] = {
    "conemu": (),
    "windows terminal": (),
    "vscode": (),
    "ghostty": (),
    # It showed none before, and took it for a notification until some time before this one.
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
# What the names begin with that terminals give themselves: XTVERSION, TERM_PROGRAM, TERM.
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
# They print what they do not understand, or have no title.
_MUTE = frozenset({"", "dumb", "linux", "unknown", "vt52", "vt100", "vt102", "vt220", "cons25", "wsvt25"})


def terminal_of(environ: Mapping[str, str], answer: str = "") -> Terminal:
    """The terminal by what it answered to XTVERSION (`answer`), else by what it set in the environment."""
    if found := _named(answer):
        return found
    if in_multiplexer(environ):
        # The other variables are of the terminal in which it was started, which may be another one by now.
        return Terminal()
    if found := _named(f"{environ.get('TERM_PROGRAM', '')} {environ.get('TERM_PROGRAM_VERSION', '')}"):
        return found
    # iTerm2 sets these so that ssh carries them along.
    if found := _named(f"{environ.get('LC_TERMINAL', '')} {environ.get('LC_TERMINAL_VERSION', '')}"):
        return found
    if environ.get("WT_SESSION"):
        return Terminal("windows terminal")
    if environ.get("ConEmuANSI", "").upper() == "ON":
        return Terminal("conemu")
    if version := environ.get("KONSOLE_VERSION"):
        return _named(f"konsole({version})") or Terminal("konsole")
    if version := environ.get("VTE_VERSION"):
        return _named(f"vte({version})") or Terminal("vte")
    return _named(environ.get("TERM", "")) or Terminal()


def manner_of(environ: Mapping[str, str], answer: str = "", *, passthrough: bool = False) -> OscSettings:
    """How to speak to the terminal; within tmux `answer` is what the terminal outside is, as tmux knows it.

    `passthrough` says that tmux hands on what is wrapped for the terminal outside.
    """
    if environ.get("TERM", "") in _MUTE:
        return OscSettings()
    multiplexer = in_multiplexer(environ)
    if multiplexer and not (multiplexer == "tmux" and passthrough):
        # tmux has titles of its own; GNU screen would take ours for something to print below.
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
    """Have the terminal keep its title."""
    return "\x1b[22;2t"


def pop_title() -> str:
    """Give the kept title back; a terminal that keeps none shows an empty one, which shells fill again."""
    return f"{set_title('')}\x1b[23;2t"


def set_title(text: str) -> str:
    """Put a text into the title of window, tab or pane."""
    return f"\x1b]2;{said(text)}{_ST}"


def set_progress(state: ProgressState, percent: int = 0, *, wrapped: bool = False) -> str:
    """Show how far something is, in the tab or the task bar."""
    if state in (ProgressState.NORMAL, ProgressState.ERROR):
        return _handed(f"\x1b]9;4;{state};{min(max(percent, 0), 100)}{_ST}", wrapped)
    return _handed(f"\x1b]9;4;{state};0{_ST}", wrapped)


def notify(how: Notifying, title: str, text: str, *, wrapped: bool = False) -> str:
    """Show a notification on the desktop."""
    if how is Notifying.OSC_9:
        # Never with a number first: that would be one of ConEmu's commands.
        return _handed(f"\x1b]9;{said(title) or 'aim-tui'}: {said(text)}{_ST}", wrapped)
    # A semicolon separates title and text.
    return _handed(f"\x1b]777;notify;{said(title).replace(';', ',')};{said(text).replace(';', ',')}{_ST}", wrapped)


def said(text: str) -> str:
    """A text as it may stand within a sequence: printable, on one line, and not too long."""
    # What cannot be encoded cannot be written; Textual's writing thread would die of it.
    text = without_escapes(text).encode("utf-8", "replace").decode("utf-8").strip()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _handed(sequence: str, wrapped: bool) -> str:
    """For the terminal outside of tmux, which passes it on where it is allowed to."""
    return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}{_ST}" if wrapped else sequence


def _named(words: str) -> Terminal | None:
    """The terminal that calls itself so, such as 'kitty(0.39.1)', 'WezTerm 20240203-110809' or 'VTE(8003)'."""
    match = re.match(r"\s*([A-Za-z][\w-]*)(.*)", words)
    if match is None:
        return None
    called = match[1].lower()
    name = next((name for begin, name in _NAMES.items() if called.startswith(begin)), None)
    if name is None:
        return None
    number = re.search(r"\d+(\.\d+)*", match[2])
    version = tuple(int(part) for part in number[0].split(".")[:4]) if number and len(number[0]) < 24 else ()
    if len(version) == 1 and version[0] > 1000 and name in ("vte", "konsole"):
        # 8003 is 0.80.3, 260401 is 26.04.1.
        version = (0, version[0] // 100) if name == "vte" else (version[0] // 10_000, version[0] // 100 % 100)
    return Terminal(name, version)
