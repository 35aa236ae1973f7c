"""The messages between the screen and the worker: one JSON object a line, `{"job", "type", "body"}`.

The bodies are dataclasses; the scoring events of `core.events` are among them, so headless and worker runs report
the very same facts. Every body from the worker carries the number of the job (or other request) it belongs to,
so that what arrives late can be told from what is current.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from aim_tui.core.heatmaps import MakeMap, Map
from aim_tui.core.scoring import events
from aim_tui.core.scoring.jobs import EngineSettings, Job

#: Raised whenever a message changes its meaning; a worker of another version is refused.
PROTOCOL_VERSION = 3


@dataclass(frozen=True, slots=True)
class Configure:
    """To the worker: the settings for all jobs that follow. Models that differ are let go."""

    settings: EngineSettings


@dataclass(frozen=True, slots=True)
class Cancel:
    """To the worker: end the job after the batch that runs; what is finished has been sent."""


@dataclass(frozen=True, slots=True)
class CountTokens:
    """To the worker: how much of this prompt will CLIP see? Answered while a job runs."""

    text: str


@dataclass(frozen=True, slots=True)
class EmbedTexts:
    """To the worker: what does CLIP make of these texts? Answered by TextsEmbedded or TextsFailed, as MakeMap is."""

    texts: list[str]


@dataclass(frozen=True, slots=True)
class Hello:
    """From the worker, first: who it is."""

    version: int
    pid: int


@dataclass(frozen=True, slots=True)
class TokenCount:
    """From the worker: CLIP tokens with start and end, the limit, and what the model will not see.

    `cut_at` is the index of the first character that is cut off, or None. `bytes_only` is the share (0..1) of
    the letters that the tokenizer knows only as bytes: a model that never learned the script.
    """

    tokens: int
    limit: int
    cut_at: int | None
    bytes_only: float


@dataclass(frozen=True, slots=True)
class MapMade:
    """From the worker: the map that was asked for."""

    map: Map


@dataclass(frozen=True, slots=True)
class MapFailed:
    """From the worker: why there is no map, and what to do."""

    error: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class TextsEmbedded:
    """From the worker: the embedding of each text, of length one, and the embeddings of images that it compares with.

    `fingerprint` and `recipe` name the space of the store where those are kept that jobs with the present settings
    compute. `cut` are texts of which the model reads the beginning alone.
    """

    vectors: list[list[float]]
    fingerprint: str
    recipe: str
    cut: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TextsFailed:
    """From the worker: why there are no embeddings, and what to do."""

    error: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class JobEnded:
    """From the worker, last of a job. `failed` means that no image could be scored at all, with the reason.

    `model` names the model that could not be had, where that is why.
    """

    state: Literal["done", "cancelled", "failed"]
    error: str = ""
    hint: str = ""
    model: str = ""


Request = Configure | Job | Cancel | CountTokens | MakeMap | EmbedTexts
Report = Hello | TokenCount | MapMade | MapFailed | TextsEmbedded | TextsFailed | JobEnded | events.Event

REQUESTS: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (Configure, Job, Cancel, CountTokens, MakeMap, EmbedTexts)
}
REPORTS: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        Hello,
        TokenCount,
        MapMade,
        MapFailed,
        TextsEmbedded,
        TextsFailed,
        JobEnded,
        events.Phase,
        events.ModelLoaded,
        events.PromptRead,
        events.ImageRead,
        events.ImageFailed,
        events.MetricBatch,
        events.Notice,
    )
}


class ProtocolError(Exception):
    """A line that is no message of this protocol."""


@dataclass(frozen=True, slots=True)
class Message:
    """A body and the job (or other request) that it belongs to."""

    job: int
    body: Any


def encode(message: Message) -> bytes:
    """One line of ASCII JSON; undecodable bytes in file names survive as lone surrogate escapes."""
    line = {
        "job": message.job,
        "type": type(message.body).__name__,
        "body": msgspec.to_builtins(message.body),
    }
    return json.dumps(line, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes, known: dict[str, type[Any]]) -> Message:
    """The message in a line; ProtocolError where it is not JSON, not one of `known`, or of the wrong shape."""
    try:
        data = json.loads(line)
        return Message(int(data["job"]), msgspec.convert(data["body"], known[data["type"]]))
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise ProtocolError(f"not a message ({error}): {line[:200]!r}") from error
