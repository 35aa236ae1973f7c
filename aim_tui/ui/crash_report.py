"""The report of an error in the application itself: one sentence for the user, and a log without values."""

from __future__ import annotations

import os
import traceback

from aim_tui.core.text import printable
from aim_tui.errors import AimError
from aim_tui.settings.logs import new_log


def crash_report(error: BaseException, *, stored: bool) -> AimError:
    """Write the traceback of an error into a log; returns what to show the user.

    `stored` says whether the application had a store. The log has no values of variables: they can hold a token.
    """
    try:
        log, handle = new_log("crash", str(os.getpid()))
        with open(handle, "w", errors="replace") as stream:
            traceback.print_exception(error, file=stream)
        where = f"the traceback is in {log}"
    except OSError as trouble:
        where = f"its log could not be written: {trouble.strerror}"
    cause = (str(error).splitlines() or [""])[0]
    return AimError(
        f"aim-tui closed because of an error of its own: {type(error).__name__}: {printable(cause)}",
        f"{'ratings and scores are stored' if stored else 'without a store, the scores are lost'}; {where}",
    )
