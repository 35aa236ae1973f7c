"""`aim-tui doctor`: what is there, what is missing, and the exact way out of what is broken."""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import typer

from aim_tui.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aim_tui.cli.setup.finding import Finding
    from aim_tui.terminal.answers import Answers


def doctor(
    profile: options.Profile = None,
    as_json: options.Json = False,
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """Check terminal, tmux, Python, torch, GPU, models and disk, and say how to fix what is wrong.

    Exit: 0 fine, 1 something is broken.
    """
    from aim_tui.cli.setup.finding import State

    findings = examine(profile, config, store)
    broken = [finding for finding in findings if finding.state is State.BROKEN]
    if as_json:
        _print_json(findings, ok=not broken)
    else:
        _print(findings, len(broken))
    raise typer.Exit(1 if broken else 0)


def examine(profile: str | None, config: Path | None, store: Path | None) -> list[Finding]:
    """Look at everything; torch, which takes longest, meanwhile."""
    from aim_tui.cli.setup import checks
    from aim_tui.cli.setup.tmux_checks import ask_tmux
    from aim_tui.cli.setup.torch_checks import ask_torch, nvidia_driver, torch_findings
    from aim_tui.runs.storage import store_path
    from aim_tui.settings.settings import load_settings
    from aim_tui.terminal.probe import probe

    with ThreadPoolExecutor(max_workers=2) as threads:
        torch, driver = threads.submit(ask_torch), threads.submit(nvidia_driver)
        answers = probe()
        findings = list(
            checks.terminal_findings(answers, os.environ, colours=_colours(answers), size=_size(), ask=ask_tmux)
        )
        findings += checks.program_findings()
        settings_finding, settings = checks.config_finding(config, load_settings)
        findings.append(settings_finding)
        findings += torch_findings(torch.result(), driver.result(), os.environ)
    if settings is not None:
        findings += checks.interface_findings(settings)
        findings += checks.model_findings(settings, profile)
    findings += checks.storage_findings(store_path(store))
    return findings


def _colours(answers: Answers) -> str | None:
    """The colours that the application will use here; None where there is no terminal."""
    from rich.console import Console

    from aim_tui.terminal.images import keep_colours

    if not sys.stdout.isatty():
        return None
    environ = dict(os.environ)
    if keep_colours(environ, answers):
        return "truecolor"
    chosen = environ.get("TEXTUAL_COLOR_SYSTEM", "auto")
    return Console().color_system if chosen == "auto" else chosen


def _size() -> tuple[int, int] | None:
    columns, rows = shutil.get_terminal_size()
    return (columns, rows) if sys.stdout.isatty() else None


def _print(findings: Sequence[Finding], broken: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from aim_tui.cli.console import show, words
    from aim_tui.cli.setup.finding import State

    marks = {State.FINE: ("✓", "green"), State.NOTE: ("·", "yellow"), State.BROKEN: ("✗", "bold red")}
    made = Table.grid(padding=(0, 1, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    topic, said = "", set[str]()
    for finding in findings:
        if finding.topic != topic:
            if topic:
                made.add_row()
            topic = finding.topic
            made.add_row("", Text(topic.capitalize() if topic != "torch" else "Torch and GPU", style="bold not dim"))
        mark, style = marks[finding.state]
        made.add_row(Text(mark, style=style), words(finding.name), words(finding.said))
        if said.issuperset(finding.ways_out):
            continue  # what helps against several things is said once
        said.update(finding.ways_out)
        for way in finding.ways_out:
            made.add_row("", "", words(f"→ {way}"))
    notes = sum(finding.state is State.NOTE for finding in findings)
    verdict = f"{broken} broken" if broken else "everything is usable"
    show(made, f"{verdict}, {notes} could be better" if notes else verdict)


def _print_json(findings: Sequence[Finding], *, ok: bool) -> None:
    from aim_tui.cli.console import print_json

    told = [
        {
            "topic": finding.topic,
            "name": finding.name,
            "state": finding.state,
            "said": finding.said,
            "ways_out": list(finding.ways_out),
            "data": finding.data,
        }
        for finding in findings
    ]
    print_json({"ok": ok, "findings": told})
