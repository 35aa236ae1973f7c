"""Keep the working folder off the import path: other people's files lie there, and one may be called random.py."""

from __future__ import annotations

import os
import sys

PYTHON = (sys.executable, "-P")
"""How a process of our own starts: `-P` keeps the working folder off its import path."""

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def isolate() -> None:
    """Never import from the working folder, in this process or in any that it or a library starts.

    A folder that the program itself lies in stays: that is a checkout of it.
    """
    sys.path[:] = _trusted(sys.path)
    # What multiprocessing and loky start inherits this.
    os.environ["PYTHONSAFEPATH"] = "1"
    if "PYTHONPATH" in os.environ:
        # An empty entry, as `PYTHONPATH=$PYTHONPATH:/x` leaves it, stands for the working folder.
        os.environ["PYTHONPATH"] = os.pathsep.join(_trusted(os.environ["PYTHONPATH"].split(os.pathsep)))


def _trusted(entries: list[str]) -> list[str]:
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # the working folder is gone
        here = ""
    return [entry for entry in entries if not _leads_here(entry, here) or here == _OWN]


def _leads_here(entry: str, here: str) -> bool:
    # Hooks of editable installs stand in the path under names that are no folders.
    return not entry or os.path.realpath(entry) == here or (not os.path.isabs(entry) and os.path.exists(entry))
