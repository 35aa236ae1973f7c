"""What is known of a worker that died, and the offer to go on."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from aim_tui.core.text import printable
from aim_tui.ipc.worker_state import Crash
from aim_tui.ui.dialogs.confirm import ConfirmScreen


class CrashScreen(ConfirmScreen):
    """True to start the worker again."""

    def __init__(self, crash: Crash, left: int, things: str = "images") -> None:
        goes_on = f"go on with the {left} {things} that are left" if left else "be ready for the next job"
        hint = f" ({crash.hint})" if crash.hint else ""
        super().__init__(
            "The worker is gone",
            f"{printable(crash.reason)}{hint}.\nEvery score is kept. A restart would {goes_on}.",
            yes="Restart",
            no="Later",
            yes_is_safe=True,
        )
        self._crash = crash

    def body(self) -> list[Widget]:
        """Why it ended, in its own last words."""
        question, buttons = super().body()
        tail = printable(self._crash.stderr_tail, "\n") or "it left no last words"
        log = Static(Content.assemble((f"its log: {printable(str(self._crash.log))}\n", "$foreground-muted"), tail))
        return [question, buttons, log]

    def keys(self) -> str:
        """The keys for the answers."""
        return "y restart · n later"
