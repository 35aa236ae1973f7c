"""Code of other packages: whatever it does, there is a result or a reason."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from aim_tui.core.metrics.package_code import PackageCodeError, imported, in_words, printing_to_stderr


def _raise(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_an_import_that_works_gives_its_result() -> None:
    assert imported(lambda: 5, 9) == 5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (GeneratorExit(), "GeneratorExit"),
        (BaseException("anything"), "BaseException: anything"),
        (ValueError("first\nsecond"), "ValueError: first"),
    ],
)
def test_whatever_an_import_raises_is_a_reason(error: BaseException, words: str) -> None:
    with pytest.raises(PackageCodeError, match=f"^{words}$"):
        imported(_raise(error), 9)


def test_an_import_that_never_ends_is_a_reason_too() -> None:
    hanging = threading.Event()
    with pytest.raises(PackageCodeError, match="it did not end within 0.01 seconds"):
        imported(hanging.wait, 0.01)
    hanging.set()


def test_what_an_import_prints_reaches_no_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    imported(lambda: print("hello"), 9)
    assert capsys.readouterr().out == ""


def test_events_are_made_with_stdout_kept_free(capsys: pytest.CaptureFixture[str]) -> None:
    def make():
        print("before")
        yield 1
        print("after")
        yield 2

    for event in printing_to_stderr(make()):
        print("event", event)
    found = capsys.readouterr()
    assert (found.out, found.err) == ("event 1\nevent 2\n", "before\nafter\n")


def test_events_are_closed_with_whoever_reads_them() -> None:
    closed = []

    def make():
        try:
            yield 1
        finally:
            closed.append(sys.stdout is sys.stderr)

    events = printing_to_stderr(make())
    next(events)
    events.close()
    assert closed == [True]


def test_an_error_whose_text_fails_is_named() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert in_words(Mute()) == "Mute"
