"""Options that commands share are declared once, and every help page is readable at 80 columns."""

from __future__ import annotations

from dataclasses import fields
from inspect import signature
from typing import TYPE_CHECKING, Annotated

import pytest
import typer
from typer.testing import CliRunner

from aim_tui.cli import COMMANDS, options, typer_app

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 80
SCORING = ("open", "score", "clip-score", "edit", "search", "matrix", "embed", "classify", "categories", "compare")


def commands() -> Iterator[tuple[tuple[str, ...], typer.core.TyperCommand]]:
    """Every command and sub-command, by its words."""

    def walk(words: tuple[str, ...], command: object) -> Iterator[tuple[tuple[str, ...], typer.core.TyperCommand]]:
        yield words, command
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk((*words, name), inner)

    yield from walk((), typer.main.get_command(typer_app()))


PAGES = dict(commands())


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_a_help_page_is_whole_at_80_columns(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TERMINAL_WIDTH", str(WIDTH))
    page = CliRunner().invoke(typer_app(), [*words, "--help"]).output
    assert "Usage: " in page
    assert max(map(len, page.splitlines())) <= WIDTH
    # Rich cuts what does not fit with an ellipsis.
    assert "\u2026" not in page
    for parameter in PAGES[words].params:
        assert parameter.help, f"{parameter.name} of {words} has no help"
        if isinstance(parameter, typer.core.TyperOption):
            assert parameter.opts[0] in page


def test_every_command_stands_in_a_panel() -> None:
    page = CliRunner().invoke(typer_app(), ["--help"]).output
    panels = [line.split("\u2500 ")[1].split(" \u2500")[0] for line in page.splitlines() if line.startswith("\u256d")]
    assert panels == ["Options", "Score", "Compare and search", "Judge and agree", "Stored", "Set up"]
    assert {command.panel for command in COMMANDS.values()} == set(panels[1:])


@pytest.mark.parametrize("name", SCORING)
def test_a_command_that_scores_has_every_shared_option(name: str) -> None:
    shared = {field.name for field in fields(options.RunOptions)}
    assert shared <= {parameter.name for parameter in PAGES[name,].params}


def test_a_group_reaches_the_command_as_one_value() -> None:
    taken: list[tuple[str, options.OutputOptions]] = []

    @options.takes_groups
    def command(name: Annotated[str, typer.Argument()], size: int = 3, *, destination: options.OutputOptions) -> None:
        taken.append((f"{name}{size}", destination))

    assert list(signature(command).parameters) == ["name", "size", "format", "output"]
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, ["x", "--format", "csv"])
    assert done.exit_code == 0, done.output
    assert taken == [("x3", options.OutputOptions(format="csv"))]
