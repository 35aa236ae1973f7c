"""The `aim-tui` command: one file a sub-command; only the one that is asked for is imported."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from aim_tui.errors import AimError, UsageError

if TYPE_CHECKING:
    import typer


class Command(NamedTuple):
    """A sub-command: the function, or the typer group of several, that does it."""

    implementation: str
    help: str


COMMANDS = {
    "open": Command("open_app:open_app", "Open the application on a folder (what a bare `aim-tui [PATH]` does)."),
    "demo": Command("scoring.demo:demo", "Try it on the embedded sample images and sample models."),
    "score": Command("scoring.score:score", "Score images without the application."),
    "clip-score": Command("scoring.clip_score:clip_score", "Add CLIP scores to the rows of a manifest."),
    "edit": Command("scoring.edit:edit", "Score image edits: a source, a target and an instruction each."),
    "inspect": Command(
        "stored.inspect:inspect", "Look at a data set of edits or a folder of images without any model."
    ),
    "runs": Command("stored.runs:app", "See, compare, export and delete what has been scored."),
    "report": Command("stored.report:report", "Write a run as one HTML page with pictures."),
    "correlate": Command(
        "agreement.correlate:correlate", "Tell how far metrics agree with ratings, language models or any column."
    ),
    "search": Command("embeddings.search:search", "Find the images that are nearest to a text or to another image."),
    "duplicates": Command("embeddings.duplicates:duplicates", "Group images that are copies or nearly the same."),
    "matrix": Command("embeddings.matrix:matrix", "Hold every image against every text."),
    "embed": Command("embeddings.embed:embed", "Write the embeddings of images and texts to a file."),
    "classify": Command(
        "embeddings.classify:classify", "Give each image the likeliest of some labels, without training."
    ),
    "probe": Command("embeddings.probe:app", "Train a small classifier of your own notion on embeddings, and use it."),
    "categories": Command(
        "embeddings.categories:categories", "Score a folder for each category against a prompt for each."
    ),
    "compare": Command("embeddings.compare:compare", "Hold images against images: CLIP cosine and LPIPS."),
    "bench": Command("scoring.bench:bench", "Measure this machine's speed with a profile's models."),
    "metrics": Command("setup.metrics:metrics", "List every metric: what its number means, and what brings it."),
    "models": Command("setup.models:app", "See, check and fetch the models that a profile needs."),
    "keys": Command("setup.keys:keys", "List every binding with its keys, for `\\[keys]` of the settings file."),
    "cache": Command("stored.cache:app", "See and prune what models have computed and is kept."),
    "doctor": Command("setup.doctor:doctor", "Look at terminal, torch, GPU, models and disk, and say what to do."),
}


def main() -> None:
    """Run the command line; an expected error is two lines on stderr and an exit code, never a traceback."""
    try:
        try:
            _run(sys.argv[1:])
        except FileNotFoundError:
            if _has_working_folder():
                raise
            raise UsageError("the working folder is gone", "change to another folder, or give absolute paths") from None
        except SystemExit as leaving:
            _leave(leaving)
    except AimError as error:
        from aim_tui.core.text import printable

        print(f"error: {printable(error.message)}", file=sys.stderr)
        if error.hint:
            print(f"hint: {printable(error.hint, newline=chr(10))}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def _run(args: list[str]) -> None:
    """Open the application where only a path is given, or hand over to typer."""
    first = args[0] if args else "."
    if len(args) <= 1 and first not in COMMANDS and os.path.lexists(first):
        from aim_tui.cli.launching import open_plainly

        raise SystemExit(open_plainly(first))
    if first not in COMMANDS and not first.startswith("-") and not os.path.lexists(first):
        _refuse_mistyped(first)
    if first in COMMANDS:
        typer_app((first,))(args=args)
    elif first in ("--help", "-h", "--version"):
        typer_app()(args=args)
    else:
        typer_app(("open",))(args=["open", *args])


def _refuse_mistyped(name: str) -> None:
    """UsageError for what is neither a command nor a path and looks like a mistyped command."""
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    if near:
        raise UsageError(
            f"unknown command {name!r}; did you mean {near[0]!r}?", "there is no file or folder of that name either"
        )


def typer_app(names: tuple[str, ...] = tuple(COMMANDS)) -> typer.Typer:
    """The command line with these of its commands."""
    import typer

    app = typer.Typer(
        name="aim-tui",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Evaluate AI-generated images: CLIP score, caption similarity and LPIPS, live in the terminal.",
    )

    def print_version(wanted: bool) -> None:
        if wanted:
            from aim_tui import __version__

            print(__version__)
            raise typer.Exit

    version_option = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True, callback=print_version
    )

    @app.callback()
    def root(version: bool = version_option) -> None:
        """Takes the options that stand before a command."""

    for name in names:
        module, _, attribute = COMMANDS[name].implementation.partition(":")
        command = getattr(importlib.import_module(f"aim_tui.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, help=COMMANDS[name].help)
        else:
            app.command(name, help=COMMANDS[name].help)(command)
    return app


def _leave(leaving: SystemExit) -> NoReturn:
    """End with this exit code, also where a thread hangs in a file: the interpreter cannot end beside it."""
    reading = sys.modules.get("aim_tui.engine.reading")
    if reading is not None and reading.readers_left():
        for stream in (sys.stdout, sys.stderr):
            # Whoever read it may have gone.
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1)
    raise leaving


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True
