"""What tmux keeps from the terminal that it runs in, and the lines of ~/.tmux.conf that change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_tui.cli.setup.finding import Finding, State
from aim_tui.terminal import tmux

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ASKED = ("version", "set-clipboard", "allow-passthrough", "escape-time", "client_termfeatures", "client_termname")
# Longer, and Escape is felt to hang.
_ESCAPE_MILLISECONDS = 50
_APPLY = "then: tmux source-file ~/.tmux.conf"


def ask_tmux() -> dict[str, str] | None:
    """The version and settings of tmux, or None where it does not answer."""
    answer = tmux.ask(*(f"#{{{name}}}" for name in _ASKED))
    return None if answer is None else dict(zip(_ASKED, answer, strict=False))


def tmux_findings(settings: Mapping[str, str] | None) -> Iterator[Finding]:
    """What is to be changed in tmux, with exact lines."""
    if settings is None:
        said = "it is another machine's, or does not answer; its settings are to be looked at there"
        lines = ("set -s set-clipboard on", "set -g allow-passthrough on", "set -s escape-time 10")
        yield Finding("terminal", "tmux", said, State.NOTE, lines)
        yield Finding(
            "terminal", "clipboard", "sent by OSC 52; tmux passes it on only with set-clipboard on", State.NOTE
        )
        return
    yield Finding("terminal", "tmux", settings.get("version", ""), data=dict(settings))
    clipboard = settings.get("set-clipboard", "")
    if clipboard in ("2", "on"):
        yield Finding("terminal", "clipboard", "sent by OSC 52, and tmux passes it on")
    else:
        ways = ("set -s set-clipboard on", _APPLY)
        said = "sent by OSC 52, but tmux drops it: set-clipboard is not on"
        yield Finding("terminal", "clipboard", said, State.NOTE, ways)
    features = settings.get("client_termfeatures", "").split(",")
    if "RGB" not in features and settings.get("client_termname"):
        line = f'set -as terminal-features ",{settings["client_termname"]}:RGB"'
        said = "tmux takes the terminal outside for one of 256"
        again = "then detach and attach again"
        yield Finding("terminal", "colours in tmux", said, State.NOTE, (line, again))
    if settings.get("allow-passthrough", "") not in tmux.ON:
        ways = ("set -g allow-passthrough on", _APPLY)
        yield Finding("terminal", "notifications", "tmux keeps those of a finished job to itself", State.NOTE, ways)
    delay = settings.get("escape-time", "")
    if delay.isdigit() and int(delay) > _ESCAPE_MILLISECONDS:
        ways = ("set -s escape-time 10", _APPLY)
        yield Finding("terminal", "escape", f"tmux holds it back for {delay} ms", State.NOTE, ways)
