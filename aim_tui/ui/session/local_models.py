"""What is known of the profile's models on this machine, and how far a fetch is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aim_tui.hub.inventory import ModelState


@dataclass(frozen=True, slots=True)
class Fetching:
    """How far a fetch has come."""

    role: str = ""
    file: str = ""
    done: int = 0
    total: int = 0

    @property
    def share(self) -> str:
        """How much has come, such as '41 %'."""
        return f"{100 * self.done / self.total:.0f} %" if self.total else "asking the hub"


@dataclass(slots=True)
class LocalModels:
    """The models of the profile, as they were found."""

    states: list[ModelState] | None = None
    """What is known of each model, or None before it has been looked for."""
    fetching: Fetching | None = None
    problem: str = ""
    """Why the last fetch failed."""

    @property
    def missing(self) -> list[ModelState]:
        """The models that are not here or not complete."""
        return [state for state in self.states or () if not state.complete]

    def lacking(self, metrics: Iterable[str]) -> str:
        """Which models keep these metrics from being scored, in a few words; empty where none does."""
        if self.fetching is not None:
            return f"fetching models: {self.fetching.share}"
        wanted = set(metrics)
        missing = [state for state in self.missing if wanted.intersection(state.needed_by)]
        if not missing:
            return ""
        word = "model is" if len(missing) == 1 else "models are"
        return f"{len(missing)} {word} not on this machine"
