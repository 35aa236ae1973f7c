"""What a search for an image's prompt gives: the prompt with its origin, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PromptFrom(StrEnum):
    """Where to look for prompts."""

    METADATA = "metadata"
    SIDECAR = "sidecar"
    FILENAME = "filename"


@dataclass(frozen=True, slots=True)
class FoundPrompt:
    """A prompt and its origin ('A1111 parameters', 'cabin.txt'); `removed` are the network tags that it had."""

    prompt: str
    origin: str
    removed: tuple[str, ...] = ()

    @property
    def described(self) -> str:
        """The origin, and which tags are not in the prompt."""
        return f"{self.origin}, without {', '.join(self.removed)}" if self.removed else self.origin


def origin_in(described: str) -> tuple[str, bool]:
    """The origin in a description, and whether tags were removed from its prompt."""
    # A tag begins with the bracket.
    origin, without, _ = described.partition(", without <")
    return origin, bool(without)


@dataclass(frozen=True, slots=True)
class NoPrompt:
    """No prompt was found, with the reason."""

    reason: str


class PromptError(Exception):
    """Metadata or a file without a usable prompt; the message says why."""
