"""What a check-up finds: one finding a thing, with what to do where it is not as it should be."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aim_tui.cli.setup.finding import Finding, State
from aim_tui.errors import AimError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aim_tui.settings.settings import Settings
    from aim_tui.terminal.answers import Answers

_LITTLE_SPACE = 5 * 10**9
_NO_SPACE = 200 * 10**6


def program_findings() -> Iterator[Finding]:
    """The program and the interpreter."""
    from aim_tui import __version__

    yield Finding("program", "aim-tui", __version__, data={"version": __version__})
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "program", "Python", f"{version} ({sys.executable})", data={"version": version, "executable": sys.executable}
    )
    screen = metadata.version("textual")
    yield Finding("program", "Textual", screen, data={"version": screen})


def config_finding(config: Path | None, load: Callable[[Path | None], Settings]) -> tuple[Finding, Settings | None]:
    """The settings file, and what is in it where it can be read."""
    from aim_tui.settings.paths import config_file

    path = config or config_file()
    data = {"path": str(path), "exists": path.exists()}
    try:
        settings = load(config)
    except AimError as error:
        ways = (error.hint,) if error.hint else ("correct it: what is wrong is said above",)
        return Finding("program", "settings", error.message, State.BROKEN, ways, data), None
    said = str(path) if path.exists() else f"{path}, not there: everything is as built in"
    return Finding("program", "settings", said, data=data), settings


def interface_findings(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the keys and the looks that the settings file asks for; nothing where all is well."""
    from aim_tui.cli.setup import ui_settings

    for problem in ui_settings.interface_findings(settings):
        yield Finding("program", "keys and looks", problem, State.BROKEN, ("`aim-tui keys` lists every binding",))


def model_findings(settings: Settings, profile: str | None) -> Iterator[Finding]:
    """The models of a profile, by what lies on the disk."""
    from rich.filesize import decimal

    from aim_tui.hub.inventory import inspect_profile

    try:
        chosen = settings.profile(profile)
    except AimError as error:
        yield Finding("models", "profile", error.message, State.BROKEN, (error.hint,) if error.hint else ())
        return
    yield Finding("models", "profile", chosen.name, data={"profile": chosen.name})
    asked = [metric for metric in chosen.metrics if metric not in settings.disabled]
    for state in inspect_profile(chosen, asked):
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
        ways: tuple[str, ...]
        if state.bytes_to_fetch or not state.revision:
            ways = (f"aim-tui models fetch --profile {chosen.name}", "or try the sample models: aim-tui demo")
        else:
            ways = (f"correct the path of {state.role} in the settings",)
        said = f"{state.name}: {state.problem}{size}"
        yield Finding("models", str(state.role), said, State.BROKEN, ways, data)


def storage_findings(store: Path) -> Iterator[Finding]:
    """The store, and the room on the disks of store and models."""
    from aim_tui.hub.cache_paths import hub_cache

    yield _store_finding(store)
    seen: dict[int, str] = {}
    for name, path in (("disk of the store", store.parent), ("disk of the models", hub_cache())):
        place = _nearest(path)
        device = place.stat().st_dev
        if device not in seen:
            seen[device] = name
            yield _space_finding(name, place)


def _store_finding(store: Path) -> Finding:
    from rich.filesize import decimal

    from aim_tui.store.database import Database

    data: dict[str, Any] = {"path": str(store), "exists": store.exists()}
    elsewhere = "or name a store elsewhere: --store FILE, AIM_TUI_STORE"
    if not store.exists():
        place = _nearest(store.parent)
        if os.access(place, os.W_OK | os.X_OK):
            return Finding("storage", "store", f"{store}, made at the first run", data=data)
        said = f"{store} cannot be made: {place} is not yours to write to"
        return Finding("storage", "store", said, State.BROKEN, (f"correct the permissions of {place}", elsewhere), data)
    try:
        Database.open(store, read_only=True, timeout=2.0).close()
    except AimError as error:
        return Finding("storage", "store", error.message, State.BROKEN, (error.hint or elsewhere,), data)
    size = store.stat().st_size
    data["bytes"] = size
    if not os.access(store, os.W_OK):
        ways = (f"correct the permissions of {store}", elsewhere)
        return Finding("storage", "store", f"{store} can be read but not written", State.BROKEN, ways, data)
    return Finding("storage", "store", f"{store}, {decimal(size)}", data=data)


def _space_finding(name: str, place: Path) -> Finding:
    from rich.filesize import decimal

    free = shutil.disk_usage(place).free
    data = {"path": str(place), "bytes_free": free}
    said = f"{decimal(free)} free at {place}"
    if free >= _LITTLE_SPACE:
        return Finding("storage", name, said, data=data)
    ways = ("make room: aim-tui cache prune --max-size 1GB, or move the models with HF_HOME",)
    return Finding("storage", name, said, State.BROKEN if free < _NO_SPACE else State.NOTE, ways, data)


def _nearest(path: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    return next(place for place in (path, *path.parents) if place.is_dir())


def terminal_findings(
    answers: Answers,
    environ: Mapping[str, str],
    *,
    colours: str | None,
    size: tuple[int, int] | None,
    ask: Callable[[], Mapping[str, str] | None],
) -> Iterator[Finding]:
    """The terminal: name, colours, images, clipboard, and what tmux keeps from it; `ask` asks tmux."""
    from aim_tui.cli.setup.tmux_checks import tmux_findings
    from aim_tui.terminal.answers import in_multiplexer
    from aim_tui.terminal.images import ImageMode, image_support

    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    name = answers.name or program or term or "no terminal"
    told = f" (TERM={term})" if term and term != name else ""
    shape = f", {size[0]} x {size[1]}" if size else ""
    yield Finding("terminal", "name", f"{name}{told}{shape}", data={"name": name, "term": term, "size": size})
    yield _colours_finding(colours, environ)
    support = image_support(environ, answers=answers)
    pixels = f"; a cell has {support.cell.width} x {support.cell.height} pixels"
    shown = {ImageMode.HALF: "half blocks", ImageMode.NONE: "words only"}.get(
        support.mode, f"{support.mode}, true pixels"
    )
    yield Finding(
        "terminal",
        "images",
        f"{shown}: {support.why}{pixels}",
        data={"mode": support.mode, "why": support.why, "cell": list(support.cell), "seconds": answers.seconds},
    )
    multiplexer = in_multiplexer(environ)
    clipboard = "sent by OSC 52, which has no answer: whether the terminal takes it shows when you paste"
    if multiplexer == "tmux":
        yield from tmux_findings(ask())
    elif multiplexer:
        clipboard += "; screen drops it"
        yield Finding("terminal", "clipboard", clipboard, State.NOTE, ("ctrl+s writes a file instead",))
        return
    if multiplexer != "tmux":
        yield Finding("terminal", "clipboard", clipboard, data={"protocol": "OSC 52"})


def _colours_finding(colours: str | None, environ: Mapping[str, str]) -> Finding:
    data = {"colours": colours}
    if environ.get("NO_COLOR"):
        return Finding("terminal", "colours", "none, as NO_COLOR asks; images are told in words", data=data)
    match colours:
        case "truecolor":
            return Finding("terminal", "colours", "16 million", data=data)
        case "256":
            ways = ("export COLORTERM=truecolor, where the terminal has more; ssh does not pass it on by itself",)
            return Finding("terminal", "colours", "256; images look coarse", State.NOTE, ways, data)
        case "standard" | "windows":
            ways = ("export TERM=xterm-256color, and COLORTERM=truecolor where the terminal has more",)
            return Finding("terminal", "colours", "16; images are told in words", State.NOTE, ways, data)
    return Finding("terminal", "colours", "unknown: the output is no terminal", data=data)
