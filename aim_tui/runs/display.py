"""How a run reports progress: commands show a bar or lines, the Python API nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from aim_tui.core.scoring.events import Event, ModelLoaded, Notice, Phase, PhaseName, PromptRead


class Tone(StrEnum):
    """The kind of a line."""

    PLAIN = "plain"
    SUMMARY = "summary"
    WARNING = "warning"
    ERROR = "error"


class Display:
    """Shows messages and progress of a run, which never prints itself. This one is silent, for the Python API.

    As a context manager it shows progress inside its block.
    """

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Show a line that stays."""

    def phase(self, text: str) -> None:
        """Show the current phase, such as which model is loading."""

    def progress(self, text: str = "", done: int | None = None, total: int | None = None) -> None:
        """Show progress; arguments that are not given stay unchanged."""

    def stopping(self) -> None:
        """Show that the run stops after its batch; called from a signal handler."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the progress."""


class EventReport:
    """Shows the events of the engine on a display, each line once, over all jobs of a run."""

    def __init__(self, display: Display, doing: str = "scoring", *, models: bool = False) -> None:
        self.display = display
        self._doing = doing
        self._models = models
        self._shown: set[str] = set()

    def event(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Phase(PhaseName.SCORING, _):
                self.display.progress(self._doing)
            case Phase(name, detail):
                self._phase(f"{name} {detail}")
            case PromptRead(tokens, limit, True, text, None):
                model = "CLIP" if text == "prompt" else "its model"
                self.once(f"the {text} has {tokens} tokens; {model} reads the first {limit}", Tone.WARNING)
            case ModelLoaded(info) if self._models:
                self.once(f"{info.role}: {info.id} ({info.dtype} on {info.device})")
            case Notice(text):
                self.once(text, Tone.WARNING)

    def _phase(self, text: str) -> None:
        self.display.progress(text)
        if text not in self._shown:
            self._shown.add(text)
            self.display.phase(text)

    def once(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Show a line that was not shown before."""
        if text not in self._shown:
            self._shown.add(text)
            self.display.say(text, tone)
