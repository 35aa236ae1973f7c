"""The checks of `aim-tui doctor`: program, settings, models, storage and terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from aim_tui import __version__
from aim_tui.cli.setup import ui_settings
from aim_tui.errors import AimError
from aim_tui.hub.cache_paths import hub_cache
from aim_tui.hub.inventory import inspect_profile
from aim_tui.settings.paths import config_file
from aim_tui.settings.settings import Settings
from aim_tui.store.database import Database
from aim_tui.terminal import tmux
from aim_tui.terminal.answers import Answers, in_multiplexer
from aim_tui.terminal.images import ImageMode, image_support

_LOW_SPACE = 5 * 10**9
_NO_SPACE = 200 * 10**6
_VARIABLES = ("version", "set-clipboard", "allow-passthrough", "escape-time", "client_termfeatures", "client_termname")
# A longer delay makes Escape feel stuck.
_ESCAPE_MILLISECONDS = 50
_APPLY = "then: tmux source-file ~/.tmux.conf"


class State(StrEnum):
    """How a check came out."""

    FINE = "fine"
    NOTE = "note"
    """Usable, but could be better."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    topic: str
    name: str
    text: str
    state: State = State.FINE
    fixes: tuple[str, ...] = ()
    """What to do about it; each is a step or an alternative."""
    data: dict[str, Any] = field(default_factory=dict)
    """The same for programs."""


def program_findings() -> Iterator[Finding]:
    """Versions of the program, the interpreter and Textual."""
    yield Finding("program", "aim-tui", __version__, data={"version": __version__})
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "program", "Python", f"{version} ({sys.executable})", data={"version": version, "executable": sys.executable}
    )
    textual = metadata.version("textual")
    yield Finding("program", "Textual", textual, data={"version": textual})


def config_finding(config: Path | None, load: Callable[[Path | None], Settings]) -> tuple[Finding, Settings | None]:
    """Whether the settings file loads, and the settings if it does."""
    path = config or config_file()
    data = {"path": str(path), "exists": os.path.exists(path)}
    try:
        settings = load(config)
    except AimError as error:
        fixes = (error.hint or "correct the settings file",)
        return Finding("program", "settings", error.message, State.BROKEN, fixes, data), None
    text = str(path) if os.path.exists(path) else f"{path} does not exist: using the built-in defaults"
    return Finding("program", "settings", text, data=data), settings


def interface_findings(settings: Settings) -> Iterator[Finding]:
    """Mistakes in `[ui]` and `[keys]` of the settings file."""
    for problem in ui_settings.interface_findings(settings):
        yield Finding("program", "keys and theme", problem, State.BROKEN, ("`aim-tui keys` lists every binding",))


def model_findings(settings: Settings, profile: str | None) -> Iterator[Finding]:
    """Whether each model of a profile is on disk."""
    try:
        chosen = settings.profile(profile)
    except AimError as error:
        yield Finding("models", "profile", error.message, State.BROKEN, (error.hint,) if error.hint else ())
        return
    yield Finding("models", "profile", chosen.name, data={"profile": chosen.name})
    enabled = [metric for metric in chosen.metrics if metric not in settings.disabled]
    for state in inspect_profile(chosen, enabled):
        data = {
            "model": state.name,
            "metrics": list(state.needed_by),
            "complete": state.complete,
            "path": str(state.path) if state.path else None,
            "bytes_on_disk": state.bytes_on_disk,
            "bytes_to_fetch": state.bytes_to_fetch,
        }
        if state.complete:
            yield Finding("models", str(state.role), f"{state.name}, {decimal(state.bytes_on_disk)}", data=data)
            continue
        size = f", about {decimal(state.bytes_to_fetch)} to fetch" if state.bytes_to_fetch else ""
        fixes: tuple[str, ...] = (f"correct the path of {state.role} in the settings",)
        if state.bytes_to_fetch or not state.revision:
            fixes = (f"aim-tui models fetch --profile {chosen.name}", "or try the sample models: aim-tui demo")
        yield Finding("models", str(state.role), f"{state.name}: {state.problem}{size}", State.BROKEN, fixes, data)


def storage_findings(store: Path) -> Iterator[Finding]:
    """The store, and the free space on the disks of store and models."""
    yield _store_finding(store)
    devices: set[int] = set()
    for name, path in (("disk of the store", store.parent), ("disk of the models", hub_cache())):
        folder = _existing_folder(path)
        device = folder.stat().st_dev
        if device not in devices:
            devices.add(device)
            yield _space_finding(name, folder)


def _store_finding(store: Path) -> Finding:
    data: dict[str, Any] = {"path": str(store), "exists": os.path.exists(store)}
    elsewhere = "or use another store: --store FILE, AIM_TUI_STORE"
    if not os.path.exists(store):
        folder = _existing_folder(store.parent)
        if os.access(folder, os.W_OK | os.X_OK):
            return Finding("storage", "store", f"{store}, created by the first run", data=data)
        text = f"cannot create {store}: no permission to write to {folder}"
        fixes = (f"correct the permissions of {folder}", elsewhere)
        return Finding("storage", "store", text, State.BROKEN, fixes, data)
    try:
        Database.open(store, read_only=True, timeout=2.0).close()
    except AimError as error:
        return Finding("storage", "store", error.message, State.BROKEN, (error.hint or elsewhere,), data)
    size = store.stat().st_size
    data["bytes"] = size
    if not os.access(store, os.W_OK):
        fixes = (f"correct the permissions of {store}", elsewhere)
        return Finding("storage", "store", f"{store} can be read but not written", State.BROKEN, fixes, data)
    return Finding("storage", "store", f"{store}, {decimal(size)}", data=data)


def _space_finding(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    data = {"path": str(folder), "bytes_free": free}
    text = f"{decimal(free)} free at {folder}"
    if free >= _LOW_SPACE:
        return Finding("storage", name, text, data=data)
    fixes = ("free up space: aim-tui cache prune --max-size 1GB, or move the models with HF_HOME",)
    return Finding("storage", name, text, State.BROKEN if free < _NO_SPACE else State.NOTE, fixes, data)


def _existing_folder(path: Path) -> Path:
    """The folder itself, or its nearest parent that exists."""
    return next(folder for folder in (path, *path.parents) if os.path.isdir(folder))


def terminal_findings(
    answers: Answers,
    environ: Mapping[str, str],
    *,
    colours: str | None,
    size: tuple[int, int] | None,
    query_tmux: Callable[[], Mapping[str, str] | None],
) -> Iterator[Finding]:
    """The terminal: name, colours, images, clipboard, and the tmux settings in its way."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    name = answers.name or program or term or "no terminal"
    suffix = f" (TERM={term})" if term and term != name else ""
    suffix += f", {size[0]} x {size[1]}" if size else ""
    yield Finding("terminal", "name", f"{name}{suffix}", data={"name": name, "term": term, "size": size})
    yield _colours_finding(colours, environ)
    support = image_support(environ, answers=answers)
    pixels = f"; a cell is {support.cell.width} x {support.cell.height} pixels"
    mode = {ImageMode.HALF: "half blocks", ImageMode.NONE: "text only"}.get(
        support.mode, f"{support.mode}, true pixels"
    )
    yield Finding(
        "terminal",
        "images",
        f"{mode}: {support.why}{pixels}",
        data={"mode": support.mode, "why": support.why, "cell": list(support.cell), "seconds": answers.seconds},
    )
    multiplexer = in_multiplexer(environ)
    clipboard = "uses OSC 52, which terminals do not acknowledge: copy something and paste it to check"
    if multiplexer == "tmux":
        yield from tmux_findings(query_tmux())
    elif multiplexer:
        clipboard += "; screen drops it"
        yield Finding("terminal", "clipboard", clipboard, State.NOTE, ("ctrl+s writes a file instead",))
    else:
        yield Finding("terminal", "clipboard", clipboard, data={"protocol": "OSC 52"})


def _colours_finding(colours: str | None, environ: Mapping[str, str]) -> Finding:
    data = {"colours": colours}
    if environ.get("NO_COLOR"):
        return Finding("terminal", "colours", "none, because NO_COLOR is set; images are described in text", data=data)
    match colours:
        case "truecolor":
            return Finding("terminal", "colours", "16 million", data=data)
        case "256":
            fixes = ("export COLORTERM=truecolor, if the terminal supports it; ssh does not forward it by default",)
            return Finding("terminal", "colours", "256; images look coarse", State.NOTE, fixes, data)
        case "standard" | "windows":
            fixes = ("export TERM=xterm-256color, and COLORTERM=truecolor if the terminal supports it",)
            return Finding("terminal", "colours", "16; images are described in text", State.NOTE, fixes, data)
    return Finding("terminal", "colours", "unknown: the output is not a terminal", data=data)


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
