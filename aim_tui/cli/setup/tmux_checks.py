"""tmux settings that keep features from the terminal, and the lines of ~/.tmux.conf that fix them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aim_tui.cli.setup.finding import Finding, State
from aim_tui.terminal import tmux

_VARIABLES = ("version", "set-clipboard", "allow-passthrough", "escape-time", "client_termfeatures", "client_termname")
# A longer delay makes Escape feel stuck.
_ESCAPE_MILLISECONDS = 50
_APPLY = "then: tmux source-file ~/.tmux.conf"


def query_tmux() -> dict[str, str] | None:
    """The version and settings of tmux; None if it does not answer."""
    values = tmux.query(*(f"#{{{name}}}" for name in _VARIABLES))
    return None if values is None else dict(zip(_VARIABLES, values, strict=False))


def tmux_findings(settings: Mapping[str, str] | None) -> Iterator[Finding]:
    """What to change in tmux, with the exact lines."""
    if settings is None:
        text = "does not answer, or runs on another machine; check its settings there"
        lines = ("set -s set-clipboard on", "set -g allow-passthrough on", "set -s escape-time 10")
        yield Finding("terminal", "tmux", text, State.NOTE, lines)
        text = "uses OSC 52; tmux passes it on only with set-clipboard on"
        yield Finding("terminal", "clipboard", text, State.NOTE)
        return
    yield Finding("terminal", "tmux", settings.get("version", ""), data=dict(settings))
    clipboard = settings.get("set-clipboard", "")
    if clipboard in ("2", "on"):
        yield Finding("terminal", "clipboard", "uses OSC 52, and tmux passes it on")
    else:
        fixes = ("set -s set-clipboard on", _APPLY)
        text = "uses OSC 52, but tmux drops it: set-clipboard is not on"
        yield Finding("terminal", "clipboard", text, State.NOTE, fixes)
    features = settings.get("client_termfeatures", "").split(",")
    if "RGB" not in features and settings.get("client_termname"):
        line = f'set -as terminal-features ",{settings["client_termname"]}:RGB"'
        text = "tmux believes that the outer terminal has only 256"
        yield Finding("terminal", "colours in tmux", text, State.NOTE, (line, "then detach and attach again"))
    if settings.get("allow-passthrough", "") not in tmux.ON:
        fixes = ("set -g allow-passthrough on", _APPLY)
        yield Finding("terminal", "notifications", "tmux does not pass on desktop notifications", State.NOTE, fixes)
    delay = settings.get("escape-time", "")
    if delay.isdigit() and int(delay) > _ESCAPE_MILLISECONDS:
        fixes = ("set -s escape-time 10", _APPLY)
        yield Finding("terminal", "escape", f"tmux delays it by {delay} ms", State.NOTE, fixes)
