"""The `aim-tui` command: one file per sub-command, imported only when it runs."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from aim_tui.errors import AimError, UsageError
from aim_tui.isolation import isolate

if TYPE_CHECKING:
    import typer


class Command(NamedTuple):
    """A sub-command: `module:attribute` of its function or typer group, and its place in --help."""

    implementation: str
    panel: str
    help: str


_RECURSIVE = ("-r", "--recursive")
_SCORE = "Score"
_COMPARE = "Compare and search"
_JUDGE = "Judge and agree"
_STORED = "Stored"
_SET_UP = "Set up"

COMMANDS = {
    "open": Command("open_app:open_app", _SCORE, "Open the application on images, as a bare `aim-tui [PATH...]` does."),
    "demo": Command("scoring.demo:demo", _SCORE, "Try it on the embedded sample images and sample models."),
    "score": Command("scoring.score:score", _SCORE, "Score images without the application."),
    "clip-score": Command("scoring.clip_score:clip_score", _SCORE, "Add CLIP scores to the rows of a manifest."),
    "edit": Command("scoring.edit:edit", _SCORE, "Score image edits: a source, a target and an instruction each."),
    "bench": Command("scoring.bench:bench", _SCORE, "Measure how fast this machine runs a profile's models."),
    "search": Command("embeddings.search:search", _COMPARE, "Find the images nearest to a text or to another image."),
    "duplicates": Command("embeddings.duplicates:duplicates", _COMPARE, "Group exact copies and near duplicates."),
    "matrix": Command("embeddings.matrix:matrix", _COMPARE, "Compute the CLIP similarity of every image-text pair."),
    "embed": Command("embeddings.embed:embed", _COMPARE, "Write the embeddings of images and texts to a file."),
    "classify": Command("embeddings.classify:classify", _COMPARE, "Classify images by your labels, without training."),
    "probe": Command("embeddings.probe:app", _COMPARE, "Train and apply a linear probe for your own labels."),
    "categories": Command(
        "embeddings.categories:categories", _COMPARE, "Score each category's folder with its prompt."
    ),
    "compare": Command("embeddings.compare:compare", _COMPARE, "Compare images with images: CLIP cosine and LPIPS."),
    "correlate": Command(
        "agreement.correlate:correlate",
        _JUDGE,
        "Measure how well metrics agree with human ratings, an LLM judge or any column.",
    ),
    "runs": Command("stored.runs:app", _STORED, "List, show, compare, export and delete stored runs."),
    "report": Command("stored.report:report", _STORED, "Write a run as one HTML page with pictures."),
    "inspect": Command("stored.inspect:inspect", _STORED, "Check a data set of edits or a folder, without any model."),
    "cache": Command("stored.cache:app", _STORED, "Show and prune the feature cache."),
    "models": Command("setup.models:app", _SET_UP, "List, check and fetch the models a profile needs."),
    "metrics": Command("setup.metrics:metrics", _SET_UP, "List every metric, what it measures and what it needs."),
    "keys": Command("setup.keys:keys", _SET_UP, "List every key binding, for `\\[keys]` of the settings file."),
    "doctor": Command("setup.doctor:doctor", _SET_UP, "Check terminal, torch, GPU, models and disk; say what to fix."),
}


def main() -> None:
    """Run the command line; an expected error is two lines on stderr and an exit code, never a traceback."""
    isolate()
    try:
        try:
            _run(sys.argv[1:])
        except BrokenPipeError:
            from aim_tui.exports.sink import reader_left

            reader_left()
        except FileNotFoundError:
            if _has_working_folder():
                raise
            raise UsageError(
                "the working folder no longer exists", "change to another folder, or give absolute paths"
            ) from None
        except SystemExit as exit:
            _leave(exit)
    except AimError as error:
        from aim_tui.core.text import printable

        # Nobody may be there to read it.
        with contextlib.suppress(BrokenPipeError):
            print(f"error: {printable(error.message)}", file=sys.stderr)
            if error.hint:
                print(f"hint: {printable(error.hint, newline=chr(10))}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def _run(args: list[str]) -> None:
    """Open the application if all arguments are paths, or -r; otherwise run typer."""
    if args[:1] == ["help"]:
        args = _asking_for_help(args[1:])
    first = args[0] if args else "."
    paths = [arg for arg in args if arg not in _RECURSIVE] or ["."]
    if first not in COMMANDS and all(map(os.path.lexists, paths)):
        from aim_tui.cli.launching import open_plainly

        raise SystemExit(open_plainly(paths, recursive=any(arg in _RECURSIVE for arg in args)))
    if first not in COMMANDS and not first.startswith("-") and not os.path.lexists(first):
        _check_mistyped(first)
    if first in COMMANDS:
        typer_app((first,))(args=args)
    elif first in ("--help", "-h", "--version", "-v"):
        typer_app(load=False)(args=args)
    else:
        typer_app(("open",))(args=["open", *args])


def _asking_for_help(command: list[str]) -> list[str]:
    """The arguments that show the help of a command, such as `runs show`; UsageError where there is none."""
    if command and not command[0].startswith("-") and command[0] not in COMMANDS:
        near = difflib.get_close_matches(command[0], COMMANDS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"unknown command {command[0]!r}", f"{hint}aim-tui help lists all")
    return [*command, "--help"]


def _check_mistyped(name: str) -> None:
    """UsageError if an unknown name, which is not a path either, looks like a mistyped command."""
    matches = difflib.get_close_matches(name, COMMANDS, n=1)
    if matches:
        raise UsageError(
            f"unknown command {name!r}; did you mean {matches[0]!r}?", "no file or folder has that name either"
        )


def typer_app(names: tuple[str, ...] = tuple(COMMANDS), *, load: bool = True) -> typer.Typer:
    """The command line, with only these commands; if they are not loaded, it can only list them."""
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
            from aim_tui.exports.sink import Sink

            Sink().write(f"{__version__}\n")
            raise typer.Exit

    version_option = typer.Option(
        False, "--version", "-v", help="Print the version and exit.", is_eager=True, callback=print_version
    )

    @app.callback()
    def root(version: bool = version_option) -> None:
        """The options before a command."""

    def not_loaded() -> None:
        """Stands for any command in the list of commands."""

    for name in names:
        module, _, attribute = COMMANDS[name].implementation.partition(":")
        command = getattr(importlib.import_module(f"aim_tui.cli.{module}"), attribute) if load else not_loaded
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, help=COMMANDS[name].help, rich_help_panel=COMMANDS[name].panel)
        else:
            app.command(name, short_help=COMMANDS[name].help, rich_help_panel=COMMANDS[name].panel)(command)
    return app


def _leave(exit: SystemExit) -> NoReturn:
    """Exit with this code even if a reader thread hangs in a file, which would keep the interpreter alive."""
    _flush()
    reading = sys.modules.get("aim_tui.engine.reading")
    if reading is not None and reading.readers_left():
        for stream in (sys.stdout, sys.stderr):
            # The reader of the pipe may be gone.
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(exit.code if isinstance(exit.code, int) else 0 if exit.code is None else 1)
    raise exit


def _flush() -> None:
    """Write what was printed now: where its reader is gone, the interpreter would complain of that at its end."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        from aim_tui.exports.sink import reader_left

        reader_left()


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True
