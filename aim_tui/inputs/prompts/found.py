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


@dataclass(frozen=True, slots=True)
class NoPrompt:
    """No prompt was found, with the reason."""

    reason: str


class PromptError(Exception):
    """Metadata or a file without a usable prompt; the message says why."""
