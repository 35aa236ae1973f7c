"""Messages to and from the pipes: written as pieces of lines, read as whole lines of a buffer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from aim_tui.core.scoring.jobs import Job
from aim_tui.ipc.protocol import Message, encode

_ITEMS_AT_ONCE = 1000


def take_lines(pending: bytearray) -> Iterator[bytes]:
    """The whole lines at the front of a buffer, taken out of it."""
    end = pending.rfind(b"\n") + 1
    if end:
        lines = bytes(pending[:end]).splitlines()
        del pending[:end]
        yield from (line for line in lines if line.strip())


def pieces(message: Message) -> Iterator[bytes]:
    """The line of a message in pieces, each encoded in a few milliseconds whatever the number of items.

    A thread would not help: the encoder is one call into C, during which no other thread runs.
    """
    body = message.body
    if not isinstance(body, Job) or len(body.items) <= _ITEMS_AT_ONCE:
        yield encode(message)
        return
    # The items are a field of a job: their list replaces an empty one.
    head, _, tail = encode(Message(message.job, replace(body, items=[]))).rpartition(b"[]")
    yield head + b"["
    for start in range(0, len(body.items), _ITEMS_AT_ONCE):
        part = encode(Message(message.job, replace(body, items=body.items[start : start + _ITEMS_AT_ONCE])))
        yield (b"," if start else b"") + part[len(head) + 1 : len(part) - len(tail) - 1]
    yield b"]" + tail
