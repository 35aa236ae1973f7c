"""`aim-tui doctor`: check the whole setup and say how to fix what is broken."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aim_tui.cli import options
from aim_tui.cli.console import print_json, show, words
from aim_tui.cli.setup import checks
from aim_tui.cli.setup.checks import Finding, State, query_tmux
from aim_tui.cli.setup.torch_checks import nvidia_driver, query_torch, torch_findings
from aim_tui.runs.storage import store_path
from aim_tui.settings.settings import load_settings
from aim_tui.terminal.answers import Answers
from aim_tui.terminal.images import keep_colours
from aim_tui.terminal.probe import probe


def doctor(
    profile: options.Profile = None,
    as_json: options.Json = False,
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """Check terminal, tmux, Python, torch, GPU, models and disk, and say how to fix what is wrong.

    Exit: 0 fine, 1 something is broken.
    """
    findings = examine(profile, config, store)
    broken = [finding for finding in findings if finding.state is State.BROKEN]
    if as_json:
        _print_json(findings, ok=not broken)
    else:
        _print(findings, len(broken))
    raise typer.Exit(1 if broken else 0)


def examine(profile: str | None, config: Path | None, store: Path | None) -> list[Finding]:
    """Run every check; torch, the slowest, is queried in the background."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        torch, driver = threads.submit(query_torch), threads.submit(nvidia_driver)
        answers = probe()
        findings = list(
            checks.terminal_findings(
                answers, os.environ, colours=_colours(answers), size=_size(), query_tmux=query_tmux
            )
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
    """The colour system that the application will use here; None without a terminal."""
    if not sys.stdout.isatty():
        return None
    environ = dict(os.environ)
    if keep_colours(environ, answers):
        return "truecolor"
    system = environ.get("TEXTUAL_COLOR_SYSTEM", "auto")
    return Console().color_system if system == "auto" else system


def _size() -> tuple[int, int] | None:
    columns, rows = shutil.get_terminal_size()
    return (columns, rows) if sys.stdout.isatty() else None


def _print(findings: Sequence[Finding], broken: int) -> None:
    marks = {State.FINE: ("✓", "green"), State.NOTE: ("·", "yellow"), State.BROKEN: ("✗", "bold red")}
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    topic, printed_fixes = "", set[str]()
    for finding in findings:
        if finding.topic != topic:
            if topic:
                table.add_row()
            topic = finding.topic
            table.add_row("", Text(topic.capitalize() if topic != "torch" else "Torch and GPU", style="bold not dim"))
        mark, style = marks[finding.state]
        table.add_row(Text(mark, style=style), words(finding.name), words(finding.text))
        if printed_fixes.issuperset(finding.fixes):
            continue  # one command that fixes several findings is printed once
        printed_fixes.update(finding.fixes)
        for fix in finding.fixes:
            table.add_row("", "", words(f"→ {fix}"))
    notes = sum(finding.state is State.NOTE for finding in findings)
    summary = f"{broken} broken" if broken else "everything is usable"
    show(table, f"{summary}, {notes} could be better" if notes else summary)


def _print_json(findings: Sequence[Finding], *, ok: bool) -> None:
    records = [
        {
            "topic": finding.topic,
            "name": finding.name,
            "state": finding.state,
            "said": finding.text,
            "ways_out": list(finding.fixes),
            "data": finding.data,
        }
        for finding in findings
    ]
    print_json({"ok": ok, "findings": records})
