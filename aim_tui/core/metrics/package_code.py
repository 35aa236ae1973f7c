"""Running code of other packages: what it raises, prints or never finishes is their package's trouble alone."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

Result = TypeVar("Result")
Item = TypeVar("Item")


class PackageCodeError(Exception):
    """What went wrong, in one line."""


def imported(work: Callable[[], Result], seconds: float) -> Result:
    """The result of an import; PackageCodeError for whatever it raises, and where it does not come to an end.

    It runs in a thread of its own: nothing can stop an import that hangs, which ends with the process. What it prints
    is left out, since stdout belongs to the records of a command or to a screen.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="package-import", daemon=True)
    with contextlib.redirect_stdout(io.StringIO()):
        thread.start()
        thread.join(seconds)
    if results:
        return results[0]
    if errors:
        raise PackageCodeError(in_words(errors[0])) from errors[0]
    raise PackageCodeError(f"it did not end within {seconds:g} seconds")


def printing_to_stderr(events: Generator[Item]) -> Generator[Item]:
    """The same events, with stdout kept free while they are made."""
    try:
        while True:
            with contextlib.redirect_stdout(sys.stderr):
                try:
                    event = next(events)
                except StopIteration:
                    return
            yield event
    finally:
        with contextlib.redirect_stdout(sys.stderr):
            events.close()


def in_words(error: BaseException) -> str:
    """The type of an error and the first line of its text."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # its text is their code too
        lines = []
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
