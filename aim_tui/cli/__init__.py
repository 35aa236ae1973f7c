"""The `aim-tui` command: one file a sub-command; what a sub-command needs is imported inside it."""

from __future__ import annotations

import contextlib
import difflib
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from aim_tui import __version__
from aim_tui.cli import bench, cache, demo, models, open_app, report, runs, score
from aim_tui.errors import AimError, UsageError

app = typer.Typer(
    name="aim-tui",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Evaluate AI-generated images: CLIP score, caption similarity and LPIPS, live in the terminal.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


app.command("open", help="Open the application on a folder (what a bare `aim-tui [PATH]` does).")(open_app.open_app)
app.command("demo", help="Try it on the embedded sample images and sample models.")(demo.demo)
app.command("score", help="Score images without the application.")(score.score)
app.add_typer(runs.app, name="runs", help="See, compare, export and delete what has been scored.")
app.command("report", help="Write a run as one HTML page with pictures.")(report.report)
app.command("bench", help="Measure this machine's speed with a profile's models.")(bench.bench)
app.add_typer(models.app, name="models", help="See, check and fetch the models that a profile needs.")
app.add_typer(cache.app, name="cache", help="See and prune what models have computed and is kept.")


def _open_by_default(args: list[str]) -> list[str]:
    """`aim-tui FOLDER` and a bare `aim-tui` open the application, as `aim-tui open FOLDER` does.

    Raises UsageError for what is neither a command nor a path and looks like a mistyped command.
    """
    commands = [command.name for command in app.registered_commands if command.name]
    commands += [group.name for group in app.registered_groups if group.name]
    first = args[0] if args else ""
    if first in (*commands, "--help", "-h", "--version"):
        return args
    if not first.startswith("-") and not os.path.lexists(first):
        near = difflib.get_close_matches(first, commands, n=1)
        if near:
            raise UsageError(
                f"unknown command {first!r}; did you mean {near[0]!r}?",
                "there is no file or folder of that name either",
            )
    return ["open", *args]


def main() -> None:
    """Run the command line; an expected error is two lines on stderr and an exit code, never a traceback."""
    try:
        try:
            app(args=_open_by_default(sys.argv[1:]))
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


def _leave(leaving: SystemExit) -> NoReturn:
    """End with this exit code, also where a thread hangs in a file: the interpreter cannot end beside it."""
    reading = sys.modules.get("aim_tui.worker.reading")
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
