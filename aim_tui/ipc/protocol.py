"""The messages between the screen and the worker: one JSON object a line, `{"job", "type", "body"}`.

The bodies are dataclasses; the events of `core.scoring.events` are among them, so headless and worker runs report the
same facts. Each message has the number of its job (or other request), so that late ones can be dropped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from aim_tui.core.heatmaps import MakeMap, Map
from aim_tui.core.scoring import events
from aim_tui.core.scoring.jobs import EngineSettings, Job

#: Increased whenever a message changes its meaning; a worker of another version is refused.
PROTOCOL_VERSION = 4


@dataclass(frozen=True, slots=True)
class Configure:
    """To the worker: the settings for all jobs that follow. Models that are no longer used are released."""

    settings: EngineSettings


@dataclass(frozen=True, slots=True)
class Cancel:
    """To the worker: end the job after the current batch; what is finished has been sent."""


@dataclass(frozen=True, slots=True)
class CountTokens:
    """To the worker: count the tokens of a prompt. Answered while a job runs."""

    text: str


@dataclass(frozen=True, slots=True)
class EmbedTexts:
    """To the worker: embed these texts with CLIP. Answered by TextsEmbedded or RequestFailed, when MakeMap is."""

    texts: list[str]


@dataclass(frozen=True, slots=True)
class Hello:
    """From the worker, first: its version and process."""

    version: int
    pid: int


@dataclass(frozen=True, slots=True)
class TokenCount:
    """From the worker: CLIP tokens with start and end, the limit, and what the model will not see.

    `cut_at` is the index of the first character that is cut off, or None. `bytes_only` is the share (0..1) of letters
    that the tokenizer knows only as bytes: the model never learned the script.
    """

    tokens: int
    limit: int
    cut_at: int | None
    bytes_only: float


@dataclass(frozen=True, slots=True)
class MapMade:
    """From the worker: the requested map."""

    map: Map


@dataclass(frozen=True, slots=True)
class TextsEmbedded:
    """From the worker: the embedding of each text, of length one.

    `fingerprint` and `recipe` name the space of the store with the matching image embeddings, those that jobs with the
    current settings compute. `cut` are texts of which the model reads only the beginning.
    """

    vectors: list[list[float]]
    fingerprint: str
    recipe: str
    cut: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """From the worker: why there is no map or no embedding, and what to do."""

    error: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class JobEnded:
    """From the worker, last of a job. `failed` means that no image could be scored, with the reason.

    `model` names the model that is not available, if that is the reason.
    """

    state: Literal["done", "cancelled", "failed"]
    error: str = ""
    hint: str = ""
    model: str = ""


Request = Configure | Job | Cancel | CountTokens | MakeMap | EmbedTexts
Report = Hello | TokenCount | MapMade | TextsEmbedded | RequestFailed | JobEnded | events.Event

REQUESTS: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (Configure, Job, Cancel, CountTokens, MakeMap, EmbedTexts)
}
REPORTS: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        Hello,
        TokenCount,
        MapMade,
        TextsEmbedded,
        RequestFailed,
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
    """A line that is not a message of this protocol."""


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
